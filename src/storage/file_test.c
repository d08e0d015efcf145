#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "storage/file.h"

static char folder[64]; /* of one test; the working folder meanwhile */

static int enter(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/file_test.XXXXXX");
    return mkdtemp(folder) ? chdir(folder) : -1;
}

static int leave(void **state)
{
    (void)state;
    mem_fail_at(0, 0);
    file_fail_at(0, 0);
    return chdir("/") == 0 && file_remove_tree(folder, NULL) == 0 ? 0 : -1;
}

static void put(const char *path, const char *text)
{
    assert_int_equal(file_write_all(path, 1, text, strlen(text), NULL), 0);
}

static void holds(const char *path, const char *text)
{
    buf b = BUF_INIT;
    assert_int_equal(file_read_all(path, 1 << 20, &b, NULL), 0);
    assert_string_equal(buf_str(&b), text);
    buf_release(&b);
}

/* Files in the working folder, hidden ones too. */
static int count_all(void)
{
    FILE *p = popen("find . -type f | wc -l", "r");
    int n = -1;
    assert_int_equal(fscanf(p, "%d", &n), 1);
    pclose(p);
    return n;
}

static void test_write_and_read(void **state)
{
    (void)state;
    file_writer *w;
    shoal_error err;
    static unsigned char bytes[700000], back[700000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 2654435761u >> 13);
    assert_int_equal(file_create("deep/er/x.bin", 0, &w, &err), 0);
    for (size_t at = 0, n = 1; at < sizeof bytes; at += n, n = n * 3 % 400000 + 1) {
        n = n < sizeof bytes - at ? n : sizeof bytes - at;
        assert_int_equal(file_write(w, bytes + at, n, NULL), 0);
        assert_int_equal(file_written(w), at + n);
    }
    assert_false(file_exists("deep/er/x.bin")); /* not before it is complete */
    bytes[3] = 77;
    assert_int_equal(file_pwrite(w, 3, bytes + 3, 1, NULL), 0); /* flushed long ago */
    bytes[sizeof bytes - 1] = 78;
    assert_int_equal(file_pwrite(w, sizeof bytes - 1, bytes + sizeof bytes - 1, 1, NULL), 0); /* may be buffered */
    assert_int_equal(file_pwrite(w, 100, bytes + 100, sizeof bytes - 100, NULL), 0);          /* both */
    assert_int_equal(file_pwrite(w, sizeof bytes, "x", 1, NULL), SHOAL_INTERNAL);
    assert_int_equal(file_commit(w, &err), 0);
    assert_int_equal(count_all(), 1);
    file_reader *f;
    assert_int_equal(file_open("file://x", &f, &err), SHOAL_USAGE);
    char uri[256];
    snprintf(uri, sizeof uri, "file://%s/deep/er/x.bin", folder);
    assert_int_equal(file_open(uri, &f, &err), 0);
    assert_string_equal(file_path(f), uri);
    assert_int_equal(file_size(f), sizeof bytes);
    assert_int_equal(file_pread(f, 500000, back, 1000, NULL), 0);
    assert_memory_equal(back, bytes + 500000, 1000);
    size_t got = 0;
    for (int64_t n; (n = file_read(f, back + got, sizeof back - got, NULL)) > 0;)
        got += (size_t)n;
    assert_int_equal(got, sizeof bytes);
    assert_memory_equal(back, bytes, sizeof bytes);
    assert_int_equal(file_pread(f, sizeof bytes - 10, back, 11, &err), SHOAL_DATA);
    assert_non_null(strstr(err.message, "11 bytes expected at offset 699990, the file ends after 10"));
    assert_int_equal(file_pread(f, UINT64_MAX, back, 1, &err), SHOAL_DATA);
    file_close(f);
    file_close(NULL);
}

static void test_whole_or_not_at_all(void **state)
{
    (void)state;
    file_writer *w;
    shoal_error err;
    put("a", "old");
    assert_int_equal(file_create("a", 0, &w, &err), SHOAL_STORAGE);
    assert_string_equal(err.message, "a exists already; --overwrite replaces it");
    assert_null(w);
    assert_int_equal(file_create("a", 1, &w, &err), 0);
    file_write(w, "new", 3, NULL);
    assert_int_equal(file_flush(w, NULL), 0);
    holds("a", "old");
    file_abort(w);
    file_abort(NULL);
    holds("a", "old");
    assert_int_equal(count_all(), 1);
    assert_int_equal(file_create("b", 0, &w, &err), 0); /* somebody else is faster */
    put("b", "theirs");
    assert_int_equal(file_commit(w, &err), SHOAL_STORAGE);
    holds("b", "theirs");
    assert_int_equal(count_all(), 2);
    assert_int_equal(file_create(folder, 1, &w, &err), SHOAL_STORAGE);
    assert_int_equal(file_create("x/", 1, &w, &err), SHOAL_USAGE);
    assert_int_equal(file_create("a/x", 1, &w, &err), SHOAL_STORAGE);
    assert_string_equal(err.message, "cannot make the folder a: Not a directory");
    assert_int_equal(file_create("s3://b/x", 1, &w, &err), SHOAL_USAGE);
    assert_non_null(strstr(err.message, "'s3://' is not supported"));
}

