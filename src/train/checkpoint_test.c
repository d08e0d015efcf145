/* checkpoint_test.c: a round trip to the last bit; damage; and faults: an error or a death at every write, fsync and
 * rename leaves the old or the new checkpoint whole. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "train/checkpoint.h"
#include "train/training_testing.h"

static testing_model fix;
static char dir[] = "/tmp/shoal-checkpoint-XXXXXX";
static char warned[SHOAL_ERROR_MAX];

static void hear(void *ctx, enum shoal_level level, const char *line)
{
    (void)ctx;
    if (level == SHOAL_LOG_WARN) snprintf(warned, sizeof warned, "%s", line);
}
static const shoal_host HOST = {.log = hear};

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

static cursor at_step(uint64_t step)
{
    cursor c = {.step = step, .epoch = 2, .epoch_step = step % 100, .rows = step * 64, .epoch_loss = 0.1 + 0.2, .epoch_weight = 1e300 / 3,
                .best = NAN, .best_epoch = 1, .best_step = 77, .bad_epochs = 3};
    return c;
}

static int save(uint64_t step, uint64_t seed, int keep, shoal_error *err)
{
    cursor c = at_step(step);
    checkpoint_identity id = {json_pack("{s:i}", "batch-size", 64), json_pack("{s:s}", "digest", "x"),
                              json_pack("{s:s, s:s}", "name", "portable", "digest", "00")};
    testing_fill(fix.weights, seed);
    int rc = checkpoint_save(dir, NULL, fix.weights, &c, &id, keep, err);
    checkpoint_identity_release(&id);
    return rc;
}

/* The step of the current checkpoint, whose weights are those of `seed` of its step; 0: none. */
static uint64_t current(uint64_t seed_old, uint64_t seed_new, int *is_new)
{
    checkpoint *k;
    cursor c;
    int found;
    shoal_error err = {0};
    weights *back, *want;
    testing_ok(checkpoint_find(dir, NULL, &HOST, &k, &c, NULL, &found, &err), &err);
    if (!found) return 0;
    testing_ok(weights_new(fix.model, 2, &back, &err), &err);
    testing_ok(weights_new(fix.model, 2, &want, &err), &err);
    testing_ok(checkpoint_load(k, back, &err), &err);
    testing_fill(want, seed_new);
    *is_new = testing_same(back, want);
    testing_fill(want, seed_old);
    assert_true(*is_new || testing_same(back, want));
    weights_free(back);
    weights_free(want);
    checkpoint_free(k);
    return c.step;
}

static void fresh(void)
{
    assert_int_equal(checkpoint_clear(dir, NULL), 0);
}

static void test_round_trip(void **state)
{
    (void)state;
    fresh();
    shoal_error err = {0};
    checkpoint *k;
    cursor c, want = at_step(1234);
    checkpoint_identity id = {0};
    int found, is_new;
    testing_ok(checkpoint_find(dir, NULL, &HOST, &k, &c, &id, &found, &err), &err);
    assert_int_equal(found, 0);
    testing_ok(save(1234, 5, 1, &err), &err);
    testing_ok(checkpoint_find(dir, NULL, &HOST, &k, &c, &id, &found, &err), &err);
    assert_int_equal(found, 1);
    assert_true(isnan(c.best));
    c.best = want.best = 0;
    assert_memory_equal(&c, &want, sizeof c);
    assert_int_equal(json_integer_value(json_object_get(id.settings, "batch-size")), 64);
    checkpoint_identity_release(&id);
    checkpoint_free(k);
    assert_int_equal(current(4, 5, &is_new), 1234);
    assert_true(is_new);
}

static void test_newest_and_keep(void **state)
{
    (void)state;
    fresh();
    shoal_error err = {0};
    int is_new;
    char path[200];
    for (uint64_t s = 1; s <= 5; s++) testing_ok(save(s * 10, s, 2, &err), &err);
    assert_int_equal(current(0, 5, &is_new), 50);
    assert_true(is_new);
    snprintf(path, sizeof path, "%s/checkpoints/step-000000000040", dir);
    assert_true(file_is_dir(path));
    snprintf(path, sizeof path, "%s/checkpoints/step-000000000030", dir);
    assert_false(file_exists(path));
    /* the same step again: beside, then instead */
    testing_ok(save(50, 9, 2, &err), &err);
    assert_int_equal(current(5, 9, &is_new), 50);
    assert_true(is_new);
}

