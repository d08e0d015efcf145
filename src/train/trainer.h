/* trainer.h: the loop over epochs and steps: validation, early stop with the best weights kept, checkpoints, orderly
 * interruption. */
#ifndef TRAIN_TRAINER_H
#define TRAIN_TRAINER_H

#include "model/profile.h"
#include "train/checkpoint.h"
#include "train/dataset.h"
#include "train/optim.h"
#include "train/plan.h"
#include "train/report.h"

enum monitor { MONITOR_LOGLOSS, MONITOR_AUC, MONITOR_AUC_LOGLOSS, MONITOR_GAUC };

typedef struct trainer_config {
    const char *out_dir;
    uint64_t epochs, steps_per_epoch; /* steps_per_epoch 0: all of the plan */
    uint64_t patience;                /* epochs without a better monitored value; 0: no early stop */
    enum monitor monitor;
    uint64_t checkpoint_every;        /* steps; 0: at the end of each epoch only */
    int checkpoint_keep;
    size_t memory;
} trainer_config;

typedef struct trainer {
    const trainer_config *config;
    const dataset *data;
    const model *model;
    weights *weights;
    const kernels *kernels;
    pool *pool;
    const plan *plan;
    optim *optim; /* its plateaus are those of `at` */
    const checkpoint_identity *identity;
    report *report;
    profile *profiles;      /* one a thread, of the steps; NULL: nothing is measured */
    const shoal_host *host;
    cursor at;              /* where the run stands; set before trainer_run when resuming */
    uint64_t rows_this_run;
    uint64_t pack_bytes;    /* read by this run */
} trainer;

uint64_t trainer_epoch_steps(const trainer_config *c, const plan *p);
void cursor_init(cursor *c);
/* Trains from t->at to the end, leaving the best weights (or, without validation, the last ones) in t->weights.
 * INTERRUPTED after a checkpoint was saved. */
int trainer_run(trainer *t, shoal_error *err);

#endif
