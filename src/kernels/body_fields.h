/* body_fields.h: part of kernels_body.h: pairs of fields, e [m x f x d]. */

static void k_bi_interaction(uint32_t m, uint32_t f, uint32_t d, const float *e, float *sum, float *y)
{
    for (uint32_t r = 0; r < m; r++) {
        const float *row = at(e, r, (size_t)f * d);
        FOR_BLOCKS(i, c, d)
        {
            vf s = vf_set(0), q = vf_set(0);
            for (uint32_t j = 0; j < f; j++) {
                const vf v = load(at(row, j, d) + i, c);
                s += v;
                q += v * v;
            }
            store(at_out(sum, r, d) + i, c, s);
            store(at_out(y, r, d) + i, c, 0.5f * (s * s - q));
        }
    }
}

static void k_bi_interaction_back(uint32_t m, uint32_t f, uint32_t d, const float *e, const float *sum, const float *g, float *ge)
{
    for (uint32_t r = 0; r < m; r++) {
        const float *row = at(e, r, (size_t)f * d);
        float *out = at_out(ge, r, (size_t)f * d);
        FOR_BLOCKS(i, c, d)
        {
            const vf s = load(at(sum, r, d) + i, c), gy = load(at(g, r, d) + i, c);
            for (uint32_t j = 0; j < f; j++) {
                float *p = at_out(out, j, d) + i;
                store(p, c, load(p, c) + gy * (s - load(at(row, j, d) + i, c)));
            }
        }
    }
}

/* ---- inner products ---- */

#define PAIR_ROWS 4 /* vectors at a time, as many independent sums */
INLINE size_t pair_padded(uint32_t f) { return ((size_t)f + KERNEL_LANES - 1) / KERNEL_LANES * KERNEL_LANES; }

/* Vectors [f x d] as columns: t[k][j] = e[j][k], rows of pair_padded(f). */
INLINE void pair_columns(uint32_t f, uint32_t d, const float *e, float *t)
{
    const size_t ld = pair_padded(f);
    for (uint32_t j = 0; j < f; j++)
        for (uint32_t k = 0; k < d; k++) t[k * ld + j] = e[(size_t)j * d + k];
}

/* Products of vectors i0 .. i0 + rows with those from i0 (+ 1 without self) on, sums in order of k. Each block of sums is
 * stored where its row begins; the lanes before that are of pairs that come later, so rows go from the last to the first. */
INLINE void pair_group(uint32_t f, uint32_t d, uint32_t self, uint32_t i0, uint32_t rows, const float *e, const float *t, float *y)
{
    const size_t ld = pair_padded(f);
    for (size_t j = i0 + 1 - self, c; j < f; j += KERNEL_LANES) {
        vf s[PAIR_ROWS] = {{0}};
        c = block(f - j);
        for (uint32_t k = 0; k < d; k++) {
            const vf v = vf_load(t + k * ld + j);
            for (uint32_t i = 0; i < PAIR_ROWS; i++) s[i] += vf_set(e[(size_t)(i0 + (i < rows ? i : 0)) * d + k]) * v;
        }
        for (uint32_t i = rows; i-- > 0;) {
            const size_t row = i0 + i, begin = row * (2 * (size_t)f + 2 * self - row - 1) / 2; /* pairs before row's */
            if (j + c > row + 1 - self) store(y + begin + j - (row + 1 - self), c, s[i]);
        }
    }
}

static void k_pair_inner(uint32_t m, uint32_t f, uint32_t d, int self, const float *e, float *scratch, float *y)
{
    const size_t pairs = (size_t)f * (f - 1) / 2 + (self ? f : 0);
    for (uint32_t r = 0; r < m; r++) {
        const float *row = at(e, r, (size_t)f * d);
        pair_columns(f, d, row, scratch);
        for (uint32_t g = (f + PAIR_ROWS - 1) / PAIR_ROWS; g-- > 0;) {
            const uint32_t left = f - g * PAIR_ROWS;
            pair_group(f, d, self ? 1 : 0, g * PAIR_ROWS, left < PAIR_ROWS ? left : PAIR_ROWS, row, scratch, at_out(y, r, pairs));
        }
    }
}

