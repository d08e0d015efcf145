#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "features/sketch.h"

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void test_sort_is_ascending(void **state)
{
    (void)state;
    const size_t sizes[] = {1, 2, 63, 64, 65, 1000, 70000};
    double *v = malloc(70000 * 8), *w = malloc(70000 * 8), *spare = malloc(70000 * 8);
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        for (size_t i = 0; i < sizes[k]; i++)
            v[i] = w[i] = (rng_f64(k, i) - 0.5) * (rng_u64(k, i) % 3 ? 1e300 : 1e-300);
        sketch_sort(v, spare, sizes[k]);
        qsort(w, sizes[k], sizeof *w, ascending);
        assert_memory_equal(v, w, sizes[k] * 8);
    }
    free(v);
    free(w);
    free(spare);
}

/* numpy.unique(numpy.quantile(v, numpy.arange(1, parts) / parts)) of NumPy 2 */
static void test_edges_are_numpys(void **state)
{
    (void)state;
    const double v[] = {0.1, 0.2, 0.3, 7, -4.5, 0.7, 1e9, 0.7, 0.7, 3.25, 1.1};
    const double eighths[] = {0.125, 0.25, 0.59999999999999998, 0.69999999999999996, 0.80000000000000004,
                              2.1749999999999998, 6.0625};
    const double many[] = {-3.0625, -1.6249999999999998, -0.18749999999999997, 0.125, 0.15625, 0.1875, 0.21875, 0.25,
                           0.28125, 0.34999999999999998, 0.47499999999999998, 0.59999999999999998,
                           0.69999999999999996, 0.80000000000000004, 0.92500000000000004, 1.05, 1.503125,
                           2.1749999999999998, 2.8468749999999998, 3.71875, 4.890625, 6.0625, 62500006.5625,
                           375000004.375, 687500002.1875};
    sketch s;
    double edges[32];
    uint32_t n;
    sketch_init(&s, 1 << 18);
    assert_int_equal(sketch_add(&s, v, sizeof v / sizeof *v, NULL), 0);
    assert_int_equal(sketch_edges(&s, 8, edges, &n, NULL), 0);
    assert_int_equal(n, 7);
    assert_memory_equal(edges, eighths, sizeof eighths);
    assert_int_equal(sketch_edges(&s, 32, edges, &n, NULL), 0);
    assert_int_equal(n, 25);
    assert_memory_equal(edges, many, sizeof many);
    sketch_release(&s);
}

static void test_no_values_no_edges(void **state)
{
    (void)state;
    sketch s;
    double edges[4], same[3] = {2, 2, 2};
    uint32_t n = 9;
    sketch_init(&s, 1 << 14);
    assert_int_equal(sketch_edges(&s, 4, edges, &n, NULL), 0);
    assert_int_equal(n, 0);
    assert_int_equal(sketch_add(&s, same, 3, NULL), 0);
    assert_int_equal(sketch_edges(&s, 4, edges, &n, NULL), 0);
    assert_int_equal(n, 1);
    assert_true(edges[0] == 2);
    sketch_release(&s);
}

/* Values that are their own ranks make the error of a rank visible. */
static void check_ranks(sketch *s, uint64_t count, double bound)
{
    double edges[999];
    uint32_t n;
    assert_true(s->count == count);
    assert_int_equal(sketch_edges(s, 1000, edges, &n, NULL), 0);
    assert_int_equal(n, 999);
    for (uint32_t k = 0; k < n; k++) {
        double error = edges[k] / (double)count - (k + 1) / 1000.0;
        assert_true(error < bound && error > -bound);
    }
}

/* A permutation of 0 .. 2^bits - 1 that is scattered, ascending or descending. */
static double value_of(int order, uint64_t i, int bits)
{
    const uint64_t mask = (1ull << bits) - 1;
    if (order == 0)
        return (double)i;
    if (order == 1)
        return (double)(mask - i);
    return (double)((i * 0x9e3779b97f4a7c15ull + 12345) & mask);
}

static void test_rank_error_is_bounded(void **state)
{
    (void)state;
    const int bits = 23;
    for (int order = 0; order < 3; order++) {
        sketch s;
        sketch_init(&s, 1 << 14);
        for (uint64_t i = 0; i < 1ull << bits; i++) {
            double x = value_of(order, i, bits);
            assert_int_equal(sketch_add(&s, &x, 1, NULL), 0);
        }
        check_ranks(&s, 1ull << bits, .001);
        assert_true(sketch_bytes(&s) < 2 << 20);
        sketch_release(&s);
    }
}

static void test_merge_in_order_keeps_the_bound(void **state)
{
    (void)state;
    const int bits = 21, pieces = 13;
    sketch all;
    sketch_init(&all, 1 << 14);
    for (int p = 0; p < pieces; p++) {
        sketch s;
        sketch_init(&s, 1 << 14);
        for (uint64_t i = (uint64_t)p; i < 1ull << bits; i += pieces) {
            double x = value_of(2, i, bits);
            assert_int_equal(sketch_add(&s, &x, 1, NULL), 0);
        }
        assert_int_equal(sketch_merge(&all, &s, NULL), 0);
        sketch_release(&s);
    }
    check_ranks(&all, 1ull << bits, .001);
    sketch_release(&all);
}

static void test_failed_allocations(void **state)
{
    (void)state;
    for (long n = 1;; n++) {
        sketch s;
        double edges[8];
        uint32_t n_edges;
        int rc = 0;
        sketch_init(&s, 1 << 14);
        mem_fail_at(n, 1);
        for (uint64_t i = 0; i < 70000 && !rc; i++) {
            double x = value_of(2, i, 20);
            rc = sketch_add(&s, &x, 1, NULL);
        }
        if (!rc)
            rc = sketch_edges(&s, 8, edges, &n_edges, NULL);
        mem_fail_at(0, 0);
        sketch_release(&s);
        if (rc == 0)
            break;
        assert_int_equal(rc, SHOAL_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sort_is_ascending),
        cmocka_unit_test(test_edges_are_numpys),
        cmocka_unit_test(test_no_values_no_edges),
        cmocka_unit_test(test_rank_error_is_bounded),
        cmocka_unit_test(test_merge_in_order_keeps_the_bound),
        cmocka_unit_test(test_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