static void test_series_are_apart(void **state)
{
    (void)state;
    fresh();
    shoal_error err = {0};
    checkpoint *k;
    cursor c = at_step(7);
    checkpoint_identity id = {0};
    int found, is_new;
    testing_ok(save(50, 1, 1, &err), &err);
    testing_ok(checkpoint_save(dir, "best", fix.weights, &c, &id, 1, &err), &err);
    assert_int_equal(current(0, 1, &is_new), 50);
    testing_ok(checkpoint_find(dir, "best", &HOST, &k, &c, NULL, &found, &err), &err);
    assert_true(found && c.step == 7);
    checkpoint_free(k);
}

static void damage(uint64_t step, const char *file, long at)
{
    char path[300];
    snprintf(path, sizeof path, "%s/checkpoints/step-%012llu/%s", dir, (unsigned long long)step, file);
    FILE *f = fopen(path, "r+");
    assert_non_null(f);
    fseek(f, at, at < 0 ? SEEK_END : SEEK_SET);
    int c = fgetc(f);
    fseek(f, at, at < 0 ? SEEK_END : SEEK_SET);
    fputc(c ^ 1, f);
    fclose(f);
}

static void test_damage_is_skipped(void **state)
{
    (void)state;
    int is_new;
    shoal_error err = {0};
    fresh();
    testing_ok(save(10, 1, 9, &err), &err);
    testing_ok(save(20, 2, 9, &err), &err);
    damage(20, "state.safetensors", -1);
    warned[0] = 0;
    assert_int_equal(current(2, 1, &is_new), 10);
    assert_non_null(strstr(warned, "skipping a checkpoint that is not whole"));
    assert_non_null(strstr(warned, "state.safetensors: digest"));
    /* what comes next is not hidden by the damaged one, and removes it */
    testing_ok(save(15, 3, 1, &err), &err);
    warned[0] = 0;
    assert_int_equal(current(1, 3, &is_new), 15);
    assert_int_equal(warned[0], 0);
    damage(15, "manifest.json", 0);
    assert_int_equal(current(1, 3, &is_new), 0);
}

static void test_newer_is_refused(void **state)
{
    (void)state;
    shoal_error err = {0};
    checkpoint *k;
    int found;
    char path[300];
    buf b = BUF_INIT;
    fresh();
    testing_ok(save(10, 1, 1, &err), &err);
    snprintf(path, sizeof path, "%s/checkpoints/step-000000000010/manifest.json", dir);
    testing_ok(file_read_all(path, 1 << 20, &b, &err), &err);
    char *v = strstr((char *)(uintptr_t)buf_str(&b), "\"version\": 1");
    assert_non_null(v);
    v[strlen("\"version\": ")] = '9';
    testing_ok(file_write_all(path, 1, b.data, b.len, &err), &err);
    buf_release(&b);
    assert_int_equal(checkpoint_find(dir, NULL, &HOST, &k, NULL, NULL, &found, &err), SHOAL_DATA);
    assert_non_null(strstr(err.message, "shoal-checkpoint version 9 is newer than this program reads (1); use a newer shoal"));
}

/* An error at the n-th operation. */
static void test_every_error(void **state)
{
    (void)state;
    shoal_error err = {0};
    int is_new, saw_old = 0, rc = -1;
    for (long n = 1; rc; n++) {
        fresh();
        testing_ok(save(10, 1, 1, &err), &err);
        file_fail_at(n, 28);
        rc = save(20, 2, 1, &err);
        file_fail_at(0, 0);
        if (rc) assert_int_equal(rc, SHOAL_STORAGE);
        uint64_t step = current(1, 2, &is_new);
        assert_true(step == (is_new ? 20u : 10u));
        saw_old += !is_new;
        /* and the run goes on */
        testing_ok(save(30, 3, 1, &err), &err);
        assert_int_equal(current(2, 3, &is_new), 30);
        assert_true(is_new && n < 100);
    }
    assert_true(saw_old >= 6); /* two files written and synced, their renames, the folder's */
}

