#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/rng.h"

static void test_growth(void **state)
{
    (void)state;
    buf b = BUF_INIT;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(buf_printf(&b, NULL, "%d,", i % 10), 0);
    assert_int_equal(b.len, 2000);
    assert_int_equal(buf_putc(&b, 'x', NULL), 0);
    assert_int_equal(buf_puts(&b, "yz", NULL), 0);
    assert_string_equal(buf_str(&b) + 1998, "9,xyz");
    buf_clear(&b);
    assert_int_equal(b.len, 0);
    assert_string_equal(buf_str(&b), "");
    shoal_error err;
    assert_int_equal(buf_reserve(&b, SIZE_MAX - 5, &err), SHOAL_NOMEM);
    buf_release(&b);
    mem_fail_at(1, 0);
    assert_int_equal(buf_append(&b, "a", 1, &err), SHOAL_NOMEM);
    mem_fail_at(1, 0);
    assert_null(buf_str(&b));
    mem_fail_at(0, 0);
    assert_int_equal(buf_append(&b, NULL, 0, NULL), 0);
    buf_release(&b);
}

/* Everything that puts many pieces, with the n-th allocation failing: NOMEM, and what was there stays readable. */
static void test_allocations_fail(void **state)
{
    (void)state;
    char quotes[400];
    memset(quotes, '"', sizeof quotes);
    int rc = SHOAL_NOMEM, failures = 0;
    for (long n = 1; rc != 0; n++) {
        buf b = BUF_INIT;
        shoal_error err = {0};
        mem_fail_at(n, 0);
        rc = buf_puts(&b, "kept", &err);
        int kept = rc == 0;
        if (rc == 0)
            rc = buf_put_json(&b, quotes, sizeof quotes, &err);
        if (rc == 0)
            rc = buf_printf(&b, &err, "%2000d", 7);
        for (int i = 0; rc == 0 && i < 300; i++)
            rc = buf_put_f64(&b, 0.1 * i, &err);
        mem_fail_at(0, 0);
        assert_int_equal(rc, err.code);
        if (rc != 0) {
            failures++;
            assert_int_equal(rc, SHOAL_NOMEM);
            assert_non_null(strstr(err.message, "for a buffer"));
        }
        if (kept)
            assert_memory_equal(b.data, "kept", 4);
        buf_release(&b);
    }
    assert_in_range(failures, 4, 20);
}

static void test_f64_text(void **state)
{
    (void)state;
    static const struct { double v; const char *text; } CASE[] = {
        {0.1, "0.1"}, {15.28, "15.28"}, {-3, "-3"}, {1.0 / 3, "0.3333333333333333"}, {5e-324, "5e-324"}, {-INFINITY, "-inf"}, {16777217, "16777217"}, {0, "0"},
    };
    char text[F64_TEXT];
    for (size_t i = 0; i < sizeof CASE / sizeof CASE[0]; i++) assert_string_equal(f64_text(CASE[i].v, text), CASE[i].text);
}

static void check_json(const char *bytes, size_t n, const char *expected)
{
    buf b = BUF_INIT;
    assert_int_equal(buf_put_json(&b, bytes, n, NULL), 0);
    assert_string_equal(buf_str(&b), expected);
    buf_release(&b);
}

static void test_json_strings(void **state)
{
    (void)state;
    check_json("", 0, "\"\"");
    check_json("a\"b\\c", 5, "\"a\\\"b\\\\c\"");
    check_json("\n\r\t\x01\0z", 6, "\"\\n\\r\\t\\u0001\\u0000z\"");
    check_json("\xc3\xa9\xff", 3, "\"\xc3\xa9\\ufffd\"");
    check_json("\xed\xa0\x80", 3, "\"\\ufffd\\ufffd\\ufffd\"");
    check_json("\xf0\x9f\x90\x9f", 4, "\"\xf0\x9f\x90\x9f\"");
    check_json("\xf0\x9f\x90", 3, "\"\\ufffd\\ufffd\\ufffd\"");
}

