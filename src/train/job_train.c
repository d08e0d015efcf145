/* job_train.c: `shoal train`: from options to a model in --out.
 *
 * --out holds a finished model (model.json), an unfinished run (checkpoints/), both (a run that is to replace the model), or
 * neither. A new run over any of them needs --overwrite, and takes nothing away before it has something better (outdir.h);
 * --resume continues an unfinished run, finds a finished one finished, and starts where there is nothing: the same command,
 * repeated, always ends with the model. With both, what --resume would refuse is replaced. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "train/ancestor.h"
#include "train/ending.h"
#include "train/identity.h"
#include "train/modelfile.h"
#include "train/outdir.h"
#include "train/profiling.h"
#include "train/result.h"
#include "train/setup.h"
#include "train/spool_owner.h"
#include "train/state.h"
#include "train/trainer.h"

typedef struct train_job {
    const shoal_options *options;
    const shoal_host *host;
    const char *out;
    outdir *dir;
    char *spool, *manifest, *real_out; /* real_out: with --spool-dir */
    dataset_request request;
    ancestor *from; /* of --init-from */
    trainer_config config;
    report *report;
    pool *pool;
    const kernels *kernels;
    dataset data;
    model *model;
    weights *weights;
    plan plan;
    optim optim;
    checkpoint_identity identity, was; /* was: of the checkpoint or model that is there */
    checkpoint *checkpoint;
    cursor cursor;
    profile *profiles; /* of --profile: one a thread */
    json_t *profile;   /* what they say */
    int resuming; /* a checkpoint is there and --resume was given */
    int begun;    /* a new run, and what is in --out is its own */
} train_job;

/* A model that cannot be built on these features is known before all rows are read. */
static int check_model(void *ctx, const features *f, shoal_error *err)
{
    const train_job *j = ctx;
    model *m = NULL;
    int rc = setup_model(j->options, j->from, f, &m, err);
    model_free(m);
    return rc;
}

static int job_request(train_job *j, shoal_error *err)
{
    const shoal_options *o = j->options;
    int rc = ancestor_open(o, j->host, &j->from, err);
    if (rc == 0)
        rc = setup_request(o, j->host, j->from, &j->request, err);
    if (rc < 0)
        return rc;
    j->request.check = check_model;
    j->request.check_ctx = j;
    j->out = option_str(o, "out");
    if (!j->out)
        return error_set(err, SHOAL_USAGE, "--out DIR is missing: the folder for the model");
    j->manifest = mem_sprintf("%s/" MODELFILE_MANIFEST, j->out);
    return j->manifest ? 0 : error_nomem(err, 0, "a path");
}

/* Below --spool-dir, a folder for this --out of this machine. */
static int job_spool(train_job *j, shoal_error *err)
{
    const char *dir = option_str(j->options, "spool-dir");
    char host[65] = "", *key = NULL;
    int rc = 0;
    if (dir) {
        if (gethostname(host, sizeof host - 1))
            host[0] = '\0';
        spool_owner_sweep(dir);
        rc = file_real_path(j->out, &j->real_out, err);
        key = rc == 0 ? mem_sprintf("%s:%s", host, j->real_out) : NULL;
        if (key)
            j->spool = mem_sprintf("%s/" SPOOL_PREFIX "%016llx", dir, (unsigned long long)hash64(key, strlen(key), 0));
    } else {
        j->spool = mem_sprintf("%s/spool", j->out);
    }
    if (rc == 0 && !j->spool)
        rc = error_nomem(err, 0, "a path");
    j->request.spool_dir = j->spool;
    j->request.spool_owner = j->real_out;
    mem_free(key);
    return rc;
}

static enum monitor monitor_of(const char *name)
{
    if (strcmp(name, "auc-logloss") == 0)
        return MONITOR_AUC_LOGLOSS;
    return strcmp(name, "gauc") == 0 ? MONITOR_GAUC : strcmp(name, "auc") == 0 ? MONITOR_AUC : MONITOR_LOGLOSS;
}

