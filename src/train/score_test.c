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
#include "train/training_testing.h"

static testing_model fix;
#define ROWS 3000

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

/* ---- a caller's stream: ROWS rows, in batches of a given size, some of them empty --------------------------------------- */

typedef struct stream {
    int64_t at, piece;
    int64_t bad; /* this row's label is 7 */
    int empty_next;
} stream;

static int stream_schema(struct ArrowArrayStream *s, struct ArrowSchema *out)
{
    (void)s;
    shoal_error err = {0};
    testing_ok(arrow_schema_struct(out, 4, &err), &err);
    testing_ok(arrow_schema_set(out->children[0], "y", "l", 0, &err), &err);
    testing_ok(arrow_schema_set(out->children[1], "x", "g", 1, &err), &err);
    testing_ok(arrow_schema_set(out->children[2], "u", "u", 1, &err), &err);
    testing_ok(arrow_schema_set_list(out->children[3], "tags", "u", &err), &err);
    return 0;
}

static int stream_next(struct ArrowArrayStream *s, struct ArrowArray *out)
{
    static const char *const USERS[] = {"ann", "bob", "cid", "nobody"}, *const TAGS[] = {"a", "b", "c", "z"};
    stream *x = s->private_data;
    shoal_error err = {0};
    struct ArrowSchema schema;
    arrow_builder *b;
    memset(out, 0, sizeof *out);
    if (x->at == ROWS) return 0;
    stream_schema(s, &schema);
    testing_ok(arrow_builder_new(&schema, &b, &err), &err);
    int64_t n = x->empty_next ? 0 : ROWS - x->at < x->piece ? ROWS - x->at : x->piece;
    x->empty_next = x->piece % 2 && !x->empty_next;
    for (int64_t i = 0; i < n; i++, x->at++) {
        uint64_t key = rng_key(7, RNG_SAMPLE, (uint64_t)x->at, 0);
        const char *u = USERS[rng_below(key, 1, 4)];
        testing_ok(arrow_builder_i64(b, 0, x->at == x->bad ? 7 : (int64_t)rng_below(key, 0, 2), &err), &err);
        testing_ok(arrow_builder_f64(b, 1, rng_normal(key, 2), &err), &err);
        testing_ok(arrow_builder_text(b, 2, view_of(u, strlen(u)), &err), &err);
        testing_ok(arrow_builder_list_open(b, 3, &err), &err);
        for (uint64_t t = 0; t < rng_below(key, 7, 4); t++)
            testing_ok(arrow_builder_text(b, 3, view_of(TAGS[rng_below(key, 8 + t, 4)], 1), &err), &err);
        testing_ok(arrow_builder_list_close(b, 3, &err), &err);
    }
    testing_ok(arrow_builder_finish(b, out, &err), &err);
    arrow_builder_free(b);
    schema.release(&schema);
    return 0;
}
static const char *stream_error(struct ArrowArrayStream *s)
{
    (void)s;
    return "none";
}
static void stream_release(struct ArrowArrayStream *s) { s->release = NULL; }

/* ---- scoring it ---------------------------------------------------------------------------------------------------------- */

typedef struct scored {
    float logit[ROWS], label[ROWS];
    size_t n;
    int with_label;
} scored;

static int take(void *ctx, const struct ArrowArray *from, const float *logit, const float *label, const float *weight,
                size_t n, shoal_error *err)
{
    scored *x = ctx;
    (void)err;
    assert_int_equal(from->length, n);
    assert_true(x->n + n <= ROWS);
    x->with_label = label != NULL;
    memcpy(x->logit + x->n, logit, n * sizeof *logit);
    if (label) memcpy(x->label + x->n, label, n * sizeof *label);
    for (size_t i = 0; i < n; i++) assert_true(weight[i] == 1);
    x->n += n;
    return 0;
}

static int score_stream(stream *x, int threads, int need_label, const shoal_host *host, scored *out, shoal_error *err)
{
    struct ArrowArrayStream s = {stream_schema, stream_next, stream_error, stream_release, x};
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
    stream whole = {.piece = ROWS, .bad = -1};
    testing_ok(score_stream(&whole, 1, 1, NULL, &want, &err), &err);
    assert_int_equal(want.n, ROWS);
    int distinct = 0;
    for (int i = 1; i < ROWS; i++) distinct += want.logit[i] != want.logit[0];
    assert_true(distinct > ROWS / 2);
    for (size_t p = 0; p < sizeof PIECE / sizeof PIECE[0]; p++)
        for (size_t t = 0; t < sizeof THREADS / sizeof THREADS[0]; t++) {
            stream s = {.piece = PIECE[p], .bad = -1};
            testing_ok(score_stream(&s, THREADS[t], 1, NULL, &got, &err), &err);
            assert_int_equal(got.n, ROWS);
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
    assert_int_equal(got.n, ROWS);
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
    struct ArrowArrayStream s = {stream_schema, stream_next, stream_error, stream_release, &x};
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
