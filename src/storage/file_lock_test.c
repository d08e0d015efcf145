/* Who holds a lock, who is refused, and what is left of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/folder_testing.h"

static void test_one_holder(void **state)
{
    (void)state;
    file_lock *one, *two;
    char holder[128] = "", want[128], host[65] = "";
    shoal_error err;
    assert_int_equal(gethostname(host, sizeof host - 1), 0);
    snprintf(want, sizeof want, "process %ld on %.64s", (long)getpid(), host);
    assert_int_equal(file_lock_take("lock", &one, holder, sizeof holder, &err), 1);
    assert_int_equal(file_lock_take("lock", &two, holder, sizeof holder, &err), 0);
    assert_null(two);
    assert_string_equal(holder, want);
    file_lock_release(one);
    assert_false(file_exists("lock"));
    assert_int_equal(file_lock_take("lock", &two, holder, sizeof holder, &err), 1);
    file_lock_release(two);
    assert_int_equal(file_lock_take("none/lock", &one, holder, sizeof holder, &err), SHOAL_STORAGE);
    file_lock_release(NULL);
}

/* The lock of a process that was killed is free, and its file is taken over. */
static void test_killed_holder(void **state)
{
    (void)state;
    int ready[2];
    char byte, holder[128] = "", want[64];
    file_lock *l;
    shoal_error err;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        int got = file_lock_take("lock", &l, holder, sizeof holder, NULL);
        if (got != 1 || write(ready[1], "x", 1) != 1)
            _exit(1);
        pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(file_lock_take("lock", &l, holder, sizeof holder, &err), 0);
    snprintf(want, sizeof want, "process %ld on ", (long)child);
    assert_memory_equal(holder, want, strlen(want));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_true(file_exists("lock"));
    assert_int_equal(file_lock_take("lock", &l, holder, sizeof holder, &err), 1);
    file_lock_release(l);
    close(ready[0]);
    close(ready[1]);
}

static void test_failures(void **state)
{
    (void)state;
    file_lock *l;
    char holder[128];
    shoal_error err;
    for (long n = 1; n <= 2; n++) {
        mem_fail_at(n, 0);
        assert_int_equal(file_lock_take("lock", &l, holder, sizeof holder, &err), SHOAL_NOMEM);
        mem_fail_at(0, 0);
        assert_null(l);
    }
    file_fail_at(1, 28);
    assert_int_equal(file_lock_take("lock", &l, holder, sizeof holder, &err), SHOAL_STORAGE);
    assert_string_equal(err.message, "cannot write lock: No space left on device");
    assert_false(file_exists("lock"));
    assert_int_equal(file_lock_take("lock", &l, holder, sizeof holder, &err), 1);
    file_lock_release(l);
}

#define LOCK_TEST(f) cmocka_unit_test_setup_teardown(f, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {LOCK_TEST(test_one_holder), LOCK_TEST(test_killed_holder), LOCK_TEST(test_failures)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
