/* slices.h: quality of scores for each value of a column: rows, AUC, log loss, calibration of the most frequent values. Exact and
 * in bounded memory: values are counted (features/counter.h), rows kept in order of value and score (ranks.h), both spilled beyond
 * `memory` bytes. */
#ifndef TRAIN_SLICES_H
#define TRAIN_SLICES_H

#include "base/buf.h"
#include "table/arrow.h"
#include "train/metrics.h"

typedef struct slices slices;
/* The schema is that of what is added; top: values that are told apart. */
int slices_new(const char *column, const struct ArrowSchema *schema, size_t memory, const char *spool_dir, uint32_t top, slices **out,
               shoal_error *err);
void slices_free(slices *s);
int slices_add(slices *s, const struct ArrowArray *from, const float *logit, const float *label, const float *weight, size_t n,
               shoal_error *err);

typedef struct slice {
    view name;              /* the value; nothing: missing */
    metrics_result quality; /* without GAUC */
} slice;
typedef struct slices_result {
    const slice *slice; /* most frequent first, missing ones last */
    size_t n;
    uint64_t values, rows;             /* all of them, missing included */
    uint64_t other_values, other_rows; /* of the values that are not in the list */
} slices_result;
/* Once; what it points to is the object's. */
int slices_finish(slices *s, slices_result *out, shoal_error *err);

#endif
