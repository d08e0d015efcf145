#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/rng.h"

/* Draws are part of what a trained model is. The numbers were computed from the formulas of rng.h in exact integers, by
 * another program. */
static void test_known_draws(void **state)
{
    (void)state;
    static const struct { uint64_t i; double normal, uniform; uint64_t below; } draws[] = {
        {0, 0x1.83d6p-1, 0x1.f3008aae1f952p-1, 974},
        {1, 0x1.431ep-1, 0x1.f00fb78e93df4p-1, 968},
        {2, 0x1.91a2p-1, 0x1.798ef1f21abbbp-1, 737},
        {12345, 0x1.36e6p-1, 0x1.16240015895c2p-1, 543},
    };
    static const uint32_t order[10] = {2, 8, 4, 9, 5, 7, 0, 1, 6, 3};
    uint64_t key = rng_key(1, RNG_INIT, 2, 3);
    assert_true(key == 0x624772632ff0c356ull);
    assert_true(rng_fold(5, 7) == 0xefcb19f08cb544aaull);
    for (size_t k = 0; k < sizeof draws / sizeof draws[0]; k++) {
        assert_true(rng_normal(key, draws[k].i) == draws[k].normal);
        assert_true(rng_f64(key, draws[k].i) == draws[k].uniform);
        assert_true(rng_below(key, draws[k].i, 1000) == draws[k].below);
    }
    uint32_t perm[10];
    rng_permutation(5, 10, perm);
    assert_memory_equal(perm, order, sizeof perm);
    assert_int_equal(RNG_BLOCKS, 1);
    assert_int_equal(RNG_SAMPLE, 6);
}

static void test_permutation(void **state)
{
    (void)state;
    enum { N = 1000 };
    uint32_t perm[N], again[N];
    unsigned char seen[N] = {0};
    rng_permutation(5, N, perm);
    rng_permutation(5, N, again);
    assert_memory_equal(perm, again, sizeof perm);
    int in_place = 0;
    for (int i = 0; i < N; i++) {
        assert_true(perm[i] < N && !seen[perm[i]]);
        seen[perm[i]] = 1;
        in_place += perm[i] == (uint32_t)i;
    }
    assert_true(in_place < 10);
    rng_permutation(6, N, again);
    assert_memory_not_equal(perm, again, sizeof perm);
    rng_permutation(6, 0, NULL);
    rng_permutation(6, 1, again);
    assert_int_equal(again[0], 0);
}

/* All six orders of three come about equally often. */
static void test_permutation_is_fair(void **state)
{
    (void)state;
    int count[27] = {0};
    for (uint64_t k = 0; k < 60000; k++) {
        uint32_t p[3];
        rng_permutation(rng_key(1, RNG_BLOCKS, k, 0), 3, p);
        count[p[0] * 9 + p[1] * 3 + p[2]]++;
    }
    int orders = 0;
    for (int i = 0; i < 27; i++)
        if (count[i]) {
            orders++;
            assert_in_range(count[i], 9600, 10400);
        }
    assert_int_equal(orders, 6);
}

static void test_draws(void **state)
{
    (void)state;
    double sum = 0, square = 0, uniform = 0;
    enum { N = 200000 };
    uint64_t key = rng_key(1, RNG_INIT, 2, 3);
    for (uint64_t i = 0; i < N; i++) {
        double x = rng_normal(key, i), u = rng_f64(key, i);
        assert_true(x > -6.0001 && x < 6.0001 && u >= 0 && u < 1 && rng_below(key, i, 7) < 7);
        sum += x;
        square += x * x;
        uniform += u;
    }
    assert_true(sum / N < 0.01 && sum / N > -0.01);
    assert_true(square / N < 1.01 && square / N > 0.99);
    assert_true(uniform / N < 0.503 && uniform / N > 0.497);
    assert_true(rng_key(1, RNG_INIT, 2, 3) != rng_key(1, RNG_INIT, 3, 2));
    assert_true(rng_key(1, RNG_INIT, 2, 3) != rng_key(1, RNG_DROPOUT, 2, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_draws),
        cmocka_unit_test(test_permutation),
        cmocka_unit_test(test_permutation_is_fair),
        cmocka_unit_test(test_draws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
