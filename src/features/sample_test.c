/* sample_test.c: a sample has rows of the stream, whole with their lists, each with about the same chance; allocations that fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "features/features_private.h"
#include "features/features_testing.h"
#include "features/sample.h"

#define ROWS 8

typedef struct source {
    testing_table *t;
    features *f;
    raw_block raw;
} source;

static void open_source(source *s)
{
    feature *x;
    binding *b;
    int64_t bad;
    s->t = testing_new("x:g tags:+u w:+g", "0 a;b 1;2 | 1 ~ ~ | 2 () () | 3 c 5 | 4 a;b;c;d 1;2;3;4 | 5 a 6 | 6 b;b 7;8 | 7 c;a 9;1");
    assert_int_equal(features_new(&s->f, NULL), 0);
    assert_int_equal(features_add(s->f, "x", "x", FEATURE_NUMERIC, &x, NULL), 0);
    assert_int_equal(features_add(s->f, "plain", "tags", FEATURE_CATEGORICAL, &x, NULL), 0);
    x->is_list = 1;
    assert_int_equal(features_add(s->f, "tags", "tags", FEATURE_CATEGORICAL, &x, NULL), 0);
    x->is_list = 1;
    x->weights_column = mem_strdup("w");
    assert_int_equal(features_link(s->f, NULL), 0);
    raw_block_init(&s->raw);
    assert_int_equal(binding_new(s->f, &s->t->schema, 0, &b, NULL), 0);
    assert_int_equal(binding_extract(b, &s->t->array, 0, ROWS, &s->raw, &bad, NULL), 0);
    binding_free(b);
}

static void close_source(source *s)
{
    raw_block_release(&s->raw);
    features_free(s->f);
    testing_free(s->t);
}

/* The row of the source that this one is, by its number; its lists must be that row's. */
static uint32_t check_row(const source *s, const raw_block *rows, uint32_t i)
{
    const uint32_t stride = features_raw_layout(s->f).stride;
    const uint8_t *got = rows->records.data + (size_t)i * stride;
    double x;
    memcpy(&x, got + s->f->feature[0].raw, sizeof x);
    const uint32_t number = (uint32_t)x;
    const uint8_t *want = s->raw.records.data + (size_t)number * stride;
    for (uint32_t k = 1; k < 3; k++) {
        uint32_t a[2], b[2];
        memcpy(a, got + s->f->feature[k].raw, sizeof a);
        memcpy(b, want + s->f->feature[k].raw, sizeof b);
        assert_int_equal(a[1], b[1]);
        if (a[1] != RAW_LIST_MISSING)
            assert_memory_equal(rows->heap.data + a[0], s->raw.heap.data + b[0], raw_piece_bytes(a[1], k == 2));
    }
    return number;
}

static void test_all_rows_when_there_is_room(void **state)
{
    (void)state;
    source s;
    raw_sample sample;
    open_source(&s);
    raw_sample_init(&sample, s.f, 20, 1);
    for (int round = 0; round < 2; round++)
        assert_int_equal(raw_sample_add(&sample, &s.raw, NULL), 0);
    assert_int_equal(sample.rows.rows, 2 * ROWS);
    for (uint32_t i = 0; i < 2 * ROWS; i++)
        assert_int_equal(check_row(&s, &sample.rows, i), i % ROWS);
    raw_sample_release(&sample);
    close_source(&s);
}

static void test_every_row_has_the_same_chance(void **state)
{
    (void)state;
    source s;
    int count[ROWS] = {0};
    open_source(&s);
    for (uint64_t seed = 0; seed < 4000; seed++) {
        raw_sample sample;
        raw_sample_init(&sample, s.f, 2, seed);
        assert_int_equal(raw_sample_add(&sample, &s.raw, NULL), 0);
        assert_int_equal(sample.rows.rows, 2);
        for (uint32_t i = 0; i < 2; i++)
            count[check_row(&s, &sample.rows, i)]++;
        raw_sample_release(&sample);
    }
    for (int i = 0; i < ROWS; i++)
        assert_in_range(count[i], 900, 1100); /* 1000 expected, deviation 27 */
    close_source(&s);
}

static void test_a_long_stream_keeps_its_heap_small(void **state)
{
    (void)state;
    source s;
    raw_sample sample;
    open_source(&s);
    raw_sample_init(&sample, s.f, 20000, 1);
    for (int round = 0; round < 100000; round++)
        assert_int_equal(raw_sample_add(&sample, &s.raw, NULL), 0);
    assert_int_equal(sample.seen, 100000 * ROWS);
    assert_true(sample.rows.heap.len <= 2 * sample.live + (1u << 20) + 200);
    for (uint32_t i = 0; i < sample.rows.rows; i++)
        check_row(&s, &sample.rows, i);
    raw_sample_release(&sample);
    close_source(&s);
}

static void test_failed_allocations(void **state)
{
    (void)state;
    source s;
    open_source(&s);
    for (long n = 1;; n++) {
        raw_sample sample;
        int rc = 0;
        raw_sample_init(&sample, s.f, 4, 1);
        mem_fail_at(n, 0);
        for (int round = 0; round < 30 && !rc; round++)
            rc = raw_sample_add(&sample, &s.raw, NULL);
        mem_fail_at(0, 0);
        raw_sample_release(&sample);
        if (!rc)
            break;
        assert_int_equal(rc, SHOAL_NOMEM);
    }
    close_source(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_rows_when_there_is_room),
        cmocka_unit_test(test_every_row_has_the_same_chance),
        cmocka_unit_test(test_a_long_stream_keeps_its_heap_small),
        cmocka_unit_test(test_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
