/* state.h: weights and optimiser state as named tensors, in a checkpoint and beside a finished model.
 *
 *   "<param>", "<param>.state0", "<param>.state1", all of one shape; running statistics are "<param>" alone.
 *
 * Beside a model (`--save-state`), for a run that goes on from it, the state alone lies in a file whose name tells its
 * content, so that a new one never takes the place of one that a model still names:
 *
 *   DIR/state-<16 hex digits of its XXH3>.safetensors
 *
 * The model's manifest names it: "state": {"file", "bytes", "xxh3_128", "steps"}; steps are those of the optimiser since its
 * state was zero. */
#ifndef TRAIN_STATE_H
#define TRAIN_STATE_H

#include "model/model.h"
#include "train/manifest.h"
#include "train/safetensors.h"

/* Called for each tensor; slot -1 holds the weights themselves. data is in the weights, rows `stride` floats apart (0: dense). */
typedef int (*state_fn)(void *ctx, const param *p, int slot, const char *name, float *data, uint64_t stride, shoal_error *err);
int state_each(const weights *w, int first_slot, state_fn fn, void *ctx, shoal_error *err);

/* Writes the tensors of the slots from first_slot on. */
int state_write(const char *path, const weights *w, int first_slot, hash128 *sum, shoal_error *err);

/* Writes DIR's state file; *entry is for the manifest. */
int statefile_save(const char *dir, const weights *w, uint64_t steps, json_t **entry, shoal_error *err);
/* Removes the state files of DIR but the one that `entry` (NULL: none) names. */
int statefile_drop_others(const char *dir, const json_t *entry, shoal_error *err);
/* Opens and checks the one that the manifest at `manifest` in DIR names by `entry`. */
int statefile_open(const char *dir, const char *manifest, const json_t *entry, safetensors **out, uint64_t *steps, shoal_error *err);

#endif
