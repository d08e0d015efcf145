#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/error.h"

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(shoal_code_name(SHOAL_OK), "OK");
    assert_string_equal(shoal_code_name(SHOAL_STORAGE), "STORAGE");
    assert_string_equal(shoal_code_name(-1000), "UNKNOWN");
    assert_non_null(strstr(shoal_code_text(SHOAL_NOMEM), "memory"));
    assert_string_equal(shoal_version(), SHOAL_VERSION);
}

static void test_set_is_one_line(void **state)
{
    (void)state;
    shoal_error err;
    assert_int_equal(error_set(&err, SHOAL_DATA, "row %d of %s", 7, "a\nb\r"), SHOAL_DATA);
    assert_int_equal(err.code, SHOAL_DATA);
    assert_string_equal(err.message, "row 7 of a b ");
    assert_int_equal(error_set(NULL, SHOAL_USAGE, "nobody hears"), SHOAL_USAGE);
}

static void test_where_keeps_the_cause(void **state)
{
    (void)state;
    shoal_error err;
    error_set(&err, SHOAL_DATA, "cut");
    assert_int_equal(error_where(&err, SHOAL_DATA, "%s", "a.tfrecord"), SHOAL_DATA);
    assert_string_equal(err.message, "a.tfrecord: cut");
    char folder[2 * SHOAL_ERROR_MAX];
    memset(folder, 'x', sizeof folder - 1);
    folder[sizeof folder - 1] = 0;
    error_where(&err, SHOAL_DATA, "%s", folder);
    assert_int_equal(strlen(err.message), SHOAL_ERROR_MAX - 1);
    assert_string_equal(err.message + strlen(err.message) - 17, ": a.tfrecord: cut");
    error_set(&err, SHOAL_DATA, "%s", folder);
    error_where(&err, SHOAL_DATA, "b");
    assert_int_equal(strlen(err.message), SHOAL_ERROR_MAX - 1);
    assert_int_equal(error_where(NULL, SHOAL_DATA, "a"), SHOAL_DATA);
}

static void test_errno(void **state)
{
    (void)state;
    shoal_error err;
    assert_int_equal(error_errno(&err, "cannot open", "a.csv", ENOENT), SHOAL_STORAGE);
    assert_string_equal(err.message, "cannot open a.csv: No such file or directory");
    assert_int_equal(error_errno(&err, "cannot open", "a.csv", ENOMEM), SHOAL_NOMEM);
    assert_int_equal(error_nomem(&err, 12, "a table"), SHOAL_NOMEM);
    assert_string_equal(err.message, "out of memory: 12 bytes for a table");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_set_is_one_line),
        cmocka_unit_test(test_where_keeps_the_cause),
        cmocka_unit_test(test_errno),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
