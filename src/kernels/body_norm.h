/* body_norm.h: part of kernels_body.h: dropout and batch norm. */

/* ---- dropout ---- */

/* Eight consecutive 64-bit draws lie in memory as 32 16-bit draws in order (little-endian). */
INLINE vu64 draws(uint64_t key, uint64_t first)
{
    vu64 z = {1, 2, 3, 4, 5, 6, 7, 8};
    z = (z + first) * RNG_GOLDEN + key;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

static void k_dropout(uint32_t m, uint32_t n, float *x, uint32_t ldx, uint64_t key, uint64_t row0, uint32_t keep16,
                      float scale)
{
    const vi keep = vi_set((int32_t)keep16);
    const vf vs = vf_set(scale);
    for (uint32_t r = 0; r < m; r++) {
        float *row = at_out(x, r, ldx);
        const uint64_t row_key = rng_fold(key, row0 + r);
        for (size_t j = 0; j < n; j += 32) {
            vu64 u = draws(row_key, j / 4);
            vu16 half[2];
            memcpy(half, &u, sizeof u);
            for (size_t h = 0; h < 2 && j + 16 * h < n; h++) {
                float *p = row + j + 16 * h;
                size_t c = block(n - j - 16 * h);
                vi draw = __builtin_convertvector(half[h], vi);
                store(p, c, vf_select(draw < keep, load(p, c) * vs, vf_set(0)));
            }
        }
    }
}

/* ---- batch norm ---- */

static void k_batch_norm_stats(uint32_t m, uint32_t n, const float *x, float *mean, float *var)
{
    const vf count = vf_set((float)m);
    FOR_BLOCKS(i, c, n)
    {
        vf s = vf_set(0), q = vf_set(0);
        for (uint32_t r = 0; r < m; r++) s += load(at(x, r, n) + i, c);
        const vf mu = s / count;
        for (uint32_t r = 0; r < m; r++) {
            vf d = load(at(x, r, n) + i, c) - mu;
            q += d * d;
        }
        store(mean + i, c, mu);
        store(var + i, c, q / count);
    }
}

static void k_batch_norm_apply(uint32_t m, uint32_t n, const float *x, const float *mean, const float *var, float eps,
                               const float *gamma, const float *beta, float *y)
{
    FOR_BLOCKS(i, c, n)
    {
        const vf mu = load(mean + i, c), b = load(beta + i, c);
        const vf a = 1.0f / vf_sqrt(load(var + i, c) + vf_set(eps)) * load(gamma + i, c);
        for (uint32_t r = 0; r < m; r++) store(at_out(y, r, n) + i, c, (load(at(x, r, n) + i, c) - mu) * a + b);
    }
}

static void k_batch_norm_back(uint32_t m, uint32_t n, const float *x, const float *mean, const float *var, float eps,
                              const float *gamma, const float *gy, float *gx, float *ggamma, float *gbeta)
{
    const vf count = vf_set((float)m);
    FOR_BLOCKS(i, c, n)
    {
        const vf mu = load(mean + i, c), rstd = 1.0f / vf_sqrt(load(var + i, c) + vf_set(eps));
        vf sg = vf_set(0), sx = vf_set(0);
        for (uint32_t r = 0; r < m; r++) {
            const vf g = load(at(gy, r, n) + i, c);
            sg += g;
            sx += g * ((load(at(x, r, n) + i, c) - mu) * rstd);
        }
        const vf a = load(gamma + i, c) * rstd, mg = sg / count, mx = sx / count;
        for (uint32_t r = 0; r < m; r++) {
            const vf hat = (load(at(x, r, n) + i, c) - mu) * rstd;
            store(at_out(gx, r, n) + i, c, a * (load(at(gy, r, n) + i, c) - mg - hat * mx));
        }
        store(ggamma + i, c, load(ggamma + i, c) + sx);
        store(gbeta + i, c, load(gbeta + i, c) + sg);
    }
}
