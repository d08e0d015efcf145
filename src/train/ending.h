/* ending.h: a run that was killed between its model and its last words. */
#ifndef TRAIN_ENDING_H
#define TRAIN_ENDING_H

#include "train/report.h"

/* For an OUT whose model is whole: a run.json that does not say "finished" is made to, with the counts of model.json and, when
 * the old one is of the same step, its metrics. */
int ending_tell(const char *out, const shoal_options *o, const shoal_host *host, shoal_error *err);

#endif
