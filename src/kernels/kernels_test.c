/* Every kernel of every set against the portable one, bit for bit, at sizes around those of the vectors; the portable one
 * against plain double arithmetic; the matrix products of each set, in a process of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <dirent.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/thread.h"
#include "kernels/kernels_sets.h"

#define FLOATS 20000
static const uint32_t widths[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 100, 129};
#define N_WIDTHS (sizeof widths / sizeof *widths)

/* ---- inputs ---- */

typedef struct memory {
    float *a, *b, *c, *d, *e, *f;
} memory;

static float *numbers(size_t n, uint64_t key, double low, double high)
{
    float *p = mem_alloc(n * sizeof *p);
    assert_non_null(p);
    for (size_t i = 0; i < n; i++) p[i] = (float)(low + (high - low) * rng_f64(key, i));
    return p;
}

static memory memory_new(void)
{
    return (memory){numbers(FLOATS, 1, -2, 2), numbers(FLOATS, 2, -2, 2), numbers(FLOATS, 3, 0, 1),
                    numbers(FLOATS, 4, 0, 2),  numbers(FLOATS, 5, -1, 1), numbers(FLOATS, 6, -9, 9)};
}

static void memory_free(memory *m)
{
    float *all[] = {m->a, m->b, m->c, m->d, m->e, m->f};
    for (size_t i = 0; i < 6; i++) mem_free(all[i]);
}

static void same_bits(const memory *x, const memory *y, const char *what, uint32_t n)
{
    const float *p[] = {x->a, x->b, x->c, x->d, x->e, x->f}, *q[] = {y->a, y->b, y->c, y->d, y->e, y->f};
    for (int i = 0; i < 6; i++)
        for (size_t j = 0; j < FLOATS; j++)
            if (memcmp(&p[i][j], &q[i][j], sizeof(float)) != 0)
                fail_msg("%s, n %u: array %d differs at %zu: %a, portable %a", what, n, i, j, (double)q[i][j], (double)p[i][j]);
}

/* ---- one call of every kernel ---- */

static uint32_t ids[400], offsets[21];

static void make_ids(uint32_t rows)
{
    for (uint32_t i = 0; i < 400; i++) ids[i] = (uint32_t)rng_below(7, i, rows);
    offsets[0] = 0;
    for (uint32_t i = 0; i < 20; i++) offsets[i + 1] = offsets[i] + (uint32_t)rng_below(8, i, 5);
}

static void run_bce(const kernels *k, uint32_t n, memory *m)
{
    double loss = k->bce(n, m->f + 1, m->c, m->d, 0.25f, m->a);
    memcpy(m->b, &loss, sizeof loss);
    m->b[2] = (float)k->bce(n, m->f, m->c, m->d, 1, NULL);
}

static void run_gather(const kernels *k, uint32_t n, memory *m)
{
    k->gather(20, n, NULL, ids, NULL, m->a, n + 3, 0, m->b, n + 1);
    k->gather(20, n, NULL, ids, m->c, m->a, n + 3, 1, m->b, n + 1);
    k->gather(20, n, offsets, ids, m->c, m->a, n + 3, 0, m->d, n);
    k->gather(20, n, offsets, ids, NULL, m->a, n + 3, 1, m->d, n);
}

static void run_scatter(const kernels *k, uint32_t n, memory *m)
{
    k->scatter(20, n, NULL, ids, NULL, m->a, n + 2, m->b);
    k->scatter(20, n, NULL, ids, m->c, m->a, n + 2, m->b);
    k->scatter(20, n, offsets, ids, m->c, m->a, n + 2, m->b);
    k->scatter(20, n, offsets, ids, NULL, m->a, n + 2, m->b);
}

static void run_bags_of_the_largest(const kernels *k, uint32_t n, memory *m)
{
    k->gather_max(20, n, offsets, ids, m->a, n + 3, 0, m->b, n + 1);
    k->gather_max(20, n, offsets, ids, m->a, n + 3, 1, m->d, n);
    k->scatter_max(20, n, offsets, ids, ids + 100, m->a, n + 3, m->b, n + 2, m->e);
}

static void run_fm(const kernels *k, uint32_t n, memory *m)
{
    k->fm(11, 5, n, m->a, m->b, m->d);
    k->fm_back(11, 5, n, m->a, m->b, m->c, m->e);
}

static void run_norm(const kernels *k, uint32_t n, memory *m)
{
    k->batch_norm_stats(9, n, m->a, m->c, m->d);
    k->batch_norm_apply(9, n, m->a, m->c, m->d, 1e-3f, m->b, m->e, m->f);
    k->batch_norm_back(9, n, m->a, m->c, m->d, 1e-3f, m->b, m->f, m->e, m->b + 5000, m->b + 10000);
}

static const optimizer_step steps[] = {
    {.kind = OPTIMIZER_SGD, .lr = 0.1f, .l2 = 0.01f},
    {.kind = OPTIMIZER_SGD, .lr = 0.1f, .momentum = 0.9f},
    {.kind = OPTIMIZER_ADAGRAD, .lr = 0.1f, .l2 = 0.01f, .epsilon = 1e-7f},
    {.kind = OPTIMIZER_ADAGRAD, .lr = 0.1f, .epsilon = 1e-7f, .accumulator = 0.5f},
    {.kind = OPTIMIZER_ADAM, .lr = 0.01f, .l2 = 0.01f, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-8f, .correct1 = 1.9f,
     .correct2 = 7.5f},
    {.kind = OPTIMIZER_FTRL, .lr = 0.1f, .l1 = 0.5f, .l2 = 0.1f, .ftrl_beta = 1},
};
#define N_STEPS (sizeof steps / sizeof *steps)

