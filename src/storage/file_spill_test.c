/* Writers that do not end in a rename: appended logs, spills; and the sweeping of what killed writers left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/folder_testing.h"

static int append(const char *text, shoal_error *err)
{
    file_writer *w;
    int rc = file_append("log", &w, err);
    if (rc < 0)
        return rc;
    rc = file_write(w, text, strlen(text), err);
    if (rc == 0)
        return file_commit(w, err);
    file_abort(w);
    return rc;
}

static void test_append(void **state)
{
    (void)state;
    shoal_error err;
    buf b = BUF_INIT;
    assert_int_equal(append("a\n", &err), 0);
    assert_int_equal(append("b\n", &err), 0);
    long before = file_op_count();
    assert_int_equal(append("c\n", &err), 0);
    assert_int_equal(file_op_count(), before + 1); /* the hook sees the write */
    file_fail_at(1, ENOSPC);
    assert_int_equal(append("d\n", &err), SHOAL_STORAGE);
    assert_string_equal(err.message, "cannot write log: No space left on device");
    assert_int_equal(file_read_all("log", 100, &b, &err), 0);
    assert_string_equal(buf_str(&b), "a\nb\nc\n");
    buf_release(&b);
}

static void fill(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(i * 2654435761u >> 13);
}

static void test_spill(void **state)
{
    (void)state;
    shoal_error err;
    file_writer *w;
    static uint8_t bytes[3000000], back[sizeof bytes];
    fill(bytes, sizeof bytes);
    assert_int_equal(file_spill("deep/er", &w, &err), 0);
    for (size_t at = 0; at < sizeof bytes; at += 750000) {
        assert_int_equal(file_write(w, bytes + at, 500000, &err), 0);
        assert_int_equal(file_write(w, bytes + at + 500000, 250000, &err), 0);
        assert_int_equal(file_flush(w, &err), 0);
        assert_int_equal(file_spill_read(w, 0, back, at + 750000, &err), 0); /* reading does not move the end */
    }
    assert_memory_equal(back, bytes, sizeof bytes);
    assert_int_equal(file_spill_read(w, 2000001, back, 17, &err), 0);
    assert_memory_equal(back, bytes + 2000001, 17);
    assert_int_equal(file_spill_read(w, sizeof bytes - 1, back, 2, &err), SHOAL_STORAGE);
    assert_int_equal(rmdir("deep/er"), 0); /* nothing in it that a killed process could leave */
    file_abort(w);
}

static void test_spill_fails(void **state)
{
    (void)state;
    shoal_error err;
    file_writer *w;
    assert_int_equal(file_spill("full", &w, &err), 0);
    assert_int_equal(file_write(w, "x", 1, &err), 0);
    file_fail_at(1, ENOSPC);
    assert_int_equal(file_flush(w, &err), SHOAL_STORAGE);
    assert_string_equal(err.message, "cannot write temporary data in full: No space left on device; make room there, or name another folder by --spool-dir or TMPDIR");
    file_abort(w);
    assert_int_equal(mkdir("closed", 0755), 0);
    assert_int_equal(file_write_all("a file", 0, "", 0, &err), 0);
    assert_int_equal(file_spill("a file", &w, &err), SHOAL_STORAGE);
    assert_null(w);
}

static void touch(const char *path) { assert_int_equal(file_write_all(path, 1, "x", 1, NULL), 0); }

static void test_sweep(void **state)
{
    (void)state;
    static const char *const LEFT[] = {".run.json.tmp-1", ".a.b.tmp-100"},
                             *const KEPT[] = {"run.json.tmp-1", ".run.json.tmp-", ".run.json.tmp-x", ".run.json.tmp-101", ".tmp-1", ".run.json"};
    file_writer *w;
    for (size_t i = 0; i < sizeof LEFT / sizeof *LEFT; i++)
        touch(LEFT[i]);
    for (size_t i = 0; i < sizeof KEPT / sizeof *KEPT; i++)
        touch(KEPT[i]);
    assert_int_equal(mkdir(".folder.tmp-1", 0755), 0);
    assert_int_equal(file_create("live", 0, &w, NULL), 0); /* somebody's */
    file_sweep(".");
    for (size_t i = 0; i < sizeof LEFT / sizeof *LEFT; i++)
        assert_false(file_exists(LEFT[i]));
    for (size_t i = 0; i < sizeof KEPT / sizeof *KEPT; i++)
        assert_true(file_exists(KEPT[i]));
    assert_true(file_exists(".folder.tmp-1"));
    assert_int_equal(file_commit(w, NULL), 0);
    file_sweep("missing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_append, enter, leave),
        cmocka_unit_test_setup_teardown(test_spill, enter, leave),
        cmocka_unit_test_setup_teardown(test_spill_fails, enter, leave),
        cmocka_unit_test_setup_teardown(test_sweep, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
