/* dataset.h: from the user's sources to what training reads: features with statistics, and packs of raw rows.
 *
 * One pass over the training source guesses or configures the features, gathers their statistics and writes the pack; a
 * second, shorter one packs the validation source. All of it lies in the spool folder, so that a resumed run needs
 * neither source again:
 *
 *   SPOOL/train.pack, valid.pack, groups.pack (pack.h), features.* (modelfile.h), data.json (written last: the spool is whole)
 */
#ifndef TRAIN_DATASET_H
#define TRAIN_DATASET_H

#include <jansson.h>

#include "features/pack.h"
#include "train/report.h"

typedef struct dataset_request {
    const char *const *train; /* paths; none: the stream of slot 0 */
    size_t n_train;
    const char *const *valid; /* paths; none: the stream of slot 1, or no validation */
    size_t n_valid;
    const char *label, *weight;
    const char *group_by; /* column of the validation rows' groups; NULL: none */
    const char *const *drop;
    size_t n_drop;
    const char *features_yaml; /* path, or NULL: guess */
    const features *grow; /* those of a model that the run goes on from, instead of a guess or YAML; NULL: none */
    const char *grow_id;  /* what tells that model from others */
    const char *spool_dir;
    const char *spool_owner; /* NULL: it lies in the OUT that it is of; else that OUT, as a real path */
    size_t memory;
    /* Asked (when not NULL) once the features are known and placed without statistics, before the long pass. */
    int (*check)(void *ctx, const features *f, shoal_error *err);
    void *check_ctx;
    uint64_t sample_rows; /* > 0: only the first rows of the training source, and none to validate on; for trying a run */
    quarantine *quarantine; /* for what the passes meet; NULL: damage ends them */
    const shoal_options *options;
    const shoal_host *host;
} dataset_request;

typedef struct dataset {
    features *features;
    pack *train, *valid;   /* valid NULL: none */
    pack *groups;          /* keys of the validation rows' groups (features/keys.h), block by block beside valid; NULL: none */
    double base_rate;      /* weighted clicks over weighted rows of the training data */
    json_t *files;         /* identity of the sources: {"train/NAME": {"bytes", "sample"}, ...} */
    json_t *digests;       /* {"train": hex, "valid": hex} of the packs */
    uint64_t rows_scanned; /* rows of the training source that this process read; 0: the spool was reused */
} dataset;

/* The identity of the sources' files alone: cheap, for refusing a resume on other data before anything is read. */
int dataset_files(const dataset_request *q, json_t **out, shoal_error *err);
/* What stands for a features file in an identity: the digest of its text, or "guess" without one. */
int dataset_features_digest(const char *path, char out[33], shoal_error *err);
/* With `reuse`, a whole spool of the same request and files is opened instead of reading the sources again. */
int dataset_open(const dataset_request *q, int reuse, pool *threads, report *r, dataset *out, shoal_error *err);
/* The spool can be opened by a later run. */
int dataset_is_whole(const dataset_request *q);
void dataset_release(dataset *d);

#endif
