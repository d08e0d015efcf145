/* weights.c: the memory of a model's parameters, and their first values. */
#include <string.h>

#include "base/hash.h"
#include "base/mathx.h"
#include "base/mem.h"
#include "base/rng.h"
#include "model/layer.h"

#define INIT_ROWS 8192 /* rows of a table filled at a time */
#define BASE_RATE_MIN 1e-6

/* Rows that would straddle cache lines for want of a few floats are padded: up to 16 floats to a power of two, beyond
 * that to a multiple of four. */
static size_t row_stride(size_t floats)
{
    size_t s = 1;
    if (floats > 16) return (floats + 3) / 4 * 4;
    while (s < floats) s *= 2;
    return s;
}

static size_t table_bytes(const weights *w, size_t t)
{
    const size_t rows = w->model->f->n_ids;
    return (rows ? rows : 1) * w->stride[t] * sizeof(float);
}

int weights_new(const model *m, int slots, weights **out, shoal_error *err)
{
    *out = NULL;
    const size_t n = m->n_tables ? m->n_tables : 1, dense = m->dense_size ? m->dense_size : 1;
    size_t wanted = dense * sizeof(float);
    weights *w = mem_calloc(1, sizeof *w);
    if (!w) return error_nomem(err, sizeof *w, "weights");
    w->model = m;
    w->slots = slots;
    w->table = mem_calloc(n, sizeof *w->table);
    w->stride = mem_calloc(n, sizeof *w->stride);
    w->dense = mem_calloc(dense, sizeof(float));
    w->aux = mem_calloc(m->aux_size ? m->aux_size : 1, sizeof(float));
    int bad = !w->table || !w->stride || !w->dense || !w->aux;
    for (int i = 0; !bad && i < slots && i < 2; i++) {
        w->state[i] = mem_calloc(dense, sizeof(float));
        bad = !w->state[i];
    }
    for (size_t t = 0; !bad && t < m->n_tables; t++) {
        w->stride[t] = row_stride(model_table_cols(m, t) * (1 + (size_t)slots));
        wanted = table_bytes(w, t);
        w->table[t] = mem_table_alloc(wanted);
        bad = !w->table[t];
    }
    if (bad) {
        weights_free(w);
        return error_nomem(err, wanted, "the model's weights; fewer buckets or a smaller --embedding-dim need less");
    }
    *out = w;
    return 0;
}

void weights_free(weights *w)
{
    if (!w) return;
    for (size_t t = 0; w->table && w->stride && t < w->model->n_tables; t++)
        if (w->table[t]) mem_table_free(w->table[t], table_bytes(w, t));
    mem_free(w->table);
    mem_free(w->stride);
    mem_free(w->dense);
    mem_free(w->state[0]);
    mem_free(w->state[1]);
    mem_free(w->aux);
    mem_free(w);
}

/* ---- first values ------------------------------------------------------------------------------------------------------ */

static float first_value(const param *p, uint64_t row_key, uint64_t e, float bias)
{
    switch (p->init) {
    case INIT_ZERO: return 0;
    case INIT_CONSTANT: return (float)p->scale;
    case INIT_NORMAL: return (float)(rng_normal(row_key, e) * p->scale);
    case INIT_UNIFORM: return (float)((2 * rng_f64(row_key, e) - 1) * p->scale);
    case INIT_POSITIVE: return (float)(rng_f64(row_key, e) * p->scale);
    case INIT_BIAS: return bias;
    }
    return 0;
}

static void fill_rows(const param *p, uint64_t key, uint64_t begin, uint64_t end, float bias, float *to, size_t stride)
{
    for (uint64_t r = begin; r < end; r++) {
        const uint64_t row_key = rng_fold(key, r);
        float *row = to + r * stride;
        for (uint64_t e = 0; e < p->cols; e++) row[e] = first_value(p, row_key, e, bias);
    }
}

typedef struct filling {
    weights *w;
    const param *p;
    uint64_t key;
    float bias;
} filling;

static int fill_chunk(void *ctx, size_t item, int thread)
{
    (void)thread;
    const filling *f = ctx;
    const uint64_t begin = (uint64_t)item * INIT_ROWS, rest = f->p->rows - begin, n = rest < INIT_ROWS ? rest : INIT_ROWS;
    const size_t t = f->p->offset;
    for (int s = 0; s < f->w->slots; s++)
        for (uint64_t r = begin; r < begin + n; r++)
            memset(f->w->table[t] + r * f->w->stride[t] + (1 + (size_t)s) * f->p->cols, 0, f->p->cols * sizeof(float));
    fill_rows(f->p, f->key, begin, begin + n, f->bias, f->w->table[t], f->w->stride[t]);
    return 0;
}

int weights_init_values(weights *w, uint64_t seed, double base_rate, pool *threads, shoal_error *err)
{
    const model *m = w->model;
    if (!(base_rate >= 0 && base_rate <= 1))
        return error_set(err, SHOAL_INTERNAL, "a base rate of %g is not between 0 and 1", base_rate);
    const double rate = base_rate < BASE_RATE_MIN ? BASE_RATE_MIN : base_rate > 1 - BASE_RATE_MIN ? 1 - BASE_RATE_MIN : base_rate;
    for (size_t i = 0; i < m->n_params; i++) {
        const param *p = &m->param[i];
        filling f = {w, p, rng_key(seed, RNG_INIT, hash64(p->name, strlen(p->name), 0), 0), (float)math_log(rate / (1 - rate))};
        if (p->kind != PARAM_TABLE) {
            float *base = p->kind == PARAM_DENSE ? w->dense : w->aux;
            fill_rows(p, f.key, 0, p->rows, f.bias, base + p->offset, p->cols);
            continue;
        }
        const size_t chunks = (size_t)((p->rows + INIT_ROWS - 1) / INIT_ROWS);
        int rc = pool_for(threads, chunks, fill_chunk, &f);
        if (rc < 0) return error_set(err, rc, "the first values of '%s' could not be set", p->name);
    }
    for (int s = 0; s < w->slots && s < 2; s++) memset(w->state[s], 0, m->dense_size * sizeof(float));
    return 0;
}
