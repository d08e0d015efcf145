/* report.c: see report.h. One mutex guards what run.json says; the watchdog writes it too. */
#include "train/report.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/option.h"
#include "base/thread.h"
#include "storage/file.h"
#include "train/history.h"
#include "train/human.h"
#include "train/manifest.h"
#include "train/tfevents.h"

#define PROGRESS_MS 1000
#define RUN_JSON_NS 2000000000ull
#define WATCH_POLLS 20           /* looks of the watchdog within one timeout */
#define STALL_LOCK_SECONDS 5     /* a stalled write may hold the lock */

struct report {
    const shoal_host *host;
    char *run_path, *history_path, *events_dir;
    char command[32];
    int tells_json; /* each line of history on the host's out too */

    pthread_mutex_t lock;        /* from here to `error` */
    const char *state;
    char waiting_for[256];
    report_step at;
    int64_t resumed_from;        /* -1: not */
    double started, last_progress;
    double rate;                 /* rows/s, smoothed */
    json_t *valid, *best;        /* of the last epoch; of the best one */
    json_t *profile;             /* of --profile */
    int code;                    /* of an ending; 1: none yet */
    shoal_error error;

    uint64_t draw_ns, draw_at, draw_rows; /* interval; of the last draw */
    uint64_t saved_at;           /* last run.json */
    uint64_t event_step;
    int rewound, history_checked;
    tfevents *events;

    clocks clocks;
    double clocks_told[CLOCK_STAGES]; /* seconds in the history so far */

    atomic_uint_fast64_t beats;
    uint64_t beats_seen;
    atomic_int stalled;
    double timeout_s;
    pthread_t watch;
    pthread_cond_t watch_wake;
    pthread_mutex_t watch_lock;
    int watching, watch_end;
    int tolerates;            /* damage of the sources is set aside: */
    quarantine_counts damage; /* so much */
};

/* ---- run.json ---------------------------------------------------------------------------------------------------------- */

json_t *report_metrics_json(const metrics_result *m)
{
    json_t *j = json_pack("{s:I}", "rows", (json_int_t)m->rows);
    int rc = j ? 0 : -1;
    if (rc == 0) rc = manifest_put(j, "weight", manifest_real(m->weight), NULL);
    if (rc == 0) rc = manifest_put(j, "auc", manifest_real(m->auc), NULL);
    if (rc == 0) rc = manifest_put(j, "logloss", manifest_real(m->logloss), NULL);
    if (rc == 0) rc = manifest_put(j, "calibration", manifest_real(m->calibration), NULL);
    if (rc == 0) rc = manifest_put(j, "mean_prediction", manifest_real(m->mean_prediction), NULL);
    if (rc == 0) rc = manifest_put(j, "mean_label", manifest_real(m->mean_label), NULL);
    if (rc == 0 && m->groups) rc = manifest_put(j, "gauc", manifest_real(m->gauc), NULL);
    if (rc == 0 && m->groups) rc = manifest_put(j, "groups", json_integer((json_int_t)m->groups), NULL);
    if (rc == 0 && m->groups) rc = manifest_put(j, "groups_mixed", json_integer((json_int_t)m->groups_mixed), NULL);
    if (rc == 0) return j;
    json_decref(j);
    return NULL;
}

static json_t *time_json(double wall)
{
    char text[HUMAN_BYTES];
    return json_string(human_time(wall, text));
}

static json_t *or_null(json_t *j) { return j ? json_incref(j) : json_null(); }

static int put_counts(json_t *j, const report *r, shoal_error *err)
{
    const report_step *s = &r->at;
    const struct {
        const char *name;
        uint64_t value;
    } COUNT[] = {
        {"epoch", s->epochs ? (s->epoch < s->epochs ? s->epoch + 1 : s->epochs) : 0}, {"epochs", s->epochs}, {"step", s->step},
        {"rows_trained", s->rows_trained}, {"rows_read_this_run", s->rows_this_run},
        {"rows_planned", s->epoch_rows_planned * s->epochs},
    };
    int rc = 0;
    for (size_t i = 0; i < sizeof COUNT / sizeof COUNT[0] && rc == 0; i++)
        rc = manifest_put(j, COUNT[i].name, json_integer((json_int_t)COUNT[i].value), err);
    if (rc) return rc;
    return manifest_put(j, "resumed_from_step", r->resumed_from < 0 ? json_null() : json_integer(r->resumed_from), err);
}

