/* ancestor.h: the finished model that a run goes on from (`--init-from MODEL`).
 *
 * The new run takes the model's network and features. Vocabularies keep their entries in place and get those of the new data
 * behind them; every other statistic stays the model's. Rows of the tables move with their entries, rows of new entries begin
 * with the first values of any run; the optimiser's state and its count of steps go on where the model's folder has them
 * (`--save-state`, state.h). So the result is a function of the model's bytes, the new data and the options. */
#ifndef TRAIN_ANCESTOR_H
#define TRAIN_ANCESTOR_H

#include "base/host.h"
#include "base/option.h"
#include "train/modelfile.h"

typedef struct ancestor ancestor;
/* NULL in *out without --init-from. Options that say something else than the model does are refused by name: label, weight,
 * features, drop, optimizer (setup_model sees to the network). */
int ancestor_open(const shoal_options *o, const shoal_host *host, ancestor **out, shoal_error *err);
void ancestor_free(ancestor *a);

const features *ancestor_features(const ancestor *a);
const conf *ancestor_network(const ancestor *a);
const char *ancestor_path(const ancestor *a);
/* Digests of the weights and of the state: what a resumed run must find again. */
const char *ancestor_id(const ancestor *a);
/* The model's run's own value of a setting that goes on; NULL: not set. */
const json_t *ancestor_setting(const ancestor *a, const char *name);
/* Whether a setting is taken from the model when the options are silent. */
int ancestor_gives(const char *name);
int ancestor_has_state(const ancestor *a);
uint64_t ancestor_steps(const ancestor *a); /* 0 without state */
/* Over first values: weights of a network of the same layers on grown features, and their state. */
int ancestor_values(const ancestor *a, weights *w, shoal_error *err);

#endif
