/* body_elementwise.h: part of kernels_body.h: functions of number by number. */

static void k_add(size_t n, const float *x, float *y)
{
    FOR_BLOCKS(i, c, n) store(y + i, c, load(y + i, c) + load(x + i, c));
}

static void k_scale_add(size_t n, float a, const float *x, float *y)
{
    const vf va = vf_set(a);
    FOR_BLOCKS(i, c, n) store(y + i, c, load(y + i, c) + va * load(x + i, c));
}

static void k_mul(size_t n, const float *x, float *y)
{
    FOR_BLOCKS(i, c, n) store(y + i, c, load(y + i, c) * load(x + i, c));
}

static void k_scale(size_t n, float a, float *x)
{
    FOR_BLOCKS(i, c, n) store(x + i, c, vf_set(a) * load(x + i, c));
}

static void k_mul_add(size_t n, const float *a, const float *x, float *y)
{
    FOR_BLOCKS(i, c, n) store(y + i, c, load(y + i, c) + load(a + i, c) * load(x + i, c));
}

INLINE vf relu16(vf x) { return vf_select(x < vf_set(0), vf_set(0), x); }

static void k_relu(size_t n, float *x)
{
    FOR_BLOCKS(i, c, n) store(x + i, c, relu16(load(x + i, c)));
}

static void k_relu_back(size_t n, const float *y, float *g)
{
    FOR_BLOCKS(i, c, n) store(g + i, c, vf_select(load(y + i, c) > vf_set(0), load(g + i, c), vf_set(0)));
}

static void k_sigmoid(size_t n, const float *x, float *y)
{
    FOR_BLOCKS(i, c, n)
    {
        vf v = load(x + i, c);
        store(y + i, c, vf_sigmoid(v, vf_exp(-vf_abs(v))));
    }
}

static void k_sigmoid_back(size_t n, const float *y, float *g)
{
    FOR_BLOCKS(i, c, n)
    {
        vf v = load(y + i, c);
        store(g + i, c, load(g + i, c) * (v * (1.0f - v)));
    }
}

static void k_tanh(size_t n, const float *x, float *y)
{
    FOR_BLOCKS(i, c, n) store(y + i, c, vf_tanh(load(x + i, c)));
}

static void k_tanh_back(size_t n, const float *y, float *g)
{
    FOR_BLOCKS(i, c, n)
    {
        vf v = load(y + i, c);
        store(g + i, c, load(g + i, c) * (1.0f - v * v));
    }
}
