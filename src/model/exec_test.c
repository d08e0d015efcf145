/* Gradients of every layer and of the zoo's models against finite differences; exactness from run to run; every failing
 * allocation. threads: none (so that the build for races leaves it out) */
#include "model/model_testing.h"

#define MAX_ROWS 16

static const exec_step step = {.key = 0x1234567, .row0 = 50, .scale = 1.0f / T_ROWS};

typedef struct run {
    const kernels *k; /* NULL: portable */
    model *m;
    weights *w;
    exec *x;
    grads *g;
} run;

static void run_release(run *r)
{
    if (r->m) grads_free(r->g, r->m);
    exec_free(r->x);
    weights_free(r->w);
    model_free(r->m);
    memset(r, 0, sizeof *r);
}

static const kernels *kernels_named(const char *name)
{
    const kernels *k;
    assert_int_equal(kernels_get(name, &k, NULL), 0);
    kernels_thread_start();
    return k;
}

/* All but the model. */
static int run_start(run *r, shoal_error *err)
{
    pool *threads = NULL;
    int rc = weights_new(r->m, 2, &r->w, err);
    if (rc == 0) rc = exec_new(r->m, r->k ? r->k : kernels_named("portable"), MAX_ROWS, &r->x, err);
    if (rc == 0) rc = grads_new(r->m, &r->g, err);
    if (rc == 0) rc = pool_new(1, NULL, &threads, err);
    if (rc == 0) rc = weights_init_values(r->w, 7, 0.3, threads, err);
    pool_free(threads);
    return rc;
}

/* ---- finite differences ---- */

/* First values are too small for differences to show: make all of them matter. */
static void spread_weights(weights *w)
{
    size_t n;
    const param *p = model_params(w->model, &n);
    for (size_t i = 0; i < n; i++) {
        if (p[i].kind == PARAM_AUX) continue;
        float *base = p[i].kind == PARAM_TABLE ? w->table[p[i].offset] : w->dense + p[i].offset;
        const size_t stride = p[i].kind == PARAM_TABLE ? w->stride[p[i].offset] : (size_t)p[i].cols;
        for (uint64_t r = 0; r < p[i].rows; r++)
            for (uint64_t c = 0; c < p[i].cols; c++) base[r * stride + c] += (float)(rng_f64(100 + i, r * p[i].cols + c) - 0.5);
    }
}

static double mean_loss(run *r, const batch *b, const model *m)
{
    grads *g;
    shoal_error err;
    assert_ok(grads_new(m, &g, &err), err);
    assert_ok(exec_train(r->x, r->w, b, &step, g, NULL, &err), err);
    const double loss = g->loss / T_ROWS;
    grads_free(g, m);
    return loss;
}

/* Slope of the loss from *value + low to *value + high. */
static double slope(run *r, const batch *b, float *value, float low, float high)
{
    const float before = *value;
    *value = before + high;
    const double up = (double)*value, above = mean_loss(r, b, r->m);
    *value = before + low;
    const double rise = above - mean_loss(r, b, r->m), width = up - (double)*value;
    *value = before;
    return rise / width;
}

static int close_to(double got, double want, double tolerance) { return fabs(got - want) <= tolerance + 2e-2 * fabs(want); }

/* The kink of a relu within the step, or a strong bend, spoils a difference: one side, or a smaller step, then agrees. */
static void check_one(run *r, const batch *b, float *value, double got, const char *name, size_t at)
{
    static const struct { float h; double tolerance; } steps[] = {{4e-3f, 2e-4}, {1e-3f, 5e-4}, {2.5e-4f, 2e-3}};
    double left = 0, right = 0;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        const double tolerance = steps[i].tolerance;
        if (close_to(got, slope(r, b, value, -steps[i].h, steps[i].h), tolerance)) return;
        if (i == 0) continue; /* too coarse for one side alone */
        left = slope(r, b, value, -steps[i].h, 0);
        right = slope(r, b, value, 0, steps[i].h);
        if (close_to(got, left, tolerance) || close_to(got, right, tolerance)) return;
    }
    fail_msg("%s[%zu]: gradient %.7g, by differences %.7g, %.7g", name, at, got, left, right);
}

