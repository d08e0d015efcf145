#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "features/pack.h"

#define STRIDE 32 /* label, weight, one key, two lists of which the first has weights */

static char path[64];

static int set_up(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "pack_test.%d", (int)getpid());
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove(path);
    return 0;
}

static void put_list(raw_block *b, uint64_t r, int weighted, uint32_t ref[2])
{
    const uint64_t zero[2] = {r, r + 1};
    ref[0] = (uint32_t)b->heap.len;
    ref[1] = (uint32_t)rng_below(5, r, 6);
    if (ref[1] == 5)
        ref[1] = RAW_LIST_MISSING;
    for (uint32_t k = 0; ref[1] != RAW_LIST_MISSING && k < ref[1]; k++)
        buf_append(&b->heap, &zero[k & 1], 8, NULL);
    for (uint32_t k = 0; weighted && ref[1] != RAW_LIST_MISSING && k < (ref[1] + 1) / 2; k++)
        buf_append(&b->heap, &zero[1], 8, NULL);
}

static void make_rows(raw_block *b, uint64_t first, uint32_t n)
{
    raw_block_init(b);
    b->n_lists = 2;
    b->n_weighted = 1;
    for (uint64_t r = first; r < first + n; r++) {
        const float head[2] = {(float)(r & 1), 1};
        uint32_t ref[4];
        put_list(b, r, 1, ref);
        put_list(b, r + 100000, 0, ref + 2);
        buf_append(&b->records, head, 8, NULL);
        buf_append(&b->records, &r, 8, NULL);
        buf_append(&b->records, ref, 16, NULL);
    }
    b->rows = n;
}

static void write_pack(const uint32_t *cuts, size_t n)
{
    pack_writer *w;
    uint64_t at = 0;
    assert_int_equal(pack_create(path, STRIDE, &w, NULL), 0);
    for (size_t i = 0; i < n; i++) {
        raw_block b;
        make_rows(&b, at, cuts[i]);
        assert_int_equal(pack_add(w, &b, NULL), 0);
        raw_block_release(&b);
        at += cuts[i];
    }
    assert_int_equal(pack_commit(w, NULL), 0);
}

static void test_what_is_written_is_read(void **state)
{
    (void)state;
    const uint32_t cuts[] = {100, 0, 700, 1, 255, 256};
    raw_block want, got;
    pack *p;
    write_pack(cuts, 6);
    make_rows(&want, 0, 1312);
    raw_block_init(&got);
    assert_int_equal(pack_open(path, &p, NULL), 0);
    assert_int_equal(pack_rows(p), 1312);
    assert_int_equal(pack_blocks(p), 6);
    assert_int_equal(pack_stride(p), STRIDE);
    for (uint32_t b = 0; b < 6; b++)
        assert_int_equal(pack_read(p, b, &got, NULL), 0);
    assert_int_equal(got.rows, 1312);
    assert_int_equal(got.records.len, want.records.len);
    assert_memory_equal(got.records.data, want.records.data, want.records.len);
    assert_int_equal(got.heap.len, want.heap.len);
    assert_memory_equal(got.heap.data, want.heap.data, want.heap.len);
    pack_close(p);
    raw_block_release(&want);
    raw_block_release(&got);
}

static void test_blocks_in_any_order_keep_their_lists(void **state)
{
    (void)state;
    const uint32_t cuts[] = {600};
    raw_block one, both;
    pack *p;
    write_pack(cuts, 1);
    raw_block_init(&one);
    raw_block_init(&both);
    assert_int_equal(pack_open(path, &p, NULL), 0);
    assert_int_equal(pack_read(p, 2, &both, NULL), 0);
    assert_int_equal(pack_read(p, 0, &both, NULL), 0);
    assert_int_equal(pack_read(p, 0, &one, NULL), 0);
    const uint32_t last = 600 - 512;
    for (uint32_t r = 0; r < 256; r++)
        for (int list = 0; list < 2; list++) {
            uint32_t a[2], b[2];
            memcpy(a, one.records.data + r * STRIDE + 16 + 8 * list, 8);
            memcpy(b, both.records.data + (last + r) * STRIDE + 16 + 8 * list, 8);
            assert_int_equal(a[1], b[1]);
            if (a[1] != RAW_LIST_MISSING)
                assert_memory_equal(one.heap.data + a[0], both.heap.data + b[0], 8 * a[1]);
        }
    pack_close(p);
    raw_block_release(&one);
    raw_block_release(&both);
}

