/* spool_owner.h: whose a spool below --spool-dir is. SPOOL/owner.json: {"format": "shoal-spool", "version": 1, "out", "host", "pid"};
 * one whose OUT was removed by hand belongs to nobody. */
#ifndef TRAIN_SPOOL_OWNER_H
#define TRAIN_SPOOL_OWNER_H

#include "base/error.h"

#define SPOOL_PREFIX "shoal-spool-"

/* `out` is a real path. */
int spool_owner_write(const char *spool, const char *out, shoal_error *err);
/* Removes the spools in dir whose OUT was on this host and is not there any more, unless the process that filled them lives. What
 * cannot be removed stays. */
void spool_owner_sweep(const char *dir);

#endif
