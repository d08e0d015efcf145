/* importance.h: how much a model leans on each of its features: by how much the log loss rises, and the AUC falls, when the
 * feature's values are dealt to the rows anew (Breiman 2001, "Random forests", section 10; Fisher, Rudin and Dominici 2019).
 *
 * The permutation of a feature is a function of the seed and the feature's name; rows are scored in chunks of a fixed size and
 * summed in order, so the result is the same for any number of threads. */
#ifndef TRAIN_IMPORTANCE_H
#define TRAIN_IMPORTANCE_H

#include "features/sample.h"
#include "model/gates.h"
#include "train/metrics.h"

typedef struct importance {
    const feature *feature;
    metrics_result quality; /* of the permuted rows */
} importance;

typedef struct importance_request {
    const model *model;
    const weights *weights;
    const kernels *kernels;
    pool *threads;
    const raw_sample *rows;
    uint64_t seed;
    const shoal_host *host;
    const gates *gates;   /* of the model */
    double *gate_means;   /* [gates_entries]: of the first IMPORTANCE_GATE_ROWS rows as they are; zeros */
} importance_request;

#define IMPORTANCE_GATE_ROWS 131072

/* out: [features of the model], in their order; base: of the rows as they are. INTERRUPTED when the host asks for it. */
int importance_measure(const importance_request *q, metrics_result *base, importance *out, shoal_error *err);

#endif
