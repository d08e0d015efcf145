/* body_columns.h: part of kernels_body.h: rows with something of each column, and sums over rows. */

static void k_bias_add(uint32_t m, uint32_t n, const float *bias, float *x, uint32_t ldx)
{
    for (uint32_t r = 0; r < m; r++) {
        float *row = at_out(x, r, ldx);
        FOR_BLOCKS(i, c, n) store(row + i, c, load(row + i, c) + load(bias + i, c));
    }
}

static void k_bias_relu(uint32_t m, uint32_t n, const float *bias, float *x, uint32_t ldx)
{
    for (uint32_t r = 0; r < m; r++) {
        float *row = at_out(x, r, ldx);
        FOR_BLOCKS(i, c, n) store(row + i, c, relu16(load(row + i, c) + load(bias + i, c)));
    }
}

static void k_column_sum(uint32_t m, uint32_t n, const float *x, uint32_t ldx, float *sum)
{
    FOR_BLOCKS(i, c, n)
    {
        vf s = load(sum + i, c);
        for (uint32_t r = 0; r < m; r++) s += load(at(x, r, ldx) + i, c);
        store(sum + i, c, s);
    }
}

static void k_row_dot(uint32_t m, uint32_t n, const float *x, uint32_t ldx, const float *w, float *y)
{
    for (uint32_t r = 0; r < m; r++) {
        const float *row = at(x, r, ldx);
        vf s = vf_set(0);
        FOR_BLOCKS(i, c, n) s += load(row + i, c) * load(w + i, c);
        y[r] += vf_sum(s);
    }
}

static void k_row_outer(uint32_t m, uint32_t n, const float *g, const float *w, float *x, uint32_t ldx)
{
    for (uint32_t r = 0; r < m; r++) {
        float *row = at_out(x, r, ldx);
        const vf vg = vf_set(g[r]);
        FOR_BLOCKS(i, c, n) store(row + i, c, load(row + i, c) + vg * load(w + i, c));
    }
}

static void k_weighted_rows(uint32_t m, uint32_t n, const float *g, const float *x, uint32_t ldx, float *sum)
{
    FOR_BLOCKS(i, c, n)
    {
        vf s = load(sum + i, c);
        for (uint32_t r = 0; r < m; r++) s += vf_set(g[r]) * load(at(x, r, ldx) + i, c);
        store(sum + i, c, s);
    }
}

static void k_copy(uint32_t m, uint32_t n, const float *x, uint32_t ldx, float *y, uint32_t ldy)
{
    for (uint32_t r = 0; r < m; r++)
        FOR_BLOCKS(i, c, n) store(at_out(y, r, ldy) + i, c, load(at(x, r, ldx) + i, c));
}

static void k_add_rows(uint32_t m, uint32_t n, const float *x, uint32_t ldx, float *y, uint32_t ldy)
{
    for (uint32_t r = 0; r < m; r++) k_add(n, at(x, r, ldx), at_out(y, r, ldy));
}
