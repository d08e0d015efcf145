/* metrics.h: quality of scores against labels, exact and in bounded memory, the same for any number of threads (scores
 * are added in row order).
 *
 * AUC: the Mann-Whitney statistic with ties counted half, weighted by row weights; exact: (score, label, weight) are kept,
 * and beyond `memory` bytes spilled to spool_dir as sorted runs and merged. Log loss: weighted mean, from logits.
 * Calibration: weighted mean of predictions over weighted mean of labels. */
#ifndef TRAIN_METRICS_H
#define TRAIN_METRICS_H

#include "base/error.h"

typedef struct metrics metrics;
typedef struct metrics_result {
    uint64_t rows;
    double weight;
    double auc;         /* NAN when only one class is there */
    double logloss;
    double calibration; /* NAN when no positive weight */
    double mean_prediction, mean_label;
} metrics_result;
int metrics_new(size_t memory, const char *spool_dir, metrics **out, shoal_error *err);
/* n rows: logits, labels 0/1, weights (NULL: 1). */
int metrics_add(metrics *m, const float *logit, const float *label, const float *weight, size_t n, shoal_error *err);
int metrics_finish(metrics *m, metrics_result *out, shoal_error *err);
void metrics_clear(metrics *m); /* for the next epoch; memory kept */
void metrics_free(metrics *m);

#endif
