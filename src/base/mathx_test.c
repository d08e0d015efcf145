/* Compares with the C library's long double functions, which only tests may use. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/mathx.h"
#include "base/rng.h"

static double relative(double got, long double want)
{
    return want == 0 ? fabs(got) : (double)fabsl(((long double)got - want) / want);
}

static void test_log_within_bound(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 200000; i++) {
        double x = ldexp(1 + rng_f64(1, i), (int)rng_below(2, i, 2040) - 1020);
        assert_true(relative(math_log(x), logl(x)) < 1e-15);
        x = 0.5 + 1.5 * rng_f64(3, i);
        assert_true(relative(math_log(x), logl(x)) < 1e-15);
    }
    assert_true(relative(math_log(0x1p-1074), logl(0x1p-1074)) < 1e-15);
    assert_true(math_log(1) == 0);
    assert_true(math_log(0) == -INFINITY && math_log(INFINITY) == INFINITY);
    assert_true(isnan(math_log(-1)) && isnan(math_log(NAN)));
}

static void test_log1p_within_bound(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 200000; i++) {
        double x = ldexp(1 + rng_f64(4, i), (int)rng_below(5, i, 160) - 80);
        assert_true(relative(math_log1p(x), log1pl(x)) < 2e-15);
    }
    assert_true(math_log1p(0) == 0);
    assert_true(math_log1p(INFINITY) == INFINITY);
}

static void test_exp_within_bound(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 200000; i++) {
        double x = (rng_f64(6, i) - 0.5) * 1416;
        assert_true(relative(math_exp(x), expl(x)) < 1e-15);
        x = (rng_f64(7, i) - 0.5) * 4;
        assert_true(relative(math_exp(x), expl(x)) < 1e-15);
    }
    assert_true(math_exp(0) == 1);
    assert_true(math_exp(710) == INFINITY && math_exp(INFINITY) == INFINITY && math_exp(-INFINITY) == 0);
    assert_true(math_exp(-740) > 0 && math_exp(-746) == 0);
    assert_true(isnan(math_exp(NAN)));
}

static void test_cos_pi_within_bound(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 200000; i++) {
        double x = rng_f64(8, i);
        assert_true((double)fabsl(math_cos_pi(x) - cosl(3.14159265358979323846264338327950288L * x)) < 5e-16);
    }
    assert_true(math_cos_pi(0) == 1 && math_cos_pi(1) == -1 && math_cos_pi(0.5) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_within_bound),
        cmocka_unit_test(test_log1p_within_bound),
        cmocka_unit_test(test_exp_within_bound),
        cmocka_unit_test(test_cos_pi_within_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
