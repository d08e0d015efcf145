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
    for (enum container c = CONTAINER_PLAIN; c <= CONTAINER_ZLIB; c++) {
        tfrecord_writer *w;
        shoal_error err;
        static uint8_t bytes[100000];
        for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * i >> 3);
        assert_int_equal(tfrecord_create(path, 1, c, NULL, &w, &err), 0);
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
        assert_int_equal(tfrecord_container(t), c);
        tfrecord_close(t);
    }
}

/* Every cut of a file and every flipped bit is noticed, in each container. */
static void damage(void **state)
{
    (void)state;
    for (enum container c = CONTAINER_PLAIN; c <= CONTAINER_ZLIB; c++) {
        tfrecord_writer *w;
        int packed = c != CONTAINER_PLAIN;
        buf whole = BUF_INIT;
        assert_int_equal(tfrecord_create(path, 1, c, NULL, &w, NULL), 0);
        for (int i = 0; i < 2; i++) assert_int_equal(tfrecord_write(w, "some data", 9, NULL), 0);
        assert_int_equal(tfrecord_commit(w, NULL), 0);
        assert_int_equal(file_read_all(path, 1 << 20, &whole, NULL), 0);
        assert_int_equal(count(NULL), 2);
        for (size_t n = 1; n < whole.len; n++) {
            put(whole.data, n);
            int64_t got = count(packed && n < 2 ? NULL : path);
            assert_true(got == SHOAL_DATA || (c == CONTAINER_PLAIN && n == whole.len / 2 && got == 1));
        }
        for (size_t bit = 0; bit < 8 * whole.len; bit++) {
            whole.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            put(whole.data, whole.len);
            int64_t got = count(path); /* containers have bits without a meaning: time, system, padding; the records' checksums still hold */
            assert_true(got == SHOAL_DATA || (packed && got == 2));
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

/* A length may read like the magic number of gzip. */
static void plain_like_gzip(void **state)
{
    (void)state;
    static uint8_t data[0x088b1f];
    tfrecord_writer *w;
    assert_int_equal(tfrecord_create(path, 1, CONTAINER_PLAIN, NULL, &w, NULL), 0);
    assert_int_equal(tfrecord_write(w, data, 0x088b1f, NULL), 0);
    assert_int_equal(tfrecord_commit(w, NULL), 0);
    assert_int_equal(count(NULL), 1);
}

static void same_blocks(const record_index *a, const record_index *b)
{
    assert_int_equal(a->records, b->records);
    assert_int_equal(a->n_blocks, b->n_blocks);
    assert_int_equal(a->container, b->container);
    if (a->n_blocks > 0) assert_memory_equal(a->block, b->block, a->n_blocks * sizeof *a->block);
}

/* From each block on, the records are those that a reader from the beginning meets there. */
static void read_blocks(const record_index *x)
{
    shoal_error err;
    for (size_t i = 0; i < x->n_blocks; i++) {
        tfrecord_reader *t;
        view v;
        uint64_t record = x->block[i].record, end = i + 1 < x->n_blocks ? x->block[i + 1].record + 1 : x->records;
        assert_int_equal(record_index_find(x, record), i);
        assert_int_equal(tfrecord_open_at(path, x->container, &x->block[i], &t, &err), 0);
        for (; record < end && record < x->records; record++) {
            uint32_t number;
            assert_int_equal(tfrecord_index(t), record);
            if (tfrecord_next(t, &v, &err) != 1) fail_msg("block %zu: %s", i, err.message);
            memcpy(&number, v.p, 4);
            assert_int_equal(number, record);
        }
        tfrecord_close(t);
    }
}

/* What the writer notes is what a reader notes, each block can be read from, and the ranges cover all records once. */
static void blocks(void **state)
{
    (void)state;
    for (enum container c = CONTAINER_PLAIN; c <= CONTAINER_ZLIB; c++) {
        tfrecord_writer *w;
        tfrecord_reader *t;
        record_index written, read;
        view v;
        static uint32_t data[5000];
        record_index_init(&written);
        record_index_init(&read);
        assert_int_equal(tfrecord_create(path, 1, c, NULL, &w, NULL), 0);
        assert_int_equal(tfrecord_keep_index(w, &written, NULL), 0);
        for (data[0] = 0; data[0] < 1000; data[0]++) {
            for (size_t k = 1; k < 5000; k++) data[k] = data[k - 1] * 2654435761u + (uint32_t)k;
            assert_int_equal(tfrecord_write(w, data, 4 + data[0] * 7919 % 15000, NULL), 0);
        }
        assert_int_equal(tfrecord_commit(w, NULL), 0);
        assert_int_equal(tfrecord_open(path, &t, NULL), 0);
        assert_int_equal(tfrecord_note_index(t, &read, NULL), 0);
        while (tfrecord_next(t, &v, NULL) == 1) {}
        tfrecord_close(t);
        assert_true(written.n_blocks > 5);
        assert_memory_equal(&written.digest, &read.digest, sizeof read.digest);
        if (c == CONTAINER_ZLIB) assert_int_equal(read.n_blocks, 1); /* a flush cannot be told from outside */
        else same_blocks(&written, &read);
        read_blocks(&written);
        read_blocks(&read);
        record_range *range;
        size_t n;
        uint64_t next = 0;
        assert_int_equal(record_index_write(path, &written, NULL), 0);
        assert_int_equal(record_index_split(&written, 2 << 20, &range, &n, NULL), 0);
        assert_true(n > 1 && n < written.n_blocks);
        for (size_t i = 0; i < n; next = range[i++].end) assert_true(range[i].first == next && range[i].end > next && range[i].at.record == next);
        assert_int_equal(next, 1000);
        mem_free(range);
        record_index_release(&written);
        record_index_release(&read);
    }
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(layout),   cmocka_unit_test(round_trip),       cmocka_unit_test(damage), cmocka_unit_test(plain_like_gzip), cmocka_unit_test(blocks),
                                       cmocka_unit_test(messages), cmocka_unit_test(allocations_fail)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
