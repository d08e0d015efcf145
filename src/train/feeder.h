/* feeder.h: the rows of a run's steps, read ahead from a pack in the plan's order.
 * A background thread loads windows; at most FEEDER_WINDOWS are in memory. Reading starts at the window that holds the
 * first wanted row, so a resumed run does not read what came before. */
#ifndef TRAIN_FEEDER_H
#define TRAIN_FEEDER_H

#include "base/clocks.h"
#include "features/pack.h"
#include "train/plan.h"

#define FEEDER_WINDOWS 3

typedef struct feeder feeder;
/* Steps [first_step, end_step) of one epoch. pack, plan and `measure` (NULL: nothing is measured) must outlive the
 * feeder. */
int feeder_new(const pack *data, const plan *p, uint64_t epoch, uint64_t first_step, uint64_t end_step, clocks *measure,
               feeder **out, shoal_error *err);
void feeder_free(feeder *f);
/* The rows of the next step in order: refs[rows], valid until the next call. Steps come in sequence. */
int feeder_next(feeder *f, raw_ref *refs, uint32_t *rows, shoal_error *err);
/* Bytes of the pack read so far. */
uint64_t feeder_bytes(const feeder *f);

#endif
