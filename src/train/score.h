/* score.h: rows of a table through a model, in order, by many threads, with bounded memory. A reader thread runs ahead by
 * a few batches. The row stream is cut into chunks of SCORE_CHUNK_ROWS from its first row on, whatever the batches of the
 * source are, so that neither they nor the number of threads can change a bit. */
#ifndef TRAIN_SCORE_H
#define TRAIN_SCORE_H

#include "kernels/kernels.h"
#include "train/modelfile.h"

#define SCORE_CHUNK_ROWS 512
#define SCORE_CHUNKS_PER_THREAD 16 /* in one round */
#define SCORE_READ_AHEAD 16        /* batches */

typedef struct score_sink {
    void *ctx;
    /* In row order: the source batch (only valid during the call), its logits, labels (NULL without) and weights. */
    int (*rows)(void *ctx, const struct ArrowArray *batch, const float *logit, const float *label, const float *weight,
                size_t n, shoal_error *err);
} score_sink;
/* With need_label the label column must be there. INTERRUPTED when the host asks for it. */
int score_table(const model *m, const weights *w, const kernels *k, table *t, int need_label, pool *threads,
                const shoal_host *host, const score_sink *out, shoal_error *err);

#endif
