#include "train/step.h"

#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

#define SLICE_FLOATS 8192  /* dense parameters are shared out in slices of this size */
#define TABLE_SLICE_ROWS 1024 /* the same for whole-table updates */
#define PREFETCH_AHEAD 8

/* A run of one dense parameter. */
typedef struct slice {
    size_t begin, end; /* floats of weights.dense */
    size_t param;
} slice;

/* The ids of one shard that a step touched, in order of first touch, and the micro-batches that touched them: id[i] those of
 * touch [first[i], first[i + 1]), in k order. */
typedef struct shard {
    uint32_t *id, *first;
    kernel_touch *touch;
    uint32_t n;
    size_t cap; /* touches */
} shard;

/* What one thread needs to work on a micro-batch, or the memory that failed. */
typedef struct lane {
    exec *exec;
    batch batch;
    profile *profile; /* NULL: nothing is measured */
    shoal_error error;
} lane;

struct stepper {
    const model *model;
    weights *w;
    const kernels *kernels;
    pool *pool;
    const plan *plan;
    const optim *optim;
    clocks *clocks; /* or NULL */
    size_t tables, dense_size, aux_size;
    uint32_t ids;
    size_t *table_param;   /* [tables] */
    optimizer_step *steps; /* [parameters]: of the step at hand */
    lane *lane;       /* [threads] */
    grads **grads;    /* [micro-batches] */
    const float **table_grad; /* [tables x micro-batches at most] */
    uint32_t *mark;   /* [ids]: 1 + place in its shard's lists while a step is applied, else 0 */
    shard shard[MODEL_SHARDS];
    slice *slices;
    size_t n_slices;
    float *zeros; /* a row of no gradient, for whole-table updates */
    /* the step at hand */
    const raw_ref *rows;
    uint32_t n_rows, n_micros;
    uint64_t epoch, epoch_step;
};

static int slices_build(stepper *s, shoal_error *err)
{
    size_t n;
    const param *p = model_params(s->model, &n);
    for (int pass = 0; pass < 2; pass++) {
        size_t count = 0;
        for (size_t i = 0; i < n; i++) {
            if (p[i].kind == PARAM_TABLE)
                s->table_param[p[i].offset] = i;
            if (p[i].kind != PARAM_DENSE)
                continue;
            size_t end = p[i].offset + p[i].rows * p[i].cols;
            for (size_t at = p[i].offset; at < end; at += SLICE_FLOATS, count++)
                if (pass == 1)
                    s->slices[count] = (slice){at, at + SLICE_FLOATS < end ? at + SLICE_FLOATS : end, i};
        }
        s->n_slices = count;
        if (pass == 0 && count > 0) {
            s->slices = mem_calloc(count, sizeof *s->slices);
            if (!s->slices)
                return error_nomem(err, count * sizeof *s->slices, "the slices of the dense parameters");
        }
    }
    return 0;
}

static int buffers_build(stepper *s, shoal_error *err)
{
    int threads = pool_threads(s->pool);
    uint32_t micros = plan_micros_max(s->plan), cols = 1;
    size_t params;
    model_params(s->model, &params);
    for (size_t t = 0; t < s->tables; t++)
        if (model_table_cols(s->model, t) > cols)
            cols = model_table_cols(s->model, t);
    s->lane = mem_calloc((size_t)threads, sizeof *s->lane);
    s->grads = mem_calloc(micros, sizeof *s->grads);
    s->table_grad = mem_calloc(s->tables * micros + 1, sizeof *s->table_grad);
    s->mark = mem_calloc((size_t)s->ids + 1, sizeof *s->mark);
    s->table_param = mem_calloc(s->tables + 1, sizeof *s->table_param);
    s->steps = mem_calloc(params + 1, sizeof *s->steps);
    s->zeros = mem_calloc(cols, sizeof *s->zeros);
    if (!s->lane || !s->grads || !s->table_grad || !s->mark || !s->table_param || !s->steps || !s->zeros)
        return error_nomem(err, (size_t)s->ids * sizeof *s->mark, "the step's buffers");
    for (int i = 0; i < threads; i++) {
        batch_init(&s->lane[i].batch);
        int rc = exec_new(s->model, s->kernels, s->plan->micro, &s->lane[i].exec, err);
        if (rc < 0)
            return rc;
    }
    for (uint32_t k = 0; k < micros; k++) {
        int rc = grads_new(s->model, &s->grads[k], err);
        if (rc < 0)
            return rc;
    }
    return slices_build(s, err);
}

