/* result.h: what `train --json` says at its end: one line about the model in --out, made by this process or found there
 * finished. docs/json.md has its fields. */
#ifndef TRAIN_RESULT_H
#define TRAIN_RESULT_H

#include "base/host.h"

/* To the host's out: what model.json holds of the run, and the seconds of this process. */
int result_tell(const char *dir, double seconds, const shoal_host *host, shoal_error *err);

#endif
