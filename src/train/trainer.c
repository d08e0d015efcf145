#include "train/trainer.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "train/feeder.h"
#include "train/step.h"
#include "train/validate.h"

#define BEST "best"
#define AUC_TOO_GOOD 0.999 /* clicks are never so certain: a column knows the label */

uint64_t trainer_epoch_steps(const trainer_config *c, const plan *p)
{
    uint64_t steps = plan_steps(p);
    return c->steps_per_epoch && c->steps_per_epoch < steps ? c->steps_per_epoch : steps;
}

void cursor_init(cursor *c)
{
    memset(c, 0, sizeof *c);
    c->best = NAN;
}

static int save(trainer *t, const char *name, shoal_error *err)
{
    report_beat(t->report);
    return checkpoint_save(t->config->out_dir, name, t->weights, &t->at, t->identity, t->config->checkpoint_keep, err);
}

static int interrupted(trainer *t, shoal_error *err)
{
    int rc = save(t, NULL, err);
    if (rc < 0)
        return rc;
    return error_set(err, SHOAL_INTERRUPTED,
                     "interrupted at step %llu; the state is saved in %s: the same command with --resume continues",
                     (unsigned long long)t->at.step, t->config->out_dir);
}

static report_step progress_of(const trainer *t)
{
    uint64_t steps = trainer_epoch_steps(t->config, t->plan);
    uint64_t planned = steps * t->plan->batch < t->plan->rows ? steps * t->plan->batch : t->plan->rows;
    uint64_t done = t->at.epoch_step * t->plan->batch;
    report_step s = {
        .epoch = t->at.epoch,
        .epochs = t->config->epochs,
        .step = t->at.step,
        .epoch_step = t->at.epoch_step,
        .epoch_steps = steps,
        .rows_trained = t->at.rows,
        .rows_this_run = t->rows_this_run,
        .epoch_rows = done < planned ? done : planned,
        .epoch_rows_planned = planned,
        .loss = t->at.epoch_weight > 0 ? t->at.epoch_loss / t->at.epoch_weight : NAN,
        .lr = optim_lr(t->optim, t->at.step ? t->at.step - 1 : 0),
    };
    return s;
}

/* One step, counted. */
static int train_step(trainer *t, stepper *s, feeder *f, raw_ref *refs, shoal_error *err)
{
    uint32_t n;
    step_result result;
    int rc = feeder_next(f, refs, &n, err);
    if (rc == 0)
        rc = stepper_run(s, refs, n, t->at.epoch, t->at.epoch_step, t->at.step, &result, err);
    if (rc < 0)
        return rc;
    t->at.step++;
    t->at.epoch_step++;
    t->at.rows += n;
    t->rows_this_run += n;
    t->at.epoch_loss += result.loss;
    t->at.epoch_weight += result.weight;
    report_beat(t->report);
    report_step p = progress_of(t);
    return report_train(t->report, &p, err);
}

/* The rest of the epoch's steps. */
static int train_epoch(trainer *t, stepper *s, raw_ref *refs, shoal_error *err)
{
    uint64_t steps = trainer_epoch_steps(t->config, t->plan);
    feeder *f = NULL;
    if (t->at.epoch_step >= steps)
        return 0;
    int rc = report_state(t->report, "training", "rows of the spool", err);
    if (rc == 0)
        rc = feeder_new(t->data->train, t->plan, t->at.epoch, t->at.epoch_step, steps, report_clocks(t->report), &f, err);
    while (rc == 0 && t->at.epoch_step < steps) {
        rc = train_step(t, s, f, refs, err);
        if (rc < 0)
            break;
        uint64_t every = t->config->checkpoint_every;
        if (host_interrupted(t->host))
            rc = interrupted(t, err);
        else if (every && t->at.step % every == 0)
            rc = save(t, NULL, err);
    }
    if (f)
        t->pack_bytes += feeder_bytes(f);
    feeder_free(f);
    return rc;
}

static double monitored(enum monitor by, const metrics_result *m)
{
    switch (by) {
    case MONITOR_AUC: return m->auc;
    case MONITOR_AUC_LOGLOSS: return m->auc - m->logloss;
    case MONITOR_GAUC: return m->gauc;
    case MONITOR_LOGLOSS: break;
    }
    return m->logloss;
}

static const char *monitor_text(enum monitor by)
{
    switch (by) {
    case MONITOR_AUC: return "AUC";
    case MONITOR_AUC_LOGLOSS: return "AUC less log loss";
    case MONITOR_GAUC: return "GAUC";
    case MONITOR_LOGLOSS: break;
    }
    return "log loss";
}

static int is_better(const trainer *t, double value)
{
    if (isnan(value))
        return 0;
    if (isnan(t->at.best))
        return 1;
    return t->config->monitor == MONITOR_LOGLOSS ? value < t->at.best : value > t->at.best;
}