static hash128 digest_of(const uint32_t *cuts, size_t n)
{
    pack *p;
    write_pack(cuts, n);
    assert_int_equal(pack_open(path, &p, NULL), 0);
    hash128 d = pack_digest(p);
    pack_close(p);
    return d;
}

static void test_digest_is_of_the_rows(void **state)
{
    (void)state;
    const uint32_t a[] = {1000}, b[] = {3, 997}, c[] = {999};
    hash128 da = digest_of(a, 1), db = digest_of(b, 2), dc = digest_of(c, 1);
    assert_true(da.lo == db.lo && da.hi == db.hi);
    assert_false(da.lo == dc.lo && da.hi == dc.hi);
}

static void test_empty_pack(void **state)
{
    (void)state;
    pack *p;
    write_pack(NULL, 0);
    assert_int_equal(pack_open(path, &p, NULL), 0);
    assert_int_equal(pack_rows(p), 0);
    assert_int_equal(pack_blocks(p), 0);
    pack_close(p);
}

/* Every byte of the file matters: flipped or cut off, the pack is refused at open or at read. */
static int reads_whole(const uint8_t *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    fwrite(bytes, 1, n, f);
    fclose(f);
    pack *p;
    raw_block b;
    raw_block_init(&b);
    int rc = pack_open(path, &p, NULL);
    for (uint32_t i = 0; !rc && i < pack_blocks(p); i++)
        rc = pack_read(p, i, &b, NULL);
    if (p)
        pack_close(p);
    raw_block_release(&b);
    return rc == 0;
}

static void test_damage_is_refused(void **state)
{
    (void)state;
    const uint32_t cuts[] = {20};
    static uint8_t bytes[65536];
    write_pack(cuts, 1);
    FILE *f = fopen(path, "rb");
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    assert_true(reads_whole(bytes, n));
    for (size_t i = 0; i < n; i++) {
        bytes[i] ^= 0x10;
        /* stride and lists of the header are not under a checksum; wrong ones that still fit are told by the layout */
        if (reads_whole(bytes, n))
            fail_msg("flipped bit in byte %zu of %zu is not seen", i, n);
        bytes[i] ^= 0x10;
        assert_false(reads_whole(bytes, i));
    }
}

static void test_failed_allocations(void **state)
{
    (void)state;
    for (long n = 1;; n++) {
        raw_block rows, out;
        pack_writer *w = NULL;
        pack *p = NULL;
        make_rows(&rows, 0, 300);
        raw_block_init(&out);
        mem_fail_at(n, 1);
        int rc = pack_create(path, STRIDE, &w, NULL);
        if (!rc)
            rc = pack_add(w, &rows, NULL);
        if (!rc) {
            rc = pack_commit(w, NULL);
            w = NULL;
        }
        pack_abort(w);
        if (!rc)
            rc = pack_open(path, &p, NULL);
        for (uint32_t i = 0; !rc && i < 2; i++)
            rc = pack_read(p, i, &out, NULL);
        mem_fail_at(0, 0);
        pack_close(p);
        raw_block_release(&rows);
        raw_block_release(&out);
        if (!rc)
            break;
        assert_int_equal(rc, SHOAL_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_blocks_in_any_order_keep_their_lists),
        cmocka_unit_test(test_digest_is_of_the_rows),
        cmocka_unit_test(test_empty_pack),
        cmocka_unit_test(test_damage_is_refused),
        cmocka_unit_test(test_failed_allocations),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
