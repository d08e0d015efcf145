/* The scanner against the plain cursor: records in any order, with keys left out, twice, unknown, in any shape, cut and
 * changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "records/example_scan.h"

#define KEYS 12
#define RECORDS 400

static const char *const NAME[KEYS] = {"a", "b", "label", "a key of more than eight bytes", "c", "", "exactly8", "d", "e1", "e2", "e3", "label2"};

static example_keys *make_keys(const uint8_t *wanted)
{
    view v[KEYS];
    example_keys *k = NULL;
    for (int i = 0; i < KEYS; i++) v[i] = view_of(NAME[i], strlen(NAME[i]));
    assert_int_equal(example_keys_new(v, wanted, KEYS, &k, NULL), 0);
    return k;
}

/* What the cursor says of a key: the kind of the last feature that has it, and its first value. */
static enum example_kind by_cursor(view record, const char *name, view *text, float *real, int64_t *whole)
{
    example_cursor c;
    example_feature f, last = {.kind = EXAMPLE_NONE};
    example_start(&c, record);
    while (example_next(&c, &f, NULL) == 1)
        if (view_eq(f.key, name)) last = f;
    if (last.kind == EXAMPLE_BYTES) assert_int_equal(example_bytes(&last, text, NULL), 1);
    if (last.kind == EXAMPLE_FLOAT) assert_int_equal(example_f32(&last, real, NULL), 1);
    if (last.kind == EXAMPLE_INT64) assert_int_equal(example_i64(&last, whole, NULL), 1);
    return last.kind;
}

static void compare(example_scanner *s, view record)
{
    example_slot slot[KEYS];
    view unknown, text = {0}, got;
    float real = 0, got_real = 0;
    int64_t whole = 0, got_whole = 0;
    assert_int_equal(example_scan(s, record, slot, 1, &unknown, NULL), 0);
    for (int k = 0; k < KEYS; k++) {
        enum example_kind kind = by_cursor(record, NAME[k], &text, &real, &whole);
        example_feature f = {.kind = slot[k].kind, .packed = {slot[k].p, slot[k].n}};
        if (slot[k].form == EXAMPLE_MESSAGE) assert_int_equal(example_open(view_of(slot[k].p, slot[k].n), &f, NULL), 0);
        if (slot[k].form == EXAMPLE_ABSENT) f.kind = EXAMPLE_NONE;
        assert_int_equal(f.kind, kind);
        if (kind == EXAMPLE_BYTES) {
            got = view_of(slot[k].p, slot[k].n);
            if (slot[k].form == EXAMPLE_MESSAGE) assert_int_equal(example_bytes(&f, &got, NULL), 1);
            assert_true(got.n == text.n && memcmp(got.p, text.p, got.n) == 0);
        }
        if (kind == EXAMPLE_FLOAT) assert_true(example_f32(&f, &got_real, NULL) == 1 && got_real == real);
        if (kind == EXAMPLE_INT64) assert_true(example_i64(&f, &got_whole, NULL) == 1 && got_whole == whole);
    }
}

/* Features in an order that changes now and then, some left out, some twice. */
static void make_record(example_writer *w, uint64_t seed, buf *out)
{
    static const char LONG[300] = "a value whose length takes two bytes";
    example_begin(w, NULL);
    for (int i = 0; i < KEYS + 2; i++) {
        uint64_t chance = rng_u64(rng_key(seed, RNG_SYNTH, 0, 0), (uint64_t)i);
        int k = (i + (int)(seed / 50)) * (seed / 100 % 2 ? 5 : 1) % KEYS;
        if (chance % 5 == 0) continue;
        view key = view_of(NAME[k], strlen(NAME[k])), text[2] = {view_of(LONG, chance % 2 ? 3 : sizeof LONG), view_of("x", 1)};
        float real[2] = {(float)(chance % 1000), 1};
        int64_t whole[2] = {(int64_t)chance - (int64_t)(chance % 3) * INT32_MAX, -1};
        if (k % 3 == 0) example_put_bytes(w, key, text, 1 + chance % 2, NULL);
        else if (k % 3 == 1) example_put_f32(w, key, real, 1 + chance % 2, NULL);
        else example_put_i64(w, key, whole, 1 + chance % 2, NULL);
    }
    view record = example_end(w);
    buf_clear(out);
    assert_int_equal(buf_reserve(out, record.n + EXAMPLE_SLACK, NULL), 0);
    assert_int_equal(buf_append(out, record.p, record.n, NULL), 0);
}