static void run_optimize(const kernels *k, uint32_t n, memory *m)
{
    for (size_t s = 0; s < N_STEPS; s++) k->optimize(&steps[s], n, m->a + 200 * s, m->e + 200 * s, m->d + 200 * s, m->b);
}

static void run_optimize_rows(const kernels *k, uint32_t n, memory *m)
{
    uint32_t distinct[37], first[38];
    kernel_touch touch[75];
    const float *g[3] = {m->a, m->b, m->f};
    for (uint32_t i = 0; i < 37; i++) distinct[i] = (i * 11) % 37;
    for (uint32_t i = 0; i < 38; i++) first[i] = i * 2 + (i > 20); /* two each, one three, the last one */
    first[37]--;
    for (uint32_t i = 0; i < 75; i++) touch[i] = (kernel_touch){i % 3, (i * 7) % 75};
    for (size_t s = 0; s < N_STEPS; s++) {
        /* sums of squares are no less than 0: a NaN has no sign that all sets would agree on */
        for (size_t j = 0; j < FLOATS; j++) m->d[j] = m->d[j] < 0 ? -m->d[j] : m->d[j];
        k->optimize_rows(&steps[s], 37, n, distinct, m->d, 3 * n + 1, first, touch, g);
    }
}

static void run_rows(const kernels *k, uint32_t n, memory *m)
{
    k->bias_add(13, n, m->b, m->a, n + 3);
    k->bias_relu(13, n, m->e, m->a + 1, n + 3);
    k->column_sum(13, n, m->a, n + 3, m->c);
    k->row_dot(13, n, m->a, n + 3, m->b, m->d);
    k->row_outer(13, n, m->d, m->b, m->f, n + 3);
    k->weighted_rows(13, n, m->d, m->a, n + 3, m->e);
    k->copy(13, n, m->a, n + 3, m->b, n + 1);
    k->add_rows(13, n, m->a, n + 3, m->b, n + 1);
}

static void run_cross(const kernels *k, uint32_t n, memory *m)
{
    k->rows_scale(13, n, m->c, m->a, n + 3, m->b, n + 1);
    k->rows_dot(13, n, m->a, n + 3, m->b, n + 1, m->d);
    k->softmax(13, n, m->f, n + 2);
    k->softmax_back(13, n, m->f, n + 2, m->a, n);
    k->cross(13, n, m->a, m->c, m->b, m->e, m->f);
    k->cross_back(13 * (size_t)n, m->a, m->e, m->f, m->b, m->d);
}

static void run_ffm(const kernels *k, uint32_t n, memory *m)
{
    const batch_field field[5] = {{.id = ids, .n_id = 20},
                                  {.offset = offsets, .id = ids + 20, .n_id = offsets[20]},
                                  {.offset = offsets, .id = ids + 120, .weight = m->c, .n_id = offsets[20]},
                                  {.id = ids + 220, .weight = m->c + 100, .n_id = 20},
                                  {.id = ids + 240, .n_id = 20}};
    m->c[100] = m->c[0] = 1;
    for (int normalize = 0; normalize < 2; normalize++) {
        k->ffm(20, 5, n, field, m->a, 5 * n + 7, normalize, m->b, m->d);
        k->ffm_back(20, 5, n, field, ids, m->a, 5 * n + 7, normalize, m->b, m->d, m->e);
    }
}

/* Seven fields of keys of value 1, by d of 4, 8 and 16. */
#define FFM_ROWS 5
#define FFM_FIELDS 7
#define FFM_KEYS 9
static const uint32_t ffm_key[FFM_FIELDS * FFM_ROWS] = {0, 1, 0, 0, 1, 2, 2, 2, 2, 2, 3, 4, 5, 3, 3, 6, 6, 6,
                                                        6, 6, 7, 7, 7, 7, 7, 8, 8, 8, 8, 8, 0, 1, 2, 3, 4};
static const uint32_t ffm_turned[FFM_KEYS] = {4, 8, 0, 2, 6, 1, 7, 3, 5}; /* ids of the keys */

static void run_ffm_pairs(const kernels *k, uint32_t n, memory *m)
{
    for (uint32_t d = 4; d <= 16; d *= 2) {
        k->ffm_pack(FFM_KEYS, FFM_FIELDS, d, ffm_turned, m->a, FFM_FIELDS * d + n, 0, FFM_KEYS, m->b);
        k->ffm_pairs(FFM_ROWS, FFM_FIELDS, d, ffm_key, FFM_KEYS, m->b, 0.5f, m->c, m->d);
        k->ffm_pairs_back(FFM_ROWS, FFM_FIELDS, d, ffm_key, FFM_KEYS, m->b, 0.5f, m->d, m->c, m->e);
        k->ffm_unpack(FFM_KEYS, FFM_FIELDS, d, m->e, ffm_turned, m->f);
        k->ffm_pairs(1, FFM_FIELDS, d, NULL, FFM_FIELDS, m->b, 1, m->c, m->d);
    }
}

static void run_cin(const kernels *k, uint32_t n, memory *m)
{
    k->transpose(11, 5, n, m->a, m->b);
    k->outer(7, 4, n, m->a, 6, m->b, n + 1, m->c);
    k->outer_back(7, 4, n, m->a, 6, m->b, n + 1, m->f, m->d, 5, m->e, n);
    k->outer_rows(5, 9, n, 0, m->a, m->b, m->c);
    k->outer_rows_back(5, 9, n, 0, m->a, m->b, m->c, m->d, m->e);
    k->outer_rows(6, 8, n, 1, m->a, m->a, m->f);
    k->outer_rows_back(6, 8, n, 1, m->a, m->a, m->f, m->d, m->d);
}

