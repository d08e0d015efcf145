#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "storage/file.h"
#include "table/folder_manifest.h"

static char top[] = "/tmp/shoal-manifest-XXXXXX";
static char folder[80];

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(top)) return -1;
    snprintf(folder, sizeof folder, "%s/d", top);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return file_remove_tree(top, NULL);
}

static char *path_of(const char *name)
{
    char *p = mem_sprintf("%s/%s", folder, name);
    assert_non_null(p);
    return p;
}

static void put(const char *name, const char *bytes)
{
    char *path = path_of(name);
    assert_int_equal(file_write_all(path, 1, bytes, strlen(bytes), NULL), 0);
    mem_free(path);
}

static int listed(const char *below, shoal_error *err)
{
    char **files;
    size_t n;
    char *path = path_of(below);
    assert_int_equal(file_list(path, &files, &n, NULL), 0);
    int r = folder_manifest_compare(path, files, n, 0, err);
    file_list_free(files, n);
    mem_free(path);
    return r;
}

static void expect(const char *below, const char *says)
{
    shoal_error err = {0};
    assert_int_equal(listed(below, &err), SHOAL_DATA);
    if (!strstr(err.message, says)) fail_msg("'%s' lacks '%s'", err.message, says);
}

static int make(shoal_error *err)
{
    static const char *const NAME[] = {"k=2/x", "k=1/b", "k=1/a"};
    folder_manifest m;
    int r = 0;
    folder_manifest_init(&m);
    for (uint64_t i = 0; r == 0 && i < 3; i++) {
        char *path = mem_sprintf("%s/%s", folder, NAME[i]);
        r = path ? folder_manifest_add(&m, NAME[i], path, 10 + i, err) : SHOAL_NOMEM;
        mem_free(path);
    }
    if (r == 0) r = folder_manifest_write(&m, folder, err);
    folder_manifest_release(&m);
    return r;
}

static void against_a_folder(void **state)
{
    (void)state;
    shoal_error err = {0};
    uint64_t rows;
    put("k=1/a", "aaa");
    put("k=1/b", "bb");
    put("k=2/x", "x");
    assert_int_equal(listed(".", &err), 0);
    assert_int_equal(make(&err), 0);
    if (listed(".", &err) != 0) fail_msg("%s", err.message);
    assert_int_equal(listed("k=1", &err), 0);
    assert_int_equal(listed("k=2/", &err), 0);
    assert_int_equal(folder_manifest_rows(folder, &rows, &err), 1);
    assert_int_equal(rows, 33);
    char *one = path_of("k=1/"), *file = path_of("k=1/b");
    assert_int_equal(folder_manifest_rows(one, &rows, &err), 1);
    assert_int_equal(rows, 23);
    assert_int_equal(folder_manifest_verify(file, 11, &err), 0);
    assert_int_equal(folder_manifest_verify(file, 12, &err), SHOAL_DATA);
    put("k=1/b", "bc");
    assert_int_equal(listed(".", &err), 0);
    assert_int_equal(folder_manifest_verify(file, 11, &err), SHOAL_DATA);
    put("k=1/b", "b");
    expect("k=1", "k=1/b has 1 bytes, but the folder's _manifest.json lists it with 2");
    put("k=1/b", "bb");
    put("k=1/ab", "");
    expect(".", "k=1/ab is not in the folder's _manifest.json");
    assert_int_equal(listed("k=2", &err), 0);
    char *more = path_of("k=1/ab");
    assert_int_equal(file_rename(more, file, NULL), 0);
    put("k=2/y", "");
    expect("k=2", "k=2/y is not in");
    expect("k=1", "k=1/b has 0 bytes");
    assert_int_equal(file_remove_tree(file, NULL), 0);
    expect("k=1", "k=1/b is missing: the folder's _manifest.json lists it with 11 rows");
    mem_free(one);
    mem_free(file);
    mem_free(more);
}

static void refused(void **state)
{
    (void)state;
    static const char *const BAD[][2] = {
        {"{", "no JSON"},
        {"[]", "no manifest of shoal"},
        {"{\"shoal_manifest\": 2, \"files\": []}", "is newer"},
        {"{\"shoal_manifest\": 1}", "no manifest of shoal"},
        {"{\"shoal_manifest\": 1, \"files\": [3]}", "file 0 needs"},
        {"{\"shoal_manifest\": 1, \"files\": [{\"file\": \"a\", \"rows\": 1, \"bytes\": -1, \"xxh3_128\": \"00000000000000000000000000000000\"}]}", "file 0 needs"},
        {"{\"shoal_manifest\": 1, \"files\": [{\"file\": \"a\", \"rows\": 1, \"bytes\": 1, \"xxh3_128\": \"0000000000000000000000000000000G\"}]}", "file 0 needs"},
        {"{\"shoal_manifest\": 1, \"files\": [{\"file\": \"a\", \"rows\": 1, \"bytes\": 1, \"xxh3_128\": \"00000000000000000000000000000000\"},"
         "{\"file\": \"a\", \"rows\": 1, \"bytes\": 1, \"xxh3_128\": \"00000000000000000000000000000000\"}]}", "is there twice"},
    };
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        folder_manifest m;
        shoal_error err = {0};
        assert_int_equal(folder_manifest_decode("m", BAD[i][0], strlen(BAD[i][0]), &m, &err), SHOAL_DATA);
        if (!strstr(err.message, BAD[i][1])) fail_msg("'%s' lacks '%s'", err.message, BAD[i][1]);
    }
}

static void allocations_fail(void **state)
{
    (void)state;
    put("k=1/a", "aaa");
    put("k=1/b", "bb");
    put("k=2/x", "x");
    for (long n = 1;; n++) {
        uint64_t rows = 0;
        mem_fail_at(n, 0);
        int r = make(NULL);
        if (r == 0) r = folder_manifest_rows(folder, &rows, NULL);
        mem_fail_at(0, 0);
        if (r == 1) break;
        assert_true(r == SHOAL_NOMEM);
        assert_true(n < 200);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(against_a_folder), cmocka_unit_test(refused), cmocka_unit_test(allocations_fail)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
