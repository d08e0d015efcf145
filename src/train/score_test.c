/* score_test.c: scores do not depend on threads or on how the source cuts its rows into batches; order, labels, places of
 * bad rows, interruption. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "train/score.h"
#include "train/stream_testing.h"
#include "train/training_testing.h"

static testing_model fix;

static int start(void **state)
{
    (void)state;
    testing_model_init(&fix, 0);
    return 0;
}
static int end(void **state)
{
    (void)state;
    testing_model_release(&fix);
    return 0;
}

/* ---- scoring it ---------------------------------------------------------------------------------------------------------- */

typedef struct scored {
    float logit[STREAM_ROWS], label[STREAM_ROWS];
    size_t n;
    int with_label;
} scored;

static int take(void *ctx, const struct ArrowArray *from, const float *logit, const float *label, const float *weight,
                size_t n, shoal_error *err)
{
    scored *x = ctx;
    (void)err;
    assert_int_equal(from->length, n);
    assert_true(x->n + n <= STREAM_ROWS);
    x->with_label = label != NULL;
    memcpy(x->logit + x->n, logit, n * sizeof *logit);
    if (label) memcpy(x->label + x->n, label, n * sizeof *label);
    for (size_t i = 0; i < n; i++) assert_true(weight[i] == 1);
    x->n += n;
    return 0;
}

static int score_stream(stream *x, int threads, int need_label, const shoal_host *host, scored *out, shoal_error *err)
{
    struct ArrowArrayStream s = testing_stream(x);
    table_spec spec = {.stream = &s};
    const kernels *k;
    table *t = NULL;
    pool *p = NULL;
    out->n = 0;
    testing_ok(kernels_get("portable", &k, err), err);
    testing_ok(pool_new(threads, kernels_thread_start, &p, err), err);
    testing_ok(table_open(&spec, &t, err), err);
    score_sink sink_of = {out, take};
    int rc = score_table(fix.model, fix.weights, k, t, need_label, p, host, &sink_of, err);
    table_free(t);
    pool_free(p);
    return rc;
}

static scored want, got;

static void test_same_bits(void **state)
{
    (void)state;
    static const int64_t PIECE[] = {3000, 2048, 512, 100, 77, 1};
    static const int THREADS[] = {1, 2, 7};
    shoal_error err = {0};
    stream whole = {.piece = STREAM_ROWS, .bad = -1};
    testing_ok(score_stream(&whole, 1, 1, NULL, &want, &err), &err);
    assert_int_equal(want.n, STREAM_ROWS);
    int distinct = 0;
    for (int i = 1; i < STREAM_ROWS; i++) distinct += want.logit[i] != want.logit[0];
    assert_true(distinct > STREAM_ROWS / 2);
    for (size_t p = 0; p < sizeof PIECE / sizeof PIECE[0]; p++)
        for (size_t t = 0; t < sizeof THREADS / sizeof THREADS[0]; t++) {
            stream s = {.piece = PIECE[p], .bad = -1};
            testing_ok(score_stream(&s, THREADS[t], 1, NULL, &got, &err), &err);
            assert_int_equal(got.n, STREAM_ROWS);
            assert_memory_equal(got.logit, want.logit, sizeof want.logit);
            assert_memory_equal(got.label, want.label, sizeof want.label);
        }
}

static void test_without_labels(void **state)
{
    (void)state;
    shoal_error err = {0};
    stream s = {.piece = 500, .bad = 1200}; /* a label that is not read is not checked */
    testing_ok(score_stream(&s, 2, 0, NULL, &got, &err), &err);
    assert_false(got.with_label);
    assert_int_equal(got.n, STREAM_ROWS);
    assert_memory_equal(got.logit, want.logit, sizeof want.logit);
}

static void test_bad_row(void **state)
{
    (void)state;
    static const int64_t BAD[] = {0, 511, 512, 1777, 2999};
    for (size_t i = 0; i < 5; i++)
        for (int threads = 1; threads <= 2; threads++) {
            char number[32];
            shoal_error err = {0};
            stream s = {.piece = 333, .bad = BAD[i]};
            assert_int_equal(score_stream(&s, threads, 1, NULL, &got, &err), SHOAL_DATA);
            snprintf(number, sizeof number, "row %d", (int)BAD[i]);
            if (!strstr(err.message, number)) fail_msg("%s\n  does not name %s", err.message, number);
        }
}

static int stop(void *ctx)
{
    (void)ctx;
    return 1;
}

static void test_interrupted(void **state)
{
    (void)state;
    shoal_error err = {0};
    shoal_host host = {.interrupted = stop};
    stream s = {.piece = 333, .bad = -1};
    assert_int_equal(score_stream(&s, 2, 1, &host, &got, &err), SHOAL_INTERRUPTED);
}

static int refuse(void *ctx, const struct ArrowArray *from, const float *logit, const float *label, const float *weight,
                  size_t n, shoal_error *err)
{
    (void)ctx, (void)from, (void)logit, (void)label, (void)weight, (void)n;
    return error_set(err, SHOAL_STORAGE, "full");
}

static void test_sink_fails(void **state)
{
    (void)state;
    shoal_error err = {0};
    stream x = {.piece = 50, .bad = -1};
    struct ArrowArrayStream s = testing_stream(&x);
    table_spec spec = {.stream = &s};
    const kernels *k;
    table *t;
    testing_ok(kernels_get("portable", &k, &err), &err);
    testing_ok(table_open(&spec, &t, &err), &err);
    score_sink to = {NULL, refuse};
    assert_int_equal(score_table(fix.model, fix.weights, k, t, 1, fix.threads, NULL, &to, &err), SHOAL_STORAGE);
    assert_string_equal(err.message, "full");
    table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bits), cmocka_unit_test(test_without_labels), cmocka_unit_test(test_bad_row),
        cmocka_unit_test(test_interrupted), cmocka_unit_test(test_sink_fails),
    };
    return cmocka_run_group_tests(tests, start, end);
}