static void job_config(train_job *j)
{
    const shoal_options *o = j->options;
    j->config = (trainer_config){
        .out_dir = j->out,
        .epochs = (uint64_t)option_i64(o, "epochs"),
        .steps_per_epoch = (uint64_t)option_i64(o, "steps-per-epoch"),
        .patience = (uint64_t)option_i64(o, "patience"),
        .monitor = monitor_of(option_str(o, "monitor")),
        .checkpoint_every = (uint64_t)option_i64(o, "checkpoint-every"),
        .checkpoint_keep = (int)option_i64(o, "checkpoint-keep"),
        .memory = (size_t)option_i64(o, "memory"),
    };
}

/* ---- what lies in --out ---- */

/* Of a new run: refuses to write over what is there without being told to. */
static int check_out(train_job *j, shoal_error *err)
{
    if (option_flag(j->options, "overwrite"))
        return 0;
    if (file_exists(j->manifest))
        return error_set(err, SHOAL_STORAGE, "%s holds a model already; give --overwrite to replace it, or another --out",
                         j->out);
    int found = 0;
    checkpoint *k = NULL;
    int rc = checkpoint_find(j->out, NULL, j->host, &k, NULL, NULL, &found, err);
    checkpoint_free(k);
    if (rc == 0 && found)
        rc = error_set(err, SHOAL_STORAGE, "%s holds an unfinished run; give --resume to continue it, or --overwrite to "
                       "start anew", j->out);
    return rc;
}

/* Whether what is there is of this command's run. */
static int check_was(train_job *j, shoal_error *err)
{
    json_t *files = NULL;
    int rc = dataset_files(&j->request, &files, err);
    if (rc == 0)
        rc = identity_check_early(j->options, j->from, files, &j->was, err);
    json_decref(files);
    return rc;
}

/* A model that is there is this run's, or the one that an unfinished run replaces. *refused: it is somebody else's. */
static int find_finished(train_job *j, int *finished, shoal_error *refused, shoal_error *err)
{
    *finished = 0;
    refused->code = 0;
    if (!file_exists(j->manifest))
        return 0;
    shoal_error why = {0};
    int rc = identity_of_model(j->out, &j->was, &why);
    if (rc == 0)
        rc = check_was(j, &why);
    *finished = rc == 0;
    if (rc < 0) {
        checkpoint_identity_release(&j->was);
        if (rc == SHOAL_DATA || rc == SHOAL_USAGE)
            *refused = why;
        else if (err)
            *err = why;
    }
    return refused->code ? 0 : rc;
}

static int find_unfinished(train_job *j, shoal_error *refused, shoal_error *err)
{
    int rc = checkpoint_find(j->out, NULL, j->host, &j->checkpoint, &j->cursor, &j->was, &j->resuming, err);
    if (rc < 0 || !j->resuming)
        return rc;
    shoal_error why = {0};
    rc = check_was(j, &why);
    refused->code = 0;
    if (rc == 0)
        return 0;
    j->resuming = 0;
    if (rc == SHOAL_DATA || rc == SHOAL_USAGE)
        *refused = why;
    else if (err)
        *err = why;
    return refused->code ? 0 : rc;
}

static int resume_out(train_job *j, int *finished, shoal_error *err)
{
    shoal_error refused;
    int rc = find_finished(j, finished, &refused, err);
    if (rc < 0 || *finished)
        return rc;
    rc = find_unfinished(j, &refused, err);
    if (rc == 0 && refused.code && !option_flag(j->options, "overwrite")) {
        *err = refused;
        rc = refused.code;
    }
    return rc;
}

/* ---- the parts of a run ---- */

/* A resumed run takes the kernels that it began with, unless others are asked for by name. */
static int job_kernels(train_job *j, shoal_error *err)
{
    const char *name = option_str(j->options, "kernels");
    if (j->resuming && strcmp(name, "auto") == 0)
        name = json_string_value(json_object_get(j->was.kernels, "name"));
    return kernels_get(name ? name : "auto", &j->kernels, err);
}