/* The mode is what the umask leaves of rw-rw-rw-, and devices are written to, not replaced. */
static void test_modes_and_devices(void **state)
{
    (void)state;
    struct stat info;
    mode_t was = umask(027);
    put("m", "x");
    umask(was);
    assert_int_equal(stat("m", &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    assert_int_equal(file_write_all("/dev/null", 1, "x", 1, NULL), 0);
    assert_int_equal(stat("/dev/null", &info), 0);
    assert_true(S_ISCHR(info.st_mode));
    shoal_error err;
    assert_int_equal(file_write_all("/dev/full", 1, "x", 1, &err), SHOAL_STORAGE);
    assert_string_equal(err.message, "cannot write /dev/full: No space left on device");
    file_reader *f;
    assert_int_equal(file_open("/dev/null", &f, &err), 0);
    assert_true(file_size(f) == UINT64_MAX);
    file_close(f);
    assert_int_equal(file_open(folder, &f, &err), SHOAL_STORAGE);
    assert_int_equal(file_open("none", &f, &err), SHOAL_STORAGE);
    assert_string_equal(err.message, "cannot open none: No such file or directory");
    buf b = BUF_INIT;
    put("big", "12345");
    assert_int_equal(file_read_all("big", 4, &b, &err), SHOAL_DATA);
    assert_int_equal(b.len, 0);
    assert_int_equal(file_read_all("big", 5, &b, &err), 0);
    assert_int_equal(b.len, 5);
    buf_release(&b);
}

static int replace_in_two_writes(shoal_error *err)
{
    file_writer *w;
    int rc = file_create("target", 1, &w, err);
    if (rc < 0)
        return rc;
    rc = file_write(w, "ne", 2, err);
    if (rc == 0)
        rc = file_flush(w, err);
    if (rc == 0)
        rc = file_write(w, "w", 1, err);
    if (rc < 0) {
        file_abort(w);
        return rc;
    }
    return file_commit(w, err);
}

static void test_every_operation_fails(void **state)
{
    (void)state;
    int rc = -1;
    long n = 1;
    for (; rc != 0; n++) {
        shoal_error err = {0};
        put("target", "old");
        file_fail_at(n, ENOSPC);
        rc = replace_in_two_writes(&err);
        file_fail_at(0, 0);
        if (rc != 0) {
            assert_int_equal(rc, SHOAL_STORAGE);
            assert_non_null(strstr(err.message, "No space left on device"));
        }
        /* The last but one to fail is the sync of the folder: the rename has happened by then. */
        holds("target", rc == 0 || n == 5 ? "new" : "old");
        assert_int_equal(count_all(), 1);
    }
    assert_int_equal(n - 1, 6); /* two writes, two syncs and a rename, then success */
    for (n = 1, rc = -1; rc != 0; n++) {
        put("target", "old");
        mem_fail_at(n, 0);
        rc = replace_in_two_writes(NULL);
        mem_fail_at(0, 0);
        assert_int_equal(count_all(), 1);
        assert_true(rc == 0 || rc == SHOAL_NOMEM);
    }
    assert_true(n > 4);
}

static void test_killed_at_every_operation(void **state)
{
    (void)state;
    int status = -1;
    for (long n = 1; status != 0; n++) {
        put("target", "old");
        pid_t child = fork();
        if (child == 0) {
            file_fail_at(n, -1);
            _exit(replace_in_two_writes(NULL) == 0 ? 0 : 1);
        }
        assert_true(waitpid(child, &status, 0) == child);
        assert_true(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == 9));
        holds("target", status == 0 || n == 5 ? "new" : "old");
    }
    char **paths;
    size_t n;
    assert_int_equal(file_list(".", &paths, &n, NULL), 0); /* what the killed ones left is not seen */
    assert_int_equal(n, 1);
    file_list_free(paths, n);
}

static void check_list(const char *pattern, const char *expected)
{
    char **paths, all[512] = "";
    size_t n;
    shoal_error err;
    if (file_list(pattern, &paths, &n, &err) < 0)
        fail_msg("%s", err.message);
    for (size_t i = 0; i < n; i++) {
        strcat(all, paths[i]);
        strcat(all, " ");
    }
    assert_string_equal(all, expected);
    file_list_free(paths, n);
}

static void test_list(void **state)
{
    (void)state;
    const char *const names[] = {"t/dt=2/b", "t/dt=2/a", "t/dt=10/c", "t/_SUCCESS", "t/.hidden", "t/_tmp/x", "u/[1]", "u/1"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        put(names[i], names[i]);
    check_list("t", "t/dt=10/c t/dt=2/a t/dt=2/b ");
    check_list("t/", "t/dt=10/c t/dt=2/a t/dt=2/b ");
    check_list("t/dt=2*", "t/dt=2/a t/dt=2/b ");
    check_list("t/*", "t/dt=10/c t/dt=2/a t/dt=2/b ");
    check_list("t/_S*", "t/_SUCCESS ");
    check_list("t/{dt=2,dt=2/a}", "t/dt=2/a t/dt=2/b ");
    check_list("t/_SUCCESS", "t/_SUCCESS ");
    check_list("u/[1]", "u/[1] "); /* a file that has this name comes before the glob */
    check_list("-", "- ");
    char **paths;
    size_t n;
    shoal_error err;
    assert_int_equal(file_list("nothing*", &paths, &n, &err), SHOAL_STORAGE);
    assert_string_equal(err.message, "no file matches nothing*");
    assert_int_equal(file_list("nothing", &paths, &n, &err), SHOAL_STORAGE);
    assert_string_equal(err.message, "cannot open nothing: No such file or directory");
    assert_int_equal(file_mkdirs("empty/_x", NULL), 0);
    assert_int_equal(file_list("empty", &paths, &n, &err), SHOAL_STORAGE);
    assert_int_equal(symlink(".", "t/loop"), 0);
    assert_int_equal(file_list("t", &paths, &n, &err), SHOAL_STORAGE);
    unlink("t/loop");
    int rc = -1;
    for (long at = 1; rc != 0; at++) {
        mem_fail_at(at, 0);
        rc = file_list("t", &paths, &n, &err);
        mem_fail_at(0, 0);
        assert_true(rc == 0 || rc == SHOAL_NOMEM);
    }
    file_list_free(paths, n);
}

static void test_folders(void **state)
{
    (void)state;
    shoal_error err;
    assert_int_equal(file_mkdirs("a//b/c/", &err), 0);
    assert_int_equal(file_mkdirs("a/b/c", &err), 0);
    assert_true(file_is_dir("a/b/c") && !file_is_dir("none"));
    put("a/b/x", "x");
    assert_int_equal(symlink("/", "a/root"), 0);
    assert_int_equal(file_rename("a/b/x", "a/y", &err), 0);
    holds("a/y", "x");
    assert_int_equal(file_rename("a/b/x", "a/z", &err), SHOAL_STORAGE);
    assert_string_equal(err.message, "a/b/x: cannot rename to a/z: No such file or directory");
    file_fail_at(1, EIO);
    assert_int_equal(file_sync_dir("a", &err), SHOAL_STORAGE);
    assert_string_equal(err.message, "cannot sync the folder a: Input/output error");
    assert_int_equal(file_remove_tree("a", &err), 0); /* and not what the link leads to */
    assert_false(file_exists("a"));
    assert_true(file_exists("/tmp"));
    assert_int_equal(file_remove_tree("a", &err), 0);
}

static void test_fingerprint(void **state)
{
    (void)state;
    enum { N = 3 << 20 };
    char *bytes = mem_calloc(1, N);
    file_print a, b;
    shoal_error err;
    assert_int_equal(file_write_all("p", 1, bytes, N, NULL), 0);
    assert_int_equal(file_fingerprint("p", &a, NULL), 0);
    assert_int_equal(a.size, N);
    const size_t ends[] = {0, N - 1, 65535};
    for (size_t i = 0; i < 3; i++) {
        bytes[ends[i]] = 1;
        assert_int_equal(file_write_all("p", 1, bytes, N, NULL), 0);
        assert_int_equal(file_fingerprint("p", &b, NULL), 0);
        assert_true(b.sample != a.sample);
        assert_true(b.mtime_ns > 0);
        bytes[ends[i]] = 0;
    }
    for (size_t at = 0; at < 100000; at += 9999) { /* of a small file, all bytes count */
        assert_int_equal(file_write_all("p", 1, bytes, 100000, NULL), 0);
        assert_int_equal(file_fingerprint("p", &a, NULL), 0);
        bytes[at] = 1;
        assert_int_equal(file_write_all("p", 1, bytes, 100000, NULL), 0);
        assert_int_equal(file_fingerprint("p", &b, NULL), 0);
        assert_true(b.sample != a.sample);
        bytes[at] = 0;
    }
    mem_free(bytes);
    put("empty", "");
    assert_int_equal(file_fingerprint("empty", &a, NULL), 0);
    assert_int_equal(file_fingerprint("/dev/null", &a, &err), SHOAL_STORAGE);
    assert_int_equal(file_fingerprint("none", &a, &err), SHOAL_STORAGE);
}

#define FILE_TEST(f) cmocka_unit_test_setup_teardown(f, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(test_write_and_read),        FILE_TEST(test_whole_or_not_at_all),       FILE_TEST(test_modes_and_devices),
        FILE_TEST(test_every_operation_fails), FILE_TEST(test_killed_at_every_operation), FILE_TEST(test_list),
        FILE_TEST(test_folders),               FILE_TEST(test_fingerprint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
