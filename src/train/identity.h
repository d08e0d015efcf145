/* identity.h: what makes a run this run: the settings, data and kernels that its result depends on. A resume on others
 * is refused by name. */
#ifndef TRAIN_IDENTITY_H
#define TRAIN_IDENTITY_H

#include "train/ancestor.h"
#include "train/checkpoint.h"
#include "train/dataset.h"

/* `from` is the model that the run goes on from, or NULL. */
int identity_new(const shoal_options *o, const ancestor *from, const dataset *d, const model *m, const kernels *k,
                 checkpoint_identity *out, shoal_error *err);
/* Of a finished model's manifest. */
int identity_of_model(const char *dir, checkpoint_identity *out, shoal_error *err);
/* Before anything is read: the options and the files alone against those of an earlier run. */
int identity_check_early(const shoal_options *o, const ancestor *from, json_t *files, const checkpoint_identity *was,
                         shoal_error *err);

#endif
