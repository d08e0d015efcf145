/* body_optimize.h: part of kernels_body.h: the loss and the optimisers. */

/* ---- loss ---- */

static double k_bce(uint32_t m, const float *z, const float *y, const float *w, float scale, float *g)
{
    double total = 0;
    FOR_BLOCKS(i, c, m)
    {
        const vf vz = load(z + i, c), vy = load(y + i, c), vw = load(w + i, c);
        const vf e = vf_exp(-vf_abs(vz));
        const vf loss = vw * (vf_select(vz > vf_set(0), vz, vf_set(0)) - vz * vy + vf_log1p(e));
        for (size_t l = 0; l < c; l++) total += (double)loss[l];
        if (g) store(g + i, c, vf_set(scale) * vw * (vf_sigmoid(vz, e) - vy));
    }
    return total;
}

/* ---- optimisers ---- */

/* One step on a block: *w, *s1, *s2 in and out, gradient g. Formulas in the order of optimizer_kind. */
INLINE void step16(const optimizer_step *o, vf *w, vf *s1, vf *s2, const vf *gradient)
{
    const vf lr = vf_set(o->lr);
    vf g = *gradient;
    if (o->kind == OPTIMIZER_FTRL) {
        /* Before its first gradient a weight has the z whose solution it is: z of 0 would forget the first value at once,
         * and with it what breaks the symmetry of embeddings and hidden units. */
        const vf zero = vf_set(0), l1 = vf_set(o->l1), l2 = vf_set(o->l2), beta = vf_set(o->ftrl_beta), before = *w;
        const vf threshold = vf_select(before > zero, l1, vf_select(before < zero, -l1, zero));
        *s1 = vf_select(*s2 > zero, *s1, -(before * (beta / lr + l2) + threshold));
        const vf n = *s2 + g * g;
        const vf root = vf_sqrt(n);
        *s1 += g - (root - vf_sqrt(*s2)) / lr * before;
        *s2 = n;
        const vf over = vf_abs(*s1) - l1;
        const vf size = over / ((beta + root) / lr + l2);
        const vf solved = vf_select(over > zero, vf_select(*s1 > zero, -size, size), zero);
        *w = vf_select(n > zero, solved, before);
        return;
    }
    g += vf_set(o->l2) * *w;
    switch (o->kind) {
    case OPTIMIZER_SGD:
        *s1 = vf_set(o->momentum) * *s1 + g;
        *w -= lr * *s1;
        break;
    case OPTIMIZER_ADAGRAD:
        *s1 += g * g;
        *w -= lr * g / (vf_sqrt(*s1 + vf_set(o->accumulator)) + vf_set(o->epsilon));
        break;
    default: /* OPTIMIZER_ADAM */
        *s1 = vf_set(o->beta1) * *s1 + vf_set(1.0f - o->beta1) * g;
        *s2 = vf_set(o->beta2) * *s2 + vf_set(1.0f - o->beta2) * (g * g);
        *w -= lr * (*s1 * vf_set(o->correct1)) / (vf_sqrt(*s2 * vf_set(o->correct2)) + vf_set(o->epsilon));
        break;
    }
}

/* The gradients of one row: the sum of those of touches [begin, end). */
typedef struct gradient {
    const kernel_touch *touch;
    uint32_t begin, end;
    const float *const *g;
} gradient;

INLINE vf gradient_block(const gradient *x, size_t d, size_t i, size_t c)
{
    vf sum = load(x->g[x->touch[x->begin].k] + x->touch[x->begin].row * d + i, c);
    for (uint32_t t = x->begin + 1; t < x->end; t++) sum += load(x->g[x->touch[t].k] + x->touch[t].row * d + i, c);
    return sum;
}

/* Of g, or where that is NULL of of_row. */
INLINE void optimize_blocks(const optimizer_step *o, int slots, size_t n, float *w, float *s1, float *s2, const float *g,
                            const gradient *of_row)
{
    FOR_BLOCKS(i, c, n)
    {
        vf vw = load(w + i, c);
        vf v1 = slots > 0 ? load(s1 + i, c) : vf_set(0), v2 = slots > 1 ? load(s2 + i, c) : vf_set(0);
        const vf vg = !g ? gradient_block(of_row, n, i, c) : load(g + i, c);
        step16(o, &vw, &v1, &v2, &vg);
        store(w + i, c, vw);
        if (slots > 0) store(s1 + i, c, v1);
        if (slots > 1) store(s2 + i, c, v2);
    }
}

static void k_optimize(const optimizer_step *o, size_t n, float *w, float *s1, float *s2, const float *g)
{
    optimize_blocks(o, optimizer_slots(o->kind, o->momentum), n, w, s1, s2, g, NULL);
}

/* Sixteen rows of one weight at a time, through a transposed copy. */
static void optimize_rows_1(const optimizer_step *o, uint32_t n, const uint32_t *id, float *table, size_t stride,
                            const uint32_t *first, const kernel_touch *touch, const float *const *g)
{
    const size_t width = 1 + (size_t)optimizer_slots(o->kind, o->momentum);
    FOR_BLOCKS(i, c, n)
    {
        float t[4][KERNEL_LANES] = {{0}};
        for (size_t l = 0; l < c; l++) {
            const float *row = table + id[i + l] * stride;
            if (i + l + AHEAD < n) __builtin_prefetch(table + id[i + l + AHEAD] * stride, 1);
            for (size_t s = 0; s < width; s++) t[s][l] = row[s];
            const kernel_touch *begin = touch + first[i + l], *end = touch + first[i + l + 1];
            t[3][l] = g[begin->k][begin->row];
            while (++begin < end) t[3][l] += g[begin->k][begin->row];
        }
        vf w = vf_load(t[0]), s1 = vf_load(t[1]), s2 = vf_load(t[2]);
        const vf vg = vf_load(t[3]);
        step16(o, &w, &s1, &s2, &vg);
        vf_store(t[0], w);
        vf_store(t[1], s1);
        vf_store(t[2], s2);
        for (size_t l = 0; l < c; l++)
            for (size_t s = 0; s < width; s++) table[id[i + l] * stride + s] = t[s][l];
    }
}

static void k_optimize_rows(const optimizer_step *o, uint32_t n, uint32_t d, const uint32_t *id, float *table,
                            size_t stride, const uint32_t *first, const kernel_touch *touch, const float *const *g)
{
    if (d == 1) {
        optimize_rows_1(o, n, id, table, stride, first, touch, g);
        return;
    }
    const int slots = optimizer_slots(o->kind, o->momentum);
    const size_t width = d * (1 + (size_t)slots);
    for (uint32_t i = 0; i < n; i++) {
        float *row = table + id[i] * stride;
        if (i + AHEAD < n) {
            const kernel_touch *next = touch + first[i + AHEAD];
            fetch_row(table + id[i + AHEAD] * stride, width);
            fetch_row(g[next->k] + next->row * (size_t)d, d);
        }
        const gradient of_row = {touch, first[i], first[i + 1], g};
        optimize_blocks(o, slots, d, row, row + d, row + 2 * (size_t)d, NULL, &of_row);
    }
}
