/* Writes small data, models' weights, and what one micro-batch and two steps of each optimiser made of them, as JSON, for
 * tests/e2e/zoo_models.py to compute again: dump_test [--largest|--shared] FILE MODEL..., a model being a name of the zoo or a
 * file. With --largest, the largest of one field's bags counts; with --shared, two fields have one run of rows. Alone, it writes a
 * file here and reads it back. */
#include "model/model_testing.h"

#define MAX_ROWS 16
#define OPTIMIZER_STEPS 2 /* both on the same gradient; the second sees the first one's state */

static const struct {
    const char *name;
    optimizer_step o;
} optimizers[] = {
    {"sgd", {.kind = OPTIMIZER_SGD, .lr = 0.5f, .l2 = 0.01f}},
    {"momentum", {.kind = OPTIMIZER_SGD, .lr = 0.5f, .momentum = 0.75f}},
    {"adagrad", {.kind = OPTIMIZER_ADAGRAD, .lr = 0.05f, .l2 = 0.01f, .epsilon = 1e-4f, .accumulator = 0.1f}},
    {"adam", {.kind = OPTIMIZER_ADAM, .lr = 0.05f, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-4f}},
    {"ftrl", {.kind = OPTIMIZER_FTRL, .lr = 0.05f, .l1 = 0.001f, .l2 = 0.01f, .ftrl_beta = 1}},
};
#define N_OPTIMIZERS (sizeof optimizers / sizeof *optimizers)

static void set(json_t *o, const char *key, json_t *value) { assert_int_equal(json_object_set_new(o, key, value), 0); }

static json_t *floats(const float *p, size_t n)
{
    json_t *a = json_array();
    for (size_t i = 0; i < n; i++) assert_int_equal(json_array_append_new(a, json_real((double)p[i])), 0);
    return a;
}

/* Keys of a row and their weights, for each field. */
static json_t *fields_json(const batch *b)
{
    json_t *all = json_array();
    for (uint32_t f = 0; f < b->n_fields; f++) {
        const batch_field *x = &b->field[f];
        json_t *rows = json_array();
        for (uint32_t r = 0; r < b->rows; r++) {
            json_t *row = json_array();
            const uint32_t begin = x->offset ? x->offset[r] : r, end = x->offset ? x->offset[r + 1] : r + 1;
            for (uint32_t j = begin; j < end; j++)
                json_array_append_new(row, json_pack("[i, f]", (int)x->id[j], x->weight ? (double)x->weight[j] : 1.0));
            json_array_append_new(rows, row);
        }
        json_array_append_new(all, rows);
    }
    return all;
}

static json_t *weights_json(const weights *w)
{
    size_t n;
    const param *p = model_params(w->model, &n);
    json_t *o = json_object();
    for (size_t i = 0; i < n; i++) {
        json_t *values = json_array();
        for (uint64_t r = 0; p[i].kind != PARAM_AUX && r < p[i].rows; r++) {
            const float *row = p[i].kind == PARAM_TABLE ? w->table[p[i].offset] + r * w->stride[p[i].offset]
                               : w->dense + p[i].offset + r * p[i].cols;
            json_array_append_new(values, floats(row, (size_t)p[i].cols));
        }
        if (p[i].kind == PARAM_AUX)
            json_decref(values);
        else
            set(o, p[i].name, values);
    }
    return o;
}

/* Tables as rows of zeros where no key came. */
static json_t *grads_json(const model *m, const grads *g)
{
    static const float zero[1024];
    size_t n;
    const param *p = model_params(m, &n);
    json_t *o = json_object();
    for (size_t i = 0; i < n; i++) {
        if (p[i].kind == PARAM_AUX) continue;
        json_t *values = json_array();
        assert_true(p[i].cols <= sizeof zero / sizeof *zero);
        for (uint64_t r = 0; r < p[i].rows; r++) {
            const float *row = p[i].kind == PARAM_DENSE ? g->dense + p[i].offset + r * p[i].cols : zero;
            for (uint32_t j = 0; p[i].kind == PARAM_TABLE && j < g->n_ids; j++)
                if (g->id[j] == r) row = g->table[p[i].offset] + j * p[i].cols;
            json_array_append_new(values, floats(row, (size_t)p[i].cols));
        }
        set(o, p[i].name, values);
    }
    return o;
}

static void step(const kernels *k, optimizer_step o, int t, weights *w, const grads *g)
{
    o.correct1 = (float)(1 / (1 - pow((double)o.beta1, t + 1)));
    o.correct2 = (float)(1 / (1 - pow((double)o.beta2, t + 1)));
    for (size_t i = 0; i < model_tables(w->model); i++)
        step_table(k, &o, i, w, g);
    k->optimize(&o, model_dense_size(w->model), w->dense, w->state[0], w->state[1], g->dense);
}

/* First values of tables times 30, so that no part of the sum is lost beside the others; nothing stays zero. */
static void enlarge(weights *w)
{
    for (size_t t = 0; t < model_tables(w->model); t++)
        for (size_t r = 0; r < model_features(w->model)->n_ids; r++)
            for (uint32_t c = 0; c < model_table_cols(w->model, t); c++) {
                float *v = &w->table[t][r * w->stride[t] + c];
                *v = *v * 30 + (float)(rng_f64(77 + t, r * model_table_cols(w->model, t) + c) - 0.5);
            }
    size_t n;
    const param *p = model_params(w->model, &n);
    for (size_t i = 0; i < n; i++)
        for (uint64_t e = 0; p[i].kind == PARAM_DENSE && e < p[i].rows * p[i].cols; e++)
            w->dense[p[i].offset + e] += (float)(rng_f64(177 + i, e) - 0.5) * 0.3f;
}

