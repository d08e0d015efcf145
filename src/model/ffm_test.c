/* The model `libffm` against libffm's own algorithm in double precision, one row a step, by SGD and by AdaGrad: every pair of
 * keys by itself, each weight updated where it is met. With one key a field no weight is met twice in a row, so that the
 * order of updates does not matter. What libffm never touches, a key's vector for its own field, is left out. */
#include "model/model_testing.h"

#define DIM 4
#define STEPS (3 * T_ROWS)

typedef struct reference {
    double w[T_IDS][T_FIELDS][DIM], squares[T_IDS][T_FIELDS][DIM];
    double eta, lambda;
    int adagrad;
} reference;

static void update(const reference *x, double *w, double *squares, double g)
{
    if (x->adagrad) {
        *squares += g * g;
        *w -= x->eta * g / sqrt(*squares);
    } else {
        *w -= x->eta * g;
    }
}

static double value_of(const batch_field *f, uint32_t row) { return f->weight ? (double)f->weight[row] : 1; }

/* One row: returns its logit and makes the step. */
static double reference_step(reference *x, const fixture *data, uint32_t row)
{
    double squares = 0, z = 0;
    for (uint32_t f = 0; f < T_FIELDS; f++) squares += value_of(&data->bf[f], row) * value_of(&data->bf[f], row);
    for (int pass = 0; pass < 2; pass++) {
        const double slope = 1 / (1 + exp(-z)) - (double)data->label[row];
        for (uint32_t f = 0; f < T_FIELDS; f++)
            for (uint32_t g = f + 1; g < T_FIELDS; g++) {
                const double v = value_of(&data->bf[f], row) * value_of(&data->bf[g], row) / squares;
                double *a = x->w[data->id[f][row]][g], *b = x->w[data->id[g][row]][f];
                double *sa = x->squares[data->id[f][row]][g], *sb = x->squares[data->id[g][row]][f];
                for (int d = 0; d < DIM; d++) {
                    const double wa = a[d], wb = b[d];
                    if (pass == 0) {
                        z += wa * wb * v;
                        continue;
                    }
                    update(x, &a[d], &sa[d], x->lambda * wa + slope * wb * v);
                    update(x, &b[d], &sb[d], x->lambda * wb + slope * wa * v);
                }
            }
    }
    return z;
}

static void compare(const reference *x, const weights *w)
{
    for (uint32_t id = 0; id < T_IDS; id++)
        for (uint32_t f = 0; f < T_FIELDS; f++)
            for (int d = 0; d < DIM && f != id / 10; d++) {
                const double got = (double)w->table[0][id * w->stride[0] + f * DIM + (uint32_t)d], want = x->w[id][f][d];
                if (!(fabs(got - want) <= 1e-5)) fail_msg("key %u, field %u, %d: %.8g, libffm %.8g", id, f, d, got, want);
            }
}

static void one_row(const fixture *data, uint32_t row, int weighted, fixture *out)
{
    *out = *data;
    out->b = (batch){.rows = 1, .n_fields = T_FIELDS, .field = out->bf, .label = out->label, .weight = out->weight};
    out->label[0] = data->label[row];
    out->weight[0] = 1;
    for (uint32_t f = 0; f < T_FIELDS; f++) {
        out->id[f][0] = data->id[f][row];
        out->bf[f] = (batch_field){.id = out->id[f], .n_id = 1, .weight = f == 3 && weighted ? out->bag_weight : NULL};
    }
    out->bag_weight[0] = data->bag_weight[row];
}