int stepper_new(const model *m, weights *w, const kernels *k, pool *threads, const plan *p, const optim *o,
                clocks *measure, stepper **out, shoal_error *err)
{
    stepper *s = mem_calloc(1, sizeof *s);
    if (!s)
        return error_nomem(err, sizeof *s, "a stepper");
    s->model = m;
    s->w = w;
    s->kernels = k;
    s->pool = threads;
    s->plan = p;
    s->optim = o;
    s->clocks = measure;
    s->tables = model_tables(m);
    s->dense_size = model_dense_size(m);
    s->aux_size = model_aux_size(m);
    s->ids = model_features(m)->n_ids;
    int rc = buffers_build(s, err);
    if (rc < 0) {
        stepper_free(s);
        return rc;
    }
    *out = s;
    return 0;
}

void stepper_measure(stepper *s, profile *of_threads)
{
    for (int i = 0; i < pool_threads(s->pool); i++) {
        s->lane[i].profile = &of_threads[i];
        exec_measure(s->lane[i].exec, &of_threads[i]);
    }
}

void stepper_free(stepper *s)
{
    if (!s)
        return;
    for (int i = 0; s->lane && i < pool_threads(s->pool); i++) {
        exec_free(s->lane[i].exec);
        batch_release(&s->lane[i].batch);
    }
    for (uint32_t k = 0; s->grads && k < plan_micros_max(s->plan); k++)
        grads_free(s->grads[k], s->model);
    for (int i = 0; i < MODEL_SHARDS; i++) {
        mem_free(s->shard[i].first);
        mem_free(s->shard[i].touch);
        mem_free(s->shard[i].id);
    }
    mem_free(s->lane);
    mem_free(s->grads);
    mem_free(s->table_grad);
    mem_free(s->mark);
    mem_free(s->table_param);
    mem_free(s->steps);
    mem_free(s->slices);
    mem_free(s->zeros);
    mem_free(s);
}

/* ---- first half: contributions ---- */

static int compute_micro(void *ctx, size_t k, int thread)
{
    stepper *s = ctx;
    lane *l = &s->lane[thread];
    uint32_t first = (uint32_t)k * s->plan->micro, left = s->n_rows - first;
    uint32_t n = left < s->plan->micro ? left : s->plan->micro;
    const uint64_t start = s->clocks ? clocks_start(s->clocks) : profile_start(l->profile);
    int rc = features_transform(model_features(s->model), s->rows + first, n, &l->batch, &l->error);
    clocks_stop(s->clocks, CLOCK_TRANSFORM, start);
    if (l->profile)
        profile_stop(&l->profile->stage_ns[PROFILE_FEATURES], start);
    if (rc < 0)
        return rc;
    exec_step x = {
        .key = rng_key(s->plan->seed, RNG_DROPOUT, s->epoch, s->epoch_step),
        .row0 = first,
        .scale = 1.0f / (float)s->n_rows,
    };
    return exec_train(l->exec, s->w, &l->batch, &x, s->grads[k], NULL, &l->error);
}

static int lane_error(stepper *s, int rc, shoal_error *err)
{
    for (int i = 0; i < pool_threads(s->pool); i++)
        if (s->lane[i].error.code == rc && s->lane[i].error.message[0]) {
            if (err)
                *err = s->lane[i].error;
            return rc;
        }
    return error_set(err, rc, "%s", shoal_code_text(rc));
}

/* ---- second half: sums in k order, optimiser ---- */

static int shard_reserve(shard *h, size_t touches)
{
    if (touches <= h->cap)
        return 0;
    const size_t cap = 2 * touches;
    h->cap = 0;
    mem_free(h->id);
    mem_free(h->first);
    mem_free(h->touch);
    h->id = mem_alloc(cap * sizeof *h->id);
    h->first = mem_alloc((cap + 1) * sizeof *h->first);
    h->touch = mem_alloc(cap * sizeof *h->touch);
    if (!h->id || !h->first || !h->touch)
        return SHOAL_NOMEM;
    h->cap = cap;
    return 0;
}

