/* report.h: what a run tells while it runs: OUT/run.json (replaced atomically), OUT/history.jsonl, TensorBoard events
 * under OUT/tensorboard/, the progress line, and the watchdog of --stall-timeout.
 *
 * run.json: {"format": "shoal-run", "version": 1, "state": "starting|reading|training|validating|saving|finished|failed|
 * interrupted|stalled", "command", "started", "updated", "last_progress", "waiting_for", "epoch", "epochs", "step",
 * "rows_trained", "rows_read_this_run", "rows_planned", "resumed_from_step", "metrics", "damage", "error": {"code", "message"},
 * "exit_code", "pid", "host"}; every field is in docs/run-json.md. rows_read_this_run counts the training rows that this
 * process computed on (not those before the checkpoint it resumed from).
 *
 * All functions but report_beat belong to the job's own thread. report_state and report_beat do nothing for NULL, so that
 * parts of a run can be tried without being one. */
#ifndef TRAIN_REPORT_H
#define TRAIN_REPORT_H

#include <jansson.h>
#include <stdatomic.h>

#include "base/clocks.h"
#include "base/host.h"
#include "records/quarantine.h"
#include "train/metrics.h"

#define REPORT_VERSION 1

typedef struct report report;
/* Creates OUT, writes the first run.json, starts the watchdog when stall_timeout_s > 0. */
int report_new(const char *out_dir, const shoal_options *o, const shoal_host *host, double stall_timeout_s, report **out,
               shoal_error *err);
/* State is a static string; `waiting_for` names what the run waits for when it stalls ("rows of train.parquet"). Counts
 * as progress. */
int report_state(report *r, const char *state, const char *waiting_for, shoal_error *err);
/* Cheap, from any thread: the compute loop got further. */
void report_beat(report *r);
/* Where the run spends its time; whoever works for it adds to them. NULL for NULL. */
clocks *report_clocks(report *r);
/* "storage 1.2 s, ..." of the whole run; returns out. */
const char *report_times(const report *r, char *out, size_t n);
typedef struct report_step {
    uint64_t epoch, epochs, step, epoch_step, epoch_steps, rows_trained, rows_this_run, epoch_rows, epoch_rows_planned;
    double loss; /* mean of the epoch so far */
    double lr;
} report_step;
/* After each step; draws the progress line, writes events and run.json at intervals. */
int report_train(report *r, const report_step *s, shoal_error *err);
/* What was set aside of the sources: run.json says it from now on. */
void report_damage(report *r, quarantine_counts n);
void report_resumed(report *r, uint64_t step);
/* At the end of an epoch: a line of history (with --json on the host's out too), events, a printed line. valid may be NULL. */
int report_epoch(report *r, const report_step *s, double seconds, const metrics_result *valid, int best, shoal_error *err);
/* What --profile found, for run.json; the report takes it over. */
void report_profile(report *r, json_t *found);
/* Where an earlier process ended, for a report_finish in its place; valid and best may be NULL or null. */
void report_ended(report *r, const report_step *at, json_t *valid, json_t *best);
/* Last words: state from code (0 finished, INTERRUPTED, STALLED, else failed), first cause from err, exit code. Frees r;
 * NULL is nothing. Returns the code; of a good one that could not be written, what kept it from that, which err gets. */
int report_finish(report *r, int code, shoal_error *err);
/* Appends to an existing history and event series when resuming: lines and events after `step` are dropped first. Without
 * this call, the first report of a step or an epoch drops whatever an earlier life of the run wrote from there on. */
int report_rewind(report *r, uint64_t step, shoal_error *err);
/* {"rows", "weight", "auc", "logloss", "calibration", "mean_prediction", "mean_label"}; null where there is no value.
 * NULL when out of memory. */
json_t *report_metrics_json(const metrics_result *m);

#endif
