/* Folders of the form key=value as columns, and which of them a --where leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "storage/file.h"
#include "table/partition.h"

/* A list of own copies. */
static char **list_of(const char *const *paths, size_t n)
{
    char **files = mem_calloc(n + 1, sizeof *files);
    for (size_t i = 0; i < n; i++) files[i] = mem_strdup(paths[i]);
    return files;
}

static void keys_and_values(void **state)
{
    (void)state;
    static const char *const PATHS[] = {"/data/n=-5/d=2026-02-28/s=a%20b%2Fc/t=1/x.csv", "/data/n=__HIVE_DEFAULT_PARTITION__/d=2024-02-29/s=/t=1.5/y=z.csv"};
    partitions p;
    char **files = list_of(PATHS, 2);
    assert_int_equal(partitions_of(files, 2, &p, NULL), 0);
    assert_int_equal(p.n_keys, 4);
    static const enum arrow_type TYPE[] = {ARROW_I64, ARROW_DATE32, ARROW_UTF8, ARROW_UTF8};
    static const char *const NAME[] = {"n", "d", "s", "t"};
    for (size_t k = 0; k < 4; k++) {
        assert_int_equal(p.key[k].type, TYPE[k]);
        assert_string_equal(p.key[k].name, NAME[k]);
    }
    assert_int_equal(partition_number(&p.key[0], 0), -5);
    assert_null(p.key[0].value[1]);
    assert_int_equal(partition_number(&p.key[1], 0), 20512);
    assert_int_equal(partition_number(&p.key[1], 1), 19782);
    assert_string_equal(p.key[2].value[0], "a b/c");
    assert_string_equal(p.key[2].value[1], "");
    partitions_release(&p);
    file_list_free(files, 2);
}

static void types(void **state)
{
    (void)state;
    static const struct { const char *a, *b; enum arrow_type type; } CASE[] = {
        {"1", "-02", ARROW_I64}, {"+1", "2", ARROW_UTF8}, {"9223372036854775807", "0", ARROW_I64}, {"9223372036854775808", "0", ARROW_UTF8},
        {"2026-11-31", "2026-11-30", ARROW_UTF8}, {"2023-02-29", "2023-02-28", ARROW_UTF8}, {"2000-02-29", "0001-01-01", ARROW_DATE32},
        {"1900-02-29", "2000-01-01", ARROW_UTF8}, {"2026-11-01", "5", ARROW_UTF8}, {"", "5", ARROW_UTF8},
        {PARTITION_NULL, "5", ARROW_I64}, {PARTITION_NULL, PARTITION_NULL, ARROW_UTF8}, {"%35", "5", ARROW_I64}, {"5%", "%zz", ARROW_UTF8},
    };
    for (size_t i = 0; i < sizeof CASE / sizeof *CASE; i++) {
        partitions p;
        char *files[2] = {mem_sprintf("k=%s/x", CASE[i].a), mem_sprintf("k=%s/x", CASE[i].b)};
        assert_int_equal(partitions_of(files, 2, &p, NULL), 0);
        if (p.key[0].type != CASE[i].type) fail_msg("%s, %s: type %d", CASE[i].a, CASE[i].b, (int)p.key[0].type);
        partitions_release(&p);
        mem_free(files[0]);
        mem_free(files[1]);
    }
}

static void escaped_and_back(void **state)
{
    (void)state;
    buf b = BUF_INIT;
    for (int c = 1; c < 256; c++) assert_int_equal(buf_putc(&b, (char)c, NULL), 0);
    /* all that is ASCII, and a letter of two bytes */
    b.len = 127;
    assert_int_equal(buf_puts(&b, "\xc3\xa9", NULL), 0);
    buf path = BUF_INIT;
    buf_puts(&path, "k=", NULL);
    assert_int_equal(partition_put_escaped(&path, view_of((const char *)b.data, b.len), NULL), 0);
    buf_puts(&path, "/x", NULL);
    assert_null(strpbrk(buf_str(&path) + 2, "\"#'*:=?\\{[]^\n\x7f"));
    assert_non_null(strpbrk(buf_str(&path), "<>|} ")); /* these stand for themselves */
    partitions p;
    char *file = (char *)(uintptr_t)buf_str(&path);
    assert_int_equal(partitions_of(&file, 1, &p, NULL), 0);
    assert_string_equal(p.key[0].value[0], buf_str(&b));
    partitions_release(&p);
    buf_release(&b);
    buf_release(&path);
}

/* Files a=1 to 4 (bits 0 to 3) with b = x, y, y, null; the bits that stay, and whether rows have to be looked at. */
static void pruning(void **state)
{
    (void)state;
    static const char *const PATHS[] = {"a=1/b=x/f", "a=2/b=y/f", "a=2/b=y/g", "a=4/b=" PARTITION_NULL "/f"};
    static const struct { const char *where; unsigned keep; int rest; } CASE[] = {
        {"a = 2", 6, 0}, {"a > 1 AND b = 'y'", 6, 0}, {"b IS NULL", 8, 0}, {"x = 1", 15, 1}, {"a = 1 AND x = 1", 1, 1},
        {"x = 1 AND a BETWEEN 2 AND 3 AND y = 2", 6, 1}, {"a = 1 OR x = 2 AND a = 2", 15, 1}, {"(a = 1 OR a = 4) and length(b) > 0", 1, 0},
        {"CASE WHEN a = 1 AND b = 'x' THEN true ELSE false END", 1, 0}, {"b = ' and ' AND a = 1", 0, 0}, {"\"a\" = 4 AND b IS NULL", 8, 0},
        {"random() < 2 AND a = 4", 8, 1}, {"a = 4 -- and a = 5", 8, 0}, {"a = 4 /* and */ and b is null", 8, 0}, {"band = 1 AND a = 2", 6, 1}, {"a IN (SELECT 4)", 8, 0},
    };
    partitions p;
    char **files = list_of(PATHS, 4);
    assert_int_equal(partitions_of(files, 4, &p, NULL), 0);
    for (size_t i = 0; i < sizeof CASE / sizeof *CASE; i++) {
        uint8_t keep[4];
        int rest;
        shoal_error err;
        if (partitions_prune(&p, CASE[i].where, keep, &rest, &err) < 0) fail_msg("%s: %s", CASE[i].where, err.message);
        unsigned bits = keep[0] | keep[1] << 1 | keep[2] << 2 | keep[3] << 3;
        if (bits != CASE[i].keep || rest != CASE[i].rest) fail_msg("%s: files %x, rest %d", CASE[i].where, bits, rest);
    }
    const uint8_t keep[] = {0, 1, 0, 1};
    size_t n = 4;
    partitions_keep(&p, files, &n, keep);
    assert_int_equal(n, 2);
    assert_string_equal(files[1], PATHS[3]);
    assert_int_equal(partition_number(&p.key[0], 1), 4);
    partitions_release(&p);
    file_list_free(files, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_and_values),
        cmocka_unit_test(types),
        cmocka_unit_test(escaped_and_back),
        cmocka_unit_test(pruning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