static int put_metrics(json_t *j, const report *r, shoal_error *err)
{
    json_t *m = json_object();
    int rc = m ? 0 : error_nomem(err, 0, "JSON");
    if (rc == 0) rc = manifest_put(m, "loss", manifest_real(r->at.epochs ? r->at.loss : NAN), err);
    if (rc == 0) rc = manifest_put(m, "lr", manifest_real(r->at.epochs ? r->at.lr : NAN), err);
    if (rc == 0) rc = manifest_put(m, "rows_per_second", manifest_real(r->rate), err);
    if (rc == 0) rc = manifest_put(m, "valid", or_null(r->valid), err);
    if (rc == 0) rc = manifest_put(m, "best", or_null(r->best), err);
    if (rc == 0) return manifest_put(j, "metrics", m, err);
    json_decref(m);
    return rc;
}

static int put_damage(json_t *j, const report *r, shoal_error *err)
{
    const quarantine_counts *n = &r->damage;
    if (!r->tolerates) return manifest_put(j, "damage", json_null(), err);
    return manifest_put(j, "damage", json_pack("{s:I, s:I, s:I}", "places", (json_int_t)n->places, "bytes", (json_int_t)n->bytes, "missing_records",
                                               (json_int_t)n->missing), err);
}

static int put_ending(json_t *j, const report *r, shoal_error *err)
{
    if (r->code > 0) {
        int rc = manifest_put(j, "error", json_null(), err);
        return rc ? rc : manifest_put(j, "exit_code", json_null(), err);
    }
    json_t *e = json_null();
    if (r->code)
        e = json_pack("{s:s, s:s}", "code", shoal_code_name(r->code), "message", r->error.message);
    if (!e) e = json_pack("{s:s, s:s}", "code", shoal_code_name(r->code), "message", "(a message that is no UTF-8)");
    int rc = manifest_put(j, "error", e, err);
    return rc ? rc : manifest_put(j, "exit_code", json_integer(-r->code), err);
}

/* Under the lock. */
static int save_run(report *r, shoal_error *err)
{
    char host[64] = "";
    if (gethostname(host, sizeof host - 1)) host[0] = 0;
    json_t *j = manifest_new("shoal-run", REPORT_VERSION);
    int rc = j ? 0 : error_nomem(err, 0, "JSON");
    if (rc == 0) rc = manifest_put(j, "state", json_string(r->state), err);
    if (rc == 0) rc = manifest_put(j, "command", json_string(r->command), err);
    if (rc == 0) rc = manifest_put(j, "started", time_json(r->started), err);
    if (rc == 0) rc = manifest_put(j, "updated", time_json(clock_wall()), err);
    if (rc == 0) rc = manifest_put(j, "last_progress", time_json(r->last_progress), err);
    if (rc == 0) rc = manifest_put(j, "waiting_for", r->waiting_for[0] ? json_string(r->waiting_for) : json_null(), err);
    if (rc == 0) rc = put_counts(j, r, err);
    if (rc == 0) rc = put_metrics(j, r, err);
    if (rc == 0) rc = put_damage(j, r, err);
    if (rc == 0) rc = put_ending(j, r, err);
    if (rc == 0 && r->profile) rc = manifest_put(j, "profile", json_incref(r->profile), err);
    if (rc == 0) rc = manifest_put(j, "pid", json_integer(getpid()), err);
    if (rc == 0) rc = manifest_put(j, "host", json_string(host), err);
    if (rc == 0) rc = manifest_write(r->run_path, j, err);
    json_decref(j);
    r->saved_at = clock_ns();
    return rc;
}

/* ---- watchdog ------------------------------------------------------------------------------------------------------------ */

static int lock_for(pthread_mutex_t *m, int seconds)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += seconds;
    return pthread_mutex_timedlock(m, &until);
}

