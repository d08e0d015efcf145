/* step.h: the exact step on one machine. Threads take micro-batches: transform, forward, backward; then threads take
 * shards of the tables and slices of the dense parameters: contributions are added in k order and the optimiser applies
 * them. Which thread did what leaves no trace in the result. */
#ifndef TRAIN_STEP_H
#define TRAIN_STEP_H

#include "base/clocks.h"
#include "model/profile.h"
#include "train/optim.h"
#include "train/plan.h"

typedef struct step_result {
    double loss;   /* sum of weighted losses */
    double weight; /* sum of row weights */
    uint32_t rows;
} step_result;

typedef struct stepper stepper;
/* model, weights, kernels, pool, plan, optim and `measure` (NULL: nothing is measured) must outlive the stepper. */
int stepper_new(const model *m, weights *w, const kernels *k, pool *threads, const plan *p, const optim *o,
                clocks *measure, stepper **out, shoal_error *err);
/* Where time goes is added up from here on, in a profile a thread of the pool; they must outlive the stepper. */
void stepper_measure(stepper *s, profile *of_threads);
void stepper_free(stepper *s);
/* One step on the rows of (epoch, epoch_step); `t` counts the steps of the whole run from 0. On failure (out of memory)
 * the weights may be half updated and must not be saved. */
int stepper_run(stepper *s, const raw_ref *rows, uint32_t n, uint64_t epoch, uint64_t epoch_step, uint64_t t,
                step_result *out, shoal_error *err);

#endif