static weights *first_weights(const model *m, int slots)
{
    shoal_error err;
    weights *w;
    pool *threads;
    assert_ok(weights_new(m, slots, &w, &err), err);
    assert_ok(pool_new(1, NULL, &threads, &err), err);
    assert_ok(weights_init_values(w, 5, 0.4, threads, &err), err);
    pool_free(threads);
    enlarge(w);
    return w;
}

/* The weights after the steps of each optimiser. */
static json_t *after_json(const model *m, const kernels *k, const grads *g)
{
    json_t *all = json_object();
    for (size_t i = 0; i < N_OPTIMIZERS; i++) {
        weights *w = first_weights(m, optimizer_slots(optimizers[i].o.kind, optimizers[i].o.momentum));
        for (int t = 0; t < OPTIMIZER_STEPS; t++) step(k, optimizers[i].o, t, w, g);
        set(all, optimizers[i].name, weights_json(w));
        weights_free(w);
    }
    return all;
}

static json_t *model_json(const char *name, const fixture *x)
{
    static const exec_step at = {.key = 1, .scale = 1.0f / T_ROWS};
    shoal_error err;
    model *m;
    exec *e;
    grads *g;
    const kernels *k;
    float logits[T_ROWS];
    assert_ok(kernels_get("auto", &k, &err), err);
    kernels_thread_start();
    assert_ok(build_small(name, &x->f, &m, &err), err);
    weights *w = first_weights(m, 0);
    assert_ok(exec_new(m, k, MAX_ROWS, &e, &err), err);
    assert_ok(grads_new(m, &g, &err), err);
    json_t *o = json_object();
    set(o, "name", json_string(name));
    set(o, "weights", weights_json(w));
    assert_ok(exec_train(e, w, &x->b, &at, g, logits, &err), err);
    set(o, "logits", floats(logits, T_ROWS));
    set(o, "loss", json_real(g->loss / T_ROWS));
    set(o, "gradients", grads_json(m, g));
    set(o, "after", after_json(m, k, g));
    grads_free(g, m);
    exec_free(e);
    weights_free(w);
    model_free(m);
    return o;
}

static json_t *optimizers_json(void)
{
    json_t *all = json_object();
    for (size_t i = 0; i < N_OPTIMIZERS; i++) {
        const optimizer_step *o = &optimizers[i].o;
        set(all, optimizers[i].name,
            json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "lr", (double)o->lr, "l1", (double)o->l1, "l2", (double)o->l2,
                      "momentum", (double)o->momentum, "beta1", (double)o->beta1, "beta2", (double)o->beta2, "epsilon",
                      (double)o->epsilon, "ftrl_beta", (double)o->ftrl_beta, "accumulator", (double)o->accumulator));
    }
    return all;
}

static void dump(const char *data, const char *path, size_t n, const char *const *names)
{
    fixture x;
    fixture_init(&x, T_FIELDS, T_DENSE, 9);
    const int largest = strcmp(data, "--largest") == 0;
    if (largest) fixture_largest(&x);
    if (strcmp(data, "--shared") == 0) fixture_shared(&x);
    json_t *root = json_object(), *models = json_array();
    set(root, "dense", floats(x.dense, T_ROWS * T_DENSE));
    set(root, "label", floats(x.label, T_ROWS));
    set(root, "weight", floats(x.weight, T_ROWS));
    set(root, "fields", fields_json(&x.b));
    set(root, "ids", json_integer(x.f.n_ids));
    set(root, "largest", json_integer(largest ? 2 : -1));
    set(root, "steps", json_integer(OPTIMIZER_STEPS));
    set(root, "optimizers", optimizers_json());
    for (size_t i = 0; i < n; i++) json_array_append_new(models, model_json(names[i], &x));
    set(root, "models", models);
    assert_int_equal(json_dump_file(root, path, JSON_INDENT(1) | JSON_REAL_PRECISION(12)), 0);
    json_decref(root);
}

static void dumps_and_reads(void **state)
{
    (void)state;
    size_t n = 0;
    while (model_zoo()[n]) n++;
    dump("", "models.json", n, model_zoo());
    json_error_t why;
    json_t *root = json_load_file("models.json", 0, &why);
    assert_non_null(root);
    json_t *models = json_object_get(root, "models");
    assert_int_equal(json_array_size(models), n);
    for (size_t i = 0; i < n; i++) {
        json_t *m = json_array_get(models, i), *after = json_object_get(m, "after");
        assert_true(json_real_value(json_object_get(m, "loss")) > 0.1);
        for (size_t j = 0; j < N_OPTIMIZERS; j++)
            assert_false(json_equal(json_object_get(m, "weights"), json_object_get(after, optimizers[j].name)));
    }
    json_decref(root);
    remove("models.json");
}

int main(int argc, char **argv)
{
    const char *data = argc > 1 && argv[1][0] == '-' ? argv[1] : "";
    argc -= data[0] == '-';
    argv += data[0] == '-';
    if (argc > 2) {
        dump(data, argv[1], (size_t)argc - 2, (const char *const *)argv + 2);
        return 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(dumps_and_reads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
