/* Text to values: kinds, exact numbers, and moments that read back as they are written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "table/cell_parse.h"
#include "table/cell_text.h"

static const char *format(const char *text)
{
    unsigned kinds = cell_kinds(view_of(text, strlen(text)));
    return cell_format(kinds, kinds | CELL_BOOL);
}

static void test_kinds(void **state)
{
    static const struct { const char *text, *format; } CASES[] = {
        {"0", "l"}, {"-0", "g"}, {"00", "u"}, {"+7", "l"}, {" 7 ", "l"}, {"7.", "g"}, {".5", "g"}, {".", "u"}, {"-", "u"}, {"1e", "u"}, {"1e5", "g"},
        {"9223372036854775807", "l"}, {"9223372036854775808", "L"}, {"-9223372036854775808", "l"}, {"-9223372036854775809", "u"},
        {"18446744073709551615", "L"}, {"18446744073709551616", "u"}, {"1e-400", "u"}, {"0e-400", "g"}, {"1e400", "u"}, {"5e-324", "g"},
        {"nan", "g"}, {"-nan", "u"}, {"+Inf", "g"}, {"-infinity", "g"}, {"in", "u"}, {"0x10", "u"}, {"1 2", "u"}, {"true", "b"}, {"True", "b"}, {"t", "u"},
        {"2020-02-29", "tdD"}, {"1900-02-29", "u"}, {"2000-02-29", "tdD"}, {"2020-13-01", "u"}, {"20-01-01", "u"}, {"-0044-03-15", "tdD"},
        {"5881580-07-11", "tdD"}, {"5881580-07-12", "u"}, {"02020-01-01", "u"},
        {"2020-01-01 24:00:00", "u"}, {"2020-01-01 23:59:60", "u"}, {"2020-01-01 23:59", "u"}, {"2020-01-01 23:59:59.", "u"},
        {"2020-01-01 23:59:59.1234567890", "u"}, {"2020-01-01 23:59:59.123456000", "tsu:"}, {"1500-01-01 00:00:00.000000001", "u"},
        {"2020-01-01 00:00:00+1", "u"}, {"2020-01-01 00:00:00-0330", "tsu:UTC"}, {"12:00:00", "ttu"}, {"12:00:00.000000001", "ttn"}, {"12:00", "u"}, {"", "u"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        if (strcmp(format(CASES[i].text), CASES[i].format) != 0) fail_msg("'%s' is %s, expected %s", CASES[i].text, format(CASES[i].text), CASES[i].format);
    }
}

/* The short way to a double is the long one's equal. */
static void test_floats(void **state)
{
    (void)state;
    cell_target t = {.type = ARROW_F64};
    for (uint64_t i = 0; i < 20000; i++) {
        char text[64];
        uint64_t x = rng_u64(7, i);
        double got = 0;
        int64_t unused;
        snprintf(text, sizeof text, "%s%llu.%llue%d", x & 1 ? "-" : "", (unsigned long long)(x >> 40), (unsigned long long)(x >> 8 & 0xffffffff), (int)(x >> 3 & 31) - 16);
        assert_int_equal(cell_value(&t, view_of(text, strlen(text)), &unused, &got), 1);
        assert_true(got == strtod(text, NULL));
    }
}

/* Numbers of any length and power, middles of two values and what is beside them: the bits that the C library reads. */
static void test_as_library(void **state)
{
    (void)state;
    static const int POWERS[] = {8, 30, 60, 300};
    const cell_target wide = {.type = ARROW_F64}, narrow = {.type = ARROW_F32};
    const uint64_t key = rng_key(9, RNG_SAMPLE, 0, 0);
    for (uint64_t i = 0; i < 400000; i++) {
        const uint64_t x = rng_u64(key, 2 * i), y = rng_u64(key, 2 * i + 1);
        const int most = POWERS[x % 4], power = (int)(y % (uint64_t)(2 * most + 1)) - most;
        char text[64];
        double f;
        float g;
        int64_t whole;
        memcpy(&f, &x, sizeof f);
        if (i % 4 == 0) snprintf(text, sizeof text, "%llu.%llue%d", (unsigned long long)(x >> y % 64), (unsigned long long)(y >> x % 64), power / 4);
        else if (i % 4 == 1) snprintf(text, sizeof text, "-%llue%d", (unsigned long long)(x >> y % 64), power);
        else if (i % 4 == 2) snprintf(text, sizeof text, "%llu.5e0", (unsigned long long)(((x >> 12) | 1ull << 52) + y % 3)); /* a middle */
        else snprintf(text, sizeof text, "%.*e", (int)(y % 18), f);
        const view v = view_of(text, strlen(text));
        double got = 0;
        const double want = strtod(text, NULL);
        if (cell_value(&wide, v, &whole, &got)) assert_memory_equal(&got, &want, sizeof want);
        else assert_true(want == 0 || want - want != 0);
        const float want_narrow = strtof(text, NULL);
        if (cell_value(&narrow, v, &whole, &got)) {
            g = (float)got;
            assert_memory_equal(&g, &want_narrow, sizeof g);
        } else {
            assert_true(want_narrow - want_narrow != 0);
        }
    }
}

static void test_round_trip(void **state)
{
    static const char *const FORMATS[] = {"tdD", "tss:", "tsm:", "tsu:", "tsn:", "tsu:UTC", "ttu", "ttn"};
    (void)state;
    for (size_t k = 0; k < sizeof FORMATS / sizeof FORMATS[0]; k++)
        for (uint64_t i = 0; i < 2000; i++) {
            struct ArrowSchema field;
            cell_target target;
            int64_t v = (int64_t)rng_u64(9 + k, i) >> (i % 32), got = 0;
            double unused;
            if (FORMATS[k][1] == 'd') v = (int32_t)v;
            if (FORMATS[k][1] == 't') v = (int64_t)((uint64_t)v % 86400000000u);
            if (strcmp(FORMATS[k], "tss:") == 0) v >>= 24; /* years of seven digits */
            if (strcmp(FORMATS[k], "tsm:") == 0) v >>= 14;
            assert_int_equal(arrow_schema_set(&field, "x", FORMATS[k], 1, NULL), 0);
            assert_int_equal(cell_target_of(&field, &target), 1);
            int32_t narrow = (int32_t)v;
            const void *buffers[] = {NULL, FORMATS[k][1] == 'd' ? (void *)&narrow : (void *)&v};
            struct ArrowArray a = {.length = 1, .n_buffers = 2, .buffers = buffers};
            buf b = BUF_INIT;
            assert_int_equal(cell_put_text(&b, &field, &a, 0, NULL), 0);
            if (!cell_value(&target, view_of((char *)b.data, b.len), &got, &unused)) fail_msg("'%s' is not read as %s", buf_str(&b), FORMATS[k]);
            assert_int_equal(got, v);
            buf_release(&b);
            field.release(&field);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kinds), cmocka_unit_test(test_floats), cmocka_unit_test(test_as_library), cmocka_unit_test(test_round_trip)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