static void run_elementwise(const kernels *k, uint32_t n, memory *m)
{
    k->add(n, m->a + 1, m->b);
    k->scale_add(n, 0.3f, m->a + 2, m->b + 1);
    k->mul(n, m->a, m->b);
    k->sigmoid(n, m->f, m->c);
    k->sigmoid_back(n, m->c, m->a);
    k->tanh(n, m->f, m->d);
    k->tanh_back(n, m->d, m->a);
    k->relu(n, m->f);
    k->relu_back(n, m->f, m->e);
}

static void run_activations(const kernels *k, uint32_t n, memory *m)
{
    k->leaky_relu(n, 0.1f, m->a);
    k->leaky_relu_back(n, 0.1f, m->a, m->b);
    k->gelu(n, m->f, m->a + 200);
    k->gelu_back(n, m->f, m->b + 200);
    k->prelu(13, n, m->c, m->f, m->a + 400);
    k->prelu_back(13, n, m->c, m->f, m->b + 400, m->d);
    k->dice(13, n, m->f, m->e, m->d + 200, 1e-3f, m->c, m->a + 4000);
    k->dice_back(13, n, m->f, m->e, m->d + 200, 1e-3f, m->c, m->b + 4000, m->d + 400);
}

static void run_pairs(const kernels *k, uint32_t n, memory *m)
{
    k->bi_interaction(5, 6, n, m->a, m->b, m->c);
    k->bi_interaction_back(5, 6, n, m->a, m->b, m->c, m->d);
    k->pair_inner(5, 23, n, 0, m->a, m->b, m->e);
    k->pair_inner(5, 6, n, 1, m->a, m->b, m->e + 2000);
    k->pair_inner(5, 1, n, 0, m->a, m->b, m->e + 3000);
    k->pair_inner_back(5, 23, n, 0, m->a, m->e, m->b, m->f);
    k->pair_inner_back(5, 6, n, 1, m->a, m->e + 2000, m->b, m->f);
    k->pair_product(5, 6, n, 0, m->a, m->d, m->c);
    k->pair_product(2, 6, n, 1, m->a, m->d, m->b + 8000);
    k->pair_product_back(5, 6, n, 0, m->a, m->d, m->c, m->f, m->f);
    k->pair_product_back(5, 6, n, 1, m->a, m->d, m->c, m->f, NULL);
    k->pair_scale(5, 6, n, m->a, m->d, m->c);
    k->pair_scale_back(5, 6, n, m->a, m->d, m->c, m->e);
}

static void run_fields(const kernels *k, uint32_t n, memory *m)
{
    k->mul_add(n, m->a, m->b + 1, m->c);
    k->rows_scale_add(13, n, m->c, m->a, m->b);
    k->field_sum(5, 7, n, 0.3f, m->a, m->b);
    k->field_spread(5, 7, n, 0.3f, m->b, m->a);
    k->row_sum(13, n, 0.3f, m->a, m->c);
    k->row_spread(13, n, 0.3f, m->c, m->a);
    k->field_mix(5, 7, n, m->c, m->a, m->d);
    k->field_mix_back(5, 7, n, m->c, m->a, m->d, m->e, m->f);
    k->outer(7, 5, n, m->a, 5, m->b, n, m->d);
    k->outer_back(7, 5, n, m->a, 5, m->b, n, m->d, m->e, 5, m->f, n);
    if (n < 60) k->outer(4, n, n, m->a, n, m->a, n, m->c);
    if (n < 60) k->outer_back(4, n, n, m->a, n, m->a, n, m->c, m->b, n, m->b, n);
}

static void run_products(const kernels *k, uint32_t n, memory *m)
{
    kernel_product p = {.m = 5, .n = n, .k = 7, .lda = 9, .ldb = n + 1, .ldc = n + 2, .a_step = 60, .b_step = 8 * n, .c_step = 7 * n + 20};
    k->scale(n, 0.3f, m->a);
    k->products(4, &p, m->a, m->b, m->c, m->f);
    p.ta = p.add = 1;
    k->products(4, &p, m->a, m->b, m->c, m->f);
    p.ta = 0;
    p.tb = 1;
    p.ldb = 8;
    k->products(4, &p, m->a, m->b, m->d, m->f);
}

static void run_layer_norm(const kernels *k, uint32_t n, memory *m)
{
    k->layer_norm(12, n, 3, 1e-3f, m->a, m->b, m->e, m->f);
    k->layer_norm_back(12, n, 3, 1e-3f, m->a, m->b, m->f, m->c, m->d, m->d + 5000);
    k->layer_norm_back(12, n, 1, 1e-3f, m->a, m->b, m->f, NULL, m->d, m->d + 5000);
}

static void run_dropout(const kernels *k, uint32_t n, memory *m)
{
    k->dropout(7, n, m->a, n + 5, 0x1234, 99, 39321, 1.5f);
    k->dropout(7, n, m->b, n + 5, 0x1234, 99, 65536, 1.0f);
}

static const struct { const char *name; void (*run)(const kernels *, uint32_t, memory *); } runs[] = {
    {"elementwise", run_elementwise}, {"rows", run_rows}, {"dropout", run_dropout}, {"norm", run_norm},
    {"cross", run_cross}, {"ffm", run_ffm}, {"ffm_pairs", run_ffm_pairs}, {"cin", run_cin},
    {"activations", run_activations}, {"layer_norm", run_layer_norm}, {"pairs", run_pairs}, {"fields", run_fields},
    {"products", run_products},
    {"gather", run_gather}, {"scatter", run_scatter}, {"bags of the largest", run_bags_of_the_largest}, {"fm", run_fm}, {"bce", run_bce},
    {"optimize", run_optimize}, {"optimize_rows", run_optimize_rows},
};

static int can(const char *name)
{
    const char *const *list = kernels_available();
    for (; *list; list++)
        if (strcmp(*list, name) == 0) return 1;
    return 0;
}

