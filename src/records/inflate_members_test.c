/* Members side by side give what the stream gives: records, blocks, digest, messages, and what survives damage. The stream reads a
 * file alone when its first member starts otherwise than Shoal's do: with another number of the system that wrote it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "records/inflate_members.h"
#include "records/tfrecord.h"

#define SYSTEM_AT 9 /* the byte of a head that is another */
#define LARGE_BYTES ((size_t)9 << 20) /* of a record whose member is too large to be tried */

static const int THREADS[] = {0, 1, 2, 7};
static char folder[] = "/tmp/shoal-members-XXXXXX";
static char path[80], target[80]; /* target: what is written by name; path: a file in memory */
static int file;

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) return -1;
    file = memfd_create("members", 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    snprintf(target, sizeof target, "%s/x", folder);
    return file < 0 ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    close(file);
    return file_remove_tree(folder, NULL);
}

static void put(const buf *b, size_t n)
{
    assert_int_equal(ftruncate(file, 0), 0);
    assert_int_equal(pwrite(file, b->data, n, 0), n);
}

/* n records of noise of four bits a byte, the i-th of size(i) bytes that start with its number. */
static void make(buf *out, int n, size_t (*size)(int), view inside)
{
    tfrecord_writer *w;
    uint8_t *data = mem_alloc(LARGE_BYTES + 4);
    assert_int_equal(tfrecord_create(target, 1, CONTAINER_GZIP, NULL, &w, NULL), 0);
    for (int i = 0; i < n; i++) {
        for (size_t k = 4; k < size(i); k += 8) {
            const uint64_t noise = rng_u64(5, (uint64_t)i * LARGE_BYTES + k) & (inside.n > 0 ? UINT64_MAX : 0x0f0f0f0f0f0f0f0f);
            memcpy(data + k, &noise, 8);
        }
        memcpy(data, &i, 4);
        if (inside.n > 0) memcpy(data + 100, inside.p, inside.n);
        assert_int_equal(tfrecord_write(w, data, size(i), NULL), 0);
    }
    assert_int_equal(tfrecord_commit(w, NULL), 0);
    buf_init(out);
    assert_int_equal(file_read_all(target, 1 << 28, out, NULL), 0);
    assert_true(members_head_is(out->data));
    mem_free(data);
}

static size_t size_small(int i) { return 5004 + (size_t)(i * 7919 % 9000) / 8 * 8; }
static size_t size_one_large(int i) { return i == 300 ? LARGE_BYTES : size_small(i); }

/* What a reading gives, in one number, and what it says in the end. */
typedef struct reading {
    int code;
    uint64_t records, sum;
    quarantine_counts lost;
    shoal_error error;
} reading;

static void read_file(int threads, int tolerate, record_index *x, reading *out)
{
    tfrecord_reader *t;
    quarantine *q = NULL;
    view v;
    int r;
    memset(out, 0, sizeof *out);
    assert_int_equal(quarantine_new(NULL, NULL, &q, NULL), 0);
    assert_int_equal(tfrecord_open(path, &t, NULL), 0);
    tfrecord_inflate_by(t, threads);
    if (tolerate) assert_int_equal(tfrecord_tolerate(t, q, NULL), 0);
    if (x) assert_int_equal(tfrecord_note_index(t, x, NULL), 0);
    while ((r = tfrecord_next(t, &v, &out->error)) == 1) {
        out->sum = hash64(v.p, v.n, out->sum);
        out->records++;
    }
    out->code = r;
    out->lost = quarantine_count(q);
    tfrecord_close(t);
    quarantine_free(q);
}

static void same_reading(const reading *a, const reading *b, const char *what, size_t at)
{
    if (a->code != b->code || a->records != b->records || a->sum != b->sum || a->lost.places != b->lost.places || a->lost.bytes != b->lost.bytes ||
        strcmp(a->error.message, b->error.message) != 0)
        fail_msg("%s at %zu: %d, %llu records, '%s', by the stream %d, %llu records, '%s'", what, at, a->code, (unsigned long long)a->records, a->error.message,
                 b->code, (unsigned long long)b->records, b->error.message);
}