static void stall(report *r)
{
    int locked = lock_for(&r->lock, STALL_LOCK_SECONDS) == 0;
    const char *what = r->waiting_for[0] ? r->waiting_for : r->state;
    char line[512];
    snprintf(line, sizeof line, "no progress for %g s while %s: waiting for %s; a slow source needs a longer --stall-timeout",
             r->timeout_s, r->state, what);
    if (locked) {
        r->state = "stalled";
        r->code = SHOAL_STALLED;
        error_set(&r->error, SHOAL_STALLED, "%s", line);
        save_run(r, NULL);
        pthread_mutex_unlock(&r->lock);
    }
    atomic_store(&r->stalled, 1);
    if (r->host && r->host->stalled) r->host->stalled(r->host->ctx, line);
}

/* Time is counted in looks that saw no beat, so that a process that was stopped and goes on is not taken for a stall. */
static void *watch(void *ctx)
{
    report *r = ctx;
    uint64_t seen = atomic_load(&r->beats);
    double pause = r->timeout_s / WATCH_POLLS;
    int idle = 0;
    pthread_mutex_lock(&r->watch_lock);
    while (!r->watch_end) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        double end = (double)until.tv_nsec * 1e-9 + pause;
        until.tv_sec += (time_t)end;
        until.tv_nsec = (long)((end - floor(end)) * 1e9);
        if (pthread_cond_timedwait(&r->watch_wake, &r->watch_lock, &until) != ETIMEDOUT) continue;
        uint64_t now = atomic_load(&r->beats);
        idle = now == seen ? idle + 1 : 0;
        seen = now;
        if (idle < WATCH_POLLS) continue;
        pthread_mutex_unlock(&r->watch_lock);
        stall(r);
        pthread_mutex_lock(&r->watch_lock);
        break;
    }
    pthread_mutex_unlock(&r->watch_lock);
    return NULL;
}

static int watch_start(report *r, shoal_error *err)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&r->watch_wake, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&r->watch_lock, NULL);
    int failed = pthread_create(&r->watch, NULL, watch, r);
    if (failed) {
        pthread_cond_destroy(&r->watch_wake);
        pthread_mutex_destroy(&r->watch_lock);
        return error_errno(err, "start", "the watchdog's thread", failed);
    }
    r->watching = 1;
    return 0;
}

static void watch_stop(report *r)
{
    if (!r->watching) return;
    pthread_mutex_lock(&r->watch_lock);
    r->watch_end = 1;
    pthread_cond_signal(&r->watch_wake);
    pthread_mutex_unlock(&r->watch_lock);
    pthread_join(r->watch, NULL);
    pthread_cond_destroy(&r->watch_wake);
    pthread_mutex_destroy(&r->watch_lock);
    r->watching = 0;
}

static int check_stall(report *r, shoal_error *err)
{
    if (!atomic_load(&r->stalled)) return 0;
    return error_set(err, SHOAL_STALLED, "%s", r->error.message[0] ? r->error.message : "no progress for --stall-timeout");
}

/* ---- life ------------------------------------------------------------------------------------------------------------------ */

static void report_free(report *r)
{
    watch_stop(r);
    tfevents_close(r->events);
    json_decref(r->valid);
    json_decref(r->best);
    json_decref(r->profile);
    mem_free(r->run_path);
    mem_free(r->history_path);
    mem_free(r->events_dir);
    pthread_mutex_destroy(&r->lock);
    mem_free(r);
}

int report_new(const char *out_dir, const shoal_options *o, const shoal_host *host, double stall_timeout_s, report **out,
               shoal_error *err)
{
    *out = NULL;
    report *r = mem_calloc(1, sizeof *r);
    if (!r) return error_nomem(err, sizeof *r, "the run's report");
    pthread_mutex_init(&r->lock, NULL);
    r->host = host;
    r->state = "starting";
    r->resumed_from = -1;
    r->code = 1;
    r->rate = NAN;
    r->event_step = UINT64_MAX;
    r->started = r->last_progress = clock_wall();
    r->draw_ns = (uint64_t)(host && host->progress_every_ms > 0 ? host->progress_every_ms : PROGRESS_MS) * 1000000;
    r->draw_at = clock_ns();
    r->timeout_s = stall_timeout_s;
    snprintf(r->command, sizeof r->command, "%s", o ? option_command(o) : "train");
    r->tells_json = o && option_flag(o, "json");
    r->run_path = mem_sprintf("%s/run.json", out_dir);
    r->history_path = mem_sprintf("%s/history.jsonl", out_dir);
    r->events_dir = mem_sprintf("%s/tensorboard", out_dir);
    int rc = r->run_path && r->history_path && r->events_dir ? 0 : error_nomem(err, strlen(out_dir), "a path");
    if (rc == 0) rc = file_mkdirs(out_dir, err);
    if (rc == 0) rc = save_run(r, err);
    if (rc == 0 && stall_timeout_s > 0) rc = watch_start(r, err);
    if (rc) report_free(r);
    else *out = r;
    return rc;
}

