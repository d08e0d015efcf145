#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "records/example.h"

/* One record with a feature of each kind, byte for byte. */
static void golden(void **state)
{
    (void)state;
    static const uint8_t want[] = {
        0x0a, 0x2c,                                                                         /* features, 44 bytes */
        0x0a, 0x0b, 0x0a, 0x01, 'b', 0x12, 0x06, 0x0a, 0x04, 0x0a, 0x02, 'x', 'y',          /* b: bytes */
        0x0a, 0x0d, 0x0a, 0x01, 'f', 0x12, 0x08, 0x12, 0x06, 0x0a, 0x04, 0, 0, 0x80, 0x3f,  /* f: 1.0f, packed */
        0x0a, 0x0e, 0x0a, 0x01, 'i', 0x12, 0x09, 0x1a, 0x07, 0x0a, 0x05, 0x01, 0xac, 0x02, 0x80, 0x01, /* i: 1, 300, 128 */
    };
    example_writer w;
    example_writer_init(&w);
    view text = view_of("xy", 2);
    float f = 1.0f;
    int64_t i[] = {1, 300, 128};
    assert_int_equal(example_begin(&w, NULL), 0);
    assert_int_equal(example_put_bytes(&w, view_of("b", 1), &text, 1, NULL), 0);
    assert_int_equal(example_put_f32(&w, view_of("f", 1), &f, 1, NULL), 0);
    assert_int_equal(example_put_i64(&w, view_of("i", 1), i, 3, NULL), 0);
    view got = example_end(&w);
    assert_int_equal(got.n, sizeof want);
    assert_memory_equal(got.p, want, sizeof want);
    example_writer_release(&w);
}

static void one_feature(const char *bytes, size_t n, example_feature *f)
{
    example_cursor c;
    example_start(&c, view_of(bytes, n));
    assert_int_equal(example_next(&c, f, NULL), 1);
}

static void unpacked_and_mixed(void **state)
{
    (void)state;
    /* int64 values 5 (single), 6, 7 (packed), -1 (single, ten bytes), in two lists that are joined */
    static const char bytes[] = "\x0a\x1c\x0a\x1a\x12\x15\x1a\x06\x08\x05\x0a\x02\x06\x07\x1a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x0a\x01" "k";
    example_feature f;
    int64_t v, want[] = {5, 6, 7, -1};
    one_feature(bytes, sizeof bytes - 1, &f);
    assert_true(view_eq(f.key, "k"));
    assert_int_equal(f.kind, EXAMPLE_INT64);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(example_i64(&f, &v, NULL), 1);
        assert_int_equal(v, want[i]);
    }
    assert_int_equal(example_i64(&f, &v, NULL), 0);
}

static void another_kind_replaces(void **state)
{
    (void)state;
    static const char bytes[] = "\x0a\x0f\x0a\x0d\x0a\x01k\x12\x08\x1a\x02\x08\x05\x0a\x02\x0a\x00"; /* int64 5, then bytes "" */
    example_feature f;
    view v;
    one_feature(bytes, sizeof bytes - 1, &f);
    assert_int_equal(f.kind, EXAMPLE_BYTES);
    assert_int_equal(example_bytes(&f, &v, NULL), 1);
    assert_int_equal(v.n, 0);
    assert_int_equal(example_bytes(&f, &v, NULL), 0);
}

static void empty_kinds(void **state)
{
    (void)state;
    example_feature f;
    float x;
    one_feature("\x0a\x05\x0a\x03\x0a\x01k", 7, &f);
    assert_int_equal(f.kind, EXAMPLE_NONE);
    one_feature("\x0a\x09\x0a\x07\x0a\x01k\x12\x02\x12\x00", 11, &f);
    assert_int_equal(f.kind, EXAMPLE_FLOAT);
    assert_int_equal(example_f32(&f, &x, NULL), 0);
    example_cursor c;
    example_start(&c, view_of("", 0));
    assert_int_equal(example_next(&c, &f, NULL), 0);
}

static int read_all(view record)
{
    example_cursor c;
    example_feature f;
    shoal_error err;
    int r;
    example_start(&c, record);
    while ((r = example_next(&c, &f, &err)) == 1) {
        view text;
        float real;
        int64_t whole;
        int k = 0;
        if (f.kind == EXAMPLE_BYTES) while ((k = example_bytes(&f, &text, &err)) == 1) {}
        if (f.kind == EXAMPLE_FLOAT) while ((k = example_f32(&f, &real, &err)) == 1) {}
        if (f.kind == EXAMPLE_INT64) while ((k = example_i64(&f, &whole, &err)) == 1) {}
        if (k < 0) return k;
    }
    return r;
}

/* Every cut inside the record is DATA; bytes that are changed end in rows or in DATA, never outside. */
static void cuts(void **state)
{
    (void)state;
    example_writer w;
    example_writer_init(&w);
    view text[2] = {view_of("abc", 3), view_of("", 0)};
    float f[] = {1.0f, 2.0f};
    int64_t i[] = {-1, 1};
    example_begin(&w, NULL);
    example_put_bytes(&w, view_of("bytes", 5), text, 2, NULL);
    example_put_f32(&w, view_of("floats", 6), f, 2, NULL);
    example_put_i64(&w, view_of("integers", 8), i, 2, NULL);
    view whole = example_end(&w);
    assert_int_equal(read_all(whole), 0);
    for (size_t n = 1; n < whole.n; n++) assert_int_equal(read_all(view_of(whole.p, n)), SHOAL_DATA);
    for (size_t at = 0; at < whole.n; at++)
        for (int v = 0; v < 256; v++) {
            char keep = whole.p[at];
            ((char *)whole.p)[at] = (char)v;
            int r = read_all(whole);
            assert_true(r == 0 || r == SHOAL_DATA);
            ((char *)whole.p)[at] = keep;
        }
    example_writer_release(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(golden), cmocka_unit_test(unpacked_and_mixed), cmocka_unit_test(another_kind_replaces),
                                       cmocka_unit_test(empty_kinds), cmocka_unit_test(cuts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