static size_t find_id(const grads *g, uint32_t id)
{
    for (size_t i = 0; i < g->n_ids; i++)
        if (g->id[i] == id) return i;
    return SIZE_MAX;
}

/* Of large parameters only some elements, spread evenly. */
#define CHECKED_MAX 500

static void check_param(run *r, const batch *b, const param *p)
{
    const uint64_t n = p->rows * p->cols, stride = n / CHECKED_MAX + 1;
    for (uint64_t e = 0; e < n; e += stride) {
        const size_t at = (size_t)e;
        const uint64_t row = e / p->cols, c = e % p->cols;
        if (p->kind == PARAM_DENSE) {
            check_one(r, b, &r->w->dense[p->offset + at], (double)r->g->dense[p->offset + at], p->name, at);
            continue;
        }
        const size_t slot = find_id(r->g, (uint32_t)row);
        const double got = slot == SIZE_MAX ? 0 : (double)r->g->table[p->offset][slot * p->cols + c];
        check_one(r, b, &r->w->table[p->offset][row * r->w->stride[p->offset] + c], got, p->name, at);
    }
}

static void check_gradients(model *m, const fixture *x)
{
    run r = {.m = m};
    shoal_error err;
    assert_ok(run_start(&r, &err), err);
    spread_weights(r.w);
    assert_ok(exec_train(r.x, r.w, &x->b, &step, r.g, NULL, &err), err);
    size_t n;
    const param *p = model_params(m, &n);
    for (size_t i = 0; i < n; i++)
        if (p[i].kind != PARAM_AUX) check_param(&r, &x->b, &p[i]);
    run_release(&r);
}

