/* Flips, cuts and overwrites at every offset of small files, and at thousands of random places of a larger one, in each container.
 * Each is noticed, and what survives is all that was not touched: of a plain file record by record, of a compressed one member by
 * member, of zlib what is in front. */
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
#include <zlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "records/tfrecord.h"

#define RECORDS_MAX 3000

static char folder[] = "/tmp/shoal-salvage-XXXXXX";
static char path[64]; /* of a file in memory */
static int file;

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) return -1;
    file = memfd_create("salvage", 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    return file < 0 ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    close(file);
    return file_remove_tree(folder, NULL);
}

static void put(const uint8_t *bytes, size_t n)
{
    assert_int_equal(ftruncate(file, 0), 0);
    assert_int_equal(pwrite(file, bytes, n, 0), n);
}

/* A file of records whose first four bytes are their number. */
typedef struct made {
    enum container container;
    buf bytes;
    int n;
    int ours; /* gzip members start as Shoal's do */
    size_t begin[RECORDS_MAX], end[RECORDS_MAX]; /* the bytes on which each depends */
} made;

static void put_member(made *m, z_stream *z, const buf *frames, int first, int last)
{
    static uint8_t out[1 << 20];
    size_t start = m->bytes.len;
    if (m->container == CONTAINER_GZIP) assert_int_equal(deflateInit2(z, 5, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z->next_in = frames->data;
    z->avail_in = (uInt)frames->len;
    z->next_out = out;
    z->avail_out = sizeof out;
    int code = deflate(z, m->container == CONTAINER_GZIP ? Z_FINISH : Z_FULL_FLUSH);
    assert_true(code == Z_OK || code == Z_STREAM_END);
    assert_int_equal(buf_append(&m->bytes, out, sizeof out - z->avail_out, NULL), 0);
    if (m->container == CONTAINER_GZIP) deflateEnd(z);
    if (m->ours) m->bytes.data[start + 9] = 0xff;
    for (int i = first; i < last; i++) m->begin[i] = start, m->end[i] = m->bytes.len;
}

/* The kinds: the containers, and gzip whose members start as Shoal's do. */
#define KINDS 4
static void make(made *m, int kind, int n, size_t size, int a_member)
{
    const enum container c = kind == KINDS - 1 ? CONTAINER_GZIP : (enum container)kind;
    buf frames = BUF_INIT;
    z_stream z = {0};
    uint8_t *data = mem_alloc(size + 64);
    int first = 0;
    memset(m, 0, sizeof *m);
    m->container = c;
    m->ours = kind == KINDS - 1;
    m->n = n;
    if (c == CONTAINER_ZLIB) assert_int_equal(deflateInit(&z, 5), Z_OK);
    for (int i = 0; i < n; i++) {
        size_t bytes = 4 + (size_t)rng_below(7, (uint64_t)i, size);
        for (size_t k = 4; k < bytes; k++) data[k] = (uint8_t)(rng_u64(9, (uint64_t)i * 1000 + k) & 15);
        memcpy(data, &i, 4);
        m->begin[i] = frames.len;
        assert_int_equal(tfrecord_frame(&frames, data, bytes, NULL), 0);
        m->end[i] = frames.len;
        if (c != CONTAINER_PLAIN && (i + 1 - first == a_member || i + 1 == n)) {
            put_member(m, &z, &frames, first, i + 1);
            buf_clear(&frames);
            first = i + 1;
        }
    }
    if (c == CONTAINER_ZLIB) {
        uint8_t out[64];
        z.next_out = out;
        z.avail_out = sizeof out;
        assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
        assert_int_equal(buf_append(&m->bytes, out, sizeof out - z.avail_out, NULL), 0);
        deflateEnd(&z);
    }
    if (c == CONTAINER_PLAIN) m->bytes = frames;
    else buf_release(&frames);
    mem_free(data);
}

/* Reads the file through: survivors[i] becomes 1; the number of damaged places. Records must come in order, once, and right. */
static uint64_t salvage(const uint8_t *bytes, size_t n, const char *dir, uint8_t *survivors, quarantine_counts *counts)
{
    quarantine *q;
    tfrecord_reader *t;
    view v;
    shoal_error err = {0};
    int last = -1, r;
    memset(survivors, 0, RECORDS_MAX);
    put(bytes, n);
    assert_int_equal(quarantine_new(dir, NULL, &q, NULL), 0);
    assert_int_equal(tfrecord_open(path, &t, NULL), 0);
    assert_int_equal(tfrecord_tolerate(t, q, NULL), 0);
    while ((r = tfrecord_next(t, &v, &err)) == 1) {
        int number;
        assert_true(v.n >= 4);
        memcpy(&number, v.p, 4);
        if (number <= last || number >= RECORDS_MAX) fail_msg("record %d after %d, container %d", number, last, tfrecord_container(t));
        last = number;
        survivors[number] = 1;
    }
    if (r != 0) fail_msg("%s", err.message);
    tfrecord_close(t);
    *counts = quarantine_count(q);
    assert_int_equal(quarantine_finish(q, NULL), 0);
    quarantine_free(q);
    return counts->places;
}

/* Bytes [from, to) of the file were changed, or everything from `from` on was cut off (to = SIZE_MAX). */
static void expect(const made *m, const uint8_t *bytes, size_t n, size_t from, size_t to, const char *what)
{
    static uint8_t survivors[RECORDS_MAX];
    quarantine_counts counts;
    uint64_t places = salvage(bytes, n, NULL, survivors, &counts);
    int lost = 0, touched = 0;
    for (int i = 0; i < m->n; i++) {
        int is_touched = (m->container == CONTAINER_ZLIB || m->begin[i] < to) && m->end[i] > from; /* zlib: nothing follows damage */
        if (!is_touched && !survivors[i]) fail_msg("%s at %zu of container %d: record %d of [%zu, %zu) is lost", what, from, m->container, i, m->begin[i], m->end[i]);
        if (m->container == CONTAINER_PLAIN && is_touched && survivors[i]) fail_msg("%s at %zu: record %d is given", what, from, i);
        lost += !survivors[i];
        touched += is_touched;
    }
    int clean_cut = to == SIZE_MAX && (n == 0 || (m->container == CONTAINER_PLAIN && touched > 0 && m->begin[m->n - touched] == n) ||
                                       (m->container == CONTAINER_GZIP && touched > 0 && m->begin[m->n - touched] == n));
    if (lost > 0 && places == 0 && !clean_cut) fail_msg("%s at %zu of container %d: %d records are gone in silence", what, from, m->container, lost);
    if (m->container == CONTAINER_PLAIN && lost > 0 && to != SIZE_MAX) assert_true(counts.bytes >= to - from);
}

static void change(made *m, size_t at, size_t n, int how)
{
    for (size_t k = at; k < at + n && k < m->bytes.len; k++) m->bytes.data[k] = how == 0 ? m->bytes.data[k] ^ (uint8_t)(1u << (at + k) % 8) : how == 1 ? 0 : (uint8_t)rng_u64(3, at * 31 + k);
}

/* What zeros write over zeros is no damage: the range is that of the bytes that differ. */
static void try_change(made *m, const uint8_t *sound, size_t at, size_t n, int how, const char *what)
{
    change(m, at, n, how);
    size_t from = at, to = at + n < m->bytes.len ? at + n : m->bytes.len;
    while (from < to && m->bytes.data[from] == sound[from]) from++;
    while (to > from && m->bytes.data[to - 1] == sound[to - 1]) to--;
    if (from < to) expect(m, m->bytes.data, m->bytes.len, from, to, what);
    memcpy(m->bytes.data, sound, m->bytes.len);
}

static void every_offset(void **state)
{
    (void)state;
    static made m;
    for (int kind = 0; kind < KINDS; kind++) {
        make(&m, kind, 24, 30, 4);
        buf sound = BUF_INIT;
        assert_int_equal(buf_append(&sound, m.bytes.data, m.bytes.len, NULL), 0);
        expect(&m, m.bytes.data, m.bytes.len, 0, 0, "nothing");
        for (size_t at = 0; at < sound.len; at++) {
            try_change(&m, sound.data, at, 1, 0, "a flip");
            try_change(&m, sound.data, at, 5, 1, "zeros");
            try_change(&m, sound.data, at, 40, 2, "noise");
            expect(&m, sound.data, at, at, SIZE_MAX, "a cut");
        }
        buf_release(&sound);
        buf_release(&m.bytes);
    }
}

static void random_places(void **state)
{
    (void)state;
    static made m;
    for (int kind = 0; kind < KINDS; kind++) {
        make(&m, kind, 600, 300, 40);
        buf sound = BUF_INIT;
        assert_int_equal(buf_append(&sound, m.bytes.data, m.bytes.len, NULL), 0);
        for (uint64_t i = 0; i < 1000; i++) {
            size_t at = (size_t)rng_below(1, i, sound.len), n = (size_t)rng_below(2, i, 3000) + 1;
            try_change(&m, sound.data, at, i % 3 == 0 ? 1 : n, (int)(i % 3), "a change");
        }
        buf_release(&sound);
        buf_release(&m.bytes);
    }
}

/* Bytes taken out or put in shift all that follows. */
static void shifted(void **state)
{
    (void)state;
    static made m;
    static uint8_t survivors[RECORDS_MAX];
    quarantine_counts counts;
    make(&m, CONTAINER_PLAIN, 24, 30, 4);
    buf b = BUF_INIT;
    for (size_t at = 0; at + 3 < m.bytes.len; at++) {
        buf_clear(&b);
        assert_int_equal(buf_append(&b, m.bytes.data, at, NULL), 0);
        assert_int_equal(buf_append(&b, m.bytes.data + at + 3, m.bytes.len - at - 3, NULL), 0);
        assert_true(salvage(b.data, b.len, NULL, survivors, &counts) > 0);
        for (int i = 0; i < m.n; i++) assert_int_equal(survivors[i], !(m.begin[i] < at + 3 && m.end[i] > at));
        buf_clear(&b);
        assert_int_equal(buf_append(&b, m.bytes.data, at, NULL), 0);
        assert_int_equal(buf_putc(&b, (char)~m.bytes.data[at], NULL), 0);
        assert_int_equal(buf_append(&b, "put in between", 14, NULL), 0);
        assert_int_equal(buf_append(&b, m.bytes.data + at, m.bytes.len - at, NULL), 0);
        assert_true(salvage(b.data, b.len, NULL, survivors, &counts) > 0);
        for (int i = 0; i < m.n; i++)
            if (survivors[i] == (m.begin[i] < at && m.end[i] > at)) fail_msg("at %zu: record %d of [%zu, %zu): %d", at, i, m.begin[i], m.end[i], survivors[i]);
    }
    buf_release(&b);
    buf_release(&m.bytes);
}

/* What is set aside is what was passed over, and says where it was. */
static void kept(void **state)
{
    (void)state;
    static made m;
    static uint8_t survivors[RECORDS_MAX];
    quarantine_counts counts;
    char dir[80], name[120];
    snprintf(dir, sizeof dir, "%s/aside", folder);
    make(&m, CONTAINER_PLAIN, 10, 30, 4);
    m.bytes.data[m.begin[3] + 13] ^= 1;
    m.bytes.data[m.begin[7] + 2] ^= 1;
    for (int run = 0; run < 2; run++) {
        buf bytes = BUF_INIT, places = BUF_INIT;
        assert_int_equal(salvage(m.bytes.data, m.bytes.len, dir, survivors, &counts), 2);
        snprintf(name, sizeof name, "%s/damage-%05d.bin", dir, run);
        assert_int_equal(file_read_all(name, 1 << 20, &bytes, NULL), 0);
        assert_int_equal(bytes.len, m.end[3] - m.begin[3] + m.end[7] - m.begin[7]);
        assert_int_equal(bytes.len, counts.bytes);
        assert_memory_equal(bytes.data, m.bytes.data + m.begin[3], m.end[3] - m.begin[3]);
        assert_memory_equal(bytes.data + m.end[3] - m.begin[3], m.bytes.data + m.begin[7], m.end[7] - m.begin[7]);
        snprintf(name, sizeof name, "%s/damage-%05d.jsonl", dir, run);
        assert_int_equal(file_read_all(name, 1 << 20, &places, NULL), 0);
        const char *text = buf_str(&places);
        snprintf(name, sizeof name, "\"offset\": %zu, \"inflated\": false, \"bytes\": %zu, \"record\": 7, \"reason\": \"the checksum of its length is wrong", m.begin[7], m.end[7] - m.begin[7]);
        assert_non_null(strstr(text, name));
        assert_non_null(strstr(text, "\"record\": 3, \"reason\": \"the checksum of its data is wrong"));
        buf_release(&bytes);
        buf_release(&places);
    }
    buf_release(&m.bytes);
}

static void allocations_fail(void **state)
{
    (void)state;
    static made m;
    for (int kind = 0; kind < KINDS; kind++) {
        make(&m, kind, 24, 30, 4);
        m.bytes.data[m.bytes.len / 2] ^= 0x55;
        put(m.bytes.data, m.bytes.len);
        for (long n = 1;; n++) {
            quarantine *q = NULL;
            tfrecord_reader *t = NULL;
            view v;
            mem_fail_at(n, 0);
            int r = quarantine_new(folder, NULL, &q, NULL);
            if (r == 0) r = tfrecord_open(path, &t, NULL);
            if (r == 0) r = tfrecord_tolerate(t, q, NULL);
            for (int got = 1; r == 0 && got == 1;) if ((got = tfrecord_next(t, &v, NULL)) < 0) r = got;
            if (r == 0 && t && tfrecord_index(t) < (m.container == CONTAINER_ZLIB ? 1 : 20)) r = SHOAL_INTERNAL;
            tfrecord_close(t);
            quarantine_free(q);
            mem_fail_at(0, 0);
            if (r == 0) break;
            assert_int_equal(r, SHOAL_NOMEM);
            assert_true(n < 300);
        }
        buf_release(&m.bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_offset), cmocka_unit_test(random_places), cmocka_unit_test(shifted),
                                       cmocka_unit_test(kept), cmocka_unit_test(allocations_fail)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
