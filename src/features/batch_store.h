/* batch_store.h: the memory behind a batch; grows, never shrinks. Private to the folder. */
#ifndef FEATURES_BATCH_STORE_H
#define FEATURES_BATCH_STORE_H

#include "features/batch.h"

typedef struct batch_lane { /* of one field */
    uint32_t *offset;
    uint32_t *id;
    float *weight;
    size_t offset_cap, id_cap, weight_cap;
} batch_lane;

struct batch_store {
    float *dense, *label, *weight;
    size_t dense_cap, label_cap, weight_cap;
    uint64_t *key; /* one column of keys or numbers, gathered from the raw rows */
    size_t key_cap;
    batch_field *field;
    batch_lane *lane;
    uint32_t n_lanes;
};

/* Room for rows, n_dense and n_fields; sets the pointers of b except those of its fields. */
int batch_shape(batch *b, uint32_t rows, uint32_t n_dense, uint32_t n_fields, shoal_error *err);
/* Room for n elements in *p, contents lost; nothing happens when there is enough. */
int batch_room(void *p, size_t *cap, size_t n, size_t size, shoal_error *err);

#endif
