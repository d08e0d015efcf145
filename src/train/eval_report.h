/* eval_report.h: what `shoal eval` found, for people and for programs. */
#ifndef TRAIN_EVAL_REPORT_H
#define TRAIN_EVAL_REPORT_H

#include "train/slices.h"

typedef struct eval_report {
    const char *model, *path, *kernels;
    const char *group_by; /* NULL: no groups */
    metrics_result all;
    double seconds;
    const char *const *column; /* of the slices */
    const slices_result *slices;
    size_t n_slices;
} eval_report;
int eval_report_json(const eval_report *r, buf *out, shoal_error *err);
int eval_report_text(const eval_report *r, buf *out, shoal_error *err);

#endif
