#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/folder_testing.h"

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
    static unsigned char bytes[3000000], back[3000000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 2654435761u >> 13);
    assert_int_equal(file_create("deep/er/x.bin", 0, &w, &err), 0);
    enum { TAIL = 10 }; /* short, so it is in the buffer afterwards */
    for (size_t at = 0, n = 1; at < sizeof bytes; at += n, n = n * 3 % 1500000 + 1) {
        size_t end = at < sizeof bytes - TAIL ? sizeof bytes - TAIL : sizeof bytes;
        n = n < end - at ? n : end - at;
        assert_int_equal(file_write(w, bytes + at, n, NULL), 0);
        assert_int_equal(file_written(w), at + n);
    }
    assert_false(file_exists("deep/er/x.bin")); /* not before it is complete */
    assert_int_equal(file_commit(w, &err), 0);
    assert_int_equal(count_all(), 1);
    file_reader *f;
    assert_int_equal(file_open("file://x", &f, &err), SHOAL_USAGE);
    char uri[256];
    snprintf(uri, sizeof uri, "file://%s/deep/er/x.bin", folder);
    assert_int_equal(file_open(uri, &f, &err), 0);
    assert_string_equal(file_path(f), uri);
    assert_int_equal(file_size(f), sizeof bytes);
    assert_int_equal(file_pread(f, 2500000, back, 1000, NULL), 0);
    assert_memory_equal(back, bytes + 2500000, 1000);
    size_t got = 0;
    for (int64_t n; (n = file_read(f, back + got, sizeof back - got, NULL)) > 0;)
        got += (size_t)n;
    assert_int_equal(got, sizeof bytes);
    assert_memory_equal(back, bytes, sizeof bytes);
    assert_int_equal(file_pread(f, sizeof bytes - 10, back, 11, &err), SHOAL_DATA);
    assert_non_null(strstr(err.message, "11 bytes expected at offset 2999990, the file ends after 10"));
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
    assert_string_equal(err.message, "a exists; give --overwrite to replace it");
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
    /* By links: were a device replaced by mistake, the link in this folder would be, not the machine's device. */
    assert_int_equal(symlink("/dev/null", "null"), 0);
    assert_int_equal(symlink("/dev/full", "full"), 0);
    assert_int_equal(file_write_all("null", 1, "x", 1, NULL), 0);
    assert_int_equal(stat("null", &info), 0);
    assert_true(S_ISCHR(info.st_mode));
    shoal_error err;
    assert_int_equal(file_write_all("full", 1, "x", 1, &err), SHOAL_STORAGE);
    assert_string_equal(err.message, "cannot write full: No space left on device");
    file_reader *f;
    assert_int_equal(file_open("null", &f, &err), 0);
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

