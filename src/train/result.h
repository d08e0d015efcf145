/* result.h: what `train --json` says at its end: one line about the model in --out, made by this process or found there
 * finished. docs/json.md has its fields. */
#ifndef TRAIN_RESULT_H
#define TRAIN_RESULT_H

#include <jansson.h>

#include "base/host.h"

/* To the host's out: what model.json holds of the run, the seconds of this process, and what --profile found (NULL: nothing). */
int result_tell(const char *dir, double seconds, json_t *profile, const shoal_host *host, shoal_error *err);

#endif
