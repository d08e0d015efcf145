/* body_rows.h: part of kernels_body.h: whole rows: layer norm, sums and products along a row. Sums are taken in KERNEL_LANES
 * partial sums. */

INLINE float sum_of(uint32_t n, const float *x)
{
    vf s = vf_set(0);
    FOR_BLOCKS(i, c, n) s += load(x + i, c);
    return vf_sum(s);
}

INLINE float product_of(uint32_t n, const float *x, const float *y)
{
    vf s = vf_set(0);
    FOR_BLOCKS(i, c, n) s += load(x + i, c) * load(y + i, c);
    return vf_sum(s);
}

/* Mean and 1 / standard deviation of a row. */
INLINE void row_moments(uint32_t n, const float *x, float eps, float *mean, float *rstd)
{
    const float mu = sum_of(n, x) / (float)n;
    vf q = vf_set(0);
    FOR_BLOCKS(i, c, n)
    {
        vf d = load(x + i, c) - vf_set(mu);
        if (c < KERNEL_LANES) /* missing lanes hold -mu */
            for (size_t l = c; l < KERNEL_LANES; l++) d[l] = 0;
        q += d * d;
    }
    *mean = mu;
    *rstd = 1.0f / __builtin_sqrtf(vf_sum(q) / (float)n + eps);
}

static void k_layer_norm(uint32_t m, uint32_t n, uint32_t groups, float eps, const float *x, const float *gamma, const float *beta,
                         float *y)
{
    for (uint32_t r = 0; r < m; r++) {
        const size_t from = (size_t)(r % groups) * n;
        float mean, rstd;
        row_moments(n, at(x, r, n), eps, &mean, &rstd);
        FOR_BLOCKS(i, c, n)
        {
            const vf hat = (load(at(x, r, n) + i, c) - vf_set(mean)) * vf_set(rstd);
            store(at_out(y, r, n) + i, c, hat * load(gamma + from + i, c) + load(beta + from + i, c));
        }
    }
}

/* gx = rstd (gh - mean(gh) - h mean(gh h)), gh = gy gamma. */
static void k_layer_norm_back(uint32_t m, uint32_t n, uint32_t groups, float eps, const float *x, const float *gamma,
                              const float *gy, float *gx, float *ggamma, float *gbeta)
{
    for (uint32_t r = 0; r < m; r++) {
        const size_t from = (size_t)(r % groups) * n;
        float mean, rstd;
        row_moments(n, at(x, r, n), eps, &mean, &rstd);
        vf sg = vf_set(0), sx = vf_set(0);
        FOR_BLOCKS(i, c, n)
        {
            const vf hat = (load(at(x, r, n) + i, c) - vf_set(mean)) * vf_set(rstd), g = load(at(gy, r, n) + i, c);
            const vf gh = g * load(gamma + from + i, c); /* zero in missing lanes */
            sg += gh;
            sx += gh * hat;
            store(ggamma + from + i, c, load(ggamma + from + i, c) + g * hat);
            store(gbeta + from + i, c, load(gbeta + from + i, c) + g);
        }
        if (!gx) continue;
        const vf mg = vf_set(vf_sum(sg) / (float)n), mx = vf_set(vf_sum(sx) / (float)n);
        FOR_BLOCKS(i, c, n)
        {
            const vf hat = (load(at(x, r, n) + i, c) - vf_set(mean)) * vf_set(rstd);
            const vf gh = load(at(gy, r, n) + i, c) * load(gamma + from + i, c);
            store(at_out(gx, r, n) + i, c, load(at(gx, r, n) + i, c) + vf_set(rstd) * (gh - mg - hat * mx));
        }
    }
}

static void k_row_sum(uint32_t m, uint32_t n, float scale, const float *x, float *y)
{
    for (uint32_t r = 0; r < m; r++) y[r] = scale * sum_of(n, at(x, r, n));
}

static void k_row_spread(uint32_t m, uint32_t n, float scale, const float *y, float *x)
{
    for (uint32_t r = 0; r < m; r++) {
        const vf v = vf_set(scale * y[r]);
        FOR_BLOCKS(i, c, n) store(at_out(x, r, n) + i, c, load(at(x, r, n) + i, c) + v);
    }
}

static void k_rows_scale_add(uint32_t m, uint32_t n, const float *s, const float *x, float *y)
{
    for (uint32_t r = 0; r < m; r++) k_scale_add(n, s[r], at(x, r, n), at_out(y, r, n));
}
