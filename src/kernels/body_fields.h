/* body_fields.h: part of kernels_body.h: fields e [m x f x d], alone and in pairs. */

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

static void k_pair_product(uint32_t m, uint32_t f, uint32_t d, int self, const float *a, const float *b, float *y)
{
    for (uint32_t r = 0; r < m; r++)
        for (size_t i = (size_t)r * f; i < ((size_t)r + 1) * f; i++)
            for (size_t j = i + !self; j < ((size_t)r + 1) * f; j++, y += d)
                FOR_BLOCKS(k, c, d) store(y + k, c, load(at(a, i, d) + k, c) * load(at(b, j, d) + k, c));
}

static void k_pair_product_back(uint32_t m, uint32_t f, uint32_t d, int self, const float *a, const float *b, const float *g,
                                float *ga, float *gb)
{
    for (uint32_t r = 0; r < m; r++)
        for (size_t i = (size_t)r * f; i < ((size_t)r + 1) * f; i++)
            for (size_t j = i + !self; j < ((size_t)r + 1) * f; j++, g += d) {
                k_mul_add(d, at(b, j, d), g, at_out(ga, i, d));
                if (gb) k_mul_add(d, at(a, i, d), g, at_out(gb, j, d));
            }
}

static void k_pair_scale(uint32_t m, uint32_t f, uint32_t d, const float *a, const float *b, float *y)
{
    for (uint32_t r = 0; r < m; r++)
        for (size_t i = 0; i < f; i++)
            for (size_t j = i + 1; j < f; j++, a += d, y += d)
                FOR_BLOCKS(k, c, d) store(y + k, c, load(a + k, c) * load(at(b, (size_t)r * f + j, d) + k, c));
}

static void k_pair_scale_back(uint32_t m, uint32_t f, uint32_t d, const float *a, const float *b, float *g, float *gb)
{
    for (uint32_t r = 0; r < m; r++)
        for (size_t i = 0; i < f; i++)
            for (size_t j = i + 1; j < f; j++, a += d, g += d) {
                if (gb) k_mul_add(d, a, g, at_out(gb, (size_t)r * f + j, d));
                k_mul(d, at(b, (size_t)r * f + j, d), g);
            }
}

/* ---- fields to one vector and back ---- */

static void k_field_sum(uint32_t m, uint32_t f, uint32_t d, float scale, const float *e, float *y)
{
    for (uint32_t r = 0; r < m; r++)
        FOR_BLOCKS(k, c, d)
        {
            vf s = vf_set(0);
            for (uint32_t j = 0; j < f; j++) s += load(at(e, (size_t)r * f + j, d) + k, c);
            store(at_out(y, r, d) + k, c, vf_set(scale) * s);
        }
}

static void k_field_spread(uint32_t m, uint32_t f, uint32_t d, float scale, const float *y, float *e)
{
    for (uint32_t r = 0; r < m; r++)
        for (uint32_t j = 0; j < f; j++) k_scale_add(d, scale, at(y, r, d), at_out(e, (size_t)r * f + j, d));
}

static void k_field_mix(uint32_t m, uint32_t f, uint32_t d, const float *a, const float *e, float *y)
{
    for (uint32_t r = 0; r < m; r++)
        FOR_BLOCKS(k, c, d)
        {
            vf s = vf_set(0);
            for (uint32_t j = 0; j < f; j++) s += vf_set(at(a, r, f)[j]) * load(at(e, (size_t)r * f + j, d) + k, c);
            store(at_out(y, r, d) + k, c, s);
        }
}

static void k_field_mix_back(uint32_t m, uint32_t f, uint32_t d, const float *a, const float *e, const float *g, float *ga, float *ge)
{
    for (uint32_t r = 0; r < m; r++)
        for (uint32_t j = 0; j < f; j++) {
            const size_t at_field = (size_t)r * f + j;
            ga[at_field] = product_of(d, at(g, r, d), at(e, at_field, d));
            if (ge) k_scale_add(d, a[at_field], at(g, r, d), at_out(ge, at_field, d));
        }
}
