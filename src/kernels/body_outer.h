/* body_outer.h: part of kernels_body.h: outer products of rows. */

static void k_outer(uint32_t m, uint32_t a, uint32_t b, const float *x, uint32_t ldx, const float *y, uint32_t ldy, float *z)
{
    for (uint32_t r = 0; r < m; r++)
        for (uint32_t j = 0; j < a; j++) {
            const vf v = vf_set(at(x, r, ldx)[j]);
            float *out = z + ((size_t)r * a + j) * b;
            FOR_BLOCKS(i, c, b) store(out + i, c, v * load(at(y, r, ldy) + i, c));
        }
}

static void k_outer_back(uint32_t m, uint32_t a, uint32_t b, const float *x, uint32_t ldx, const float *y, uint32_t ldy,
                         const float *gz, float *gx, uint32_t ldgx, float *gy, uint32_t ldgy)
{
    for (uint32_t r = 0; r < m; r++)
        for (uint32_t j = 0; j < a; j++) {
            const vf v = vf_set(at(x, r, ldx)[j]);
            const float *g = gz + ((size_t)r * a + j) * b;
            float *to = at_out(gy, r, ldgy);
            vf s = vf_set(0);
            FOR_BLOCKS(i, c, b)
            {
                const vf vg = load(g + i, c);
                s += vg * load(at(y, r, ldy) + i, c);
                store(to + i, c, load(to + i, c) + vg * v);
            }
            at_out(gx, r, ldgx)[j] += vf_sum(s); /* after gy, which may be the same row */
        }
}

static void k_outer_rows(uint32_t a, uint32_t b, uint32_t n, int upper, const float *x, const float *y, float *z)
{
    for (uint32_t i = 0; i < a; i++)
        for (uint32_t j = upper ? i : 0; j < b; j++, z += n)
            FOR_BLOCKS(e, c, n) store(z + e, c, load(at(x, i, n) + e, c) * load(at(y, j, n) + e, c));
}

/* OUTER_PART floats of each row at a time: of gz every row once, of the others as many as stay in the nearest cache. */
#define OUTER_PART 64
/* Row i of the pairs with y_first and on, `count` of them. */
INLINE void outer_rows_block(uint32_t count, uint32_t n, size_t c, const float *x, const float *y, const float *gz, float *gx, float *gy)
{
    const vf vx = load(x, c);
    vf s = vf_set(0);
    for (uint32_t j = 0; j < count; j++) {
        const vf g = load(at(gz, j, n), c);
        float *to = at_out(gy, j, n);
        s += g * load(at(y, j, n), c);
        store(to, c, load(to, c) + g * vx);
    }
    store(gx, c, load(gx, c) + s); /* after gy, which may be the same */
}

static void k_outer_rows_back(uint32_t a, uint32_t b, uint32_t n, int upper, const float *x, const float *y, const float *gz, float *gx,
                              float *gy)
{
    for (size_t part = 0; part < n; part += OUTER_PART) {
        const size_t end = part + OUTER_PART < n ? part + OUTER_PART : n;
        const float *g = gz;
        for (uint32_t i = 0; i < a; i++) {
            const uint32_t first = upper ? i : 0, count = b - first;
            for (size_t e = part, c; e < end && (c = block(end - e), 1); e += KERNEL_LANES) {
                const float *xi = at(x, i, n) + e, *yj = at(y, first, n) + e;
                float *gxi = at_out(gx, i, n) + e, *gyj = at_out(gy, first, n) + e;
                if (c == KERNEL_LANES)
                    outer_rows_block(count, n, KERNEL_LANES, xi, yj, g + e, gxi, gyj);
                else
                    outer_rows_block(count, n, c, xi, yj, g + e, gxi, gyj);
            }
            g += (size_t)count * n;
        }
    }
}