/* What a child process of its own says: 0, or what it exits with; the number of a signal that ends it is negative. */
static int in_child(int (*fn)(void))
{
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(fn());
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int write_beyond_the_limit(void)
{
    shoal_error err = {0};
    static char bytes[3000000];
    struct rlimit limit = {100000, 100000}; /* the system writes so much of it and then refuses */
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 1;
    if (file_write_all("limited", 0, bytes, 100000, &err) != 0)
        return 2;
    if (file_write_all("long", 0, bytes, sizeof bytes, &err) != SHOAL_STORAGE)
        return 3;
    return strcmp(err.message, "cannot write long: File too large") == 0 ? 0 : 4;
}

static int write_without_permission(void)
{
    shoal_error err = {0};
    if (geteuid() == 0 && setuid(65534) != 0) /* to root nothing is forbidden */
        return 1;
    if (file_write_all("locked/x", 0, "x", 1, &err) != SHOAL_STORAGE)
        return 2;
    if (strcmp(err.message, "cannot create locked/x: Permission denied") != 0)
        return 3;
    if (file_mkdirs("locked/a/b", &err) != SHOAL_STORAGE)
        return 4;
    return strcmp(err.message, "cannot make the folder locked/a: Permission denied") == 0 ? 0 : 5;
}

static void test_refused_by_the_system(void **state)
{
    (void)state;
    assert_int_equal(in_child(write_beyond_the_limit), 0);
    assert_int_equal(count_all(), 1);
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(mkdir("locked", 0555), 0);
    assert_int_equal(in_child(write_without_permission), 0);
    assert_int_equal(count_all(), 1);
    file_fail_at(1, EINTR); /* no failure: the write is tried again */
    put("again", "again");
    holds("again", "again");
}

/* "-": what is written goes to standard output, what is read comes from standard input. */
static int through_standard_streams(void)
{
    shoal_error err = {0};
    file_writer *w;
    file_reader *f;
    int ends[2];
    char text[8] = "";
    if (pipe(ends) != 0 || dup2(ends[1], STDOUT_FILENO) < 0 || dup2(ends[0], STDIN_FILENO) < 0 || close(ends[1]) != 0)
        return 1;
    if (file_create("-", 0, &w, &err) != 0 || file_write(w, "hello", 5, &err) != 0 || file_commit(w, &err) != 0)
        return 2;
    if (file_open("-", &f, &err) != 0 || file_size(f) != UINT64_MAX || file_read(f, text, 5, &err) != 5)
        return 3;
    if (strcmp(text, "hello") != 0 || file_pread(f, 0, text, 1, &err) != SHOAL_STORAGE)
        return 4;
    close(STDOUT_FILENO); /* the last writer */
    if (file_read(f, text, 5, &err) != 0)
        return 5;
    file_close(f);
    return fcntl(STDIN_FILENO, F_GETFD) < 0 ? 6 : 0; /* not ours to close */
}

static void test_standard_streams(void **state)
{
    (void)state;
    assert_int_equal(in_child(through_standard_streams), 0);
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

/* A name that was free stays free unless all went well, and folders on the way to it are synced. */
static void test_new_file_or_none(void **state)
{
    (void)state;
    long n = 1;
    for (int rc = -1; rc != 0; n++) {
        assert_int_equal(file_remove_tree("new", NULL), 0);
        file_fail_at(n, EIO);
        rc = file_write_all("new/er/x", 0, "x", 1, NULL);
        file_fail_at(0, 0);
        assert_int_equal(file_exists("new/er/x"), rc == 0);
        assert_int_equal(count_all(), rc == 0);
    }
    assert_int_equal(n - 1, 7); /* two folders, write, sync, rename, sync, then success */
    for (n = 1; n <= 2; n++) {
        file_fail_at(n, EIO);
        assert_int_equal(file_rename("new/er/x", "new/y", NULL), SHOAL_STORAGE);
        assert_true(file_exists("new/er/x") && !file_exists("new/y"));
    }
    for (n = 1; n <= 3; n++) { /* a file, two folders */
        put("new/er/x", "x");
        file_fail_at(n, EACCES);
        assert_int_equal(file_remove_tree("new", NULL), SHOAL_STORAGE);
        assert_true(file_exists("new"));
    }
    file_fail_at(1, EIO); /* what cannot be removed is left, and is not listed */
    file_writer *w;
    assert_int_equal(file_create("z", 0, &w, NULL), 0);
    file_abort(w);
    file_fail_at(0, 0);
    assert_int_equal(count_all(), 1);
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
    assert_int_equal(symlink("turn", "u/turn"), 0);
    assert_int_equal(file_list("u/turn/x*", &paths, &n, &err), SHOAL_STORAGE);
    assert_string_equal(err.message, "cannot read a folder of u/turn/x*: Too many levels of symbolic links");
    assert_int_equal(unlink("u/turn"), 0);
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
    put("outside/kept", "kept");
    assert_int_equal(symlink("../outside", "a/link"), 0);
    assert_int_equal(file_rename("a/b/x", "a/y", &err), 0);
    holds("a/y", "x");
    assert_int_equal(file_rename("a/b/x", "a/z", &err), SHOAL_STORAGE);
    assert_string_equal(err.message, "a/b/x: cannot rename to a/z: No such file or directory");
    file_fail_at(1, EIO);
    assert_int_equal(file_sync_dir("a", &err), SHOAL_STORAGE);
    assert_string_equal(err.message, "cannot sync the folder a: Input/output error");
    assert_int_equal(file_remove_tree("a", &err), 0); /* and not what the link leads to */
    assert_false(file_exists("a"));
    holds("outside/kept", "kept");
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
    assert_int_equal(symlink("/dev/null", "null"), 0);
    assert_int_equal(file_fingerprint("null", &a, &err), SHOAL_STORAGE);
    assert_int_equal(file_fingerprint("none", &a, &err), SHOAL_STORAGE);
}

/* What this program does when it is started as a victim of SHOAL_TEST_FAIL_IO. */
static int victim_main(void)
{
    shoal_error err = {0};
    int rc = file_write_all("victim", 1, "x", 1, &err);
    if (rc == 0)
        return 0;
    return strcmp(err.message, "cannot write victim: No space left on device") == 0 ? 28
           : strcmp(err.message, "cannot write victim: Input/output error") == 0    ? 5
                                                                                     : 1;
}

static char program[4096];
static const char *victim_setting;
static int victim_start(void)
{
    if (setenv("SHOAL_TEST_FAIL_IO", victim_setting, 1) != 0)
        return 100;
    execl(program, program, "victim", (char *)NULL);
    return 101;
}

static void test_environment(void **state)
{
    (void)state;
    static const struct { const char *setting; int ends; } cases[] = {
        {"1", 28}, {"1:5", 5}, {"1:kill", -SIGKILL}, {"3:-1", -SIGKILL}, {"100", 0}, {"0", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        victim_setting = cases[i].setting;
#ifdef SHOAL_DEBUG
        assert_int_equal(in_child(victim_start), cases[i].ends);
#else
        assert_int_equal(in_child(victim_start), 0); /* what is shipped does not listen */
#endif
    }
}

#define FILE_TEST(f) cmocka_unit_test_setup_teardown(f, enter, leave)

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "victim") == 0)
        return victim_main();
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (n < 0)
        return 1;
    const struct CMUnitTest tests[] = {
        FILE_TEST(test_write_and_read),        FILE_TEST(test_whole_or_not_at_all),
        FILE_TEST(test_modes_and_devices),     FILE_TEST(test_refused_by_the_system),
        FILE_TEST(test_standard_streams),      FILE_TEST(test_every_operation_fails),
        FILE_TEST(test_new_file_or_none),      FILE_TEST(test_killed_at_every_operation),
        FILE_TEST(test_list),                  FILE_TEST(test_folders),
        FILE_TEST(test_fingerprint),           FILE_TEST(test_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