static void sets_agree(void **state)
{
    (void)state;
    const kernels *sets[] = {&kernels_avx2, &kernels_avx512};
    make_ids(30);
    for (int s = 0; s < 2; s++) {
        if (!can(sets[s]->name)) continue;
        for (size_t r = 0; r < sizeof runs / sizeof *runs; r++)
            for (size_t w = 0; w < N_WIDTHS; w++) {
                memory x = memory_new(), y = memory_new();
                runs[r].run(&kernels_portable, widths[w], &x);
                runs[r].run(sets[s], widths[w], &y);
                same_bits(&x, &y, runs[r].name, widths[w]);
                memory_free(&x);
                memory_free(&y);
            }
    }
}

/* ---- the portable set against double arithmetic ---- */

static void near_(double got, double want, double tolerance, const char *what);

/* The tiles against the general form, which ffm_test.c holds against the formula pair by pair. */
static void tiles_as_rows(void **state)
{
    (void)state;
    const kernels *k = &kernels_portable;
    for (uint32_t d = 4; d <= 16; d *= 2)
        for (uint32_t f = 1; f <= FFM_FIELDS; f++) {
            memory x = memory_new();
            uint32_t id[FFM_FIELDS * FFM_ROWS];
            batch_field field[FFM_FIELDS];
            float y[FFM_ROWS] = {0}, want[FFM_ROWS] = {0}, *g = x.d, *got_g = x.e, *want_g = x.f;
            const size_t row = (size_t)f * d, stride = row + 3;
            for (size_t i = 0; i < FFM_FIELDS * FFM_ROWS; i++) id[i] = ffm_turned[ffm_key[i]];
            for (uint32_t j = 0; j < f; j++) field[j] = (batch_field){.id = id + j * FFM_ROWS, .n_id = FFM_ROWS};
            k->ffm(FFM_ROWS, f, d, field, x.a, stride, 1, x.c, want);
            k->ffm_pack(FFM_KEYS, f, d, ffm_turned, x.a, stride, 0, FFM_KEYS, x.b);
            k->ffm_pairs(FFM_ROWS, f, d, ffm_key, FFM_KEYS, x.b, 1.0f / (float)f, x.c, y);
            for (int r = 0; r < FFM_ROWS; r++) near_((double)y[r], (double)want[r], 2e-6, "pairs by tiles");
            float *gv = x.b + kernel_ffm_pack(f, d, FFM_KEYS);
            memset(want_g, 0, FFM_KEYS * row * sizeof *want_g);
            k->ffm_pairs_back(FFM_ROWS, f, d, ffm_key, FFM_KEYS, x.b, 1.0f / (float)f, g, x.c, gv);
            k->ffm_unpack(FFM_KEYS, f, d, gv, ffm_turned, got_g);
            k->ffm_back(FFM_ROWS, f, d, field, id, x.a, stride, 1, x.c, g, want_g);
            for (size_t i = 0; i < FFM_KEYS * row; i++) near_((double)got_g[i], (double)want_g[i], 2e-6, "gradients by tiles");
            memory_free(&x);
        }
}

static void near_(double got, double want, double tolerance, const char *what)
{
    const double scale = fabs(want) > 1 ? fabs(want) : 1;
    if (!(fabs(got - want) <= tolerance * scale)) fail_msg("%s: %.9g, expected %.9g", what, got, want);
}

static void exponential(void **state)
{
    (void)state;
    for (int i = -8700; i <= 8800; i++) {
        const float x = (float)i * 0.01f;
        near_((double)kernel_exp(x) / exp((double)x), 1, 2e-7, "exp");
    }
    assert_true(kernel_exp(0) == 1 && kernel_exp(-1000) > 0 && kernel_exp(-1000) < 1e-37f && isnan(kernel_exp(NAN)));
}

static void logarithm(void **state)
{
    (void)state;
    for (int i = -37; i <= 37; i++)
        for (int j = 0; j < 999; j++) {
            const float x = (float)(exp((double)i) * (1 + j * 1e-3));
            const double want = log((double)x), got = (double)kernel_log(x);
            if (!(fabs(got - want) <= 2e-7 * fabs(want))) fail_msg("log(%g) = %.9g, expected %.9g", (double)x, got, want);
        }
    assert_true(kernel_log(1) == 0);
}

static void elementwise_formulas(void **state)
{
    (void)state;
    enum { N = 2001 };
    float x[N], y[N], g[N];
    for (int i = 0; i < N; i++) x[i] = (float)(i - 1000) * 0.02f;
    kernels_portable.sigmoid(N, x, y);
    for (int i = 0; i < N; i++) near_(y[i], 1 / (1 + exp(-(double)x[i])), 1e-7, "sigmoid");
    kernels_portable.tanh(N, x, y);
    for (int i = 0; i < N; i++) near_(y[i], tanh((double)x[i]), 1.5e-7, "tanh");
    for (int i = 0; i < N; i++) g[i] = 2;
    kernels_portable.tanh_back(N, y, g);
    for (int i = 0; i < N; i++) near_(g[i], 2 * (1 - tanh((double)x[i]) * tanh((double)x[i])), 5e-7, "tanh_back");
    kernels_portable.relu(N, x);
    assert_true(x[0] == 0 && x[1000] == 0 && x[2000] == 20);
    for (int i = 0; i < N; i++) g[i] = 3;
    kernels_portable.relu_back(N, x, g);
    assert_true(g[0] == 0 && g[1000] == 0 && g[1001] == 3);
    float nan_ = NAN;
    kernels_portable.relu(1, &nan_);
    assert_true(isnan(nan_));
}

