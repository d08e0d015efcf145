/* body_activation.h: part of kernels_body.h: functions of one number beyond relu, sigmoid and tanh.
 *
 * gelu(x) = x Phi(x) (Hendrycks 2016), Phi the normal distribution. With t = |x| / sqrt 2 and u = 1 / (1 + 0.45 t),
 * 1 - erf t = exp(-t^2) P(u), P of degree 7, fitted here by weighted least squares: |error| < 2e-9. */

/* Phi(x), given e = exp(-x^2 / 2). */
INLINE vf vf_phi(vf x, vf e)
{
    const vf u = 1.0f / (vf_abs(x) * (0.45f * 0.70710678f) + 1.0f);
    vf p = u * 0.09256999027f - 0.49410603062f;
    p = p * u + 0.85717121791f;
    p = p * u - 0.37580645684f;
    p = p * u + 0.46017280029f;
    p = p * u + 0.20100870397f;
    p = p * u + 0.25898977606f;
    const vf tail = 0.5f * e * (p * u);
    return vf_select(x < vf_set(0), tail, 1.0f - tail);
}

static void k_gelu(size_t n, const float *x, float *y)
{
    FOR_BLOCKS(i, c, n)
    {
        const vf v = load(x + i, c);
        store(y + i, c, v * vf_phi(v, vf_exp(-0.5f * v * v)));
    }
}

static void k_gelu_back(size_t n, const float *x, float *g)
{
    FOR_BLOCKS(i, c, n)
    {
        const vf v = load(x + i, c), e = vf_exp(-0.5f * v * v);
        store(g + i, c, load(g + i, c) * (vf_phi(v, e) + v * (e * 0.39894228f)));
    }
}

static void k_leaky_relu(size_t n, float slope, float *x)
{
    FOR_BLOCKS(i, c, n)
    {
        const vf v = load(x + i, c);
        store(x + i, c, vf_select(v < vf_set(0), vf_set(slope) * v, v));
    }
}

static void k_leaky_relu_back(size_t n, float slope, const float *y, float *g)
{
    FOR_BLOCKS(i, c, n)
    {
        const vf v = load(g + i, c);
        store(g + i, c, vf_select(load(y + i, c) > vf_set(0), v, vf_set(slope) * v));
    }
}

static void k_prelu(uint32_t m, uint32_t n, const float *alpha, const float *x, float *y)
{
    for (uint32_t r = 0; r < m; r++)
        FOR_BLOCKS(i, c, n)
        {
            const vf v = load(at(x, r, n) + i, c);
            store(at_out(y, r, n) + i, c, vf_select(v > vf_set(0), v, load(alpha + i, c) * v));
        }
}

static void k_prelu_back(uint32_t m, uint32_t n, const float *alpha, const float *x, float *g, float *galpha)
{
    FOR_BLOCKS(i, c, n)
    {
        const vf a = load(alpha + i, c);
        vf sum = load(galpha + i, c);
        for (uint32_t r = 0; r < m; r++) {
            const vf v = load(at(x, r, n) + i, c), gy = load(at(g, r, n) + i, c);
            sum += vf_select(v > vf_set(0), vf_set(0), gy * v);
            store(at_out(g, r, n) + i, c, vf_select(v > vf_set(0), gy, a * gy));
        }
        store(galpha + i, c, sum);
    }
}

static void k_dice(uint32_t m, uint32_t n, const float *x, const float *mean, const float *var, float eps, const float *alpha,
                   float *y)
{
    FOR_BLOCKS(i, c, n)
    {
        const vf mu = load(mean + i, c), rstd = 1.0f / vf_sqrt(load(var + i, c) + vf_set(eps)), a = load(alpha + i, c);
        for (uint32_t r = 0; r < m; r++) {
            const vf v = load(at(x, r, n) + i, c), hat = (v - mu) * rstd, p = vf_sigmoid(hat, vf_exp(-vf_abs(hat)));
            store(at_out(y, r, n) + i, c, v * (a + p * (1.0f - a)));
        }
    }
}

/* With h = (x - mean) rstd and p = sigmoid h: the gradient of h is gh = g x (1 - a) p (1 - p), which goes on to x as in batch
 * norm; beside it goes g (a + p (1 - a)). */
static void k_dice_back(uint32_t m, uint32_t n, const float *x, const float *mean, const float *var, float eps,
                        const float *alpha, float *g, float *galpha)
{
    const vf count = vf_set((float)m);
    FOR_BLOCKS(i, c, n)
    {
        const vf mu = load(mean + i, c), rstd = 1.0f / vf_sqrt(load(var + i, c) + vf_set(eps)), a = load(alpha + i, c);
        vf sg = vf_set(0), sx = vf_set(0), sa = load(galpha + i, c);
        for (uint32_t r = 0; r < m; r++) {
            const vf v = load(at(x, r, n) + i, c), gy = load(at(g, r, n) + i, c), hat = (v - mu) * rstd;
            const vf p = vf_sigmoid(hat, vf_exp(-vf_abs(hat))), gh = gy * v * (1.0f - a) * (p * (1.0f - p));
            sg += gh;
            sx += gh * hat;
            sa += gy * v * (1.0f - p);
        }
        const vf mg = sg / count, mx = sx / count;
        for (uint32_t r = 0; r < m; r++) {
            const vf v = load(at(x, r, n) + i, c), gy = load(at(g, r, n) + i, c), hat = (v - mu) * rstd;
            const vf p = vf_sigmoid(hat, vf_exp(-vf_abs(hat))), gh = gy * v * (1.0f - a) * (p * (1.0f - p));
            store(at_out(g, r, n) + i, c, gy * (a + p * (1.0f - a)) + rstd * (gh - mg - hat * mx));
        }
        store(galpha + i, c, sa);
    }
}