void report_beat(report *r)
{
    if (r) atomic_fetch_add_explicit(&r->beats, 1, memory_order_relaxed);
}

clocks *report_clocks(report *r) { return r ? &r->clocks : NULL; }

const char *report_times(const report *r, char *out, size_t n)
{
    size_t at = 0;
    *out = 0;
    for (int i = 0; i < CLOCK_STAGES && at < n; i++)
        at += (size_t)snprintf(out + at, n - at, "%s%s %.1f s", i > 0 ? ", " : "", clocks_name((enum clock_stage)i), clocks_seconds(&r->clocks, (enum clock_stage)i));
    return out;
}

/* Under the lock: a beat since the last look is progress now. */
static void note_progress(report *r)
{
    uint64_t beats = atomic_load_explicit(&r->beats, memory_order_relaxed);
    if (beats != r->beats_seen) r->last_progress = clock_wall();
    r->beats_seen = beats;
}

static void measure(report *r, const report_step *s, uint64_t now)
{
    double seconds = (double)(now - r->draw_at) * 1e-9;
    if (seconds <= 0 || s->rows_this_run <= r->draw_rows) return;
    double rate = (double)(s->rows_this_run - r->draw_rows) / seconds;
    r->rate = isnan(r->rate) ? rate : 0.7 * r->rate + 0.3 * rate;
    r->draw_at = now;
    r->draw_rows = s->rows_this_run;
}

int report_state(report *r, const char *state, const char *waiting_for, shoal_error *err)
{
    if (!r) return 0;
    report_beat(r);
    int rc = check_stall(r, err);
    if (rc) return rc;
    pthread_mutex_lock(&r->lock);
    note_progress(r);
    r->state = state;
    snprintf(r->waiting_for, sizeof r->waiting_for, "%s", waiting_for ? waiting_for : "");
    measure(r, &r->at, clock_ns());
    r->draw_at = clock_ns();
    r->draw_rows = r->at.rows_this_run;
    rc = save_run(r, err);
    pthread_mutex_unlock(&r->lock);
    return rc;
}

void report_damage(report *r, quarantine_counts n)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    r->damage = n;
    r->tolerates = 1;
    pthread_mutex_unlock(&r->lock);
}

void report_resumed(report *r, uint64_t step)
{
    pthread_mutex_lock(&r->lock);
    r->resumed_from = (int64_t)step;
    pthread_mutex_unlock(&r->lock);
}

int report_rewind(report *r, uint64_t step, shoal_error *err)
{
    r->rewound = 1;
    int rc = history_rewind(r->history_path, step, UINT64_MAX, err);
    return rc ? rc : tfevents_rewind(r->events_dir, step, err);
}

/* ---- training -------------------------------------------------------------------------------------------------------------- */

static int add_events(report *r, uint64_t step, const tfevents_scalar *s, size_t n, shoal_error *err)
{
    int rc = r->events ? 0 : tfevents_open(r->events_dir, &r->events, err);
    return rc ? rc : tfevents_add(r->events, clock_wall(), step, s, n, err);
}

static int add_step_events(report *r, const report_step *s, shoal_error *err)
{
    if (r->event_step == s->step) return 0;
    r->event_step = s->step;
    const tfevents_scalar now[] = {{"loss", s->loss}, {"lr", s->lr}, {"rows_per_second", r->rate}};
    return add_events(r, s->step, now, 3, err);
}

