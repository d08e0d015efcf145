#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/host.h"
#include "base/mem.h"

typedef struct heard {
    char line[8192];
    char out[64];
    enum shoal_level level;
    int refuse, stop;
} heard;

static int hear_out(void *ctx, const char *bytes, size_t n)
{
    heard *h = ctx;
    assert_true(n < sizeof h->out);
    memcpy(h->out, bytes, n);
    h->out[n] = 0;
    return h->refuse;
}

static void hear_line(void *ctx, enum shoal_level level, const char *line)
{
    heard *h = ctx;
    assert_true(strlen(line) < sizeof h->line);
    strcpy(h->line, line);
    h->level = level;
}

static int hear_stop(void *ctx)
{
    return ((heard *)ctx)->stop;
}

static void test_host(void **state)
{
    (void)state;
    static heard h;
    shoal_host host = {.ctx = &h, .out = hear_out, .log = hear_line, .interrupted = hear_stop};
    shoal_error err;
    host_info(&host, "%d rows", 5);
    assert_string_equal(h.line, "5 rows");
    assert_int_equal(h.level, SHOAL_LOG_INFO);
    host_warn(&host, "w");
    assert_int_equal(h.level, SHOAL_LOG_WARN);
    host_progress(&host, "p");
    assert_int_equal(h.level, SHOAL_LOG_PROGRESS);
    host_info(&host, "%05000d", 1); /* longer than any fixed line */
    assert_int_equal(strlen(h.line), 5000);
    mem_fail_at(1, 0);
    host_info(&host, "%05000d", 1); /* without memory, as much as there is room for */
    mem_fail_at(0, 0);
    assert_in_range(strlen(h.line), 1000, 4999);
    assert_int_equal(host_outf(&host, &err, "%s=%d", "x", 3), 0);
    assert_string_equal(h.out, "x=3");
    h.refuse = 1;
    assert_int_equal(host_out(&host, "y", 1, &err), SHOAL_STORAGE);
    assert_int_equal(host_interrupted(&host), 0);
    h.stop = 1;
    assert_int_equal(host_interrupted(&host), 1);
    mem_fail_at(1, 0);
    assert_int_equal(host_outf(&host, &err, "z"), SHOAL_NOMEM);
    mem_fail_at(0, 0);
}

static void test_nobody(void **state)
{
    (void)state;
    shoal_host deaf = {0};
    host_info(NULL, "x");
    host_warn(&deaf, "x");
    assert_int_equal(host_out(NULL, "x", 1, NULL), 0);
    assert_int_equal(host_outf(&deaf, NULL, "x"), 0);
    assert_int_equal(host_interrupted(NULL), 0);
    assert_int_equal(host_interrupted(&deaf), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_host), cmocka_unit_test(test_nobody)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