static int job_weights(train_job *j, shoal_error *err)
{
    int rc = weights_new(j->model, optim_slots(&j->optim, j->model), &j->weights, err);
    if (rc < 0)
        return rc;
    if (!j->resuming) {
        cursor_init(&j->cursor);
        rc = weights_init_values(j->weights, (uint64_t)option_i64(j->options, "seed"), j->data.base_rate, j->pool, err);
        return rc == 0 && j->from ? ancestor_values(j->from, j->weights, err) : rc;
    }
    rc = checkpoint_compare(&j->was, &j->identity, err);
    if (rc == 0)
        rc = checkpoint_load(j->checkpoint, j->weights, err);
    if (rc < 0)
        return rc;
    report_resumed(j->report, j->cursor.step);
    host_info(j->host, "resuming at step %llu, epoch %llu", (unsigned long long)j->cursor.step,
              (unsigned long long)j->cursor.epoch + 1);
    return report_rewind(j->report, j->cursor.step, err);
}

static int save_features_yaml(const train_job *j, shoal_error *err)
{
    buf text = BUF_INIT;
    char *path = mem_sprintf("%s/features.yaml", j->out);
    int rc = path ? features_to_yaml(j->data.features, &text, err) : error_nomem(err, 0, "a path");
    if (rc == 0)
        rc = file_write_all(path, 1, text.data, text.len, err);
    mem_free(path);
    buf_release(&text);
    return rc;
}

static void tell_lines(const shoal_host *h, char *text)
{
    for (char *line = strtok_r(text, "\n", &text); line; line = strtok_r(NULL, "\n", &text))
        host_info(h, "%s", line);
}

static void tell_model(const train_job *j)
{
    buf text = BUF_INIT;
    int width = j->host && j->host->columns > 0 ? j->host->columns : 80;
    if (model_summary(j->model, width, &text, NULL) == 0 && buf_str(&text))
        tell_lines(j->host, (char *)text.data);
    buf_release(&text);
}

static void warn_without_valid(const train_job *j)
{
    static const char *const idle[] = {"patience", "monitor", "group-by"};
    for (size_t i = 0; i < sizeof idle / sizeof *idle; i++)
        if (!j->data.valid && option_is_set(j->options, idle[i]))
            host_warn(j->host, "--%s has no effect without --valid", idle[i]);
    if (!j->data.valid && j->optim.schedule == LR_PLATEAU)
        host_warn(j->host, "--lr-schedule plateau has no effect without --valid: the learning rate stays as it is");
}

/* Damaged records go into the folder of the model. */
static int job_quarantine(train_job *j, shoal_error *err)
{
    char *beside = mem_sprintf("%s/records", j->out);
    int rc = beside ? table_quarantine(j->options, beside, j->host, &j->request.quarantine, err) : error_nomem(err, 0, "a path");
    mem_free(beside);
    return rc;
}

static int job_prepare(train_job *j, shoal_error *err)
{
    int rc = pool_new(option_threads(j->options), kernels_thread_start, &j->pool, err);
    if (rc == 0)
        rc = job_kernels(j, err);
    if (rc == 0)
        rc = job_quarantine(j, err);
    if (rc == 0)
        rc = dataset_open(&j->request, option_flag(j->options, "resume"), j->pool, j->report, &j->data, err);
    if (rc == 0 && j->request.quarantine) {
        report_damage(j->report, quarantine_count(j->request.quarantine));
        rc = quarantine_finish(j->request.quarantine, err);
    }
    if (rc < 0)
        return rc;
    rc = setup_model(j->options, j->from, j->data.features, &j->model, err);
    if (rc < 0)
        return rc;
    tell_model(j);
    setup_plan(j->options, j->data.train, &j->plan);
    rc = optim_from(j->options, trainer_epoch_steps(&j->config, &j->plan) * j->config.epochs, &j->optim, err);
    j->optim.steps_before = j->from ? ancestor_steps(j->from) : 0;
    warn_without_valid(j);
    if (rc == 0)
        rc = identity_new(j->options, j->from, &j->data, j->model, j->kernels, &j->identity, err);
    if (rc == 0)
        rc = job_weights(j, err);
    if (rc == 0 && !j->resuming && option_flag(j->options, "overwrite"))
        rc = outdir_take_over(j->dir, err); /* from here on only a full disk or a diverging loss can stop it */
    j->begun = rc == 0 && !j->resuming;
    return rc == 0 ? save_features_yaml(j, err) : rc;
}