static void draw(report *r, const report_step *s)
{
    char rows[HUMAN_BYTES], rate[HUMAN_BYTES], eta[HUMAN_BYTES];
    double planned = (double)s->epoch_rows_planned * (double)s->epochs;
    double left = planned - (double)s->epoch_rows_planned * (double)s->epoch - (double)s->epoch_rows;
    double share = s->epoch_rows_planned ? 100 * (double)s->epoch_rows / (double)s->epoch_rows_planned : 0;
    host_progress(r->host, "epoch %llu/%llu %3.0f%%  %s rows  %s rows/s  ETA %s  loss %.4f", (unsigned long long)s->epoch + 1,
                  (unsigned long long)s->epochs, floor(share), human_count((double)s->epoch_rows, rows),
                  human_count(r->rate, rate), human_clock(left / r->rate, eta), s->loss);
}

int report_train(report *r, const report_step *s, shoal_error *err)
{
    uint64_t now = clock_ns();
    int rc = check_stall(r, err);
    if (rc == 0 && !r->rewound) rc = report_rewind(r, s->step ? s->step - 1 : 0, err);
    if (rc) return rc;
    pthread_mutex_lock(&r->lock);
    r->at = *s;
    if (now - r->draw_at >= r->draw_ns) {
        note_progress(r);
        measure(r, s, now);
        draw(r, s);
        rc = add_step_events(r, s, err);
        if (rc == 0 && now - r->saved_at >= RUN_JSON_NS) rc = save_run(r, err);
    }
    pthread_mutex_unlock(&r->lock);
    return rc;
}

/* Seconds of each stage since the last epoch that was told. */
static int add_times(report *r, json_t *line, uint64_t step, shoal_error *err)
{
    static const char *const TAG[CLOCK_STAGES] = {"time/storage", "time/inflate", "time/checksum", "time/parse", "time/transform", "time/wait_rows",
                                                  "time/wait_model"};
    tfevents_scalar event[CLOCK_STAGES];
    json_t *times = json_object();
    int rc = times ? 0 : error_nomem(err, 0, "JSON");
    for (int i = 0; rc == 0 && i < CLOCK_STAGES; i++) {
        double now = clocks_seconds(&r->clocks, (enum clock_stage)i);
        event[i] = (tfevents_scalar){TAG[i], now - r->clocks_told[i]};
        rc = manifest_put(times, clocks_name((enum clock_stage)i), manifest_real(event[i].value), err);
        r->clocks_told[i] = now;
    }
    if (rc == 0) rc = manifest_put(line, "times", times, err);
    else json_decref(times);
    return rc < 0 ? rc : add_events(r, step, event, CLOCK_STAGES, err);
}

static int add_history(report *r, const report_step *s, double seconds, int best, buf *line, shoal_error *err)
{
    json_t *j = json_object();
    int rc = j ? 0 : error_nomem(err, 0, "JSON");
    if (rc == 0) rc = manifest_put(j, "epoch", json_integer((json_int_t)s->epoch + 1), err);
    if (rc == 0) rc = manifest_put(j, "step", json_integer((json_int_t)s->step), err);
    if (rc == 0) rc = manifest_put(j, "rows", json_integer((json_int_t)s->epoch_rows), err);
    if (rc == 0) rc = manifest_put(j, "seconds", manifest_real(seconds), err);
    if (rc == 0) rc = manifest_put(j, "loss", manifest_real(s->loss), err);
    if (rc == 0) rc = manifest_put(j, "lr", manifest_real(s->lr), err);
    if (rc == 0) rc = manifest_put(j, "valid", or_null(r->valid), err);
    if (rc == 0) rc = manifest_put(j, "best", json_boolean(best), err);
    if (rc == 0) rc = add_times(r, j, s->step, err);
    if (rc == 0 && !r->history_checked) rc = history_rewind(r->history_path, UINT64_MAX, s->epoch + 1, err);
    r->history_checked = 1;
    if (rc == 0) rc = manifest_line(j, line, err);
    if (rc == 0) rc = history_append(r->history_path, line, err);
    json_decref(j);
    return rc;
}

static int add_valid_events(report *r, uint64_t step, const metrics_result *m, shoal_error *err)
{
    const tfevents_scalar now[] = {{"valid/auc", m->auc}, {"valid/logloss", m->logloss}, {"valid/calibration", m->calibration},
                                   {"valid/mean_prediction", m->mean_prediction}, {"valid/gauc", m->gauc}};
    return add_events(r, step, now, m->groups ? 5 : 4, err);
}