/* Judges the epoch; the best weights so far are kept on disk. */
static int judge(trainer *t, const metrics_result *m, int *better, shoal_error *err)
{
    double value = monitored(t->config->monitor, m);
    *better = is_better(t, value);
    if (!*better) {
        t->at.bad_epochs++;
        t->at.plateaus++;
        return 0;
    }
    t->at.best = value;
    t->at.best_epoch = t->at.epoch;
    t->at.best_step = t->at.step;
    t->at.bad_epochs = 0;
    t->at.best_metrics = *m;
    return t->at.epoch + 1 < t->config->epochs ? save(t, BEST, err) : 0; /* the last weights are at hand at the end */
}

static int stopped_early(const trainer *t)
{
    return t->data->valid && t->config->patience && t->at.bad_epochs >= t->config->patience;
}

static int end_epoch(trainer *t, validator *v, double seconds, shoal_error *err)
{
    metrics_result m;
    int better = 0, rc = 0;
    if (v) {
        rc = report_state(t->report, "validating", "rows of the validation spool", err);
        if (rc == 0)
            rc = validator_run(v, t->weights, t->report, t->host, &m, err);
        if (rc == SHOAL_INTERRUPTED)
            return interrupted(t, err); /* the epoch's steps are done; its validation will be run again */
        if (rc == 0)
            rc = judge(t, &m, &better, err);
    }
    if (rc < 0)
        return rc;
    report_step p = progress_of(t);
    rc = report_epoch(t->report, &p, seconds, v ? &m : NULL, better, err);
    t->optim->plateaus = t->at.plateaus;
    t->at.epoch++;
    t->at.epoch_step = 0;
    t->at.epoch_loss = t->at.epoch_weight = 0;
    if (rc < 0 || t->at.epoch >= t->config->epochs || stopped_early(t))
        return rc; /* the model itself is written next: a checkpoint would be thrice its size for nothing */
    return save(t, NULL, err);
}

static int load_best(trainer *t, shoal_error *err)
{
    checkpoint *k = NULL;
    cursor c;
    int found = 0;
    if (!t->data->valid || isnan(t->at.best) || t->at.best_step == t->at.step)
        return 0; /* the last weights are the best */
    int rc = checkpoint_find(t->config->out_dir, BEST, t->host, &k, &c, NULL, &found, err);
    if (rc == 0 && (!found || c.best_step != t->at.best_step))
        rc = error_set(err, SHOAL_DATA, "%s/checkpoints/" BEST " is missing or is not that of step %llu; train anew with "
                       "--overwrite", t->config->out_dir, (unsigned long long)t->at.best_step);
    if (rc == 0)
        rc = checkpoint_load(k, t->weights, err);
    checkpoint_free(k);
    return rc;
}

int trainer_run(trainer *t, shoal_error *err)
{
    stepper *s = NULL;
    validator *v = NULL;
    raw_ref *refs = mem_calloc(plan_step_rows_max(t->plan), sizeof *refs);
    int rc = refs ? 0 : error_nomem(err, plan_step_rows_max(t->plan) * sizeof *refs, "the rows of a step");
    t->optim->plateaus = t->at.plateaus;
    if (rc == 0)
        rc = stepper_new(t->model, t->weights, t->kernels, t->pool, t->plan, t->optim, report_clocks(t->report), &s, err);
    if (rc == 0 && t->profiles)
        stepper_measure(s, t->profiles);
    if (rc == 0 && t->data->valid)
        rc = validator_new(t->model, t->kernels, t->data->valid, t->data->groups, t->pool, t->config->memory, t->config->out_dir, &v, err);
    while (rc == 0 && t->at.epoch < t->config->epochs && !stopped_early(t)) {
        uint64_t start = clock_ns();
        rc = train_epoch(t, s, refs, err);
        if (rc == 0)
            rc = end_epoch(t, v, (double)(clock_ns() - start) * 1e-9, err);
    }
    if (rc == 0 && stopped_early(t))
        host_info(t->host, "stopped early: no better %s in %llu epochs; the weights of epoch %llu are kept",
                  monitor_text(t->config->monitor), (unsigned long long)t->at.bad_epochs, (unsigned long long)t->at.best_epoch + 1);
    if (rc == 0 && t->data->valid && t->at.best_metrics.auc > AUC_TOO_GOOD)
        host_warn(t->host, "a validation AUC of %.4f is too good to be true: does a column give the label away?",
                  t->at.best_metrics.auc);
    if (rc == 0)
        rc = load_best(t, err);
    validator_free(v);
    stepper_free(s);
    mem_free(refs);
    return rc;
}
