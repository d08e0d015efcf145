/* kernels_body.h: the arithmetic of every kernel but the matrix product, written once on vectors of 16 floats and
 * compiled once for each instruction set, so that all sets give the same bits: elementwise operations in a fixed order,
 * no contraction into fused multiply-adds (the build passes -ffp-contract=off), sums in KERNEL_LANES partial sums.
 *
 * The file that includes this one defines beforehand: SET_NAME (string), SET_TABLE (name of the kernels table),
 * vf_load_part / vf_store_part (the first n < 16 floats; missing ones are zero), vf_sqrt, vf_turn2 / vf_turn4
 * (two or four vectors as a square of halves or quarters, transposed), and set_gemm.
 *
 * Vectors are those of GCC and clang (vector_size). One-letter names: see the glossary of kernels.h; c = number of
 * floats in a block of at most 16. */
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "kernels/kernels_math.h"

/* ---- blocks ------------------------------------------------------------------------------------------------------------ */

INLINE vf load(const float *p, size_t c) { return c == KERNEL_LANES ? vf_load(p) : vf_load_part(p, c); }
INLINE void store(float *p, size_t c, vf v)
{
    if (c == KERNEL_LANES)
        vf_store(p, v);
    else
        vf_store_part(p, c, v);
}
INLINE size_t block(size_t left) { return left < KERNEL_LANES ? left : KERNEL_LANES; }
/* Walks i over [0, n) in blocks; c is the length of the block at i. */
#define FOR_BLOCKS(i, c, n) for (size_t i = 0, c; i < (n) && (c = block((n)-i), 1); i += KERNEL_LANES)

INLINE const float *at(const float *p, size_t row, size_t ld) { return p + row * ld; }
INLINE float *at_out(float *p, size_t row, size_t ld) { return p + row * ld; }

/* ---- elementwise ------------------------------------------------------------------------------------------------------- */

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

#include "kernels/body_activation.h"
#include "kernels/body_rows.h"

/* ---- rows and columns -------------------------------------------------------------------------------------------------- */

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

#include "kernels/body_cross.h"

/* ---- dropout ----------------------------------------------------------------------------------------------------------- */

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

/* ---- batch norm -------------------------------------------------------------------------------------------------------- */

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

/* ---- embeddings -------------------------------------------------------------------------------------------------------- */

/* Rows of tables are far apart in memory: ask for them this many ids ahead. Into the second-level cache: the nearest waits
 * for too few lines at a time (11 instead of 7 GB/s of random rows of 640 bytes). */
#define AHEAD 12
INLINE void fetch_row(const float *row, size_t d)
{
    for (size_t i = 0; i < d; i += 16) __builtin_prefetch(row + i, 0, 2);
}

static void gather_one(uint32_t m, uint32_t d, const uint32_t *id, const float *weight, const float *table,
                       size_t stride, int accumulate, float *y, uint32_t ldy)
{
    for (uint32_t r = 0; r < m; r++) {
        const float *row = table + id[r] * stride;
        float *out = at_out(y, r, ldy);
        if (r + AHEAD < m) fetch_row(table + id[r + AHEAD] * stride, d);
        if (d == 1) {
            float v = weight ? weight[r] * row[0] : row[0];
            out[0] = accumulate ? out[0] + v : v;
            continue;
        }
        FOR_BLOCKS(i, c, d)
        {
            vf v = load(row + i, c);
            if (weight) v = vf_set(weight[r]) * v;
            store(out + i, c, accumulate ? load(out + i, c) + v : v);
        }
    }
}

static void gather_bag(uint32_t m, uint32_t d, const uint32_t *offset, const uint32_t *id, const float *weight,
                       const float *table, size_t stride, int accumulate, float *y, uint32_t ldy)
{
    const uint32_t end = offset[m];
    for (uint32_t r = 0; r < m; r++) {
        float *out = at_out(y, r, ldy);
        if (!accumulate) FOR_BLOCKS(i, c, d) store(out + i, c, vf_set(0));
        for (uint32_t j = offset[r]; j < offset[r + 1]; j++) {
            const float *row = table + id[j] * stride;
            const vf w = vf_set(weight ? weight[j] : 1.0f);
            if (j + AHEAD < end) fetch_row(table + id[j + AHEAD] * stride, d);
            FOR_BLOCKS(i, c, d) store(out + i, c, load(out + i, c) + w * load(row + i, c));
        }
    }
}

static void k_gather(uint32_t m, uint32_t d, const uint32_t *offset, const uint32_t *id, const float *weight,
                     const float *table, size_t stride, int accumulate, float *y, uint32_t ldy)
{
    if (offset)
        gather_bag(m, d, offset, id, weight, table, stride, accumulate, y, ldy);
    else
        gather_one(m, d, id, weight, table, stride, accumulate, y, ldy);
}

INLINE void scatter_row(uint32_t d, float *row, const float *weight, const float *g)
{
    if (d == 1) {
        row[0] += weight ? weight[0] * g[0] : g[0];
        return;
    }
    FOR_BLOCKS(i, c, d)
    {
        vf v = load(g + i, c);
        if (weight) v = vf_set(weight[0]) * v;
        store(row + i, c, load(row + i, c) + v);
    }
}

