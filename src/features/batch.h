/* batch.h: what a model eats: the numeric matrix, the keys of each field as rows of the embedding tables (CSR), labels
 * and row weights. All buffers are reused from one micro-batch to the next. */
#ifndef FEATURES_BATCH_H
#define FEATURES_BATCH_H

#include "base/error.h"

/* The keys of one field. Field f owns the rows [base, base + rows) of the shared id space; ids are global. */
typedef struct batch_field {
    const uint32_t *offset; /* [rows + 1] into id; NULL: exactly one id a row */
    const uint32_t *id;
    const float *weight;    /* beside id; NULL: all 1. A mean bag carries 1 / length, an embedded number its value */
    uint32_t n_id;
    int largest;            /* the largest of a row's embeddings counts, column by column, not their sum; weight is NULL */
} batch_field;

typedef struct batch {
    uint32_t rows;
    uint32_t n_dense;
    uint32_t n_fields;
    float *dense;        /* [rows x n_dense], row-major; NULL when n_dense is 0 */
    batch_field *field;  /* [n_fields] */
    float *label;        /* [rows]: 0 or 1; undefined when the source has none */
    float *weight;       /* [rows]: 1 without a weight column */
    struct batch_store *store; /* private: the memory behind the pointers */
} batch;

void batch_init(batch *b);
void batch_release(batch *b);

#endif
