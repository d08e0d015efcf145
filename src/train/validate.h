/* validate.h: the model's quality on a pack of held-out rows, by many threads, in row order: the same bits for any
 * number of them. */
#ifndef TRAIN_VALIDATE_H
#define TRAIN_VALIDATE_H

#include "features/pack.h"
#include "model/model.h"
#include "train/metrics.h"
#include "train/report.h"

typedef struct validator validator;
/* All arguments must outlive the validator. `groups` (NULL: none) has the keys of the rows' groups, block by block. */
int validator_new(const model *m, const kernels *k, const pack *rows, const pack *groups, pool *threads, size_t memory,
                  const char *spool_dir, validator **out, shoal_error *err);
void validator_free(validator *v);
/* INTERRUPTED when the host asks for it. */
int validator_run(validator *v, const weights *w, report *r, const shoal_host *host, metrics_result *out,
                  shoal_error *err);

#endif
