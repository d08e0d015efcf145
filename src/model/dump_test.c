/* Writes small data, the models' weights, and what one micro-batch and one step of Adam made of them, as JSON, for
 * tests/e2e/numpy_models.py to compute again: dump_test FILE. Alone, it writes a file here and reads it back. */
#include "model/model_testing.h"

#define MAX_ROWS 16

static const optimizer_step adam = {.kind = OPTIMIZER_ADAM, .lr = 0.05f, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-4f,
                                    .correct1 = 1 / (1 - 0.9f), .correct2 = 1 / (1 - 0.999f)};

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
        for (uint64_t r = 0; r < p[i].rows; r++) {
            const float *row = p[i].kind == PARAM_TABLE ? w->table[p[i].offset] + r * w->stride[p[i].offset]
                               : w->dense + p[i].offset + r * p[i].cols;
            json_array_append_new(values, floats(row, (size_t)p[i].cols));
        }
        set(o, p[i].name, values);
    }
    return o;
}

/* Tables as rows of zeros where no key came. */
static json_t *grads_json(const model *m, const grads *g)
{
    size_t n;
    const param *p = model_params(m, &n);
    json_t *o = json_object();
    for (size_t i = 0; i < n; i++) {
        json_t *values = json_array();
        for (uint64_t r = 0; r < p[i].rows; r++) {
            float zero[64] = {0};
            const float *row = p[i].kind == PARAM_DENSE ? g->dense + p[i].offset + r * p[i].cols : zero;
            assert_true(p[i].cols <= 64);
            for (uint32_t j = 0; p[i].kind == PARAM_TABLE && j < g->n_ids; j++)
                if (g->id[j] == r) row = g->table[p[i].offset] + j * p[i].cols;
            json_array_append_new(values, floats(row, (size_t)p[i].cols));
        }
        set(o, p[i].name, values);
    }
    return o;
}

static void step_adam(const kernels *k, weights *w, const grads *g)
{
    for (size_t t = 0; t < model_tables(w->model); t++)
        k->optimize_rows(&adam, g->n_ids, model_table_cols(w->model, t), g->id, w->table[t], w->stride[t], g->table[t]);
    k->optimize(&adam, model_dense_size(w->model), w->dense, w->state[0], w->state[1], g->dense);
}

/* First values times 30, so that no part of the sum is lost beside the others. */
static void enlarge(weights *w)
{
    for (size_t t = 0; t < model_tables(w->model); t++)
        for (size_t r = 0; r < T_IDS; r++)
            for (uint32_t c = 0; c < model_table_cols(w->model, t); c++) {
                float *v = &w->table[t][r * w->stride[t] + c];
                *v = *v * 30 + (float)(rng_f64(77 + t, r) - 0.5) * 0.3f;
            }
}

static json_t *model_json(const char *name, const fixture *x, const model_overrides *o)
{
    static const exec_step step = {.key = 1, .scale = 1.0f / T_ROWS};
    shoal_error err;
    model *m;
    weights *w;
    exec *e;
    grads *g;
    pool *threads;
    const kernels *k;
    float logits[T_ROWS];
    assert_ok(kernels_get("auto", &k, &err), err);
    kernels_thread_start();
    assert_ok(build_zoo(name, &x->f, o, &m, &err), err);
    assert_ok(weights_new(m, 2, &w, &err), err);
    assert_ok(pool_new(1, NULL, &threads, &err), err);
    assert_ok(weights_init_values(w, 5, 0.4, threads, &err), err);
    assert_ok(exec_new(m, k, MAX_ROWS, &e, &err), err);
    assert_ok(grads_new(m, &g, &err), err);
    enlarge(w);
    json_t *o_ = json_object();
    set(o_, "name", json_string(name));
    set(o_, "weights", weights_json(w));
    assert_ok(exec_train(e, w, &x->b, &step, g, logits, &err), err);
    set(o_, "logits", floats(logits, T_ROWS));
    set(o_, "loss", json_real(g->loss / T_ROWS));
    set(o_, "gradients", grads_json(m, g));
    step_adam(k, w, g);
    set(o_, "after", weights_json(w));
    pool_free(threads);
    grads_free(g, m);
    exec_free(e);
    weights_free(w);
    model_free(m);
    return o_;
}

static void dump(const char *path)
{
    static const uint32_t hidden[] = {11, 7};
    const model_overrides deep = {.dropout = -1, .embedding_dim = 5, .hidden = hidden, .n_hidden = 2},
                          fm = {.dropout = -1, .embedding_dim = 5}, lr = {.dropout = -1};
    fixture x;
    fixture_init(&x, T_FIELDS, T_DENSE, 9);
    json_t *root = json_object(), *models = json_array();
    set(root, "dense", floats(x.dense, T_ROWS * T_DENSE));
    set(root, "label", floats(x.label, T_ROWS));
    set(root, "weight", floats(x.weight, T_ROWS));
    set(root, "fields", fields_json(&x.b));
    set(root, "adam", json_pack("{s:f, s:f, s:f, s:f}", "lr", (double)adam.lr, "beta1", (double)adam.beta1, "beta2",
                                (double)adam.beta2, "epsilon", (double)adam.epsilon));
    json_array_append_new(models, model_json("lr", &x, &lr));
    json_array_append_new(models, model_json("fm", &x, &fm));
    json_array_append_new(models, model_json("deepfm", &x, &deep));
    set(root, "models", models);
    assert_int_equal(json_dump_file(root, path, JSON_INDENT(1) | JSON_REAL_PRECISION(12)), 0);
    json_decref(root);
}

static void dumps_and_reads(void **state)
{
    (void)state;
    dump("models.json");
    json_error_t why;
    json_t *root = json_load_file("models.json", 0, &why);
    assert_non_null(root);
    json_t *models = json_object_get(root, "models");
    assert_int_equal(json_array_size(models), 3);
    for (size_t i = 0; i < 3; i++) {
        json_t *m = json_array_get(models, i);
        assert_true(json_real_value(json_object_get(m, "loss")) > 0.1);
        assert_false(json_equal(json_object_get(m, "weights"), json_object_get(m, "after")));
    }
    json_decref(root);
    remove("models.json");
}

int main(int argc, char **argv)
{
    if (argc == 2) {
        dump(argv[1]);
        return 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(dumps_and_reads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