static const char *const networks[] = {
    "layers: [linear]",
    "layers: [{embedding: {dim: 3}}, {fm: {}}]",
    "layers: [{dense: {input: numeric, units: 1}}]",
    "layers: [{dense: {input: numeric, units: 1, activation: tanh, dropout: 0.2}}]",
    "layers: [{dense: {input: numeric, units: 5, activation: sigmoid, dropout: 0.5}}, {dense: {units: 1}}]",
    "layers: [{dense: {input: numeric, units: 5, activation: tanh}}, {dense: {units: 3, activation: none, dropout: 0.3}}, {dense: {units: 1}}]",
    "layers: [{embedding: {dim: 2}}, {dense: {units: 4, activation: relu, dropout: 0.3}}, {dense: {units: 1}}]",
    "layers: [{embedding: {dim: 2}}, {dense: {input: [numeric, embedding], units: 4, batch_norm: true, activation: tanh}}, {dense: {units: 1}}]",
    "layers: [{dense: {name: a, input: numeric, units: 4}}, {batch_norm: {epsilon: 0.01}}, {activation: {function: sigmoid}}, "
    "{dropout: {rate: 0.25}}, {add: {input: [a, dropout]}}, {dense: {units: 1}}]",
    /* activations with parameters or state of their own */
    "layers: [{dense: {input: numeric, units: 6, activation: leaky_relu, dropout: 0.3}}, {dense: {units: 4, activation: gelu}}"
    ", {dense: {units: 1}}]",
    "layers: [{dense: {input: numeric, units: 6, activation: prelu, dropout: 0.3}}, {dense: {units: 4, activation: dice}}, "
    "{dense: {units: 1}}]",
    "layers: [{embedding: {dim: 2}}, {activation: {function: dice, slope: 0.3}}, {dense: {units: 5, batch_norm: true, activation: "
    "prelu}}, {activation: {function: gelu}}, {dense: {units: 1, bias: false}}]",
    "layers: [{activation: {input: numeric, function: prelu}}, {dense: {units: 1}}]",
    "layers: [{embedding: {name: e, dim: 2}}, {dense: {units: e, times: 2, over: 3, bias: false, activation: tanh}}, {dense: "
    "{units: e.width}}, {dense: {units: e.fields, activation: leaky_relu, slope: 0.5}}, {dense: {units: 1}}]",
    /* layer norm */
    "layers: [{embedding: {name: e, dim: 3}}, {layer_norm: {name: a}}, {layer_norm: {name: b, input: e, per_field: true, epsilon: "
    "0.01}}, {add: {input: [a, b]}}, {dense: {units: 5}}, {layer_norm: }, {dense: {units: 1}}]",
    /* interactions of fields */
    "layers: [{embedding: {dim: 3}}, {bi_interaction: {}}, {dense: {units: 1}}]",
    "layers: [{embedding: {name: e, dim: 3}}, {pairs: {name: a}}, {pairs: {name: b, input: e, self: true}}, {dense: {input: [a, b], "
    "units: 1}}]",
    "layers: [{embedding: {name: e, dim: 3}}, {pairs: {name: a, product: hadamard}}, {pairs: {name: b, product: hadamard, self: "
    "true, input: e}}, {pairs: {name: c, input: a}}, {dense: {input: [b, c], units: 1}}]",
    "layers: [{embedding: {name: e, dim: 3}}, {bilinear_pairs: {name: a}}, {bilinear_pairs: {name: b, input: e, matrices: each}}, "
    "{bilinear_pairs: {name: c, input: e, matrices: interaction}}, {dense: {input: [a, b, c], units: 1}}]",
    "layers: [{embedding: {name: e, dim: 3}}, {pool: {name: s}}, {outer: {name: a, input: [s, s]}}, {outer: {name: b, input: "
    "[numeric, s]}}, {outer: {name: c, input: [s, numeric]}}, {dense: {input: [a, b, c], units: 1}}]",
    "layers: [{embedding: {name: e, dim: 3}}, {stack: {name: s, input: [numeric, e, numeric]}}, {pool: {name: a, function: mean}}, "
    "{pool: {name: b, input: s, over: width}}, {pool: {name: c, input: s, over: width, function: mean}}, {dense: {input: [a, b, c], "
    "units: 1, activation: tanh}}]",
    "layers: [{stack: {name: s, input: [numeric, numeric]}}, {bilinear_pairs: {name: a}}, {pairs: {name: b, input: s}}, {pool: {name: "
    "c, input: s}}, {dense: {input: [a, b, c], units: 1}}]",
    "layers: [{embedding: {name: e, dim: 3}}, {dense: {name: g, units: e, activation: sigmoid}}, {multiply: {name: a, input: [e, g], "
    "factor: 2}}, {dense: {name: h, input: numeric, units: e.fields}}, {multiply: {name: b, input: [a, h]}}, {multiply: {name: c, "
    "input: [numeric, numeric]}}, {multiply: {name: d, input: [h, h], factor: -0.5}}, {dense: {input: [b, c, d], units: 1}}]",
    "layers: [{embedding: {name: e, dim: 3}}, {self_attention: {heads: 2, units: 2, activation: tanh}}, {self_attention: {name: a, "
    "heads: 1, units: 3, scaled: true, residual: false}}, {dense: {input: [a, e], units: 1}}]",
    "layers: [{stack: {input: numeric}}, {self_attention: {name: a, units: 2, activation: prelu}}, {attention_pool: {name: b, input: "
    "stack, units: 3, activation: gelu}}, {dense: {input: [a, b], units: 1}}]",
    "layers: [{embedding: {dim: 3}}, {pairs: {product: hadamard}}, {attention_pool: {units: 4, activation: tanh}}, {dense: {units: "
    "1}}]",
    "layers: [{embedding: {name: e, dim: 2}}, {slice: {name: s, fields: [scores, user, user]}}, {constant: {name: c, units: e.fields}}, "
    "{multiply: {name: g, input: [e, c]}}, {bilinear: {name: a, input: [e, g], heads: 2}}, {bilinear: {name: b, input: [numeric, s]}}, "
    "{bilinear: {name: d, input: [s, numeric], heads: 3}}, {add: {input: [a, b, d]}}]",
    "layers: [{layer_norm: {input: numeric}}, {dense: {units: 1, activation: tanh}}]",
    "layers: [{embedding: {name: a, dim: 2}}, {embedding: {name: b, dim: 2}}, {add: {input: [a, b]}}, {fm: {}}]",
    "layers: [{embedding: {name: e, dim: 2}}, {concat: {name: c, input: [e, numeric, e]}}, {dense: {name: d, units: 1}}, "
    "{fm: {name: f, input: e}}, {add: {input: [d, f, d]}}]",
    "layers: [{embedding: {dim: 3}}, {cin: {layers: [5]}}, {dense: {units: 1}}]",
    "layers: [{embedding: {dim: 2}}, {cin: {layers: [4, 3, 2], activation: relu}}, {dense: {units: 1}}]",
    "layers: [{embedding: {dim: 3}}, {cin: {layers: [6, 4], split_half: true}}, {dense: {input: [embedding, cin], units: 1}}]",
    "layers: [{ffm: {dim: 4}}]",
    "layers: [{ffm: {dim: 3, normalize: true}}]",
    "layers: [{ffm: {dim: 8, normalize: true, init_uniform: 1}}]",
    "layers: [{embedding: {name: e, dim: 2}}, {cross: {input: [e, numeric], layers: 3}}, {dense: {units: 1}}]",
    "layers: [{embedding: {name: e, dim: 2}}, {cross: {layers: 1}}, {dense: {input: [e, cross], units: 1}}]",
    "layers: [{embedding: {name: e, dim: 2}}, {cross_v2: {input: [e, numeric], layers: 2}}, {dense: {units: 1}}]",
    "layers: [{embedding: {name: e, dim: 2}}, {cross_v2: {layers: 1}}, {dense: {input: [e, cross_v2], units: 1}}]",
    "layers: [{embedding: {name: e, dim: 2}}, {cross_v2: {input: [e, numeric], layers: 2, rank: 3}}, {dense: {units: 1}}]",
    "layers: [{embedding: {name: e, dim: 2}}, {cross_v2: {layers: 3, rank: 2, experts: 3}}, {dense: {units: 1}}]",
    "layers: [{embedding: {name: e, dim: 2}}, {activation: {name: t, function: tanh, input: e}}, {fm: {input: t}}]",
};

