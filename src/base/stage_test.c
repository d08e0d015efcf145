/* A stage gives the items of one thread in their order whatever the number of threads, and ends wherever it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/stage.h"

#define ITEMS_MAX 10

typedef struct numbers {
    int made, end, fail_make, fail_work; /* at which number; -1: never */
    int item[ITEMS_MAX];
} numbers;

static int make(void *ctx, void *item, shoal_error *err)
{
    numbers *n = ctx;
    if (n->made == n->fail_make) return error_set(err, SHOAL_DATA, "make %d", n->made);
    *(int *)item = n->made++;
    return n->made > n->end ? 0 : 1;
}

static int work(void *ctx, void *item, int thread, shoal_error *err)
{
    const numbers *n = ctx;
    int *i = item;
    assert_true(thread >= 0);
    if (*i == n->fail_work) return error_set(err, SHOAL_STORAGE, "work %d", *i);
    *i *= 2;
    return 0;
}

static stage *start(numbers *n, int threads, size_t items)
{
    static const stage_ops OPS = {make, work};
    void *item[ITEMS_MAX];
    stage *s;
    for (size_t i = 0; i < items; i++) item[i] = &n->item[i];
    assert_int_equal(stage_new(&OPS, n, threads, item, items, &s, NULL), 0);
    return s;
}

/* Takes all; the number of items that came, each of them twice its number; *code is how it ended, also when asked again. */
static int take(stage *s, int *code, shoal_error *err)
{
    void *item;
    int n = 0;
    while ((*code = stage_next(s, &item, err)) == 1) assert_int_equal(*(int *)item, 2 * n++);
    assert_int_equal(stage_next(s, &item, err), *code);
    return n;
}

static void in_order(void **state)
{
    (void)state;
    for (int threads = 0; threads < 8; threads++)
        for (size_t items = 1; items < ITEMS_MAX; items++) {
            numbers n = {0, 500, -1, -1, {0}};
            int code;
            stage *s = start(&n, threads, items);
            assert_int_equal(take(s, &code, NULL), 500);
            assert_int_equal(code, 0);
            stage_free(s);
        }
}

static void errors(void **state)
{
    (void)state;
    for (int threads = 0; threads < 8; threads += 3)
        for (int at = 0; at < 20; at++) {
            shoal_error err;
            int code;
            numbers n = {0, 500, at, at + 1, {0}};
            stage *s = start(&n, threads, 5);
            assert_int_equal(take(s, &code, &err), at);
            assert_int_equal(code, SHOAL_DATA);
            assert_non_null(strstr(err.message, "make"));
            stage_free(s);
            n = (numbers){0, 500, at + 1, at, {0}};
            s = start(&n, threads, 5);
            assert_int_equal(take(s, &code, &err), at);
            assert_int_equal(code, SHOAL_STORAGE);
            stage_free(s);
        }
}

static void ends_early(void **state)
{
    (void)state;
    void *item;
    for (int threads = 0; threads < 8; threads++)
        for (int taken = 0; taken < 20; taken++) {
            numbers n = {0, 500, -1, -1, {0}};
            stage *s = start(&n, threads, 4);
            for (int i = 0; i < taken; i++) assert_int_equal(stage_next(s, &item, NULL), 1);
            stage_free(s);
        }
}

static void allocations_fail(void **state)
{
    (void)state;
    static const stage_ops OPS = {make, NULL};
    numbers n = {0, 500, -1, -1, {0}};
    void *item[2] = {&n.item[0], &n.item[1]};
    int r = SHOAL_NOMEM;
    for (long at = 1; r == SHOAL_NOMEM; at++) {
        stage *s = NULL;
        mem_fail_at(at, 0);
        r = stage_new(&OPS, &n, 3, item, 2, &s, NULL);
        mem_fail_at(0, 0);
        assert_true(at < 20);
        stage_free(s);
    }
    assert_int_equal(r, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(in_order), cmocka_unit_test(errors), cmocka_unit_test(ends_early),
                                       cmocka_unit_test(allocations_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