static void test_utf8(void **state)
{
    (void)state;
    static const struct { const char *bytes; size_t n; int good; } cases[] = {
        {"", 0, 1}, {"plain ascii, longer than eight", 30, 1}, {"\xc3\xa9", 2, 1}, {"\xe2\x82\xac", 3, 1},
        {"\xf4\x8f\xbf\xbf", 4, 1}, {"\xf4\x90\x80\x80", 4, 0}, {"\xc0\xaf", 2, 0}, {"\xc1\x81", 2, 0},
        {"\xe0\x9f\xbf", 3, 0}, {"\xed\xa0\x80", 3, 0}, {"\xf0\x8f\xbf\xbf", 4, 0}, {"\x80", 1, 0}, {"\xe2\x82", 2, 0},
        {"\xf5\x80\x80\x80", 4, 0}, {"12345678\xff", 9, 0}, {"\xe2\x28\xa1", 3, 0},
        {"\xe2\x82\x28", 3, 0}, {"\xf0\x9f\x90\x28", 4, 0}, {"\xf0\x9f\x90\xc0", 4, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(view_is_utf8(view_of(cases[i].bytes, cases[i].n)), cases[i].good);
}

static void check_number(double v, const char *expected)
{
    buf b = BUF_INIT;
    assert_int_equal(buf_put_f64(&b, v, NULL), 0);
    assert_string_equal(buf_str(&b), expected);
    buf_release(&b);
}

static void test_numbers_out(void **state)
{
    (void)state;
    check_number(0, "0");
    check_number(-0.0, "-0.0");
    check_number(0.1, "0.1");
    check_number(3, "3");
    check_number(-12345678, "-12345678");
    check_number(1.0 / 3, "0.3333333333333333");
    check_number(5e-324, "5e-324");
    check_number(1e300, "1e+300");
    check_number(NAN, "null");
    check_number(INFINITY, "null");
    buf b = BUF_INIT;
    assert_int_equal(buf_put_f32(&b, 0.1f, NULL), 0);
    assert_string_equal(buf_str(&b), "0.1");
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t bits = rng_u64(11, i);
        uint32_t low = (uint32_t)bits;
        double v, back;
        float f, f_back;
        memcpy(&v, &bits, 8);
        memcpy(&f, &low, 4);
        buf_clear(&b);
        buf_put_f64(&b, v, NULL);
        back = strtod(buf_str(&b), NULL);
        assert_true(back == v || !isfinite(v));
        if (isfinite(v)) {
            assert_int_equal(view_to_f64(view_of((char *)b.data, b.len), &back), 0);
            assert_true(back == v);
        }
        buf_clear(&b);
        buf_put_f32(&b, f, NULL);
        f_back = strtof(buf_str(&b), NULL);
        assert_true(f_back == f || !isfinite(f));
    }
    buf_release(&b);
}

static int to_i64(const char *s, int64_t *v) { return view_to_i64(view_of(s, strlen(s)), v); }
static int to_f64(const char *s, double *v) { return view_to_f64(view_of(s, strlen(s)), v); }

/* The shortest of 15, 16 and 17 digits that is read back as the same. */
static void test_shortest(void **state)
{
    (void)state;
    const uint64_t key = rng_key(5, RNG_SAMPLE, 0, 0);
    buf b = BUF_INIT;
    for (uint64_t i = 0; i < 300000; i++) {
        char text[40], expected[40];
        const unsigned long long whole = rng_u64(key, 3 * i) >> (rng_u64(key, 3 * i + 1) % 64);
        snprintf(text, sizeof text, "%s%llue-%d", i % 2 ? "-" : "", whole % 2000000000000000000ull, (int)rng_below(key, 3 * i + 2, 20));
        const double v = strtod(text, NULL);
        if (v == rint(v)) continue;
        for (int digits = 15; digits <= 17; digits++) {
            snprintf(expected, sizeof expected, "%.*g", digits, v);
            if (strtod(expected, NULL) == v) break;
        }
        buf_clear(&b);
        assert_int_equal(buf_put_f64(&b, v, NULL), 0);
        assert_string_equal(buf_str(&b), expected);
    }
    buf_release(&b);
}

static void test_numbers_in(void **state)
{
    (void)state;
    int64_t i = 7;
    double v = 7;
    assert_int_equal(to_i64("9223372036854775807", &i), 0);
    assert_true(i == INT64_MAX);
    assert_int_equal(to_i64("-9223372036854775808", &i), 0);
    assert_true(i == INT64_MIN);
    assert_int_equal(to_i64("+007", &i), 0);
    assert_int_equal(i, 7);
    static const char *const not_whole[] = {"", "-", "+", "9223372036854775808", "-9223372036854775809", "1.0", " 1", "1 ",
                                            "1e3", "0x10", "99999999999999999999999", "--1"};
    for (size_t k = 0; k < sizeof not_whole / sizeof not_whole[0]; k++)
        assert_int_equal(to_i64(not_whole[k], &i), SHOAL_DATA);
    assert_int_equal(i, 7);
    assert_int_equal(to_f64("-1.5e-3", &v), 0);
    assert_true(v == -1.5e-3);
    assert_int_equal(to_f64(".5", &v), 0);
    assert_int_equal(to_f64("5.", &v), 0);
    assert_int_equal(to_f64("1e-400", &v), 0);
    assert_true(v == 0);
    static const char *const not_number[] = {"", ".", "e5", "1e", "1e+", "nan", "inf", "-inf", "0x1p3", " 1", "1 ", "1e999", "1,5"};
    for (size_t k = 0; k < sizeof not_number / sizeof not_number[0]; k++)
        assert_int_equal(to_f64(not_number[k], &v), SHOAL_DATA);
    assert_true(view_eq(view_of("abc", 2), "ab"));
    assert_false(view_eq(view_of("abc", 3), "ab"));
    assert_true(view_eq(view_of(NULL, 0), ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_f64_text),
        cmocka_unit_test(test_growth),      cmocka_unit_test(test_allocations_fail), cmocka_unit_test(test_json_strings),
        cmocka_unit_test(test_utf8),        cmocka_unit_test(test_numbers_out),      cmocka_unit_test(test_shortest),
        cmocka_unit_test(test_numbers_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
