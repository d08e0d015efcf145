#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "records/record_index.h"

static char folder[] = "/tmp/shoal-index-XXXXXX";
static char file[64];

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) return -1;
    snprintf(file, sizeof file, "%s/x.tfrecord", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return file_remove_tree(folder, NULL);
}

static int fill_feature(index_feature *f, const char *name, const char *type, enum index_range range)
{
    f->name = mem_strdup(name);
    f->type = mem_strdup(type);
    f->nullable = range != INDEX_RANGE_F64;
    f->nulls = 3;
    f->values = 1000000;
    f->range = range;
    f->low = (index_bound){.i64 = -5, .f64 = -0.5};
    f->high = (index_bound){.i64 = INT64_MAX, .f64 = 1e300};
    if (range != INDEX_RANGE_TEXT) return f->name && f->type ? 0 : SHOAL_NOMEM;
    f->low.text = mem_strdup("");
    f->high.text = mem_strndup("z\0y", f->high.text_n = 3);
    return f->name && f->type && f->low.text && f->high.text ? 0 : SHOAL_NOMEM;
}

static int fill(record_index *x)
{
    shoal_error err;
    record_index_init(x);
    x->container = CONTAINER_GZIP;
    x->bytes = 1000000;
    x->records = 700;
    x->digest = (hash128){1, 2};
    int r = record_index_set_features(x, 4, &err);
    if (r == 0) r = fill_feature(&x->feature[0], "a", "int8", INDEX_RANGE_I64);
    if (r == 0) r = fill_feature(&x->feature[1], "b\xc3\xa9", "list<float32>", INDEX_RANGE_F64);
    if (r == 0) r = fill_feature(&x->feature[2], "c", "utf8", INDEX_RANGE_TEXT);
    if (r == 0) r = fill_feature(&x->feature[3], "d", "binary", INDEX_RANGE_NONE);
    for (uint64_t i = 0; r == 0 && i < 100; i++) r = record_index_add_block(x, i * 9999, i * 7, i == 50 ? 300 : 0, &err);
    return r;
}

static int decode(const buf *b, record_index *x, shoal_error *err) { return record_index_decode("x", view_of((const char *)b->data, b->len), x, err); }

static void round_trip(void **state)
{
    (void)state;
    record_index x, y;
    buf a = BUF_INIT, b = BUF_INIT;
    shoal_error err = {0};
    assert_int_equal(fill(&x), 0);
    assert_int_equal(record_index_encode(&x, &a, &err), 0);
    if (decode(&a, &y, &err) != 0) fail_msg("%s", err.message);
    assert_int_equal(y.n_blocks, 100);
    assert_memory_equal(x.block, y.block, 100 * sizeof *x.block);
    assert_string_equal(y.feature[1].type, "list<float32>");
    assert_memory_equal(y.feature[2].high.text, "z\0y", 3);
    assert_true(y.feature[1].high.f64 == 1e300 && y.feature[0].high.i64 == INT64_MAX && y.feature[0].low.i64 == -5);
    assert_int_equal(record_index_encode(&y, &b, &err), 0);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, a.len);
    assert_int_equal(record_index_find(&y, 0), 0);
    assert_int_equal(record_index_find(&y, 6), 0);
    assert_int_equal(record_index_find(&y, 7), 1);
    assert_int_equal(record_index_find(&y, 699), 99);
    record_index_release(&x);
    record_index_release(&y);
    buf_release(&a);
    buf_release(&b);
}

/* Every cut and every flipped bit is noticed; so are bytes behind the end, and what a right checksum covers but is no index. */
static void damage(void **state)
{
    (void)state;
    record_index x;
    buf a = BUF_INIT;
    shoal_error err;
    assert_int_equal(fill(&x), 0);
    assert_int_equal(record_index_encode(&x, &a, &err), 0);
    record_index_release(&x);
    for (size_t n = 0; n < a.len; n++) assert_int_equal(record_index_decode("x", view_of((const char *)a.data, n), &x, &err), SHOAL_DATA);
    for (size_t bit = 0; bit < 8 * a.len; bit++) {
        a.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(decode(&a, &x, &err), SHOAL_DATA);
        a.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(buf_putc(&a, 0, &err), 0);
    assert_int_equal(decode(&a, &x, &err), SHOAL_DATA);
    a.len -= 9;
    for (size_t at = 12; at < a.len; at++) { /* with its checksum made right again, a changed byte is read or refused, never more */
        buf b = BUF_INIT;
        assert_int_equal(buf_append(&b, a.data, a.len, &err), 0);
        b.data[at] ^= 0xff;
        uint64_t sum = hash64(b.data, b.len, 0);
        assert_int_equal(buf_append(&b, &sum, 8, &err), 0);
        int r = decode(&b, &x, &err);
        assert_true(r == 0 || r == SHOAL_DATA);
        record_index_release(&x);
        buf_release(&b);
    }
    a.data[8] = 2;
    assert_int_equal(buf_append(&a, "12345678", 8, &err), 0);
    assert_int_equal(decode(&a, &x, &err), SHOAL_DATA);
    assert_non_null(strstr(err.message, "version 2 of the index is newer"));
    buf_release(&a);
}

static void write_file(const char *bytes)
{
    assert_int_equal(file_write_all(file, 1, bytes, strlen(bytes), NULL), 0);
}

static void expect_stale(const char *bytes, const char *says)
{
    record_index x;
    shoal_error err = {0};
    write_file(bytes);
    assert_int_equal(record_index_open(file, &x, &err), SHOAL_DATA);
    if (!strstr(err.message, says)) fail_msg("'%s' lacks '%s'", err.message, says);
    record_index_release(&x);
}

static void beside_its_file(void **state)
{
    (void)state;
    record_index x;
    shoal_error err;
    assert_int_equal(record_index_open(file, &x, &err), 0);
    assert_int_equal(fill(&x), 0);
    assert_int_equal(record_index_write(file, &x, &err), SHOAL_STORAGE);
    write_file("some bytes");
    for (size_t i = 1; i < x.n_blocks; i++) x.block[i].offset = 1;
    x.n_blocks = 2;
    x.records = 8;
    assert_int_equal(record_index_write(file, &x, &err), 0);
    record_index_release(&x);
    assert_int_equal(record_index_open(file, &x, &err), 1);
    assert_int_equal(x.bytes, 10);
    record_index_release(&x);
    expect_stale("some byte", "has 9 bytes, but its index was made of 10: the file was cut or replaced");
    expect_stale("some bytes more", "has 15 bytes, but its index was made of 10: the file has grown");
    expect_stale("some bytez", "its bytes are not those");
}

static void allocations_fail(void **state)
{
    (void)state;
    for (long n = 1;; n++) {
        record_index x, y;
        buf b = BUF_INIT;
        record_range *range = NULL;
        size_t ranges;
        record_index_init(&y);
        mem_fail_at(n, 0);
        int r = fill(&x);
        if (r == 0) r = record_index_encode(&x, &b, NULL);
        if (r == 0) r = decode(&b, &y, NULL);
        if (r == 0) r = record_index_split(&y, 100000, &range, &ranges, NULL);
        mem_fail_at(0, 0);
        if (r == 0) assert_int_equal(ranges, 10);
        mem_free(range);
        record_index_release(&x);
        record_index_release(&y);
        buf_release(&b);
        if (r == 0) break;
        assert_int_equal(r, SHOAL_NOMEM);
        assert_true(n < 200);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(round_trip), cmocka_unit_test(damage), cmocka_unit_test(beside_its_file),
                                       cmocka_unit_test(allocations_fail)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
