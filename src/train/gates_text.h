/* gates_text.h: what `shoal explain` tells of a model's gates and attention, for people and for programs. */
#ifndef TRAIN_GATES_TEXT_H
#define TRAIN_GATES_TEXT_H

#include "base/buf.h"
#include "model/gates.h"

/* A table a layer, largest entries first; means as of gates_finish. Nothing when the model has none. */
int gates_text(const gates *g, const double *means, buf *out, shoal_error *err);
/* [{"layer", "what", "weights": [{"field" | "fields", "weight"}]}] */
int gates_json(const gates *g, const double *means, buf *out, shoal_error *err);

#endif