static void layer_gradients(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        fixture x;
        shoal_error err;
        model *m;
        fixture_init(&x, T_FIELDS, T_DENSE, 1 + i);
        if (build_text(networks[i], &x.f, NULL, &m, &err) < 0) fail_msg("%s: %s", networks[i], err.message);
        check_gradients(m, &x);
    }
}

static void gradients_of_the_largest(void **state)
{
    (void)state;
    static const char *const list[] = {"layers: [linear]", "layers: [{embedding: {dim: 3}}, {fm: {}}]",
                                       "layers: [{embedding: {dim: 17}}, {dense: {units: 1}}]"};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        fixture x;
        shoal_error err;
        model *m;
        fixture_init(&x, T_FIELDS, T_DENSE, 30 + i);
        fixture_largest(&x);
        assert_ok(build_text(list[i], &x.f, NULL, &m, &err), err);
        check_gradients(m, &x);
    }
}

static const uint32_t small[] = {6, 5};
static const model_overrides tiny = {.dropout = -1, .embedding_dim = 3, .hidden = small, .n_hidden = 2};

static void zoo_gradients(void **state)
{
    (void)state;
    for (const char *const *name = model_zoo(); *name; name++) {
        fixture x;
        shoal_error err;
        model *m;
        fixture_init(&x, T_FIELDS, T_DENSE, 3);
        assert_ok(build_small(*name, &x.f, &m, &err), err);
        check_gradients(m, &x);
    }
}

/* ---- data without numbers, without fields ---- */