/* The bytes as they are by each number of threads, then by the stream. */
static void compare(buf *b, size_t n, int tolerate, const char *what, size_t at)
{
    reading by_members, by_stream;
    const uint8_t system = b->data[SYSTEM_AT];
    b->data[SYSTEM_AT] = 3;
    put(b, n);
    read_file(0, tolerate, NULL, &by_stream);
    b->data[SYSTEM_AT] = system;
    put(b, n);
    for (size_t k = 0; k < sizeof THREADS / sizeof *THREADS; k++) {
        read_file(THREADS[k], tolerate, NULL, &by_members);
        same_reading(&by_members, &by_stream, what, at);
    }
}

static void whole(void **state)
{
    (void)state;
    size_t (*const sizes[])(int) = {size_small, size_one_large};
    for (int kind = 0; kind < 3; kind++) {
        buf b;
        record_index x[sizeof THREADS / sizeof *THREADS];
        reading got;
        make(&b, 400, sizes[kind % 2], view_of("\x1f\x8b\x08\0\0\0\0\0\0\xff", kind == 2 ? MEMBER_HEAD_BYTES : 0));
        compare(&b, b.len, 0, "nothing", 0);
        for (size_t k = 0; k < sizeof THREADS / sizeof *THREADS; k++) {
            record_index_init(&x[k]);
            read_file(THREADS[k], 0, &x[k], &got);
            assert_int_equal(got.records, 400);
            assert_true(x[k].n_blocks > 2 && x[k].n_blocks == x[0].n_blocks);
            assert_memory_equal(x[k].block, x[0].block, x[0].n_blocks * sizeof *x[0].block);
            const hash128 want = hash128_of(b.data, b.len);
            assert_memory_equal(&x[k].digest, &want, sizeof want);
        }
        for (size_t k = 0; k < sizeof THREADS / sizeof *THREADS; k++) record_index_release(&x[k]);
        buf_release(&b);
    }
}

static void damaged(void **state)
{
    (void)state;
    buf b;
    make(&b, 250, size_small, view_of("", 0));
    for (uint64_t i = 0; i < 6; i++) {
        const size_t at = SYSTEM_AT + 1 + (size_t)rng_below(1, i, b.len - SYSTEM_AT - 1);
        const int tolerate = i % 2 == 0;
        b.data[at] ^= 0x10;
        compare(&b, b.len, tolerate, "a flip", at);
        b.data[at] ^= 0x10;
        compare(&b, at, tolerate, "a cut", at);
        if (i < 2) {
            const uint8_t tail = (uint8_t)i;
            assert_int_equal(buf_append(&b, &tail, 1, NULL), 0);
            compare(&b, b.len, tolerate, "a tail", b.len);
            b.len--;
        }
    }
    buf_release(&b);
}

static void allocations_fail(void **state)
{
    (void)state;
    buf b;
    make(&b, 100, size_small, view_of("", 0));
    put(&b, b.len);
    for (int threads = 0; threads < 3; threads += 2)
        for (long n = 1;; n++) {
            tfrecord_reader *t = NULL;
            view v;
            mem_fail_at(n, 0);
            int r = tfrecord_open(path, &t, NULL);
            if (r == 0) tfrecord_inflate_by(t, threads);
            while (r == 0 && (r = tfrecord_next(t, &v, NULL)) == 1) r = 0;
            const uint64_t records = t ? tfrecord_index(t) : 0;
            tfrecord_close(t);
            mem_fail_at(0, 0);
            if (r == 0 && records == 100) break;
            assert_int_equal(r, SHOAL_NOMEM);
            assert_true(n < 200);
        }
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(whole), cmocka_unit_test(damaged), cmocka_unit_test(allocations_fail)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
