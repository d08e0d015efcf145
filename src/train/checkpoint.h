/* checkpoint.h: everything that a run needs to go on, under OUT/checkpoints/.
 *
 *   step-000000001234/state.safetensors   weights ("<param>"), optimiser state ("<param>.state0", ".state1"), auxiliaries
 *   step-000000001234/manifest.json       step, cursor, settings, data, kernels, digest of state
 *
 * Written as the folder ".new.tmp", synced, and made current by one rename; the newest folder whose manifest and digest
 * hold is the current one, older ones beyond `keep` go after that. A name that is taken (a second checkpoint of the same
 * step) gets ".1", ".2", ... behind it, so that no step of the writing ever takes a whole checkpoint away. Weights,
 * optimiser state and cursor live or die together. The best model so far (early stop) is kept as a series of its own,
 * "best-000000001234". */
#ifndef TRAIN_CHECKPOINT_H
#define TRAIN_CHECKPOINT_H

#include "model/model.h"
#include "train/metrics.h"
#include "train/safetensors.h"

#define CHECKPOINT_VERSION 1

/* Where a run stands. Everything in it is the same for any number of threads. */
typedef struct cursor {
    uint64_t step;          /* optimiser steps done, over all epochs */
    uint64_t epoch;         /* current epoch, from 0 */
    uint64_t epoch_step;    /* steps done in it */
    uint64_t rows;          /* training rows counted, over all epochs */
    double epoch_loss, epoch_weight; /* sums of this epoch's training loss */
    double best;            /* best monitored value; NAN: none yet */
    uint64_t best_epoch, best_step;
    metrics_result best_metrics; /* of the validation that gave `best` */
    uint64_t bad_epochs;    /* since the best */
    uint64_t plateaus;      /* epochs without a better validation, of all */
} cursor;

/* What must be the same for a resume: compared by name, so that the refusal can name the first difference. */
typedef struct checkpoint_identity {
    json_t *settings; /* options that shape the result, the features' and model's configuration */
    json_t *data;     /* files with fingerprints, digest and rows of the pack */
    json_t *kernels;  /* {"name", "digest"} */
} checkpoint_identity;

/* The identity stays the caller's. */
int checkpoint_save(const char *out_dir, const char *name /* NULL: by step */, const weights *w, const cursor *c,
                    const checkpoint_identity *id, int keep, shoal_error *err);
/* The newest whole one (name NULL) or the newest of the named series. *found = 0 when there is none. A checkpoint that is
 * there but damaged is skipped with a warning through `host`, in favour of an older one; one of a newer version of the
 * format is refused. Fills id (the caller decrefs: checkpoint_identity_release). Weights are not read yet. c and id may be
 * NULL. */
typedef struct checkpoint checkpoint;
int checkpoint_find(const char *out_dir, const char *name, const shoal_host *host, checkpoint **out, cursor *c,
                    checkpoint_identity *id, int *found, shoal_error *err);
/* Whether any is there, whole or not. */
int checkpoint_any(const char *out_dir, int *any, shoal_error *err);
int checkpoint_load(const checkpoint *k, weights *w, shoal_error *err);
void checkpoint_free(checkpoint *k);
void checkpoint_identity_release(checkpoint_identity *id);
/* USAGE with "cannot resume: 'batch-size' was 4096, is 512; ..." when a setting or the kernel set differs, DATA when the
 * data differs. Parts that are NULL on either side are not compared. */
int checkpoint_compare(const checkpoint_identity *was, const checkpoint_identity *is, shoal_error *err);
/* Removes all of them (after the model was written). */
int checkpoint_clear(const char *out_dir, shoal_error *err);

#endif
