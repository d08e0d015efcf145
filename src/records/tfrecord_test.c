#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "records/tfrecord.h"

static char folder[] = "/tmp/shoal-tfrecord-XXXXXX";
static char path[64];

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/x", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return file_remove_tree(folder, NULL);
}

static void put(const void *p, size_t n)
{
    shoal_error err;
    assert_int_equal(file_write_all(path, 1, p, n, &err), 0);
}

/* Reads all records; the count, or the code of the error, whose message must contain `says`. */
static int64_t count(const char *says)
{
    shoal_error err = {0};
    tfrecord_reader *t;
    view v;
    int r = tfrecord_open(path, &t, &err);
    int64_t n = 0;
    if (r == 0) {
        while ((r = tfrecord_next(t, &v, &err)) == 1) n++;
        assert_int_equal(tfrecord_index(t), n);
        tfrecord_close(t);
    }
    if (r < 0 && says && !strstr(err.message, says)) fail_msg("'%s' lacks '%s'", err.message, says);
    return r < 0 ? r : n;
}

static void layout(void **state)
{
    (void)state;
    static const uint8_t golden[] = {3, 0, 0, 0, 0, 0, 0, 0, 0x06, 0xf5, 0x04, 0x71, 'a', 'b', 'c', 0, 0, 0, 0};
    buf b = BUF_INIT;
    assert_int_equal(tfrecord_frame(&b, "abc", 3, NULL), 0);
    assert_int_equal(b.len, 19);
    assert_memory_equal(b.data, golden, 8);
    assert_memory_equal(b.data + 12, "abc", 3);
    buf_release(&b);
}

static void round_trip(void **state)
{
    (void)state;
    for (int gzip = 0; gzip < 2; gzip++) {
        tfrecord_writer *w;
        shoal_error err;
        static uint8_t bytes[100000];
        for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * i >> 3);
        assert_int_equal(tfrecord_create(path, 1, gzip ? TFRECORD_GZIP : TFRECORD_PLAIN, &w, &err), 0);
        for (size_t i = 0; i < 500; i++) assert_int_equal(tfrecord_write(w, bytes, i * 197 % sizeof bytes, &err), 0);
        assert_int_equal(tfrecord_count(w), 500);
        assert_int_equal(tfrecord_commit(w, &err), 0);
        tfrecord_reader *t;
        view v;
        assert_int_equal(tfrecord_open(path, &t, &err), 0);
        for (size_t i = 0; i < 500; i++) {
            assert_int_equal(tfrecord_next(t, &v, &err), 1);
            assert_int_equal(v.n, i * 197 % sizeof bytes);
            assert_memory_equal(v.p, bytes, v.n);
        }
        assert_int_equal(tfrecord_next(t, &v, &err), 0);
        tfrecord_close(t);
    }
}

/* Every cut of a file and every flipped bit is noticed, plain and gzip. */
static void damage(void **state)
{
    (void)state;
    for (int gzip = 0; gzip < 2; gzip++) {
        tfrecord_writer *w;
        buf whole = BUF_INIT;
        assert_int_equal(tfrecord_create(path, 1, gzip ? TFRECORD_GZIP : TFRECORD_PLAIN, &w, NULL), 0);
        for (int i = 0; i < 2; i++) assert_int_equal(tfrecord_write(w, "some data", 9, NULL), 0);
        assert_int_equal(tfrecord_commit(w, NULL), 0);
        assert_int_equal(file_read_all(path, 1 << 20, &whole, NULL), 0);
        assert_int_equal(count(NULL), 2);
        for (size_t n = 1; n < whole.len; n++) {
            put(whole.data, n);
            int64_t got = count(gzip && n < 2 ? NULL : path);
            assert_true(got == SHOAL_DATA || (!gzip && n == whole.len / 2 && got == 1));
        }
        for (size_t bit = 0; bit < 8 * whole.len; bit++) {
            whole.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            put(whole.data, whole.len);
            int64_t got = count(path); /* gzip has bits without a meaning: time, system, padding; the records' checksums still hold */
            assert_true(got == SHOAL_DATA || (gzip && got == 2));
            whole.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        buf_release(&whole);
    }
}

static void messages(void **state)
{
    (void)state;
    put("abc", 3);
    assert_int_equal(count("record 0 at byte 0: the file ends inside its header"), SHOAL_DATA);
    put("this is only text, no record", 28);
    assert_int_equal(count("no TFRecord"), SHOAL_DATA);
    put("", 0);
    assert_int_equal(count(NULL), 0);
}

static void allocations_fail(void **state)
{
    (void)state;
    buf b = BUF_INIT;
    tfrecord_frame(&b, "abc", 3, NULL);
    put(b.data, b.len);
    buf_release(&b);
    for (long n = 1;; n++) {
        mem_fail_at(n, 0);
        int64_t r = count(NULL);
        mem_fail_at(0, 0);
        if (r == 1) break;
        assert_int_equal(r, SHOAL_NOMEM);
        assert_true(n < 50);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(layout),   cmocka_unit_test(round_trip),       cmocka_unit_test(damage),
                                       cmocka_unit_test(messages), cmocka_unit_test(allocations_fail)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
