/* profile.h: where the time of training goes, layer by layer: one profile a thread, added up at the end.
 *
 * FLOP are those of the formulas: of matrix products (layer_kind.flop) for all rows of a micro-batch, padding too, and the
 * others' (layer_kind.work). Bytes are the least that a layer moves, were nothing left in a cache: forward its inputs, output
 * and weights; backward the gradient of its output, its inputs and their gradients, its weights and theirs; of tables the rows
 * of the keys, and their gradients a distinct id. */
#ifndef MODEL_PROFILE_H
#define MODEL_PROFILE_H

#include "base/thread.h"
#include "model/model.h"

enum profile_stage {
    PROFILE_FEATURES, /* rows of the spool to a batch */
    PROFILE_INDEX,    /* the distinct ids of a micro-batch */
    PROFILE_LOSS,
    PROFILE_TABLES,   /* sums and optimiser of the tables */
    PROFILE_DENSE,    /* of all other weights, and running statistics */
    PROFILE_STAGES
};

typedef struct profile_layer {
    uint64_t forward_ns, backward_ns;
} profile_layer;

typedef struct profile {
    profile_layer *layer; /* [model_layers] */
    uint32_t n_layers;
    uint64_t stage_ns[PROFILE_STAGES];
    uint64_t rows, computed; /* of the data; with padding */
    uint64_t batches, keys, ids; /* micro-batches; keys in them; distinct ids of each */
} profile;

int profile_init(profile *p, const model *m, shoal_error *err);
void profile_release(profile *p);
void profile_add(profile *to, const profile *from);
void profile_count(profile *p, const batch *b, uint32_t computed, uint32_t ids);

static inline uint64_t profile_start(const profile *p) { return p ? clock_ns() : 0; }
static inline void profile_stop(uint64_t *ns, uint64_t start) { *ns += clock_ns() - start; }

/* What a layer is and did. */
typedef struct profile_row {
    const char *name, *kind;
    double forward_s, backward_s;
    double gemm_flop, flop; /* of matrix products; all */
    double bytes;
} profile_row;
profile_row profile_layer_row(const profile *p, const model *m, uint32_t layer);
const char *profile_stage_name(enum profile_stage s);

#endif
