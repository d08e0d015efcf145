#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/mem.h"

static void test_alignment_and_zero(void **state)
{
    (void)state;
    const size_t sizes[] = {0, 1, 63, 64, 1000, MEM_HUGE - 1, MEM_HUGE, MEM_HUGE + 12345};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        unsigned char *p = mem_calloc(sizes[i], 1);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % (sizes[i] >= MEM_HUGE ? 2u << 20 : 64), 0);
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(p[k], 0);
        mem_free(p);
    }
    assert_null(mem_calloc(SIZE_MAX / 2, 3));
    assert_null(mem_alloc(SIZE_MAX));
    assert_null(mem_alloc(SIZE_MAX / 2));
    mem_free(NULL);
}

static void test_realloc_keeps_content(void **state)
{
    (void)state;
    unsigned char *p = mem_realloc(NULL, 10);
    assert_non_null(p);
    for (int i = 0; i < 10; i++)
        p[i] = (unsigned char)i;
    const size_t sizes[] = {11, 100, 5000, 20000000, 300, 10};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        p = mem_realloc(p, sizes[s]);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 64, 0);
        for (int i = 0; i < 10; i++)
            assert_int_equal(p[i], i);
        memset(p + 10, 0xee, sizes[s] - 10);
    }
    mem_free(p);
}

static void test_strings(void **state)
{
    (void)state;
    char *a = mem_strdup("shoal"), *b = mem_strndup("shoal", 2), *c = mem_sprintf("%d-%s", 12, "x");
    assert_string_equal(a, "shoal");
    assert_string_equal(b, "sh");
    assert_string_equal(c, "12-x");
    mem_free(a);
    mem_free(b);
    mem_free(c);
}

static void test_nth_fails(void **state)
{
    (void)state;
    long before = mem_count();
    mem_fail_at(2, 0);
    void *a = mem_alloc(8), *b = mem_alloc(8), *c = mem_alloc(8);
    assert_int_equal(mem_count() - before, 3);
    assert_non_null(a);
    assert_null(b);
    assert_non_null(c);
    mem_fail_at(1, 1);
    assert_null(mem_alloc(8));
    assert_null(mem_calloc(1, 8));
    assert_null(mem_strdup("x"));
    assert_null(mem_sprintf("x"));
    assert_null(mem_table_alloc(100));
    assert_null(mem_strndup("xy", 1));
    assert_null(mem_realloc(a, 4096)); /* and a stays */
    assert_null(mem_realloc(NULL, 8));
    mem_fail_at(0, 0);
    memset(a, 1, 8);
    mem_free(a);
    mem_free(c);
    assert_true(mem_peak_rss() > 100000);
}

static void test_table(void **state)
{
    (void)state;
    const size_t sizes[] = {1, 5000, MEM_HUGE, MEM_HUGE + 1, 33000001};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        unsigned char *p = mem_table_alloc(sizes[s]);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % (sizes[s] >= MEM_HUGE ? 2u << 20 : 4096), 0);
        for (size_t i = 0; i < sizes[s]; i += 1000)
            assert_int_equal(p[i], 0);
        p[0] = p[sizes[s] - 1] = 1;
        mem_table_free(p, sizes[s]);
    }
    mem_table_free(NULL, 10);
    assert_null(mem_table_alloc(SIZE_MAX / 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alignment_and_zero), cmocka_unit_test(test_realloc_keeps_content),
        cmocka_unit_test(test_strings),            cmocka_unit_test(test_nth_fails),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
