/* plan.h: which rows form which micro-batch: a pure function of the data's size and the seed.
 *
 * The order of an epoch. The blocks of the data set are dealt to W windows by strata: stratum s is the W consecutive
 * blocks from s * W on, and each window receives one block of it, under a permutation drawn for (seed, epoch, s). So a
 * window holds blocks from everywhere in the data set, evenly, and a table sorted by label or by day looks to every
 * window like a shuffled one. A window fits in memory (PLAN_WINDOW_BYTES); its rows are permuted under (seed, epoch,
 * window). The epoch's order is the windows one after the other.
 *
 * Step t of an epoch takes the positions [t * batch, (t + 1) * batch) of that order, the last step what is left;
 * micro-batch k of it the next `micro` of those. Nothing here depends on threads, workers or the memory at hand. */
#ifndef TRAIN_PLAN_H
#define TRAIN_PLAN_H

#include "base/error.h"

#define PLAN_WINDOW_BYTES (96u << 20)
#define PLAN_MICRO_MAX 512 /* rows: products of this height already reach the processor's peak, and stay in cache */

typedef struct plan {
    uint64_t rows;
    uint32_t blocks, block_rows, last_block_rows;
    uint64_t seed;
    uint32_t batch, micro;
    uint32_t windows, strata;
} plan;

/* Rows of a micro-batch when the user says nothing. */
uint32_t plan_micro_for(uint32_t batch);
/* `bytes` is the size of all blocks in memory. micro 0: plan_micro_for(batch). rows > 0. */
void plan_init(plan *p, uint64_t rows, uint32_t blocks, uint32_t block_rows, uint64_t bytes, uint64_t seed,
               uint32_t batch, uint32_t micro);
uint64_t plan_steps(const plan *p);                          /* of an epoch */
uint32_t plan_step_rows(const plan *p, uint64_t epoch_step); /* of that step */
uint32_t plan_step_rows_max(const plan *p);                  /* of any step: a batch, or all rows when they are fewer */
uint32_t plan_micros(const plan *p, uint32_t step_rows);     /* micro-batches that hold rows */
uint32_t plan_micros_max(const plan *p);

/* The blocks of an epoch in window order: order[blocks]; window i owns order[start[i]] .. order[start[i + 1] - 1] and the
 * epoch's positions from position[i] to position[i + 1]. start and position have windows + 1 entries. `scratch` holds
 * `windows` numbers. */
void plan_epoch(const plan *p, uint64_t epoch, uint32_t *order, uint32_t *start, uint64_t *position, uint32_t *scratch);
/* perm[i] is the row (within the window's blocks, end to end) at place i of the window. */
void plan_window(const plan *p, uint64_t epoch, uint32_t window, uint32_t rows, uint32_t *perm);

#endif