static void partial_data(void **state)
{
    (void)state;
    shoal_error err;
    model *m;
    fixture x;
    static const char *const with_e = "layers: [{linear: }, {embedding: {name: e, dim: 2}}, {dense: {input: [e, numeric], "
                                      "units: 3}}, {dense: {name: top, units: 1}}, {add: {input: [linear, top]}}]";
    fixture_init(&x, 0, T_DENSE, 1);
    assert_ok(build_text(with_e, &x.f, NULL, &m, &err), err);
    check_gradients(m, &x);
    fixture_init(&x, T_FIELDS, 0, 1);
    assert_ok(build_text(with_e, &x.f, NULL, &m, &err), err);
    check_gradients(m, &x);
    assert_ok(build_zoo("deepfm", &x.f, &tiny, &m, &err), err);
    check_gradients(m, &x);
    assert_ok(build_small("dlrm", &x.f, &m, &err), err);
    check_gradients(m, &x);
    fixture_init(&x, 0, T_DENSE, 1);
    assert_ok(build_zoo("lr", &x.f, NULL, &m, &err), err);
    check_gradients(m, &x);
}

/* ---- exactness ---- */

static void same_grads(const grads *a, const grads *b, const model *m)
{
    assert_memory_equal(&a->loss, &b->loss, sizeof a->loss);
    assert_memory_equal(&a->weight, &b->weight, sizeof a->weight);
    assert_int_equal(a->n_ids, b->n_ids);
    assert_memory_equal(a->id, b->id, a->n_ids * sizeof *a->id);
    assert_memory_equal(a->shard, b->shard, sizeof a->shard);
    assert_memory_equal(a->dense, b->dense, model_dense_size(m) * sizeof(float));
    assert_memory_equal(a->aux, b->aux, model_aux_size(m) * sizeof(float));
    for (size_t t = 0; t < model_tables(m); t++)
        assert_memory_equal(a->table[t], b->table[t], a->n_ids * model_table_cols(m, t) * sizeof(float));
}

/* A workspace that has seen other batches, longer and shorter, gives the same bits as a fresh one. */
static void history_does_not_matter_to(const char *set, const char *text)
{
    fixture x, other;
    shoal_error err;
    run r = {.k = kernels_named(set)}, q = {.k = r.k};
    fixture_init(&x, T_FIELDS, T_DENSE, 5);
    fixture_init(&other, T_FIELDS, T_DENSE, 6);
    x.b.rows = 7;
    x.bf[0].n_id = x.bf[1].n_id = 7;
    x.bf[2].n_id = x.offset[2][7];
    x.bf[3].n_id = x.offset[3][7];
    assert_ok(build_text(text, &x.f, NULL, &r.m, &err), err);
    assert_ok(build_text(text, &x.f, NULL, &q.m, &err), err);
    assert_ok(run_start(&r, &err), err);
    assert_ok(run_start(&q, &err), err);
    float logits[T_ROWS], scores[T_ROWS], again[T_ROWS];
    assert_ok(exec_train(q.x, q.w, &other.b, &step, q.g, NULL, &err), err);
    assert_ok(exec_predict(q.x, q.w, &other.b, scores, &err), err);
    assert_ok(exec_train(q.x, q.w, &x.b, &step, q.g, scores, &err), err);
    assert_ok(exec_train(r.x, r.w, &x.b, &step, r.g, logits, &err), err);
    same_grads(r.g, q.g, r.m);
    assert_memory_equal(logits, scores, 7 * sizeof(float));
    assert_ok(exec_predict(q.x, q.w, &x.b, scores, &err), err);
    assert_ok(exec_predict(r.x, r.w, &x.b, again, &err), err);
    assert_memory_equal(again, scores, 7 * sizeof(float));
    run_release(&r);
    run_release(&q);
}

static void history_does_not_matter(void **state)
{
    (void)state;
    static const char *const text = "layers: [{linear: }, {embedding: {name: e, dim: 5}}, {fm: {name: s}}, {dense: {name: h, input: "
                                    "[e, numeric], units: 9, activation: relu, batch_norm: true, dropout: 0.3}}, {dense: {name: top, "
                                    "units: 1}}, {add: {input: [linear, s, top]}}]";
    static const char *const sets[] = {"portable", "auto"};
    for (int i = 0; i < 2; i++) {
        history_does_not_matter_to(sets[i], text);
        for (size_t j = 0; j < sizeof networks / sizeof *networks; j++)
            if (strstr(networks[j], "embedding") || strstr(networks[j], "ffm")) history_does_not_matter_to(sets[i], networks[j]);
    }
}