/* Of equal ones the first takes the gradient; an empty bag is zero, or adds nothing. */
static void largest_of_a_bag(void **state)
{
    (void)state;
    const uint32_t offset[] = {0, 3, 3, 5}, id[] = {2, 0, 1, 1, 1}, slot[] = {1, 0, 2, 2, 3};
    const float table[] = {1, -2, 9, 3, -2, 9, 1, -3, 9}, g[] = {10, 20, 1, 1, 5, 6};
    float y[] = {7, 7, 7, 7, 7, 7}, gtable[8] = {0};
    kernels_portable.gather_max(3, 2, offset, id, table, 3, 0, y, 2);
    const float want[] = {3, -2, 0, 0, 3, -2};
    assert_memory_equal(y, want, sizeof want);
    kernels_portable.gather_max(3, 2, offset, id, table, 3, 1, y, 2);
    const float twice[] = {6, -4, 0, 0, 6, -4};
    assert_memory_equal(y, twice, sizeof twice);
    kernels_portable.scatter_max(3, 2, offset, id, slot, table, 3, g, 2, gtable);
    const float gradient[] = {0, 20, 0, 0, 15, 6, 0, 0};
    assert_memory_equal(gtable, gradient, sizeof gradient);
}

static void activation_formulas(void **state)
{
    (void)state;
    enum { N = 2001 };
    float x[N], y[N], g[N], alpha[N], galpha[N] = {0};
    for (int i = 0; i < N; i++) {
        x[i] = (float)(i - 1000) * 0.01f;
        g[i] = 2;
        alpha[i] = 0.25f;
    }
    kernels_portable.gelu(N, x, y);
    kernels_portable.gelu_back(N, x, g);
    for (int i = 0; i < N; i++) {
        const double v = (double)x[i], phi = 0.5 * erfc(-v / sqrt(2));
        near_(y[i], v * phi, 2e-7, "gelu");
        near_(g[i], 2 * (phi + v * exp(-v * v / 2) / sqrt(2 * M_PI)), 1e-6, "gelu_back");
    }
    kernels_portable.prelu(1, N, alpha, x, y);
    kernels_portable.prelu_back(1, N, alpha, x, g, galpha);
    assert_true(y[0] == 0.25f * x[0] && y[2000] == x[2000] && galpha[2000] == 0);
    kernels_portable.leaky_relu(N, 0.5f, x);
    assert_true(x[0] == -5 && x[1000] == 0 && x[2000] == 10);
    float nan_[] = {NAN, NAN};
    kernels_portable.leaky_relu(1, 0.5f, nan_);
    kernels_portable.gelu(1, nan_, nan_ + 1);
    assert_true(isnan(nan_[0]) && isnan(nan_[1]));
}

static void loss_formula(void **state)
{
    (void)state;
    enum { N = 401 };
    float z[N], y[N], w[N], g[N];
    double want = 0;
    for (int i = 0; i < N; i++) {
        z[i] = (float)(i - 200) * 0.11f;
        y[i] = (float)(i % 3 == 0);
        w[i] = (float)(0.5 + i % 4);
        want += (double)w[i] * (fmax((double)z[i], 0) - (double)z[i] * (double)y[i] + log1p(exp(-fabs((double)z[i]))));
    }
    near_(kernels_portable.bce(N, z, y, w, 0.125f, g), want, 1e-7, "loss");
    for (int i = 0; i < N; i++)
        near_(g[i], 0.125 * (double)w[i] * (1 / (1 + exp(-(double)z[i])) - (double)y[i]), 1e-7, "gradient of the loss");
    z[7] = NAN;
    assert_true(isnan(kernels_portable.bce(N, z, y, w, 1, NULL)));
}

static void fm_formula(void **state)
{
    (void)state;
    enum { M = 3, F = 4, D = 19 };
    float *e = numbers(M * F * D, 1, -1, 1), sum[M * D], y[M] = {1, 2, 3};
    kernels_portable.fm(M, F, D, e, sum, y);
    for (int i = 0; i < M; i++) {
        double want = i + 1;
        for (int f = 0; f < F; f++)
            for (int h = f + 1; h < F; h++)
                for (int d = 0; d < D; d++) want += (double)e[(i * F + f) * D + d] * (double)e[(i * F + h) * D + d];
        near_(y[i], want, 1e-6, "fm");
    }
    mem_free(e);
}

static void pair_formulas(void **state)
{
    (void)state;
    enum { M = 2, F = 37, D = 19 };
    float *e = numbers(M * F * D, 1, -1, 1), *y = numbers(M * F * F, 2, -1, 1), *g = numbers(M * F * F, 3, -1, 1);
    float *scratch = numbers(KERNEL_PAIR_SCRATCH(F, D), 4, -1, 1), *ge = numbers(M * F * D, 5, 0, 0);
    for (uint32_t f = 1; f <= F; f++)
        for (uint32_t self = 0; self < 2; self++) {
            const uint32_t pairs = f * (f - 1) / 2 + self * f;
            y[M * pairs] = 99; /* nothing may be written behind */
            kernels_portable.pair_inner(M, f, D, (int)self, e, scratch, y);
            assert_true(y[M * pairs] == 99);
            memset(ge, 0, M * F * D * sizeof *ge);
            kernels_portable.pair_inner_back(M, f, D, (int)self, e, g, scratch, ge);
            double want[M * F * D] = {0};
            for (uint32_t r = 0, p = 0; r < M; r++)
                for (uint32_t i = 0; i < f; i++)
                    for (uint32_t j = i + 1 - self; j < f; j++, p++) {
                        const float *a = e + (r * f + i) * D, *b = e + (r * f + j) * D;
                        double product = 0;
                        for (int d = 0; d < D; d++) {
                            product += (double)a[d] * (double)b[d];
                            want[(r * f + i) * D + (uint32_t)d] += (double)g[p] * (double)b[d];
                            want[(r * f + j) * D + (uint32_t)d] += (double)g[p] * (double)a[d];
                        }
                        near_(y[p], product, 1e-6, "pair_inner");
                    }
            for (uint32_t i = 0; i < M * f * D; i++) near_(ge[i], want[i], 3e-6, "pair_inner_back");
        }
    mem_free(e);
    mem_free(y);
    mem_free(g);
    mem_free(ge);
    mem_free(scratch);
}

