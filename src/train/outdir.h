/* outdir.h: the folder of a run: one process at a time, and how a new run takes the place of what is there.
 *
 *   OUT/.lock       held by the process that runs, and naming it
 *   OUT/.replaced/  while a run replaces another: the older one's checkpoints, history, events and features.yaml, and a copy
 *                   of its model.json that tells whether the model in OUT is the old one still
 *
 * A model that is there stays, and can be used, until the new one is whole (modelfile_save). What was moved aside goes when
 * the new run ends well, and comes back when it ends, or is found dead, without a checkpoint of its own. */
#ifndef TRAIN_OUTDIR_H
#define TRAIN_OUTDIR_H

#include "base/error.h"

typedef struct outdir outdir;
/* Makes the folder and locks it; STORAGE, naming the process, when another one has it. Ends what a killed process left half
 * done. */
int outdir_open(const char *path, outdir **out, shoal_error *err);
/* A new run begins: what is of an older one is moved aside. */
int outdir_take_over(outdir *d, shoal_error *err);
int outdir_replaces(const outdir *d); /* an older run is aside */
/* The new model is there: nobody needs the older run any more. */
int outdir_drop_replaced(outdir *d, shoal_error *err);
/* The new run left nothing, neither a model nor a checkpoint: puts back what was moved aside. */
int outdir_restore(outdir *d, shoal_error *err);
/* Lets go of the folder; one that it made and that is empty goes. NULL is nothing. */
void outdir_close(outdir *d);

#endif
