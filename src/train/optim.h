/* optim.h: the optimiser's settings and what they are at a given step: learning-rate schedule, bias corrections. */
#ifndef TRAIN_OPTIM_H
#define TRAIN_OPTIM_H

#include "base/option.h"
#include "model/model.h"

enum lr_schedule { LR_CONSTANT, LR_LINEAR, LR_COSINE, LR_STEP, LR_PLATEAU };

#define LR_LEAST 1e-6 /* below it a plateau lowers no rate */

typedef struct optim {
    enum optimizer_kind kind;
    double lr, l1, l2, embedding_l2, momentum, beta1, beta2, epsilon, ftrl_beta, accumulator;
    enum lr_schedule schedule;
    uint64_t warmup_steps, total_steps;
    uint64_t plateaus;     /* epochs so far without a better validation; the trainer counts them */
    uint64_t steps_before; /* of earlier runs that the state has seen; 0 unless set after optim_from */
    int dense_embeddings; /* every row of every table takes part in every step, not only those that were touched */
} optim;

/* From the options of `train`. total_steps is that of the whole run. */
int optim_from(const shoal_options *o, uint64_t total_steps, optim *out, shoal_error *err);
/* Learning rate of step t, counted from 0: rises linearly over warmup_steps, then by schedule down to 0 at total_steps:
 * linear, cosine (half a wave); step: a tenth from half-way, a hundredth from three quarters; plateau: a tenth after each
 * of `plateaus`, down to LR_LEAST. */
double optim_lr(const optim *o, uint64_t t);
/* The settings for a parameter: the run's, or with what its layer says of its own. */
optim optim_of(const optim *run, const param *p);
/* State arrays that a model's weights need: those of the greediest optimiser. */
int optim_slots(const optim *run, const model *m);
/* The kernels' arguments for step t; `is_table` selects embedding_l2. */
optimizer_step optim_at(const optim *o, uint64_t t, int is_table);

#endif
