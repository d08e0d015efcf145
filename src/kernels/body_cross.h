/* body_cross.h: part of kernels_body.h: what cross networks and gates are made of. */

/* ---- rows by numbers, rows by rows ------------------------------------------------------------------------------------- */

static void k_rows_scale(uint32_t m, uint32_t n, const float *s, const float *x, uint32_t ldx, float *y, uint32_t ldy)
{
    for (uint32_t r = 0; r < m; r++)
        FOR_BLOCKS(i, c, n) store(at_out(y, r, ldy) + i, c, vf_set(s[r]) * load(at(x, r, ldx) + i, c));
}

static void k_rows_dot(uint32_t m, uint32_t n, const float *a, uint32_t lda, const float *b, uint32_t ldb, float *y)
{
    for (uint32_t r = 0; r < m; r++) {
        vf s = vf_set(0);
        FOR_BLOCKS(i, c, n) s += load(at(a, r, lda) + i, c) * load(at(b, r, ldb) + i, c);
        y[r] += vf_sum(s);
    }
}

/* ---- softmax ----------------------------------------------------------------------------------------------------------- */

/* Which lanes of a block of c floats there are. */
INLINE vi lanes_of(size_t c)
{
    const vi lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return lane < vi_set((int32_t)c);
}

INLINE float greatest(uint32_t n, const float *x)
{
    vf top = vf_set(x[0]);
    FOR_BLOCKS(i, c, n)
    {
        top = vf_greater(vf_select(lanes_of(c), load(x + i, c), top), top);
    }
    return vf_greatest(top);
}

static void k_softmax(uint32_t m, uint32_t n, float *x, uint32_t ldx)
{
    for (uint32_t r = 0; r < m; r++) {
        float *row = at_out(x, r, ldx);
        const vf top = vf_set(greatest(n, row));
        vf s = vf_set(0);
        FOR_BLOCKS(i, c, n)
        {
            const vf e = vf_exp(load(row + i, c) - top);
            s += vf_select(lanes_of(c), e, vf_set(0));
            store(row + i, c, e);
        }
        const vf total = vf_set(vf_sum(s));
        FOR_BLOCKS(i, c, n) store(row + i, c, load(row + i, c) / total);
    }
}

static void k_softmax_back(uint32_t m, uint32_t n, const float *y, uint32_t ldy, float *g, uint32_t ldg)
{
    for (uint32_t r = 0; r < m; r++) {
        const float *p = at(y, r, ldy);
        float *q = at_out(g, r, ldg);
        vf s = vf_set(0);
        FOR_BLOCKS(i, c, n) s += load(p + i, c) * load(q + i, c);
        const vf mean = vf_set(vf_sum(s));
        FOR_BLOCKS(i, c, n) store(q + i, c, load(p + i, c) * (load(q + i, c) - mean));
    }
}

/* ---- one layer of a cross network -------------------------------------------------------------------------------------- */

static void k_cross(uint32_t m, uint32_t n, const float *x0, const float *bias, const float *x, float *z, float *y)
{
    for (uint32_t r = 0; r < m; r++) {
        const size_t row = (size_t)r * n;
        FOR_BLOCKS(i, c, n)
        {
            const vf v = load(z + row + i, c) + load(bias + i, c);
            store(z + row + i, c, v);
            store(y + row + i, c, load(x0 + row + i, c) * v + load(x + row + i, c));
        }
    }
}

static void k_cross_back(size_t n, const float *x0, const float *z, const float *g, float *gx0, float *gz)
{
    FOR_BLOCKS(i, c, n)
    {
        const vf v = load(g + i, c);
        store(gx0 + i, c, load(gx0 + i, c) + v * load(z + i, c));
        store(gz + i, c, v * load(x0 + i, c));
    }
}