static void product_formula(void **state)
{
    (void)state;
    enum { COUNT = 3, M = 6, N = 53, K = 5 };
    float *a = numbers(COUNT * M * K, 1, -1, 1), *b = numbers(COUNT * N * K, 2, -1, 1), c[COUNT * M * N], scratch[KERNEL_PRODUCT_SCRATCH(N, K)];
    for (int form = 0; form < 8; form++) {
        const kernel_product p = {form & 1, form >> 1 & 1, form >> 2, M, N, K, form & 1 ? M : K, form & 2 ? K : N, N, M * K, N * K, M * N};
        for (int i = 0; i < COUNT * M * N; i++) c[i] = 1;
        kernels_portable.products(COUNT, &p, a, b, c, scratch);
        for (int r = 0; r < COUNT; r++)
            for (int i = 0; i < M; i++)
                for (int j = 0; j < N; j++) {
                    double want = p.add;
                    for (int k = 0; k < K; k++)
                        want += (double)a[r * M * K + (p.ta ? k * M + i : i * K + k)] * (double)b[r * N * K + (p.tb ? j * K + k : k * N + j)];
                    near_(c[(r * M + i) * N + j], want, 1e-6, "products");
                }
    }
    mem_free(a);
    mem_free(b);
}

/* Of every size up to two squares and a bit, on every set. */
static void transposed(void **state)
{
    (void)state;
    enum { MOST = 35, COUNT = 2 };
    const kernels *sets[] = {&kernels_portable, &kernels_avx2, &kernels_avx512};
    float *x = numbers(COUNT * MOST * MOST, 1, -1, 1), y[COUNT * MOST * MOST + 1];
    for (int s = 0; s < 3; s++)
        for (uint32_t a = 1; can(sets[s]->name) && a <= MOST; a++)
            for (uint32_t b = 1; b <= MOST; b++) {
                y[COUNT * a * b] = 7;
                sets[s]->transpose(COUNT, a, b, x, y);
                for (uint32_t r = 0; r < COUNT; r++)
                    for (uint32_t i = 0; i < a * b; i++) assert_true(y[r * a * b + i % b * a + i / b] == x[r * a * b + i]);
                assert_true(y[COUNT * a * b] == 7);
            }
    mem_free(x);
}

static void norm_formula(void **state)
{
    (void)state;
    enum { M = 7, N = 18 };
    float *x = numbers(M * N, 1, -1, 3), mean[N], var[N], gamma[N], beta[N], y[M * N];
    for (int j = 0; j < N; j++) gamma[j] = (float)(j + 1), beta[j] = (float)j;
    kernels_portable.batch_norm_stats(M, N, x, mean, var);
    kernels_portable.batch_norm_apply(M, N, x, mean, var, 0.01f, gamma, beta, y);
    for (int j = 0; j < N; j++) {
        double mu = 0, v = 0;
        for (int i = 0; i < M; i++) mu += (double)x[i * N + j] / M;
        for (int i = 0; i < M; i++) v += ((double)x[i * N + j] - mu) * ((double)x[i * N + j] - mu) / M;
        near_(mean[j], mu, 1e-6, "mean");
        near_(var[j], v, 1e-6, "var");
        for (int i = 0; i < M; i++)
            near_(y[i * N + j], ((double)x[i * N + j] - mu) / sqrt(v + 0.01) * (j + 1) + j, 3e-6, "batch norm");
    }
    mem_free(x);
}

static void softmax_formula(void **state)
{
    (void)state;
    enum { M = 3, N = 21 };
    float x[M * N], y[M * N], g[M * N], high = 0;
    for (int i = 0; i < M * N; i++) {
        x[i] = (float)(i % 13) * 3 - 20;
        g[i] = (float)(i % 7);
    }
    memcpy(y, x, sizeof y);
    kernels_portable.softmax(M, N, y, N);
    for (int r = 0; r < M; r++) {
        double sum = 0, dot = 0;
        for (int j = 0; j < N; j++) sum += exp((double)x[r * N + j]);
        for (int j = 0; j < N; j++) {
            near_(y[r * N + j], exp((double)x[r * N + j]) / sum, 1e-6, "softmax");
            dot += (double)y[r * N + j] * (double)g[r * N + j];
        }
        float back[N];
        memcpy(back, g + r * N, sizeof back);
        kernels_portable.softmax_back(1, N, y + r * N, N, back, N);
        for (int j = 0; j < N; j++) near_(back[j], (double)y[r * N + j] * ((double)g[r * N + j] - dot), 1e-6, "softmax_back");
    }
    x[0] = 3e38f;
    x[1] = -3e38f;
    kernels_portable.softmax(1, 2, x, 2);
    for (int j = 0; j < 2; j++) high = x[j] > high ? x[j] : high;
    assert_true(high == 1);
}

static void dropout_draws(void **state)
{
    (void)state;
    enum { M = 5, N = 70 };
    float x[M * N];
    for (int i = 0; i < M * N; i++) x[i] = 1;
    kernels_portable.dropout(M, N, x, N, 42, 1000, 20000, 2);
    for (uint32_t i = 0; i < M; i++)
        for (uint32_t j = 0; j < N; j++) {
            const uint64_t u = rng_u64(rng_fold(42, 1000 + i), j / 4);
            assert_true(x[i * N + j] == ((u >> (16 * (j % 4)) & 0xffff) < 20000 ? 2.0f : 0.0f));
        }
}