/* Numbers the shard's ids and counts the touches of each in its `first`. */
static void shard_count(stepper *s, shard *h, uint32_t index)
{
    for (uint32_t k = 0; k < s->n_micros; k++) {
        const grads *g = s->grads[k];
        const uint32_t end = g->shard[index + 1];
        for (uint32_t j = g->shard[index]; j < end; j++) {
            if (j + PREFETCH_AHEAD < end)
                __builtin_prefetch(&s->mark[g->id[j + PREFETCH_AHEAD]], 1);
            uint32_t *mark = &s->mark[g->id[j]];
            if (*mark == 0) {
                h->first[h->n] = 0;
                h->id[h->n] = g->id[j];
                *mark = ++h->n;
            }
            h->first[*mark - 1]++;
        }
    }
}

static int shard_list(stepper *s, shard *h, uint32_t index)
{
    size_t touches = 0;
    for (uint32_t k = 0; k < s->n_micros; k++)
        touches += s->grads[k]->shard[index + 1] - s->grads[k]->shard[index];
    h->n = 0;
    if (touches == 0)
        return 0;
    int rc = shard_reserve(h, touches);
    if (rc < 0)
        return rc;
    shard_count(s, h, index);
    uint32_t end = 0;
    for (uint32_t i = 0; i < h->n; i++)
        h->first[i] = end += h->first[i];
    h->first[h->n] = end;
    /* from the last to the first: what was the end of an id's touches becomes their beginning */
    for (uint32_t k = s->n_micros; k-- > 0;) {
        const grads *g = s->grads[k];
        for (uint32_t j = g->shard[index + 1]; j-- > g->shard[index];)
            h->touch[--h->first[s->mark[g->id[j]] - 1]] = (kernel_touch){k, j};
    }
    return 0;
}

/* What each parameter's optimiser does in step t. */
static void steps_set(stepper *s, uint64_t t)
{
    size_t n;
    const param *p = model_params(s->model, &n);
    for (size_t i = 0; i < n; i++) {
        optim o = optim_of(s->optim, &p[i]);
        s->steps[i] = optim_at(&o, t, p[i].kind == PARAM_TABLE);
        if (!p[i].decay)
            s->steps[i].l1 = s->steps[i].l2 = 0;
    }
}

static const optimizer_step *table_step(const stepper *s, size_t t)
{
    return &s->steps[s->table_param[t]];
}

/* The gradients of table t by micro-batch. */
static const float *const *table_grads(const stepper *s, size_t t)
{
    return s->table_grad + t * plan_micros_max(s->plan);
}

static void shard_apply(stepper *s, shard *h)
{
    for (size_t t = 0; t < s->tables; t++) {
        s->kernels->optimize_rows(table_step(s, t), h->n, model_table_cols(s->model, t), h->id, s->w->table[t], s->w->stride[t],
                                  h->first, h->touch, table_grads(s, t));
    }
}

static void shard_forget(stepper *s, shard *h)
{
    for (uint32_t i = 0; i < h->n; i++)
        s->mark[h->id[i]] = 0;
}

static void dense_apply(stepper *s, const slice *x)
{
    float *sum = s->grads[0]->dense + x->begin;
    size_t n = x->end - x->begin;
    for (uint32_t k = 1; k < s->n_micros; k++)
        s->kernels->add(n, s->grads[k]->dense + x->begin, sum);
    float *s1 = s->w->state[0] ? s->w->state[0] + x->begin : NULL;
    float *s2 = s->w->state[1] ? s->w->state[1] + x->begin : NULL;
    s->kernels->optimize(&s->steps[x->param], n, s->w->dense + x->begin, s1, s2, sum);
}

static void aux_apply(stepper *s)
{
    size_t n;
    const param *p = model_params(s->model, &n);
    for (uint32_t k = 0; k < s->n_micros; k++)
        for (size_t i = 0; i < n; i++) {
            if (p[i].kind != PARAM_AUX)
                continue;
            const float *seen = s->grads[k]->aux + p[i].offset;
            float *running = s->w->aux + p[i].offset;
            for (size_t e = 0; e < p[i].rows * p[i].cols; e++)
                running[e] = p[i].momentum * running[e] + (1 - p[i].momentum) * seen[e];
        }
}

