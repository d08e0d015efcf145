/* Names: what they stand for, and how two of them change places. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

static void test_exchange(void **state)
{
    (void)state;
    shoal_error err;
    put("folder/x", "old");
    put("work/x", "new");
    assert_int_equal(file_exchange("work", "folder", &err), 0);
    holds("folder/x", "new");
    holds("work/x", "old");
    put("file", "plain");
    assert_int_equal(file_exchange("file", "folder", &err), 0);
    holds("folder", "plain");
    holds("file/x", "new");
    assert_int_equal(file_exchange("none", "folder", &err), SHOAL_STORAGE);
    /* what fails is undone: the exchange itself, and the sync of the folder after it */
    for (long n = 1; n <= 2; n++) {
        file_fail_at(n, 5);
        assert_int_equal(file_exchange("work", "file", &err), SHOAL_STORAGE);
        holds("work/x", "old");
        holds("file/x", "new");
    }
}

static void test_streams(void **state)
{
    (void)state;
    assert_int_equal(mkfifo("pipe", 0600), 0);
    put("plain", "x");
    static const char *const STREAM[] = {"-", "/dev/stdout", "/dev/fd/3", "/proc/self/fd/1", "/dev/null", "pipe"};
    static const char *const NONE[] = {"plain", ".", "none", "/dev/shm"};
    for (size_t i = 0; i < sizeof STREAM / sizeof *STREAM; i++)
        assert_true(file_is_stream(STREAM[i]));
    for (size_t i = 0; i < sizeof NONE / sizeof *NONE; i++)
        assert_false(file_is_stream(NONE[i]));
}

static void test_lies_in(void **state)
{
    (void)state;
    char *real;
    put("a/b/x", "1");
    put("other/x", "1");
    assert_int_equal(symlink("a", "way"), 0);
    assert_int_equal(link("a/b/x", "hard"), 0);
    assert_true(file_lies_in("a/b/x", "a"));
    assert_true(file_lies_in("way/b/x", "a/b"));
    assert_true(file_lies_in("a/b/x", "way"));
    assert_true(file_lies_in("hard", "a/b/x"));
    assert_true(file_lies_in("a/b/x", "/"));
    assert_false(file_lies_in("other/x", "a"));
    assert_false(file_lies_in("a", "a/b"));
    assert_false(file_lies_in("none", "a"));
    assert_false(file_lies_in("a/b/x", "none"));
    assert_int_equal(file_real_path("way/b/../b/x", &real, NULL), 0);
    assert_string_equal(real + strlen(real) - 6, "/a/b/x");
    mem_free(real);
    shoal_error err;
    assert_int_equal(file_real_path("none", &real, &err), SHOAL_STORAGE);
}

static void test_remove_empty(void **state)
{
    (void)state;
    put("a/x", "1");
    file_remove_empty("a");
    holds("a/x", "1");
    assert_int_equal(unlink("a/x"), 0);
    file_remove_empty("a");
    assert_false(file_exists("a"));
}

#define PATH_TEST(f) cmocka_unit_test_setup_teardown(f, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {PATH_TEST(test_exchange), PATH_TEST(test_streams), PATH_TEST(test_lies_in), PATH_TEST(test_remove_empty)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
