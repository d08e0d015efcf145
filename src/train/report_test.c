/* report_test.c: run.json through the life of a run, history and events over a resume, the watchdog. */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "records/tfrecord.h"
#include "storage/file.h"
#include "train/history.h"
#include "train/human.h"
#include "train/report.h"
#include "train/tfevents.h"

static char dir[] = "/tmp/shoal-report-XXXXXX";

typedef struct heard {
    char progress[300], info[300], stalled[600];
    atomic_int stalls;
} heard;

static void hear(void *ctx, enum shoal_level level, const char *line)
{
    heard *h = ctx;
    char *to = level == SHOAL_LOG_PROGRESS ? h->progress : h->info;
    snprintf(to, 300, "%s", line);
}
static void hear_stall(void *ctx, const char *what)
{
    heard *h = ctx;
    snprintf(h->stalled, sizeof h->stalled, "%s", what);
    atomic_fetch_add(&h->stalls, 1);
}

static int start(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}
static int end(void **state)
{
    (void)state;
    return file_remove_tree(dir, NULL);
}

static const char *out_dir(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static json_t *run_json(const char *out)
{
    char path[200];
    json_error_t why;
    snprintf(path, sizeof path, "%s/run.json", out);
    json_t *j = json_load_file(path, 0, &why);
    if (!j) fail_msg("%s: %s", path, why.text);
    return j;
}
static void assert_field(const char *out, const char *key, const char *want)
{
    json_t *j = run_json(out);
    char *text = json_dumps(json_object_get(j, key), JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
    assert_non_null(text);
    assert_string_equal(text, want);
    free(text);
    json_decref(j);
}

static void pause_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static report_step step_at(uint64_t epoch, uint64_t step)
{
    report_step s = {.epoch = epoch, .epochs = 3, .step = step, .epoch_step = step - epoch * 10, .epoch_steps = 10,
                     .rows_trained = step * 100, .rows_this_run = step * 100, .epoch_rows = (step - epoch * 10) * 100,
                     .epoch_rows_planned = 1000, .loss = 0.5, .lr = 0.01};
    return s;
}

static const metrics_result VALID = {.rows = 40, .weight = 40, .auc = 0.75, .logloss = 0.5, .calibration = NAN,
                                     .mean_prediction = 0.25, .mean_label = 0};

static void test_life(void **state)
{
    (void)state;
    heard h = {0};
    shoal_host host = {.ctx = &h, .log = hear, .progress_every_ms = 1};
    shoal_error err = {0};
    report *r;
    const char *out = out_dir("life");
    assert_int_equal(report_new(out, NULL, &host, 0, &r, &err), 0);
    assert_field(out, "state", "\"starting\"");
    assert_field(out, "format", "\"shoal-run\"");
    assert_field(out, "error", "null");
    assert_field(out, "exit_code", "null");
    assert_int_equal(report_state(r, "reading", "rows of train.parquet", &err), 0);
    assert_field(out, "state", "\"reading\"");
    assert_field(out, "waiting_for", "\"rows of train.parquet\"");
    assert_int_equal(report_state(r, "training", "rows of the spool", &err), 0);
    report_resumed(r, 3);
    report_step s = step_at(0, 4);
    pause_ms(3);
    assert_int_equal(report_train(r, &s, &err), 0);
    assert_true(strncmp(h.progress, "epoch 1/3  40%  400 rows  ", 26) == 0);
    assert_non_null(strstr(h.progress, " rows/s  ETA 0:0"));
    assert_non_null(strstr(h.progress, "  loss 0.5000"));
    s = step_at(0, 10);
    assert_int_equal(report_epoch(r, &s, 1.5, &VALID, 1, &err), 0);
    assert_non_null(strstr(h.info, "epoch 1/3  1.0k rows in 0:02  loss 0.5000  valid auc 0.7500  logloss 0.5000"));
    json_t *j = run_json(out), *m = json_object_get(j, "metrics");
    assert_true(json_real_value(json_object_get(json_object_get(m, "valid"), "auc")) == 0.75);
    assert_true(json_is_null(json_object_get(json_object_get(m, "valid"), "calibration")));
    assert_int_equal(json_integer_value(json_object_get(json_object_get(m, "best"), "epoch")), 1);
    assert_int_equal(json_integer_value(json_object_get(j, "rows_planned")), 3000);
    assert_int_equal(json_integer_value(json_object_get(j, "rows_read_this_run")), 1000);
    assert_int_equal(json_integer_value(json_object_get(j, "resumed_from_step")), 3);
    assert_int_equal(json_integer_value(json_object_get(j, "pid")), getpid());
    json_decref(j);
    report_finish(r, 0, NULL);
    assert_field(out, "state", "\"finished\"");
    assert_field(out, "exit_code", "0");
    assert_field(out, "error", "null");
}

/* Values that differ from one run to the next. */
static int is_volatile(const char *key)
{
    static const char *const KEYS[] = {"host", "pid", "started", "updated", "last_progress", "rows_per_second", NULL};
    for (int i = 0; KEYS[i]; i++)
        if (strcmp(KEYS[i], key) == 0) return 1;
    return 0;
}

static void assert_alike(const json_t *want, const json_t *is, const char *where)
{
    const char *key;
    json_t *v;
    if (!json_is_object(want)) {
        assert_int_equal(json_typeof(want), json_typeof(is));
        if (!is_volatile(where) && !json_equal(want, is)) fail_msg("run.json: '%s' is not that of the golden file", where);
        return;
    }
    assert_int_equal(json_object_size(want), json_object_size(is));
    json_object_foreach((json_t *)(uintptr_t)want, key, v) {
        const json_t *other = json_object_get(is, key);
        if (!other) fail_msg("run.json has no '%s'", key);
        assert_alike(v, other, key);
    }
}

/* The run of test_life, as the golden file has it. */
static void test_golden(void **state)
{
    (void)state;
    json_t *want = json_load_file(SHOAL_SOURCE_DIR "/tests/golden/run.json", 0, NULL), *is = run_json(out_dir("life"));
    assert_non_null(want);
    assert_alike(want, is, "");
    json_decref(want);
    json_decref(is);
}

static void test_endings(void **state)
{
    (void)state;
    static const struct {
        int code;
        const char *name, *error, *exit_code;
    } CASE[] = {
        {SHOAL_INTERRUPTED, "\"interrupted\"", "{\"code\":\"INTERRUPTED\",\"message\":\"why\"}", "6"},
        {SHOAL_DATA, "\"failed\"", "{\"code\":\"DATA\",\"message\":\"why\"}", "3"},
        {SHOAL_STALLED, "\"stalled\"", "{\"code\":\"STALLED\",\"message\":\"why\"}", "9"},
    };
    for (size_t i = 0; i < sizeof CASE / sizeof CASE[0]; i++) {
        report *r;
        shoal_error err = {CASE[i].code, "why"}, unused;
        assert_int_equal(report_new(out_dir("end"), NULL, NULL, 0, &r, &unused), 0);
        report_finish(r, CASE[i].code, &err);
        assert_field(out_dir("end"), "state", CASE[i].name);
        assert_field(out_dir("end"), "error", CASE[i].error);
        assert_field(out_dir("end"), "exit_code", CASE[i].exit_code);
    }
}

/* ---- resume ---------------------------------------------------------------------------------------------------------------- */

static int life(const char *out, uint64_t from, uint64_t to, int explicit_rewind)
{
    shoal_host host = {.progress_every_ms = 1};
    shoal_error err = {0};
    report *r;
    assert_int_equal(report_new(out, NULL, &host, 0, &r, &err), 0);
    if (explicit_rewind) assert_int_equal(report_rewind(r, from, &err), 0);
    for (uint64_t n = from + 1; n <= to; n++) {
        report_step s = step_at((n - 1) / 10, n);
        pause_ms(2);
        assert_int_equal(report_train(r, &s, &err), 0);
        if (n % 10 == 0) assert_int_equal(report_epoch(r, &s, 1, &VALID, 0, &err), 0);
    }
    report_finish(r, 0, NULL);
    return 0;
}

/* Lines of the history, whose epochs must be 1, 2, ... */
static int history_lines(const char *out)
{
    char path[200];
    buf b = BUF_INIT;
    int n = 0;
    snprintf(path, sizeof path, "%s/history.jsonl", out);
    assert_int_equal(file_read_all(path, 1 << 20, &b, NULL), 0);
    for (size_t at = 0; at < b.len;) {
        const char *line = (const char *)b.data + at, *stop = memchr(line, '\n', b.len - at);
        assert_non_null(stop);
        json_t *j = json_loadb(line, (size_t)(stop - line), 0, NULL);
        assert_int_equal(json_integer_value(json_object_get(j, "epoch")), ++n);
        assert_int_equal(json_integer_value(json_object_get(j, "step")), n * 10);
        json_decref(j);
        at += (size_t)(stop - line) + 1;
    }
    buf_release(&b);
    return n;
}

/* Number of events with a summary; each step is at most once a loss, steps ascend over files in order of their names. */
static int events_count(const char *out)
{
    char folder[200], path[512];
    struct dirent **entry;
    int n = 0, before = -1;
    snprintf(folder, sizeof folder, "%s/tensorboard", out);
    int files = scandir(folder, &entry, NULL, alphasort);
    for (int i = 0; i < files; i++) {
        tfrecord_reader *r;
        view v;
        shoal_error err;
        snprintf(path, sizeof path, "%s/%s", folder, entry[i]->d_name);
        if (entry[i]->d_name[0] != '.') {
            assert_int_equal(tfrecord_open(path, &r, &err), 0);
            assert_int_equal(tfrecord_next(r, &v, &err), 1);
            assert_memory_equal(v.p + 9, "\x1a\x0d" "brain.Event:2", 15);
            while (tfrecord_next(r, &v, &err) == 1) {
                assert_int_equal(v.p[9], 0x10);
                int step = (uint8_t)v.p[10];
                assert_true(step >= before);
                before = step;
                n++;
            }
            tfrecord_close(r);
        }
        free(entry[i]);
    }
    free(entry);
    return n;
}

static void test_resume(void **state)
{
    (void)state;
    for (int explicit_rewind = 0; explicit_rewind < 2; explicit_rewind++) {
        const char *out = out_dir(explicit_rewind ? "resumed" : "resumed2");
        life(out, 0, 25, 1);
        assert_int_equal(history_lines(out), 2);
        int first = events_count(out);
        assert_true(first > 20);
        pause_ms(1100); /* another second, another file name in order */
        life(out, 15, 30, explicit_rewind);
        assert_int_equal(history_lines(out), 3);
        int both = events_count(out);
        assert_true(both > first && both <= 30 + 6); /* one a step, two more an epoch */
    }
}

static void test_history_cut(void **state)
{
    (void)state;
    static const char TEXT[] = "{\"epoch\":1,\"step\":10}\n{\"epoch\":2,\"step\":20}\n{\"epoch\":3,\"st";
    char path[200];
    buf b = BUF_INIT;
    snprintf(path, sizeof path, "%s/cut.jsonl", dir);
    assert_int_equal(history_rewind(path, 5, 5, NULL), 0); /* no file */
    assert_int_equal(file_write_all(path, 1, TEXT, sizeof TEXT - 1, NULL), 0);
    assert_int_equal(history_rewind(path, 100, 100, NULL), 0);
    assert_int_equal(file_read_all(path, 4096, &b, NULL), 0);
    assert_int_equal(b.len, 44);
    buf_clear(&b);
    assert_int_equal(history_rewind(path, 100, 2, NULL), 0);
    assert_int_equal(file_read_all(path, 4096, &b, NULL), 0);
    assert_int_equal(b.len, 22);
    buf_release(&b);
}

static void test_events_cut(void **state)
{
    (void)state;
    char folder[200];
    tfevents *t;
    shoal_error err;
    tfevents_scalar one = {"a", 1}, nan = {"b", NAN};
    snprintf(folder, sizeof folder, "%s/cut/tensorboard", dir);
    assert_int_equal(tfevents_open(folder, &t, &err), 0);
    for (uint64_t i = 1; i <= 3; i++) assert_int_equal(tfevents_add(t, 1e9, i, &one, 1, &err), 0);
    assert_int_equal(tfevents_add(t, 1e9, 4, &nan, 1, &err), 0); /* nothing to say: no event */
    tfevents_close(t);
    assert_int_equal(events_count(out_dir("cut")), 3);

    struct dirent **entry;
    int n = scandir(folder, &entry, NULL, alphasort);
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, entry[2]->d_name);
    for (int i = 0; i < n; i++) free(entry[i]);
    free(entry);
    assert_int_equal(n, 3);
    buf b = BUF_INIT;
    assert_int_equal(file_read_all(path, 4096, &b, NULL), 0);
    assert_int_equal(truncate(path, (off_t)b.len - 3), 0);
    assert_int_equal(tfevents_rewind(folder, 10, &err), 0);
    assert_int_equal(events_count(out_dir("cut")), 2);
    assert_int_equal(tfevents_rewind(folder, 0, &err), 0);
    assert_int_equal(events_count(out_dir("cut")), 0);
    assert_false(file_exists(path));
    buf_release(&b);
}

/* ---- watchdog -------------------------------------------------------------------------------------------------------------- */

static void test_stall(void **state)
{
    (void)state;
    heard h = {0};
    shoal_host host = {.ctx = &h, .stalled = hear_stall};
    shoal_error err = {0};
    report *r;
    const char *out = out_dir("stall");
    assert_int_equal(report_new(out, NULL, &host, 0.2, &r, &err), 0);
    assert_int_equal(report_state(r, "reading", "rows of train.parquet", &err), 0);
    while (!atomic_load(&h.stalls)) pause_ms(10);
    assert_string_equal(h.stalled, "no progress for 0.2 s while reading: waiting for rows of train.parquet; a slow source needs a "
                                   "longer --stall-timeout");
    assert_field(out, "state", "\"stalled\"");
    assert_field(out, "exit_code", "9");
    report_step s = step_at(0, 1);
    assert_int_equal(report_train(r, &s, &err), SHOAL_STALLED); /* a host that lets it live gets the error */
    report_finish(r, SHOAL_STALLED, &err);
    assert_field(out, "state", "\"stalled\"");
    assert_int_equal(atomic_load(&h.stalls), 1);
}

static void test_no_stall(void **state)
{
    (void)state;
    heard h = {0};
    shoal_host host = {.ctx = &h, .stalled = hear_stall};
    shoal_error err = {0};
    report *r;
    assert_int_equal(report_new(out_dir("alive"), NULL, &host, 2, &r, &err), 0);
    for (int i = 0; i < 25; i++) { /* longer than the timeout in all */
        pause_ms(100);
        report_beat(r);
    }
    report_finish(r, 0, NULL);
    assert_int_equal(atomic_load(&h.stalls), 0);
}

static void test_no_memory(void **state)
{
    (void)state;
    shoal_error err;
    int rc = -1;
    for (long n = 1; rc; n++) {
        report *r = NULL;
        mem_fail_at(n, 0);
        rc = report_new(out_dir("mem"), NULL, NULL, 0, &r, &err);
        report_step s = step_at(0, 10);
        if (rc == 0) rc = report_epoch(r, &s, 1, &VALID, 1, &err);
        mem_fail_at(0, 0);
        report_finish(r, rc, &err);
        if (rc) assert_int_equal(rc, SHOAL_NOMEM);
        assert_true(n < 1000);
    }
}

/* The hook reaches run.json, the history and the events; the failure is told, and a good end that cannot be written is none. */
static void test_full_disk(void **state)
{
    (void)state;
    shoal_error err;
    int rc = -1, told = 0;
    const char *expected[] = {"run.json", "history.jsonl", "tensorboard"};
    for (long n = 1; rc; n++) {
        report *r = NULL;
        const char *out = out_dir("full");
        assert_int_equal(file_remove_tree(out, NULL), 0);
        file_fail_at(n, ENOSPC);
        rc = report_new(out, NULL, NULL, 0, &r, &err);
        report_step s = step_at(0, 10);
        if (rc == 0) rc = report_epoch(r, &s, 1, &VALID, 1, &err);
        rc = report_finish(r, rc, &err);
        file_fail_at(0, 0);
        if (rc) assert_int_equal(rc, SHOAL_STORAGE);
        for (int i = 0; i < 3 && rc; i++)
            if (strstr(err.message, expected[i])) told |= 1 << i;
        assert_true(n < 1000);
    }
    assert_int_equal(told, 7);
}

static void test_human(void **state)
{
    (void)state;
    char b[HUMAN_BYTES];
    assert_string_equal(human_count(812, b), "812");
    assert_string_equal(human_count(1234567, b), "1.2M");
    assert_string_equal(human_count(310000, b), "310k");
    assert_string_equal(human_count(NAN, b), "-");
    assert_string_equal(human_bytes(1536, b), "1.5 KiB");
    assert_string_equal(human_clock(12, b), "0:12");
    assert_string_equal(human_clock(3723, b), "1:02:03");
    assert_string_equal(human_clock(INFINITY, b), "-:--");
    assert_string_equal(human_time(1e9, b), "2001-09-09T01:46:40.000Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life),       cmocka_unit_test(test_golden), cmocka_unit_test(test_endings), cmocka_unit_test(test_resume),
        cmocka_unit_test(test_history_cut), cmocka_unit_test(test_events_cut), cmocka_unit_test(test_stall),
        cmocka_unit_test(test_no_stall),   cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_full_disk), cmocka_unit_test(test_human),
    };
    return cmocka_run_group_tests(tests, start, end);
}
