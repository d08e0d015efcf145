#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/rng.h"

/* Known values: hashes and draws are part of file formats and of what a trained model is. */
static void test_known_values(void **state)
{
    (void)state;
    char hex[33];
    assert_true(hash64("", 0, 0) == 0x2d06800538d394c2ull);
    hash128_hex(hash128_of("", 0), hex);
    assert_string_equal(hex, "99aa06d3014798d86001c324468d497f");
    assert_true(hash64("shoal", 5, 0) == 0xcbbd0e4e10bba146ull);
    assert_true(hash64("shoal", 5, 1) == 0x5c6100eb34a48d19ull);
    hash128_hex(hash128_of("shoal", 5), hex);
    assert_string_equal(hex, "255c6786d6a5146bcd180c1a7c23cbb2");
    unsigned char bytes[1000]; /* long ones take other ways through the function */
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 7);
    assert_true(hash64(bytes, sizeof bytes, 2) == 0xf2065e36165ca096ull);
    hash128_hex(hash128_of(bytes, sizeof bytes), hex);
    assert_string_equal(hex, "abee229cdadad76d10ad30264426c830");
    /* SplitMix64 started at 0 gives these first. */
    assert_true(rng_u64(0, 0) == 0xe220a8397b1dcdafull);
    assert_true(rng_u64(0, 1) == 0x6e789e6aa1b965f4ull);
}

static void test_digest_is_the_hash(void **state)
{
    (void)state;
    unsigned char bytes[5000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)rng_u64(3, i);
    hash128 whole = hash128_of(bytes, sizeof bytes);
    digest *d = digest_new();
    assert_non_null(d);
    for (size_t at = 0, n = 0; at < sizeof bytes; at += n) {
        n = at % 97 < sizeof bytes - at ? at % 97 + 1 : sizeof bytes - at;
        if (n > sizeof bytes - at)
            n = sizeof bytes - at;
        digest_update(d, bytes + at, n);
    }
    digest_update(d, NULL, 0);
    hash128 parts = digest_value(d);
    assert_true(parts.lo == whole.lo && parts.hi == whole.hi);
    digest_free(d);
    mem_fail_at(1, 0);
    assert_null(digest_new());
    mem_fail_at(0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_digest_is_the_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
