/* Mixed rows when memory is short: the same order however short it is, buckets of buckets too; every allocation and every write that fails is an error, and nothing is lost. What the order is, and values
 * of all types, are for tests/e2e/shuffle.py. */
#include <errno.h>
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
#include "storage/file.h"
#include "table/table.h"

#define ROWS 6000
#define LARGE_ROWS 20000 /* of 1,000 bytes: more than 256 buckets of the smallest memory hold */

static char folder[] = "/tmp/shoal-shuffle-XXXXXX";

static int put_rows(const char *path, int rows, int text)
{
    buf b = BUF_INIT;
    int r = buf_puts(&b, "id,text,x\n", NULL);
    for (int i = 0; r == 0 && i < rows; i++) r = buf_printf(&b, NULL, "%d,%0*d,%s\n", i, text, i, i % 3 ? "1.5" : "");
    if (r == 0) r = file_write_all(path, 1, b.data, b.len, NULL);
    buf_release(&b);
    return r;
}

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(folder) || chdir(folder) != 0) return -1;
    setenv("TMPDIR", folder, 1);
    const int r = put_rows("rows.csv", ROWS, 20);
    return r < 0 ? r : put_rows("large.csv", LARGE_ROWS, 1000);
}

static int teardown(void **state)
{
    (void)state;
    return chdir("/") == 0 ? file_remove_tree(folder, NULL) : -1;
}

/* Each of so many rows once; a number that says in which order and in which batches. */
static int read_mixed(const char *path, uint64_t memory, uint64_t rows, uint64_t *order, shoal_error *err)
{
    const table_spec spec = {.paths = &path, .n_paths = 1, .shuffle = 1, .seed = 3, .memory = memory};
    struct ArrowArray a;
    table *t = NULL;
    uint64_t n = 0, sum = 0, squares = 0;
    *order = 0;
    int r = table_open(&spec, &t, err);
    while (r == 0 && (r = table_next(t, &a, err)) == 1) {
        for (int64_t i = 0; i < a.length; i++) {
            const uint64_t id = (uint64_t)arrow_i64(arrow_type_of(table_schema(t)->children[0]), a.children[0], i);
            sum += id;
            squares += id * id;
            *order = *order * 31 + id;
        }
        n += (uint64_t)a.length;
        *order = *order * 31 + n;
        a.release(&a);
        r = 0;
    }
    table_free(t);
    if (r < 0) return r;
    assert_int_equal(n, rows);
    assert_int_equal(sum, rows * (rows - 1) / 2);
    assert_int_equal(squares, (rows - 1) * rows * (2 * rows - 1) / 6);
    return 0;
}

static void same_order(void **state)
{
    (void)state;
    uint64_t held, spilled;
    assert_int_equal(read_mixed("rows.csv", 1 << 30, ROWS, &held, NULL), 0);
    assert_int_equal(read_mixed("rows.csv", 1, ROWS, &spilled, NULL), 0);
    assert_int_equal(held, spilled);
    assert_int_equal(read_mixed("large.csv", 1 << 30, LARGE_ROWS, &held, NULL), 0);
    for (uint64_t memory = 1; memory < 16 << 20; memory = memory * 64 + (1 << 20)) {
        assert_int_equal(read_mixed("large.csv", memory, LARGE_ROWS, &spilled, NULL), 0);
        assert_int_equal(held, spilled);
    }
}

static void allocations_fail(void **state)
{
    (void)state;
    uint64_t order;
    for (long n = 1, step = 1;; n += step) {
        mem_fail_at(n, 0);
        int r = read_mixed("rows.csv", 1, ROWS, &order, NULL);
        mem_fail_at(0, 0);
        if (r == 0) break;
        assert_int_equal(r, SHOAL_NOMEM);
        if (n > 200) step = 97; /* thousands of blocks are alike */
    }
}

static void writes_fail(void **state)
{
    (void)state;
    shoal_error err;
    uint64_t order;
    for (long n = 1;; n++) {
        file_fail_at(n, ENOSPC);
        int r = read_mixed("rows.csv", 1, ROWS, &order, &err);
        file_fail_at(0, 0);
        if (r == 0) {
            assert_true(n > 1);
            break;
        }
        assert_int_equal(r, SHOAL_STORAGE);
        assert_non_null(strstr(err.message, "cannot write temporary data in"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_order), cmocka_unit_test(allocations_fail), cmocka_unit_test(writes_fail)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
