/* gates.h: the weights that layers of a model give to fields or pairs of fields, to look at: attention, gates, weights of pairs.
 *
 * What a layer has comes from its kind (layer_kind.gate). Where the weights are made anew for each row, they are taken from the
 * workspace after exec_predict and averaged; entries that have several numbers (a gate for each number of an embedding, heads)
 * count by the mean of their sizes. */
#ifndef MODEL_GATES_H
#define MODEL_GATES_H

#include "model/model.h"

typedef struct gates gates;
int gates_new(const model *m, gates **out, shoal_error *err);
void gates_free(gates *g);

typedef struct gate {
    const char *layer;
    const char *what; /* "attention", "gate", "weight" */
    uint32_t n;       /* entries */
    size_t first;     /* place of its sums */
    int fixed;        /* the same for every row: weights of the model */
} gate;
size_t gates_count(const gates *g);
const gate *gates_get(const gates *g, size_t i);
size_t gates_entries(const gates *g); /* of all together */

typedef struct gate_name {
    const char *first, *second; /* fields; second NULL: of one field. first NULL: neither */
} gate_name;
gate_name gates_name(const gates *g, size_t i, uint32_t entry);

/* Numbers that one row needs to be looked at. */
size_t gates_scratch(const gates *g);
/* After exec_predict on b: adds the rows' entries, times their weights, to sums [entries]. */
void gates_add(const gates *g, const exec *x, const batch *b, float *scratch, double *sums);
/* Sums to means by the sum of weights; the model's own weights are filled in. */
void gates_finish(const gates *g, const weights *w, double weight, double *sums);

#endif