/* Items: the shards first (they take longest), then the dense slices, then the auxiliaries. */
static int apply(stepper *s, size_t item)
{
    if (item < MODEL_SHARDS) {
        shard *h = &s->shard[item];
        int rc = shard_list(s, h, (uint32_t)item);
        if (rc < 0)
            return rc;
        if (!s->optim->dense_embeddings) {
            shard_apply(s, h);
            shard_forget(s, h);
        }
        return 0;
    }
    item -= MODEL_SHARDS;
    if (item < s->n_slices)
        dense_apply(s, &s->slices[item]);
    else
        aux_apply(s);
    return 0;
}

static int apply_item(void *ctx, size_t item, int thread)
{
    stepper *s = ctx;
    profile *p = s->lane[thread].profile;
    const uint64_t start = profile_start(p);
    int rc = apply(s, item);
    if (p)
        profile_stop(&p->stage_ns[item < MODEL_SHARDS ? PROFILE_TABLES : PROFILE_DENSE], start);
    return rc;
}

/* Whole-table update: rows without a gradient take part with zeros. */
static int apply_rows(void *ctx, size_t item, int thread)
{
    stepper *s = ctx;
    profile *p = s->lane[thread].profile;
    const uint64_t start = profile_start(p);
    uint32_t begin = (uint32_t)item * TABLE_SLICE_ROWS;
    uint32_t end = s->ids - begin < TABLE_SLICE_ROWS ? s->ids : begin + TABLE_SLICE_ROWS;
    for (size_t t = 0; t < s->tables; t++) {
        const optimizer_step *o = table_step(s, t);
        uint32_t cols = model_table_cols(s->model, t);
        for (uint32_t id = begin; id < end; id++) {
            if (s->mark[id]) {
                const shard *h = &s->shard[model_shard(id)];
                s->kernels->optimize_rows(o, 1, cols, &id, s->w->table[t], s->w->stride[t], h->first + s->mark[id] - 1,
                                          h->touch, table_grads(s, t));
                continue;
            }
            float *row = s->w->table[t] + (size_t)id * s->w->stride[t];
            s->kernels->optimize(o, cols, row, row + cols, row + 2 * cols, s->zeros);
        }
    }
    if (p)
        profile_stop(&p->stage_ns[PROFILE_TABLES], start);
    return 0;
}

static int forget_item(void *ctx, size_t item, int thread)
{
    stepper *s = ctx;
    (void)thread;
    shard_forget(s, &s->shard[item]);
    return 0;
}

static int apply_all(stepper *s, shoal_error *err)
{
    for (size_t t = 0; t < s->tables; t++)
        for (uint32_t k = 0; k < s->n_micros; k++)
            s->table_grad[t * plan_micros_max(s->plan) + k] = s->grads[k]->table[t];
    int rc = pool_for(s->pool, MODEL_SHARDS + s->n_slices + 1, apply_item, s);
    if (rc < 0)
        return error_nomem(err, 0, "the list of touched rows");
    if (s->optim->dense_embeddings && s->tables > 0 && s->ids > 0) {
        pool_for(s->pool, (s->ids + TABLE_SLICE_ROWS - 1) / TABLE_SLICE_ROWS, apply_rows, s);
        pool_for(s->pool, MODEL_SHARDS, forget_item, s);
    }
    return 0;
}

int stepper_run(stepper *s, const raw_ref *rows, uint32_t n, uint64_t epoch, uint64_t epoch_step, uint64_t t,
                step_result *out, shoal_error *err)
{
    CHECK(n > 0 && n <= s->plan->batch);
    s->rows = rows;
    s->n_rows = n;
    s->n_micros = plan_micros(s->plan, n);
    s->epoch = epoch;
    s->epoch_step = epoch_step;
    steps_set(s, t);
    int rc = pool_for(s->pool, s->n_micros, compute_micro, s);
    if (rc < 0)
        return lane_error(s, rc, err);
    *out = (step_result){0, 0, n};
    for (uint32_t k = 0; k < s->n_micros; k++) {
        out->loss += s->grads[k]->loss;
        out->weight += s->grads[k]->weight;
    }
    if (!(out->loss - out->loss == 0))
        return error_set(err, SHOAL_DIVERGED,
                         "training diverged at step %llu (epoch %llu): the loss is %g; expected a finite number; try a "
                         "smaller --lr, or look for extreme values by `shoal show`",
                         (unsigned long long)t, (unsigned long long)epoch + 1, __builtin_fabs(out->loss)); /* NaN without a sign */
    return apply_all(s, err);
}
