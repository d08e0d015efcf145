/* metrics.h: quality of scores against labels, exact and in bounded memory, the same for any number of threads (scores
 * are added in row order).
 *
 * AUC: the Mann-Whitney statistic with ties counted half, weighted by row weights; exact: (score, label, weight) are kept,
 * and beyond `memory` bytes spilled to spool_dir as sorted runs and merged (ranks.h). Log loss: weighted mean, from logits.
 * Calibration: weighted mean of predictions over weighted mean of labels.
 *
 * GAUC, of rows that have groups (a user's, a query's): the mean of the groups' AUC, weighted by the weights of their rows,
 * over the groups that have both classes (Zhu et al. 2017, "Optimized cost per click in Taobao display advertising"):
 *   GAUC = sum over g of w_g AUC_g / sum over g of w_g.
 * Groups of one class have no AUC and count in neither sum. */
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
    double gauc;        /* NAN without groups of both classes */
    uint64_t groups, groups_mixed; /* 0 when rows have none; those of both classes */
} metrics_result;
int metrics_new(size_t memory, const char *spool_dir, int grouped, metrics **out, shoal_error *err);
/* n rows: logits, labels 0/1, weights (NULL: 1), groups (NULL unless grouped). */
int metrics_add(metrics *m, const float *logit, const float *label, const float *weight, const uint64_t *group, size_t n,
                shoal_error *err);
int metrics_finish(metrics *m, metrics_result *out, shoal_error *err);
void metrics_clear(metrics *m); /* for the next epoch; memory kept */
void metrics_free(metrics *m);

/* Sums over rows, whoever has them in order. */
typedef struct sum2 { /* compensated (Neumaier 1974): the error does not grow with the number of terms */
    double s, c;
} sum2;
typedef struct loss_sums {
    uint64_t rows;
    sum2 weight, loss, prediction, label;
} loss_sums;
void loss_add(loss_sums *l, double logit, int positive, double weight);
/* Fills all of out but AUC, GAUC and groups. */
void loss_result(const loss_sums *l, metrics_result *out);

typedef struct auc_sums { /* rows by ascending score */
    uint32_t score;
    double tied[2]; /* negative, positive weight of the score at hand */
    sum2 total[2], u;
} auc_sums;
void auc_add(auc_sums *a, uint64_t row /* ranks.h */);
double auc_result(auc_sums *a); /* NAN of one class */

#endif