/* With a field of other values than 1, and without, when the pairs go by tiles. */
static void follow(const optimizer_step *o, int weighted, const char *set)
{
    fixture data, row;
    shoal_error err;
    model *m;
    weights *w;
    exec *e;
    grads *g;
    pool *threads;
    const kernels *k;
    const exec_step at = {.key = 1, .scale = 1};
    static reference x;
    fixture_init(&data, T_FIELDS, 0, 4);
    for (uint32_t f = 2; f < T_FIELDS; f++)
        data.bf[f] = (batch_field){.id = data.id[f], .n_id = T_ROWS, .weight = f == 3 && weighted ? data.bag_weight : NULL};
    assert_ok(kernels_get(set, &k, &err), err);
    assert_ok(build_zoo("libffm", &data.f, NULL, &m, &err), err);
    assert_ok(weights_new(m, 1, &w, &err), err);
    assert_ok(exec_new(m, k, 4, &e, &err), err);
    assert_ok(grads_new(m, &g, &err), err);
    assert_ok(pool_new(1, NULL, &threads, &err), err);
    assert_ok(weights_init_values(w, 3, 0.3, threads, &err), err);
    pool_free(threads);
    x.eta = (double)o->lr;
    x.lambda = (double)o->l2;
    x.adagrad = o->kind == OPTIMIZER_ADAGRAD;
    for (uint32_t id = 0; id < T_IDS; id++)
        for (uint32_t i = 0; i < T_FIELDS * DIM; i++) {
            const float v = w->table[0][id * w->stride[0] + i];
            assert_true(v >= 0 && v < 0.5f); /* as libffm's first values: uniform in [0, 1 / sqrt(k)) */
            x.w[id][i / DIM][i % DIM] = (double)v;
            x.squares[id][i / DIM][i % DIM] = 1;
        }
    for (uint32_t s = 0; s < STEPS; s++) {
        float logit;
        one_row(&data, s % T_ROWS, weighted, &row);
        assert_ok(exec_train(e, w, &row.b, &at, g, &logit, &err), err);
        step_table(k, o, 0, w, g);
        assert_true(fabs((double)logit - reference_step(&x, &data, s % T_ROWS)) < 1e-5);
        compare(&x, w);
    }
    grads_free(g, m);
    exec_free(e);
    weights_free(w);
    model_free(m);
}

static void as_libffm(void **state)
{
    (void)state;
    static const optimizer_step sgd = {.kind = OPTIMIZER_SGD, .lr = 0.3f, .l2 = 0.02f},
                                adagrad = {.kind = OPTIMIZER_ADAGRAD, .lr = 0.2f, .l2 = 0.002f, .accumulator = 1};
    for (int weighted = 0; weighted < 2; weighted++) {
        follow(&sgd, weighted, "portable");
        follow(&adagrad, weighted, "portable");
        follow(&sgd, weighted, "auto");
        follow(&adagrad, weighted, "auto");
    }
}

/* Bags: all pairs of keys, those of one bag too, summed one by one; a row whose bags are all empty. */
static void pairs_within_bags(void **state)
{
    (void)state;
    enum { F = 2, D = 5, N = F * D };
    float rows[6 * N], scratch[(F + 3) * N + 3 * KERNEL_LANES], y[3] = {0};
    for (int i = 0; i < 6 * N; i++) rows[i] = (float)(rng_f64(5, (uint64_t)i) - 0.5);
    const uint32_t id[2][5] = {{0, 1, 2, 1, 0}, {3, 4, 5, 5, 0}}, offset[2][4] = {{0, 3, 5, 5}, {0, 2, 4, 4}};
    const float value[5] = {1, 0.5f, 2, 1, 3};
    const batch_field field[F] = {{.offset = offset[0], .id = id[0], .weight = value, .n_id = 5},
                                  {.offset = offset[1], .id = id[1], .n_id = 4}};
    for (int normalize = 0; normalize < 2; normalize++) {
        memset(y, 0, sizeof y);
        const kernels *k;
        assert_int_equal(kernels_get("portable", &k, NULL), 0);
        k->ffm(3, F, D, field, rows, N, normalize, scratch, y);
        for (uint32_t r = 0; r < 2; r++) {
            double want = 0, squares = 0;
            struct { uint32_t id, field; double x; } key[10];
            int n = 0;
            for (uint32_t f = 0; f < F; f++)
                for (uint32_t j = offset[f][r]; j < offset[f][r + 1]; j++, n++) {
                    key[n].id = id[f][j];
                    key[n].field = f;
                    key[n].x = f == 0 ? (double)value[j] : 1;
                    squares += key[n].x * key[n].x;
                }
            for (int a = 0; a < n; a++)
                for (int b = a + 1; b < n; b++)
                    for (uint32_t d = 0; d < D; d++)
                        want += key[a].x * key[b].x * (double)rows[key[a].id * N + key[b].field * D + d] *
                                (double)rows[key[b].id * N + key[a].field * D + d];
            assert_true(fabs((double)y[r] - (normalize ? want / squares : want)) < 1e-5);
        }
        assert_true(y[2] == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_libffm), cmocka_unit_test(pairs_within_bags)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