/* A death at the n-th operation, also while the same step is saved again. */
static void deaths(uint64_t step_new)
{
    shoal_error err = {0};
    int status, is_new, died = 1;
    for (long n = 1; died; n++) {
        fresh();
        testing_ok(save(10, 1, 1, &err), &err);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            file_fail_at(n, -1);
            int rc = save(step_new, 2, 1, &err);
            _exit(rc ? 1 : 0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        died = !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        uint64_t step = current(1, 2, &is_new);
        assert_true(step == (is_new ? step_new : 10u));
        if (!died) assert_true(is_new);
        testing_ok(save(30, 3, 1, &err), &err);
        assert_int_equal(current(2, 3, &is_new), 30);
        assert_true(is_new && n < 100);
    }
}

static void test_every_death(void **state)
{
    (void)state;
    deaths(20);
    deaths(10);
}

static void test_no_memory(void **state)
{
    (void)state;
    shoal_error err = {0};
    int rc = -1;
    long n = 1;
    fresh();
    testing_ok(save(10, 1, 1, &err), &err);
    for (; rc; n++) {
        checkpoint *k = NULL;
        int found = 0;
        mem_fail_at(n, 0);
        rc = save(20, 2, 1, &err);
        if (rc == 0) rc = checkpoint_find(dir, NULL, &HOST, &k, NULL, NULL, &found, &err);
        if (rc == 0 && found) rc = checkpoint_load(k, fix.weights, &err);
        mem_fail_at(0, 0);
        checkpoint_free(k);
        if (rc) assert_int_equal(rc, SHOAL_NOMEM);
        else assert_int_equal(found, 1);
        assert_true(n < 2000);
    }
    assert_true(n > 20);
}

static void test_compare(void **state)
{
    (void)state;
    shoal_error err = {0};
    checkpoint_identity was = {json_pack("{s:i, s:{s:f}}", "batch-size", 4096, "optimizer", "lr", 0.5),
                               json_pack("{s:[s, s]}", "files", "a", "b"), json_pack("{s:s}", "digest", "00")};
    checkpoint_identity is = {json_deep_copy(was.settings), json_deep_copy(was.data), json_deep_copy(was.kernels)};
    assert_int_equal(checkpoint_compare(&was, &is, &err), 0);
    json_object_set_new(is.kernels, "digest", json_string("11"));
    assert_int_equal(checkpoint_compare(&was, &is, &err), SHOAL_USAGE);
    assert_non_null(strstr(err.message, "cannot resume: kernel set 'digest' was 00, is 11 on this machine"));
    json_object_set_new(json_object_get(is.settings, "optimizer"), "lr", json_real(0.25));
    assert_int_equal(checkpoint_compare(&was, &is, &err), SHOAL_USAGE);
    assert_non_null(strstr(err.message, "cannot resume: 'optimizer.lr' was 0.5, is 0.25;"));
    json_object_set_new(is.settings, "batch-size", json_integer(512));
    assert_int_equal(checkpoint_compare(&was, &is, &err), SHOAL_USAGE);
    assert_string_equal(err.message, "cannot resume: 'batch-size' was 4096, is 512; give it as it was, or train anew in another --out");
    json_object_del(is.settings, "batch-size");
    assert_int_equal(checkpoint_compare(&was, &is, &err), SHOAL_USAGE);
    assert_non_null(strstr(err.message, "'batch-size' was 4096, is not set"));
    json_array_set_new(json_object_get(is.data, "files"), 1, json_string("c"));
    assert_int_equal(checkpoint_compare(&was, &is, &err), SHOAL_DATA);
    assert_non_null(strstr(err.message, "cannot resume: the data changed: 'files[1]' was b, is c"));
    checkpoint_identity_release(&was);
    checkpoint_identity_release(&is);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),       cmocka_unit_test(test_newest_and_keep), cmocka_unit_test(test_series_are_apart),
        cmocka_unit_test(test_damage_is_skipped), cmocka_unit_test(test_newer_is_refused), cmocka_unit_test(test_every_error),
        cmocka_unit_test(test_every_death),      cmocka_unit_test(test_no_memory),       cmocka_unit_test(test_compare),
    };
    return cmocka_run_group_tests(tests, start, end);
}