static void k_scatter(uint32_t m, uint32_t d, const uint32_t *offset, const uint32_t *slot, const float *weight,
                      const float *g, uint32_t ldg, float *gtable)
{
    for (uint32_t r = 0; r < m; r++) {
        const uint32_t begin = offset ? offset[r] : r, end = offset ? offset[r + 1] : r + 1;
        for (uint32_t j = begin; j < end; j++)
            scatter_row(d, gtable + (size_t)slot[j] * d, weight ? weight + j : NULL, at(g, r, ldg));
    }
}

/* ---- factorisation machine --------------------------------------------------------------------------------------------- */

static void k_fm(uint32_t m, uint32_t f, uint32_t d, const float *e, float *sum, float *y)
{
    for (uint32_t r = 0; r < m; r++) {
        const float *row = at(e, r, (size_t)f * d);
        vf total = vf_set(0);
        FOR_BLOCKS(i, c, d)
        {
            vf s = vf_set(0), q = vf_set(0);
            for (uint32_t j = 0; j < f; j++) {
                const vf v = load(at(row, j, d) + i, c);
                s += v;
                q += v * v;
            }
            store(at_out(sum, r, d) + i, c, s);
            total += s * s - q;
        }
        y[r] += 0.5f * vf_sum(total);
    }
}

static void k_fm_back(uint32_t m, uint32_t f, uint32_t d, const float *e, const float *sum, const float *g, float *ge)
{
    for (uint32_t r = 0; r < m; r++) {
        const float *row = at(e, r, (size_t)f * d);
        float *out = at_out(ge, r, (size_t)f * d);
        const vf vg = vf_set(g[r]);
        FOR_BLOCKS(i, c, d)
        {
            const vf s = load(at(sum, r, d) + i, c);
            for (uint32_t j = 0; j < f; j++) {
                float *p = at_out(out, j, d) + i;
                store(p, c, load(p, c) + vg * (s - load(at(row, j, d) + i, c)));
            }
        }
    }
}

#include "kernels/body_fields.h"
#include "kernels/body_products.h"
#include "kernels/body_ffm.h"
#include "kernels/body_ffm_pairs.h"
#include "kernels/body_outer.h"

/* ---- loss -------------------------------------------------------------------------------------------------------------- */

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

/* ---- optimisers -------------------------------------------------------------------------------------------------------- */

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

/* ---- memory and the table ---------------------------------------------------------------------------------------------- */

static void k_move(void *to, const void *from, size_t bytes) { memcpy(to, from, bytes); }
static void k_zero(void *p, size_t bytes) { memset(p, 0, bytes); }

const kernels SET_TABLE = {
    .name = SET_NAME,
    .alloc = mem_alloc,
    .free = mem_free,
    .upload = k_move,
    .download = k_move,
    .zero = k_zero,
    .gemm = set_gemm,
    .add = k_add,
    .scale_add = k_scale_add,
    .mul = k_mul,
    .mul_add = k_mul_add,
    .scale = k_scale,
    .relu = k_relu,
    .relu_back = k_relu_back,
    .sigmoid = k_sigmoid,
    .sigmoid_back = k_sigmoid_back,
    .tanh = k_tanh,
    .tanh_back = k_tanh_back,
    .bias_add = k_bias_add,
    .bias_relu = k_bias_relu,
    .column_sum = k_column_sum,
    .row_dot = k_row_dot,
    .row_outer = k_row_outer,
    .weighted_rows = k_weighted_rows,
    .copy = k_copy,
    .add_rows = k_add_rows,
    .rows_scale = k_rows_scale,
    .rows_dot = k_rows_dot,
    .rows_scale_add = k_rows_scale_add,
    .softmax = k_softmax,
    .softmax_back = k_softmax_back,
    .dropout = k_dropout,
    .batch_norm_stats = k_batch_norm_stats,
    .batch_norm_apply = k_batch_norm_apply,
    .batch_norm_back = k_batch_norm_back,
    .leaky_relu = k_leaky_relu,
    .leaky_relu_back = k_leaky_relu_back,
    .gelu = k_gelu,
    .gelu_back = k_gelu_back,
    .prelu = k_prelu,
    .prelu_back = k_prelu_back,
    .dice = k_dice,
    .dice_back = k_dice_back,
    .layer_norm = k_layer_norm,
    .layer_norm_back = k_layer_norm_back,
    .gather = k_gather,
    .scatter = k_scatter,
    .fm = k_fm,
    .fm_back = k_fm_back,
    .ffm = k_ffm,
    .ffm_back = k_ffm_back,
    .ffm_pack = k_ffm_pack,
    .ffm_pairs = k_ffm_pairs,
    .ffm_pairs_back = k_ffm_pairs_back,
    .ffm_unpack = k_ffm_unpack,
    .transpose = k_transpose,
    .outer = k_outer,
    .outer_back = k_outer_back,
    .cross = k_cross,
    .cross_back = k_cross_back,
    .bi_interaction = k_bi_interaction,
    .bi_interaction_back = k_bi_interaction_back,
    .pair_inner = k_pair_inner,
    .pair_inner_back = k_pair_inner_back,
    .pair_product = k_pair_product,
    .pair_product_back = k_pair_product_back,
    .pair_scale = k_pair_scale,
    .pair_scale_back = k_pair_scale_back,
    .field_sum = k_field_sum,
    .field_spread = k_field_spread,
    .row_sum = k_row_sum,
    .row_spread = k_row_spread,
    .field_mix = k_field_mix,
    .field_mix_back = k_field_mix_back,
    .products = k_products,
    .bce = k_bce,
    .optimize = k_optimize,
    .optimize_rows = k_optimize_rows,
};