static void predicts_as_it_trains(void **state)
{
    (void)state;
    fixture x;
    shoal_error err;
    run r = {0};
    fixture_init(&x, T_FIELDS, T_DENSE, 5);
    assert_ok(build_zoo("deepfm", &x.f, &tiny, &r.m, &err), err);
    assert_ok(run_start(&r, &err), err);
    spread_weights(r.w);
    float logits[T_ROWS], scores[T_ROWS];
    assert_ok(exec_train(r.x, r.w, &x.b, &step, r.g, logits, &err), err);
    assert_ok(exec_predict(r.x, r.w, &x.b, scores, &err), err);
    assert_memory_equal(logits, scores, sizeof logits);
    run_release(&r);
}

/* Two rows of a batch and one row with twice the weight are the same to the gradient. */
static void row_weights_count(void **state)
{
    (void)state;
    fixture x;
    shoal_error err;
    run r = {0}, q = {0};
    fixture_init(&x, 2, T_DENSE, 5);
    assert_ok(build_zoo("lr", &x.f, NULL, &r.m, &err), err);
    assert_ok(build_zoo("lr", &x.f, NULL, &q.m, &err), err);
    assert_ok(run_start(&r, &err), err);
    assert_ok(run_start(&q, &err), err);
    x.b.rows = 1;
    x.bf[0].n_id = x.bf[1].n_id = 1;
    x.weight[0] = 2;
    assert_ok(exec_train(r.x, r.w, &x.b, &step, r.g, NULL, &err), err);
    x.b.rows = 2;
    x.bf[0].n_id = x.bf[1].n_id = 2;
    x.id[0][1] = x.id[0][0];
    x.id[1][1] = x.id[1][0];
    memcpy(x.dense + T_DENSE, x.dense, T_DENSE * sizeof(float));
    x.label[1] = x.label[0];
    x.weight[0] = x.weight[1] = 1;
    assert_ok(exec_train(q.x, q.w, &x.b, &step, q.g, NULL, &err), err);
    same_grads(r.g, q.g, r.m);
    run_release(&r);
    run_release(&q);
}

static void ids_are_grouped(void **state)
{
    (void)state;
    fixture x;
    shoal_error err;
    run r = {0};
    fixture_init(&x, T_FIELDS, 0, 5);
    assert_ok(build_zoo("lr", &x.f, NULL, &r.m, &err), err);
    assert_ok(run_start(&r, &err), err);
    assert_ok(exec_train(r.x, r.w, &x.b, &step, r.g, NULL, &err), err);
    assert_int_equal(r.g->shard[0], 0);
    assert_int_equal(r.g->shard[MODEL_SHARDS], r.g->n_ids);
    uint8_t seen[T_IDS] = {0};
    for (uint32_t s = 0; s < MODEL_SHARDS; s++)
        for (uint32_t i = r.g->shard[s]; i < r.g->shard[s + 1]; i++) {
            assert_int_equal(model_shard(r.g->id[i]), s);
            assert_int_equal(seen[r.g->id[i]]++, 0);
        }
    for (uint32_t f = 0; f < T_FIELDS; f++)
        for (uint32_t i = 0; i < x.bf[f].n_id; i++) assert_int_equal(seen[x.id[f][i]], 1);
    x.id[1][2] = T_IDS; /* outside */
    assert_int_equal(exec_train(r.x, r.w, &x.b, &step, r.g, NULL, &err), SHOAL_INTERNAL);
    run_release(&r);
}

/* ---- first values ---- */

