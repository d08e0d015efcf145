/* slices_test.c: values by count, missing ones, the rest in sum; the same when spilled; allocations that fail. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "features/features_testing.h"
#include "train/slices.h"

#define N 12
static const float Z[N] = {0, 1, 2, 3, 4, 5, 6, 7, 8, -1, -2, -3}, Y[N] = {0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 0},
                   W[N] = {1, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1};

static int measure(const testing_table *t, size_t memory, const char *dir, uint32_t top, slices **s, slices_result *out, shoal_error *err)
{
    *s = NULL;
    int rc = slices_new("c", &t->schema, memory, dir, top, s, err);
    if (rc == 0) rc = slices_add(*s, &t->array, Z, Y, W, N, err);
    return rc == 0 ? slices_finish(*s, out, err) : rc;
}

static int is(const slice *s, const char *name, uint64_t rows, double auc)
{
    return s->name.n == strlen(name) && memcmp(s->name.p, name, s->name.n) == 0 && s->quality.rows == rows &&
           (isnan(auc) ? isnan(s->quality.auc) : s->quality.auc == auc);
}

static void test_values(void **state)
{
    (void)state;
    shoal_error err = {0};
    slices *s;
    slices_result r;
    testing_table *t = testing_new("c:u", "a | a | b | a | ~ | b | a | ~ | b | x | y | y");
    assert_int_equal(measure(t, 1 << 20, "/tmp", 2, &s, &r, &err), 0);
    assert_int_equal(r.n, 3);
    assert_int_equal(r.values, 5);
    assert_int_equal(r.rows, 12);
    assert_int_equal(r.other_values, 2);
    assert_int_equal(r.other_rows, 3);
    assert_true(is(&r.slice[0], "a", 4, 0.5)); /* clicks at 1 and (twice) 3, none at 0 and 6 */
    assert_true(is(&r.slice[1], "b", 3, 0.5)); /* a click at 5, none at 2 and 8 */
    assert_null(r.slice[2].name.p);
    assert_int_equal(r.slice[2].quality.rows, 2);
    assert_true(isnan(r.slice[2].quality.auc) && r.slice[2].quality.mean_label == 1);
    assert_true(r.slice[0].quality.weight == 5 && r.slice[0].quality.mean_label == 0.6);
    slices_free(s);
    testing_free(t);
}

static void test_spilled(void **state)
{
    (void)state;
    char dir[] = "/tmp/shoal-slices-XXXXXX";
    assert_non_null(mkdtemp(dir));
    shoal_error err = {0};
    slices *s[2];
    slices_result r[2];
    testing_table *t = testing_new("c:l", "7 | 7 | -3 | 7 | 1 | 2 | 3 | 7 | -3 | 1 | 1 | 9");
    for (int spill = 0; spill < 2; spill++) {
        assert_int_equal(slices_new("c", &t->schema, spill ? 1 : 1 << 20, dir, 3, &s[spill], &err), 0);
        for (int round = 0; round < 2000; round++) assert_int_equal(slices_add(s[spill], &t->array, Z, Y, W, N, &err), 0);
        assert_int_equal(slices_finish(s[spill], &r[spill], &err), 0);
    }
    assert_int_equal(r[0].n, 3);
    for (size_t i = 0; i < r[0].n; i++) {
        assert_true(r[0].slice[i].name.n == r[1].slice[i].name.n && memcmp(r[0].slice[i].name.p, r[1].slice[i].name.p, r[0].slice[i].name.n) == 0);
        assert_memory_equal(&r[0].slice[i].quality, &r[1].slice[i].quality, sizeof r[0].slice[i].quality);
    }
    assert_true(is(&r[0].slice[0], "7", 8000, r[1].slice[0].quality.auc));
    for (int spill = 0; spill < 2; spill++) slices_free(s[spill]);
    assert_int_equal(rmdir(dir), 0);
    testing_free(t);
}

static void test_failures(void **state)
{
    (void)state;
    shoal_error err = {0};
    slices *s;
    slices_result r;
    testing_table *t = testing_new("c:u", "a | a | b | a | ~ | b | a | ~ | b | x | y | y");
    for (long n = 1;; n++) {
        mem_fail_at(n, 0);
        int rc = measure(t, 1 << 20, "/tmp", 2, &s, &r, &err);
        mem_fail_at(0, 0);
        slices_free(s);
        if (rc == 0) break;
        assert_int_equal(rc, SHOAL_NOMEM);
    }
    testing_free(t);
    t = testing_new("c:g", "1 | 2 | 3 | 4.5 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12");
    assert_int_equal(measure(t, 1 << 20, "/tmp", 2, &s, &r, &err), SHOAL_DATA);
    assert_string_equal(err.message, "row 3: column 'c': 4.5 is not a whole number and cannot be a category; make the feature numeric or round it");
    slices_free(s);
    testing_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values), cmocka_unit_test(test_spilled), cmocka_unit_test(test_failures)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
