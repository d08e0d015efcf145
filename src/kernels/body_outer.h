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