/* The papers' updates, one value in double. */
static void reference_step(const optimizer_step *o, double *w, double *s1, double *s2, double g)
{
    const double lr = (double)o->lr;
    if (o->kind == OPTIMIZER_FTRL) {
        const double sigma = (sqrt(*s2 + g * g) - sqrt(*s2)) / lr;
        if (*s2 == 0) /* the first value is the solution of its z */
            *s1 = -(*w * ((double)o->ftrl_beta / lr + (double)o->l2) + (*w < 0 ? -1 : *w > 0) * (double)o->l1);
        *s1 += g - sigma * *w;
        *s2 += g * g;
        const double sign = *s1 < 0 ? -1 : 1;
        *w = fabs(*s1) <= (double)o->l1
                 ? 0
                 : -(*s1 - sign * (double)o->l1) / (((double)o->ftrl_beta + sqrt(*s2)) / lr + (double)o->l2);
        return;
    }
    g += (double)o->l2 * *w;
    if (o->kind == OPTIMIZER_SGD) {
        *s1 = (double)o->momentum * *s1 + g;
        *w -= lr * *s1;
    } else if (o->kind == OPTIMIZER_ADAGRAD) {
        *s1 += g * g;
        *w -= lr * g / (sqrt(*s1 + (double)o->accumulator) + (double)o->epsilon);
    } else {
        *s1 = (double)o->beta1 * *s1 + (1 - (double)o->beta1) * g;
        *s2 = (double)o->beta2 * *s2 + (1 - (double)o->beta2) * g * g;
        *w -= lr * *s1 * (double)o->correct1 / (sqrt(*s2 * (double)o->correct2) + (double)o->epsilon);
    }
}

static void optimizer_formulas(void **state)
{
    (void)state;
    enum { N = 40, T = 5 };
    for (size_t s = 0; s < N_STEPS; s++) {
        float w[N], s1[N] = {0}, s2[N] = {0};
        double dw[N], d1[N] = {0}, d2[N] = {0};
        for (int i = 0; i < N; i++) dw[i] = w[i] = (float)(i - 20) * 0.05f;
        for (int t = 0; t < T; t++) {
            float *g = numbers(N, 50 + (uint64_t)t, -1, 1);
            kernels_portable.optimize(&steps[s], N, w, s1, s2, g);
            for (int i = 0; i < N; i++) {
                reference_step(&steps[s], &dw[i], &d1[i], &d2[i], (double)g[i]);
                near_(w[i], dw[i], 5e-6, "optimiser");
            }
            mem_free(g);
        }
    }
    assert_int_equal(optimizer_slots(OPTIMIZER_SGD, 0), 0);
    assert_int_equal(optimizer_slots(OPTIMIZER_SGD, 0.5f), 1);
    assert_int_equal(optimizer_slots(OPTIMIZER_ADAGRAD, 0), 1);
    assert_int_equal(optimizer_slots(OPTIMIZER_ADAM, 0), 2);
    assert_int_equal(optimizer_slots(OPTIMIZER_FTRL, 0), 2);
}

static void rows_step_is_step(void **state)
{
    (void)state;
    for (size_t s = 0; s < N_STEPS; s++)
        for (uint32_t d = 1; d < 40; d += 19) {
            const uint32_t id[] = {4, 0, 2};
            const size_t slots = (size_t)optimizer_slots(steps[s].kind, steps[s].momentum), stride = d * (slots + 1) + 1;
            float *t = numbers(5 * stride, 1, 0, 1), *u = numbers(5 * stride, 1, 0, 1), *g = numbers(6 * d, 2, -1, 1);
            const uint32_t first[] = {0, 1, 3, 6};
            const kernel_touch touch[] = {{0, 2}, {0, 1}, {1, 0}, {1, 2}, {0, 0}, {1, 1}};
            const float *const both[] = {g, g + 3 * d};
            kernels_portable.optimize_rows(&steps[s], 3, d, id, t, stride, first, touch, both);
            for (size_t i = 0; i < 3; i++) {
                float *row = u + id[i] * stride, sum[40];
                memcpy(sum, both[touch[first[i]].k] + touch[first[i]].row * d, d * sizeof *sum);
                for (uint32_t j = first[i] + 1; j < first[i + 1]; j++)
                    kernels_portable.add(d, both[touch[j].k] + touch[j].row * d, sum);
                kernels_portable.optimize(&steps[s], d, row, row + d, row + 2 * (size_t)d, sum);
            }
            assert_memory_equal(t, u, 5 * stride * sizeof *t);
            mem_free(t);
            mem_free(u);
            mem_free(g);
        }
}

/* ---- matrix products ---- */

static void check_gemm(const kernels *k, int ta, int tb, uint32_t m, uint32_t n, uint32_t kk, float beta)
{
    const uint32_t lda = (ta ? m : kk) + 2, ldb = (tb ? kk : n) + 1, ldc = n + 3;
    float *a = numbers((size_t)(ta ? kk : m) * lda, 1, -1, 1), *b = numbers((size_t)(tb ? n : kk) * ldb, 2, -1, 1);
    float *c = numbers((size_t)m * ldc, 3, -1, 1), *before = numbers((size_t)m * ldc, 3, -1, 1);
    if (beta == 0) c[0] = NAN; /* must not be read */
    k->gemm(ta, tb, m, n, kk, a, lda, b, ldb, beta, c, ldc);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < ldc; j++) {
            double want = (double)before[i * ldc + j] * (j < n ? (double)beta : 1);
            for (size_t l = 0; j < n && l < kk; l++)
                want += (double)(ta ? a[l * lda + i] : a[i * lda + l]) * (double)(tb ? b[j * ldb + l] : b[l * ldb + j]);
            near_(c[i * ldc + j], want, 1e-5, k->name);
        }
    mem_free(a);
    mem_free(b);
    mem_free(c);
    mem_free(before);
}