static void same_as_cursor(void **state)
{
    (void)state;
    example_keys *keys = make_keys(NULL);
    example_scanner s;
    example_writer w;
    buf record = BUF_INIT;
    example_writer_init(&w);
    assert_int_equal(example_scanner_init(&s, keys, NULL), 0);
    for (uint64_t i = 0; i < RECORDS; i++) {
        make_record(&w, i, &record);
        compare(&s, view_of((const char *)record.data, record.len));
    }
    for (int k = 0; k < KEYS; k++) assert_int_equal(example_keys_find(keys, view_of(NAME[k], strlen(NAME[k]))), k);
    assert_int_equal(example_keys_find(keys, view_of("none", 4)), -1);
    buf_release(&record);
    example_writer_release(&w);
    example_scanner_release(&s);
    example_keys_free(keys);
}

/* Any cut and any changed byte: what the cursor calls broken outside of Feature messages, the scanner does too. */
static void damage(void **state)
{
    (void)state;
    example_keys *keys = make_keys(NULL);
    example_scanner s;
    example_writer w;
    buf record = BUF_INIT;
    example_slot slot[KEYS];
    example_cursor c;
    view unknown, entry, key, value;
    example_writer_init(&w);
    assert_int_equal(example_scanner_init(&s, keys, NULL), 0);
    make_record(&w, 3, &record);
    for (size_t at = 0; at < record.len; at++)
        for (int v = 0; v < 256; v += 5) {
            uint8_t keep = record.data[at];
            size_t n = v == 0 ? at : record.len;
            record.data[at] = (uint8_t)v;
            view all = view_of((const char *)record.data, n);
            int got = example_scan(&s, all, slot, 1, &unknown, NULL), r;
            example_start(&c, all);
            while ((r = example_next_entry(&c, &entry, NULL)) == 1 && (r = example_entry(entry, &key, &value, NULL)) == 0) {}
            if (r == SHOAL_DATA) assert_int_equal(got, SHOAL_DATA);
            for (int k = 0; got == 0 && k < KEYS; k++)
                assert_true(slot[k].form == EXAMPLE_ABSENT || (slot[k].p >= all.p && slot[k].p + slot[k].n <= all.p + all.n));
            record.data[at] = keep;
        }
    buf_release(&record);
    example_writer_release(&w);
    example_scanner_release(&s);
    example_keys_free(keys);
}

static void unwanted_and_unknown(void **state)
{
    (void)state;
    uint8_t wanted[KEYS] = {0, 1};
    example_keys *keys = make_keys(wanted);
    example_scanner s;
    example_writer w;
    example_slot slot[KEYS];
    view unknown;
    float real = 2;
    char copy[200];
    example_writer_init(&w);
    assert_int_equal(example_scanner_init(&s, keys, NULL), 0);
    example_begin(&w, NULL);
    for (int k = 0; k < 3; k++) example_put_f32(&w, view_of(NAME[k], strlen(NAME[k])), &real, 1, NULL);
    view record = example_end(&w);
    memcpy(copy, record.p, record.n);
    assert_int_equal(example_scan(&s, view_of(copy, record.n), slot, 1, &unknown, NULL), 0);
    assert_null(unknown.p);
    assert_true(slot[0].form == EXAMPLE_ABSENT && slot[1].form == EXAMPLE_PACKED && slot[2].form == EXAMPLE_ABSENT);
    example_begin(&w, NULL);
    example_put_f32(&w, view_of("stranger", 8), &real, 1, NULL);
    record = example_end(&w);
    memcpy(copy, record.p, record.n);
    assert_int_equal(example_scan(&s, view_of(copy, record.n), slot, 1, &unknown, NULL), 0);
    assert_true(view_eq(unknown, "stranger"));
    example_writer_release(&w);
    example_scanner_release(&s);
    example_keys_free(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_as_cursor), cmocka_unit_test(damage), cmocka_unit_test(unwanted_and_unknown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