static void first_values(void **state)
{
    (void)state;
    fixture x;
    shoal_error err;
    run r = {0}, q = {0};
    fixture_init(&x, T_FIELDS, T_DENSE, 5);
    x.f.n_ids = 50000;
    assert_ok(build_zoo("deepfm", &x.f, NULL, &r.m, &err), err);
    assert_ok(build_zoo("deepfm", &x.f, NULL, &q.m, &err), err);
    assert_ok(run_start(&r, &err), err);
    assert_ok(weights_new(q.m, 0, &q.w, &err), err);
    pool *threads;
    assert_ok(pool_new(3, NULL, &threads, &err), err);
    assert_ok(weights_init_values(q.w, 7, 0.3, threads, &err), err);
    pool_free(threads);
    size_t n;
    const param *p = model_params(r.m, &n);
    assert_memory_equal(r.w->dense, q.w->dense, model_dense_size(r.m) * sizeof(float));
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(p[i].name, "linear.bias") == 0) assert_true(fabs((double)r.w->dense[p[i].offset] - log(0.3 / 0.7)) < 1e-6);
        if (strcmp(p[i].name, "e.table") != 0) continue;
        for (uint64_t row = 0; row < p[i].rows; row++) {
            const float *a = r.w->table[p[i].offset] + row * r.w->stride[p[i].offset];
            const float *b = q.w->table[p[i].offset] + row * q.w->stride[p[i].offset];
            assert_memory_equal(a, b, (size_t)p[i].cols * sizeof(float));
            for (uint64_t c = 0; c < p[i].cols; c++) {
                sum += (double)a[c];
                squares += (double)a[c] * (double)a[c];
                assert_true(a[p[i].cols + c] == 0);
            }
        }
        const double count = (double)(p[i].rows * p[i].cols);
        assert_true(fabs(sum / count) < 1e-4 && fabs(sqrt(squares / count) - 0.01) < 1e-4);
    }
    run_release(&r);
    run_release(&q);
}

/* ---- failing allocations ---- */

static int everything(const fixture *x, run *r, shoal_error *err)
{
    static const char *const text = "name: n\npaper: p\nlayers: [{linear: }, {embedding: {name: e, dim: 5}}, {fm: {name: s}}, {dense: "
                                    "{name: h, input: [e, numeric], units: 9, batch_norm: true}}, {dense: {name: top, units: "
                                    "1}}, {add: {input: [linear, s, top]}}]";
    buf out;
    buf_init(&out);
    float logits[T_ROWS];
    static const char *const set[] = {"e.dim=3", "h.dropout=0.5"};
    model_overrides changed = tiny;
    changed.set = set;
    changed.n_set = 2;
    int rc = build_text(text, &x->f, &changed, &r->m, err);
    if (rc == 0) rc = run_start(r, err);
    if (rc == 0) rc = exec_train(r->x, r->w, &x->b, &step, r->g, logits, err);
    if (rc == 0) rc = exec_predict(r->x, r->w, &x->b, logits, err);
    if (rc == 0) rc = model_summary(r->m, 80, &out, err);
    buf_release(&out);
    return rc;
}

static void allocation_failures(void **state)
{
    (void)state;
    fixture x;
    fixture_init(&x, T_FIELDS, T_DENSE, 5);
    for (long n = 1;; n++) {
        run r = {0};
        shoal_error err = {0};
        assert_true(n < 2000);
        mem_fail_at(n, 0);
        int rc = everything(&x, &r, &err);
        mem_fail_at(0, 0);
        run_release(&r);
        if (rc == 0) {
            assert_true(n > 20);
            break;
        }
        if (rc != SHOAL_NOMEM) fail_msg("allocation %ld: %d %s", n, rc, err.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layer_gradients), cmocka_unit_test(gradients_of_the_largest),   cmocka_unit_test(zoo_gradients),  cmocka_unit_test(partial_data),
        cmocka_unit_test(history_does_not_matter), cmocka_unit_test(predicts_as_it_trains), cmocka_unit_test(row_weights_count),
        cmocka_unit_test(ids_are_grouped),   cmocka_unit_test(first_values),   cmocka_unit_test(allocation_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
