/* index.h: the distinct ids of a micro-batch, grouped by shard, and for each occurrence the place (slot) of its id. One
 * index serves all tables, since they share the id space. */
#ifndef MODEL_INDEX_H
#define MODEL_INDEX_H

#include "model/model.h"

typedef struct id_index {
    uint32_t *key, *value;   /* open addressing: id + 1 (0: free), place in order of appearance */
    size_t key_cap;          /* power of two */
    uint32_t *place, *slot;  /* beside the ids, fields one after another: number in order of appearance; slot */
    size_t slot_cap;
    uint32_t *seen, *rank;   /* ids in order of appearance; their slots */
    size_t seen_cap;
} id_index;

void index_init(id_index *x);
void index_release(id_index *x);
/* Fills g->n_ids, g->id and g->shard, and the lists of x. Ids of 2^32 - 1 and n_ids (the model's) upwards are INTERNAL. */
int index_build(id_index *x, const batch *b, uint32_t n_ids, grads *g, const model *m, shoal_error *err);
/* Makes room for n distinct ids in g. */
int grads_reserve(grads *g, const model *m, size_t n, shoal_error *err);

#endif