static int threads_now(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/task");
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

/* A large product on a thread of ours starts no thread of the library's. */
static void *large_product(void *ctx)
{
    const kernels *k = ctx;
    kernels_thread_start();
    const int before = threads_now();
    float *a = numbers(512 * 512, 1, -1, 1), *c = numbers(512 * 512, 1, -1, 1);
    k->gemm(0, 0, 512, 512, 512, a, 512, a, 512, 0, c, 512);
    mem_free(a);
    mem_free(c);
    return threads_now() == before ? ctx : NULL;
}

/* Products of the shape that a hidden layer has, while a timer sends signals all the time: the same bits, and a heap that
 * is whole. */
typedef struct storm {
    const kernels *k;
    const float *a, *b;
    float *c;
} storm;
static volatile sig_atomic_t storm_signals;
static void storm_signal(int number)
{
    (void)number;
    storm_signals = storm_signals + 1;
}
static int storm_product(void *ctx, size_t item, int thread)
{
    const storm *s = ctx;
    (void)thread;
    s->k->gemm(0, 0, 125, 32, 624, s->a, 624, s->b, 32, 0, s->c + item * 125 * 32, 32);
    return 0;
}
static void check_signals(const kernels *k)
{
    enum { PRODUCTS = 64, ROUNDS = 40 };
    const size_t n = 125 * 32;
    storm s = {k, numbers(125 * 624, 1, -1, 1), numbers(624 * 32, 2, -1, 1), numbers(PRODUCTS * n, 3, -1, 1)};
    pool *p;
    assert_int_equal(pool_new(2, kernels_thread_start, &p, NULL), 0);
    assert_int_equal(pool_for(p, 1, storm_product, &s), 0);
    float *want = numbers(n, 4, -1, 1);
    memcpy(want, s.c, n * sizeof *want);
    const struct sigaction take = {.sa_handler = storm_signal, .sa_flags = SA_RESTART};
    const struct itimerval often = {{0, 100}, {0, 100}}, never = {{0, 0}, {0, 0}};
    assert_int_equal(sigaction(SIGALRM, &take, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    for (int r = 0; r < ROUNDS; r++) {
        assert_int_equal(pool_for(p, PRODUCTS, storm_product, &s), 0);
        for (size_t i = 0; i < PRODUCTS; i++) assert_memory_equal(s.c + i * n, want, n * sizeof *want);
    }
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    assert_true(storm_signals > 0);
    pool_free(p);
    mem_free((void *)s.a);
    mem_free((void *)s.b);
    mem_free(s.c);
    mem_free(want);
}

static void check_set(const char *name)
{
    const kernels *k;
    shoal_error err;
    assert_int_equal(kernels_get(name, &k, &err), 0);
    assert_string_equal(k->name, name);
    static const uint32_t shapes[][3] = {{1, 1, 1}, {5, 3, 7}, {33, 65, 130}, {64, 32, 128}, {17, 40, 257}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int t = 0; t < 4; t++)
            for (int beta = 0; beta < 2; beta++)
                check_gemm(k, t & 1, t >> 1, shapes[s][0], shapes[s][1], shapes[s][2], (float)beta);
    pthread_t t;
    void *alone;
    assert_int_equal(pthread_create(&t, NULL, large_product, (void *)k), 0);
    assert_int_equal(pthread_join(t, &alone), 0);
    assert_ptr_equal(alone, k);
    check_signals(k);
    char one[33], two[33];
    assert_int_equal(kernels_digest(k, one, &err), 0);
    assert_int_equal(kernels_digest(k, two, &err), 0);
    assert_string_equal(one, two);
    assert_int_equal(strlen(one), 32);
}

/* A process takes one set of oneDNN; each is tried in a child. */
static void products(void **state)
{
    (void)state;
    for (const char *const *name = kernels_available(); *name; name++) {
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            check_set(*name);
            fflush(NULL);
            _exit(0);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) fail_msg("products of '%s' are wrong", *name);
    }
}

static void choosing(void **state)
{
    (void)state;
    const kernels *k = NULL;
    shoal_error err;
    assert_int_equal(kernels_get("sse9", &k, &err), SHOAL_USAGE);
    assert_non_null(strstr(err.message, "'sse9' are not known; there are: auto, "));
    assert_non_null(strstr(err.message, "portable"));
    assert_int_equal(kernels_get("auto", &k, &err), 0);
    assert_string_equal(k->name, kernels_available()[0]);
    if (can("avx512")) {
        assert_int_equal(kernels_get("avx2", &k, &err), SHOAL_USAGE);
        assert_non_null(strstr(err.message, "already computes with another instruction set"));
        assert_int_equal(kernels_get("avx512", &k, &err), 0);
    }
    assert_int_equal(kernels_get("portable", &k, &err), 0);
    mem_fail_at(1, 0);
    char digest[33];
    assert_int_equal(kernels_digest(k, digest, &err), SHOAL_NOMEM);
    mem_fail_at(0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_agree),          cmocka_unit_test(exponential),         cmocka_unit_test(logarithm),
        cmocka_unit_test(elementwise_formulas), cmocka_unit_test(loss_formula),       cmocka_unit_test(fm_formula),
        cmocka_unit_test(norm_formula),        cmocka_unit_test(softmax_formula),     cmocka_unit_test(dropout_draws),
        cmocka_unit_test(optimizer_formulas),  cmocka_unit_test(rows_step_is_step),   cmocka_unit_test(products),
        cmocka_unit_test(largest_of_a_bag), cmocka_unit_test(activation_formulas), cmocka_unit_test(pair_formulas),       cmocka_unit_test(product_formula),
        cmocka_unit_test(tiles_as_rows),       cmocka_unit_test(transposed),        cmocka_unit_test(choosing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
