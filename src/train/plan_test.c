/* plan_test.c: every row once an epoch, mixed evenly, as a pure function. */
#include "train/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct epoch {
    uint32_t *order, *start;
    uint64_t *position;
} epoch;

static epoch epoch_make(const plan *p, uint64_t number)
{
    epoch e = {calloc(p->blocks, 4), calloc(p->windows + 1, 4), calloc(p->windows + 1, 8)};
    uint32_t *scratch = calloc(p->windows, 4);
    plan_epoch(p, number, e.order, e.start, e.position, scratch);
    free(scratch);
    return e;
}

static void epoch_free(epoch e)
{
    free(e.order);
    free(e.start);
    free(e.position);
}

/* blocks, rows of the last block, bytes */
static const struct { uint32_t blocks, last; uint64_t bytes; } SHAPES[] = {
    {1, 1, 100}, {1, 256, 100}, {2, 7, 100}, {5, 256, 3ull * PLAN_WINDOW_BYTES}, {1000, 3, 7ull * PLAN_WINDOW_BYTES},
    {4097, 255, 64ull * PLAN_WINDOW_BYTES}, {101, 100, 1000ull * PLAN_WINDOW_BYTES},
};

static plan shape_plan(size_t i, uint32_t batch)
{
    plan p;
    uint64_t rows = (uint64_t)(SHAPES[i].blocks - 1) * 256 + SHAPES[i].last;
    plan_init(&p, rows, SHAPES[i].blocks, 256, SHAPES[i].bytes, 42, batch, 0);
    return p;
}

static void test_every_block_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++) {
        plan p = shape_plan(i, 100);
        epoch e = epoch_make(&p, 3);
        uint8_t *seen = calloc(p.blocks, 1);
        for (uint32_t b = 0; b < p.blocks; b++) {
            assert_true(e.order[b] < p.blocks);
            assert_int_equal(seen[e.order[b]]++, 0);
        }
        assert_int_equal(e.start[p.windows], p.blocks);
        assert_int_equal(e.position[p.windows], p.rows);
        free(seen);
        epoch_free(e);
    }
}

/* Each window takes one block of each run of W consecutive ones: a sorted table looks even to it. */
static void test_windows_are_even(void **state)
{
    (void)state;
    plan p = shape_plan(4, 64);
    assert_int_equal(p.windows, 7);
    epoch e = epoch_make(&p, 0);
    for (uint32_t w = 0; w < p.windows; w++) {
        uint32_t n = e.start[w + 1] - e.start[w];
        assert_true(n == p.strata || n + 1 == p.strata);
        for (uint32_t s = 0; s + 1 < p.strata; s++)
            assert_int_equal(e.order[e.start[w] + s] / p.windows, s);
    }
    epoch_free(e);
}

static void test_function_of_seed_and_epoch(void **state)
{
    (void)state;
    plan p = shape_plan(4, 64), q = p;
    q.seed = 43;
    epoch a = epoch_make(&p, 1), b = epoch_make(&p, 1), c = epoch_make(&p, 2), d = epoch_make(&q, 1);
    size_t n = p.blocks * sizeof *a.order;
    assert_memory_equal(a.order, b.order, n);
    assert_true(memcmp(a.order, c.order, n) != 0);
    assert_true(memcmp(a.order, d.order, n) != 0);
    epoch_free(a);
    epoch_free(b);
    epoch_free(c);
    epoch_free(d);
}

static void test_window_is_permuted(void **state)
{
    (void)state;
    plan p = shape_plan(4, 64);
    uint32_t perm[1000], moved = 0;
    uint8_t seen[1000] = {0};
    plan_window(&p, 5, 2, 1000, perm);
    for (uint32_t i = 0; i < 1000; i++) {
        assert_true(perm[i] < 1000);
        assert_int_equal(seen[perm[i]]++, 0);
        moved += perm[i] != i;
    }
    assert_true(moved > 900);
}

static void test_steps_hold_every_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++)
        for (uint32_t batch = 1; batch < 3000; batch += 487) {
            plan p = shape_plan(i, batch);
            uint64_t rows = 0;
            for (uint64_t t = 0; t < plan_steps(&p); t++) {
                uint32_t n = plan_step_rows(&p, t);
                assert_true(n > 0 && n <= batch);
                assert_true((uint64_t)plan_micros(&p, n) * p.micro >= n);
                assert_true((uint64_t)(plan_micros(&p, n) - 1) * p.micro < n);
                rows += n;
            }
            assert_int_equal(rows, p.rows);
        }
}

/* The split follows from the batch size alone. */
static void test_micro(void **state)
{
    (void)state;
    static const struct { uint32_t batch, micro; } WANT[] = {
        {1, 1}, {64, 64}, {128, 64}, {256, 64}, {512, 128}, {1000, 250}, {1024, 256}, {2048, 512}, {4096, 512},
        {10000, 500}, {16384, 512},
    };
    for (size_t i = 0; i < sizeof WANT / sizeof *WANT; i++)
        assert_int_equal(plan_micro_for(WANT[i].batch), WANT[i].micro);
}

/* A step never spans more windows than the feeder holds at once. */
static void test_steps_fit_the_windows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++)
        for (uint32_t batch = 1; batch < 200000; batch = batch * 3 + 1) {
            plan p = shape_plan(i, batch);
            epoch e = epoch_make(&p, 0);
            for (uint64_t t = 0; t < plan_steps(&p); t++) {
                uint64_t from = t * batch, to = from + plan_step_rows(&p, t);
                uint32_t spanned = 0;
                for (uint32_t w = 0; w < p.windows; w++)
                    spanned += e.position[w] < to && e.position[w + 1] > from;
                assert_true(spanned >= 1 && spanned <= 3);
            }
            epoch_free(e);
        }
}

/* A batch larger than the table takes room for the table's rows alone. */
static void few_rows(void **state)
{
    (void)state;
    plan p;
    plan_init(&p, 300, 1, 300, 1 << 20, 1, 1 << 20, 1);
    assert_int_equal(plan_step_rows_max(&p), 300);
    assert_int_equal(plan_micros_max(&p), 300);
    plan_init(&p, 300, 1, 300, 1 << 20, 1, 1 << 20, 0);
    assert_int_equal(p.micro, 300);
    assert_int_equal(plan_micros_max(&p), 1);
    assert_int_equal(plan_step_rows(&p, 0), 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_rows),
        cmocka_unit_test(test_every_block_once), cmocka_unit_test(test_windows_are_even),
        cmocka_unit_test(test_function_of_seed_and_epoch), cmocka_unit_test(test_window_is_permuted),
        cmocka_unit_test(test_steps_hold_every_row), cmocka_unit_test(test_micro),
        cmocka_unit_test(test_steps_fit_the_windows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