/* Both halves of the gradients of a row's pairs: t[i][j] = t[j][i]; on the diagonal twice that of the square. */
INLINE void pair_square(uint32_t f, int self, const float *g, float *t)
{
    for (size_t i = 0; i < f; i++) {
        t[i * f + i] = self ? 2.0f * *g++ : 0;
        for (size_t j = i + 1; j < f; j++) t[i * f + j] = t[j * f + i] = *g++;
    }
}

static void k_pair_inner_back(uint32_t m, uint32_t f, uint32_t d, int self, const float *e, const float *g, float *scratch,
                              float *ge)
{
    const size_t pairs = (size_t)f * (f - 1) / 2 + (self ? f : 0);
    for (uint32_t r = 0; r < m; r++) {
        const float *row = at(e, r, (size_t)f * d);
        float *out = at_out(ge, r, (size_t)f * d);
        pair_square(f, self, at(g, r, pairs), scratch);
        for (uint32_t i0 = 0; i0 < f; i0 += PAIR_ROWS) {
            const uint32_t rows = f - i0 < PAIR_ROWS ? f - i0 : PAIR_ROWS;
            FOR_BLOCKS(k, c, d)
            {
                vf s[PAIR_ROWS] = {{0}};
                for (uint32_t j = 0; j < f; j++) {
                    const vf v = load(at(row, j, d) + k, c);
                    for (uint32_t i = 0; i < PAIR_ROWS; i++) s[i] += vf_set(at(scratch, i0 + (i < rows ? i : 0), f)[j]) * v;
                }
                for (uint32_t i = 0; i < rows; i++) {
                    float *p = at_out(out, i0 + i, d) + k;
                    store(p, c, load(p, c) + s[i]);
                }
            }
        }
    }
}

/* ---- products element by element ---- */

static void k_pair_product(uint32_t m, uint32_t f, uint32_t d, int self, int by_pair, const float *a, const float *b, float *y)
{
    const size_t pairs = (size_t)f * (f - 1) / 2 + (self ? f : 0), size = (size_t)f * d;
    for (uint32_t r = 0; r < m; r++) {
        const float *left = at(a, r, by_pair ? pairs * d : size), *right = at(b, r, size);
        float *out = at_out(y, r, pairs * d);
        for (size_t i = 0, p = 0; i < f; i++)
            for (size_t j = i + !self; j < f; j++, p++) {
                const float *x = at(left, by_pair ? p : i, d);
                FOR_BLOCKS(k, c, d) store(at_out(out, p, d) + k, c, load(x + k, c) * load(at(right, j, d) + k, c));
            }
    }
}

static void k_pair_product_back(uint32_t m, uint32_t f, uint32_t d, int self, int by_pair, const float *a, const float *b,
                                const float *g, float *ga, float *gb)
{
    const size_t pairs = (size_t)f * (f - 1) / 2 + (self ? f : 0), size = (size_t)f * d;
    const size_t left_size = by_pair ? pairs * d : size;
    for (uint32_t r = 0; r < m; r++) {
        const float *left = at(a, r, left_size), *right = at(b, r, size), *gy = at(g, r, pairs * d);
        float *gl = at_out(ga, r, left_size), *gr = at_out(gb, r, size);
        for (size_t i = 0, p = 0; i < f; i++)
            for (size_t j = i + !self; j < f; j++, p++) {
                const size_t x = (by_pair ? p : i) * d;
                FOR_BLOCKS(k, c, d)
                {
                    const vf v = load(gy + p * d + k, c);
                    store(gl + x + k, c, load(gl + x + k, c) + v * load(right + j * d + k, c));
                    store(gr + j * d + k, c, load(gr + j * d + k, c) + v * load(left + x + k, c));
                }
            }
    }
}