/* ---- the end ---- */

/* Of the weights that become the model: the best, or the last. */
static int save_state(const train_job *j, const trainer *t, json_t *info, shoal_error *err)
{
    json_t *entry = NULL;
    const uint64_t steps = isnan(t->at.best) ? t->at.step : t->at.best_step;
    int rc = statefile_save(j->out, j->weights, j->optim.steps_before + steps, &entry, err);
    return rc == 0 ? manifest_put(info, "state", entry, err) : rc;
}

static int save_model(const train_job *j, const trainer *t, shoal_error *err)
{
    json_t *info = json_pack("{s:O, s:O, s:O}", "settings", j->identity.settings, "data", j->identity.data, "kernels",
                             j->identity.kernels);
    json_t *training = json_pack("{s:I, s:I, s:I}", "steps", (json_int_t)t->at.step, "epochs", (json_int_t)t->at.epoch,
                                 "rows", (json_int_t)t->at.rows);
    int rc = info && training ? json_object_set_new(info, "training", training) : -1;
    if (rc == 0 && !isnan(t->at.best))
        rc = json_object_set_new(info, "best",
                                 json_pack("{s:s, s:f, s:I}", "monitor", option_str(j->options, "monitor"), "value", t->at.best,
                                           "epoch", (json_int_t)t->at.best_epoch + 1));
    if (rc == 0 && !isnan(t->at.best))
        rc = json_object_set_new(info, "metrics", json_pack("{s:o}", "valid", report_metrics_json(&t->at.best_metrics)));
    if (rc < 0)
        rc = error_nomem(err, 0, "the model's manifest");
    if (rc == 0 && (j->from || option_flag(j->options, "save-state")))
        rc = save_state(j, t, info, err);
    if (rc == 0)
        rc = modelfile_save(j->out, j->model, j->weights, info, err);
    if (rc == 0)
        rc = statefile_drop_others(j->out, json_object_get(info, "state"), err);
    json_decref(info);
    return rc;
}

static int clear_run(const train_job *j, shoal_error *err)
{
    int rc = checkpoint_clear(j->out, err);
    if (rc == 0)
        rc = outdir_drop_replaced(j->dir, err);
    return rc == 0 ? file_remove_tree(j->spool, err) : rc;
}

/* A run that cannot be resumed leaves no spool, and what it would have replaced comes back; one that diverged would do so
 * again. */
static void give_up(const train_job *j, int rc)
{
    int any = 0, own = j->resuming || j->begun, hopeless = rc == SHOAL_DIVERGED && outdir_replaces(j->dir);
    if (own && !hopeless && (checkpoint_any(j->out, &any, NULL) < 0 || any))
        return;
    if (own) {
        checkpoint_clear(j->out, NULL);
        outdir_restore(j->dir, NULL);
    }
    if (rc != SHOAL_INTERRUPTED || !dataset_is_whole(&j->request))
        file_remove_tree(j->spool, NULL);
}

/* Rows read over rows trained on: the source is read once and the spool once an epoch, so 2 is the most. */
static void tell_end(const train_job *j, const trainer *t)
{
    double trained = (double)t->rows_this_run, scanned = (double)j->data.rows_scanned;
    if (trained > 0)
        host_info(j->host, "rows read: %.0f of the source, %.0f of the spool (%.1f MB); read amplification %.2f", scanned,
                  trained, (double)t->pack_bytes * 1e-6, (scanned + trained) / trained);
    char times[200];
    host_info(j->host, "time of threads: %s", report_times(t->report, times, sizeof times));
    host_info(j->host, "peak memory %.0f MB; the model is in %s", (double)mem_peak_rss() * 1e-6, j->out);
}

