/* state_test.c: the state beside a model: its name tells its content, it comes back to the last bit, others go, and what fails
 * leaves those that are there whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "train/state.h"
#include "train/training_testing.h"

static testing_model fix;
static char dir[] = "/tmp/shoal-state-XXXXXX";

static int start(void **state)
{
    (void)state;
    testing_model_init(&fix, 2);
    return mkdtemp(dir) ? 0 : -1;
}
static int end(void **state)
{
    (void)state;
    testing_model_release(&fix);
    return file_remove_tree(dir, NULL);
}

static int is_there(const json_t *entry)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, json_string_value(json_object_get(entry, "file")));
    return file_exists(path);
}

static int compare(void *ctx, const param *p, int slot, const char *name, float *data, uint64_t stride, shoal_error *err)
{
    tensor_in t;
    (void)slot;
    assert_int_equal(safetensors_find(ctx, name, TENSOR_F32, p->rows, p->cols, &t, err), 0);
    float *got = malloc((size_t)(p->rows * p->cols) * sizeof *got);
    assert_int_equal(safetensors_read(ctx, &t, got, 0, err), 0);
    for (uint64_t r = 0; r < p->rows; r++)
        assert_memory_equal(got + r * p->cols, data + r * (stride ? stride : p->cols), p->cols * sizeof *got);
    free(got);
    return 0;
}

static void test_round_trip(void **state)
{
    (void)state;
    shoal_error err = {0};
    json_t *one = NULL, *same = NULL, *two = NULL;
    safetensors *s = NULL;
    uint64_t steps = 0;
    testing_fill(fix.weights, 5);
    testing_ok(statefile_save(dir, fix.weights, 77, &one, &err), &err);
    testing_ok(statefile_save(dir, fix.weights, 77, &same, &err), &err);
    assert_true(json_equal(one, same));
    testing_ok(statefile_open(dir, "m.json", one, &s, &steps, &err), &err);
    assert_int_equal(steps, 77);
    testing_ok(state_each(fix.weights, 0, compare, s, &err), &err);
    assert_null(safetensors_get(s, "e.table")); /* the weights are elsewhere */
    safetensors_close(s);
    testing_fill(fix.weights, 6);
    testing_ok(statefile_save(dir, fix.weights, 78, &two, &err), &err);
    assert_true(is_there(one) && is_there(two));
    testing_ok(statefile_drop_others(dir, two, &err), &err);
    assert_true(!is_there(one) && is_there(two));
    testing_ok(statefile_drop_others(dir, NULL, &err), &err);
    assert_false(is_there(two));
    assert_int_equal(statefile_open(dir, "m.json", two, &s, &steps, &err), SHOAL_STORAGE);
    json_decref(one);
    json_decref(same);
    json_decref(two);
}

static void test_entries_that_are_none(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "{}", "[]", "{\"file\": \"state-0123456789abcdef.safetensors\"}",
        "{\"file\": \"../state-0123456789abcdef.safetensors\", \"steps\": 1}",
        "{\"file\": \"state-0123456789abcdeX.safetensors\", \"steps\": 1}",
        "{\"file\": \"state-0123456789abcdef.safetensors\", \"steps\": -1}",
    };
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        shoal_error err = {0};
        safetensors *s = NULL;
        uint64_t steps;
        json_t *entry = json_loads(BAD[i], 0, NULL);
        assert_int_equal(statefile_open(dir, "m.json", entry, &s, &steps, &err), SHOAL_DATA);
        assert_string_equal(err.message, "m.json: \"state\" does not name a file of optimiser state and its steps; the file is damaged");
        json_decref(entry);
    }
}

static void test_failures_leave_the_old_one(void **state)
{
    (void)state;
    shoal_error err = {0};
    json_t *old = NULL, *entry;
    safetensors *s = NULL;
    uint64_t steps;
    testing_fill(fix.weights, 5);
    testing_ok(statefile_save(dir, fix.weights, 1, &old, &err), &err);
    testing_fill(fix.weights, 6);
    for (int memory = 0; memory < 2; memory++)
        for (long n = 1;; n++) {
            if (memory) mem_fail_at(n, 0);
            else file_fail_at(n, 28);
            int rc = statefile_save(dir, fix.weights, 1, &entry, &err);
            mem_fail_at(0, 0);
            file_fail_at(0, 0);
            json_decref(entry);
            if (rc == 0) break;
            assert_int_equal(rc, memory ? SHOAL_NOMEM : SHOAL_STORAGE);
            assert_null(entry);
            testing_ok(statefile_open(dir, "m.json", old, &s, &steps, &err), &err);
            safetensors_close(s);
        }
    json_decref(old);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_entries_that_are_none),
        cmocka_unit_test(test_failures_leave_the_old_one),
    };
    return cmocka_run_group_tests(tests, start, end);
}
