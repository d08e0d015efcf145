/* setup.h: from the options of `train` to the parts of a run, for `train` itself and for `plan`, which tries them. */
#ifndef TRAIN_SETUP_H
#define TRAIN_SETUP_H

#include "features/pack.h"
#include "model/model.h"
#include "train/ancestor.h"
#include "train/dataset.h"
#include "train/plan.h"

/* The sources and what they are to be read as; spool_dir is left to the caller. Pointers stay those of the options and of
 * `from`, the model that the run goes on from (NULL: none). */
int setup_request(const shoal_options *o, const shoal_host *host, const ancestor *from, dataset_request *out, shoal_error *err);
/* --model with its overrides on the features, which must outlive the model; or the network of `from`, from which the options
 * must not differ. */
int setup_model(const shoal_options *o, const ancestor *from, const features *f, model **out, shoal_error *err);
/* Seed, batch and micro-batch over the rows of a pack. */
void setup_plan(const shoal_options *o, const pack *rows, plan *out);

#endif