static int tell_profile(train_job *j, shoal_error *err)
{
    const profiling p = {.model = j->model, .kernels = j->kernels, .pool = j->pool, .micro = j->plan.micro, .profiles = j->profiles};
    buf text = BUF_INIT;
    int rc = profiling_find(&p, &text, &j->profile, err);
    if (rc == 0 && buf_str(&text))
        tell_lines(j->host, (char *)text.data);
    if (rc == 0)
        report_profile(j->report, json_incref(j->profile));
    buf_release(&text);
    return rc;
}

static int job_run(train_job *j, shoal_error *err)
{
    trainer t = {
        .config = &j->config, .data = &j->data, .model = j->model, .weights = j->weights, .kernels = j->kernels,
        .pool = j->pool, .plan = &j->plan, .optim = &j->optim, .identity = &j->identity, .report = j->report,
        .host = j->host, .at = j->cursor,
    };
    int rc = option_flag(j->options, "profile") ? profiling_new(j->model, pool_threads(j->pool), &j->profiles, err) : 0;
    t.profiles = j->profiles;
    if (rc == 0)
        rc = trainer_run(&t, err);
    if (rc == 0 && j->profiles)
        rc = tell_profile(j, err);
    if (rc == 0)
        rc = report_state(j->report, "saving", "the model's files", err);
    if (rc == 0)
        rc = save_model(j, &t, err);
    if (rc == 0)
        tell_end(j, &t);
    if (rc == 0)
        rc = clear_run(j, err);
    return rc;
}

static void job_release(train_job *j)
{
    ancestor_free(j->from);
    checkpoint_free(j->checkpoint);
    checkpoint_identity_release(&j->identity);
    checkpoint_identity_release(&j->was);
    profiling_free(j->profiles, j->pool ? pool_threads(j->pool) : 0);
    json_decref(j->profile);
    weights_free(j->weights);
    model_free(j->model);
    dataset_release(&j->data);
    pool_free(j->pool);
    outdir_close(j->dir);
    mem_free(j->spool);
    mem_free(j->real_out);
    quarantine_free(j->request.quarantine);
    mem_free(j->manifest);
}

int shoal_train(const shoal_options *o, const shoal_host *host, shoal_error *err)
{
    train_job j = {.options = o, .host = host};
    shoal_error local;
    int finished = 0;
    const uint64_t start = clock_ns();
    err = err ? err : &local; /* the run's report repeats the first cause */
    err->code = 0;
    int rc = job_request(&j, err);
    if (rc == 0)
        rc = outdir_open(j.out, &j.dir, err);
    if (rc == 0)
        rc = job_spool(&j, err);
    if (rc == 0)
        rc = option_flag(o, "resume") ? resume_out(&j, &finished, err) : check_out(&j, err);
    if (rc < 0 || finished)
        goto out;
    job_config(&j);
    rc = report_new(j.out, o, host, option_f64(o, "stall-timeout"), &j.report, err);
    if (rc < 0)
        goto out;
    rc = job_prepare(&j, err);
    if (rc == 0)
        rc = job_run(&j, err);
    if (rc < 0)
        give_up(&j, rc);
    rc = report_finish(j.report, rc, err);
out:
    if (finished && rc == 0) {
        rc = clear_run(&j, err); /* a kill between the model and the end of its run leaves these */
        if (rc == 0)
            rc = ending_tell(j.out, o, host, err);
        if (rc == 0)
            host_info(host, "%s holds the finished model of this run already; nothing to do", j.out);
    }
    if (rc == 0 && option_flag(o, "json"))
        rc = result_tell(j.out, (double)(clock_ns() - start) * 1e-9, j.profile, host, err);
    job_release(&j);
    return rc;
}