/* A reader that went away does not end the run: what it missed is in the file, and the end of the job tells it. */
static void tell_line(report *r, const buf *line)
{
    if (r->tells_json && host_out(r->host, (const char *)line->data, line->len, NULL) < 0) {
        host_warn(r->host, "standard output takes no more: the run goes on, its history is in %s", r->history_path);
        r->tells_json = 0;
    }
}

static void print_epoch(report *r, const report_step *s, double seconds, const metrics_result *m, int best)
{
    char rows[HUMAN_BYTES], clock[HUMAN_BYTES], gauc[40] = "", quality[200] = "";
    if (m && m->groups)
        snprintf(gauc, sizeof gauc, "  gauc %.4f", m->gauc);
    if (m)
        snprintf(quality, sizeof quality, "  valid auc %.4f%s  logloss %.4f  calibration %.3f%s", m->auc, gauc, m->logloss, m->calibration,
                 best ? "  best so far" : "");
    host_info(r->host, "epoch %llu/%llu  %s rows in %s  loss %.4f%s", (unsigned long long)s->epoch + 1,
              (unsigned long long)s->epochs, human_count((double)s->epoch_rows, rows), human_clock(seconds, clock), s->loss,
              quality);
}

/* Under the lock: what run.json says of the epoch. */
static int keep_valid(report *r, const report_step *s, const metrics_result *valid, int best, shoal_error *err)
{
    json_decref(r->valid);
    r->valid = valid ? report_metrics_json(valid) : NULL;
    if (!valid) return 0;
    if (!r->valid) return error_nomem(err, 0, "JSON");
    if (!best) return 0;
    json_decref(r->best);
    r->best = json_copy(r->valid);
    return r->best ? manifest_put(r->best, "epoch", json_integer((json_int_t)s->epoch + 1), err) : error_nomem(err, 0, "JSON");
}

int report_epoch(report *r, const report_step *s, double seconds, const metrics_result *valid, int best, shoal_error *err)
{
    report_beat(r);
    int rc = check_stall(r, err);
    if (rc == 0 && !r->rewound) rc = report_rewind(r, s->step ? s->step - 1 : 0, err);
    if (rc) return rc;
    buf line = BUF_INIT;
    pthread_mutex_lock(&r->lock);
    note_progress(r);
    r->at = *s;
    measure(r, s, clock_ns());
    rc = keep_valid(r, s, valid, best, err);
    if (rc == 0) rc = add_history(r, s, seconds, best, &line, err);
    if (rc == 0) rc = add_step_events(r, s, err);
    if (rc == 0 && valid) rc = add_valid_events(r, s->step, valid, err);
    if (rc == 0) print_epoch(r, s, seconds, valid, best);
    if (rc == 0) rc = save_run(r, err);
    pthread_mutex_unlock(&r->lock);
    if (rc == 0) tell_line(r, &line); /* not under the lock: a reader may not read for long */
    buf_release(&line);
    return rc;
}

void report_profile(report *r, json_t *found)
{
    pthread_mutex_lock(&r->lock);
    r->profile = found;
    pthread_mutex_unlock(&r->lock);
}

void report_ended(report *r, const report_step *at, json_t *valid, json_t *best)
{
    pthread_mutex_lock(&r->lock);
    r->at = *at;
    r->valid = json_is_object(valid) ? json_incref(valid) : NULL;
    r->best = json_is_object(best) ? json_incref(best) : NULL;
    pthread_mutex_unlock(&r->lock);
}

int report_finish(report *r, int code, shoal_error *err)
{
    if (!r) return code;
    watch_stop(r);
    pthread_mutex_lock(&r->lock);
    note_progress(r);
    r->code = code < 0 ? code : 0;
    r->state = code >= 0 ? "finished" : code == SHOAL_INTERRUPTED ? "interrupted" : code == SHOAL_STALLED ? "stalled" : "failed";
    if (err && code < 0) r->error = *err;
    if (code >= 0) r->waiting_for[0] = 0;
    int rc = save_run(r, code < 0 ? NULL : err); /* the first cause is the caller's already */
    pthread_mutex_unlock(&r->lock);
    report_free(r);
    return code < 0 ? code : rc;
}
