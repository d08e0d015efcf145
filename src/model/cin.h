/* cin.h: a compressed interaction network: layer_cin.c has the formula and reads and declares it, cin.c computes. */
#ifndef MODEL_CIN_H
#define MODEL_CIN_H

#include "model/exec_private.h"

#define CIN_LAYERS_MAX 16
/* A block of products: places (rows of the batch where there are only sums) by pairs. */
#define CIN_PLACES 256
#define CIN_COLUMNS 352
#define CIN_SUM_ROWS 128
#define CIN_SUM_COLUMNS 640

typedef struct cin {
    uint32_t fields, dim, layers;
    uint32_t units[CIN_LAYERS_MAX];
    int split_half, relu;
    uint32_t rows;       /* of the batch in a panel */
    size_t all, widest;  /* sum and greatest of units, of the layers whose X^k is made */
    size_t most;         /* units of any layer */
    uint32_t b_x0;       /* X^0, and for sums once more, [dim x fields] of each row */
    uint32_t b_x, b_g;   /* X^k one after another; gradients of X^0 and of two X^k */
    uint32_t b_z;        /* Z and its gradient */
    uint32_t b_pairs;    /* the first layer's W of pairs and its gradient */
    uint32_t b_sums;     /* [units x rows] twice */
} cin;

/* Parameters: weight of layer k, then its bias. */
static inline uint32_t cin_weight_of(uint32_t k) { return 2 * k; }
static inline uint32_t cin_bias_of(uint32_t k) { return 2 * k + 1; }

/* Units of X^{k-1} that layer k reads, the first of X^k that goes to the output. */
static inline uint32_t cin_units_in(const cin *s, uint32_t k)
{
    return k == 0 ? s->fields : s->split_half ? s->units[k - 1] / 2 : s->units[k - 1];
}
static inline uint32_t cin_first_out(const cin *s, uint32_t k) { return s->split_half && k + 1 < s->layers ? s->units[k] / 2 : 0; }

/* Whether only the sums of layer k are made. */
static inline int cin_sums_only(const cin *s, uint32_t k) { return k + 1 == s->layers && !s->relu; }
/* Whether layer k has each pair of fields once. */
static inline int cin_folded(const cin *s, uint32_t k) { return k == 0 && !cin_sums_only(s, k); }

/* Rows whose sums are made at a time: whole panels. */
static inline uint32_t cin_sum_rows(const cin *s) { return s->rows < CIN_SUM_ROWS ? CIN_SUM_ROWS / s->rows * s->rows : s->rows; }
/* Floats of a block of Z, of places or of sums. */
static inline size_t cin_block_floats(const cin *s)
{
    const size_t f = s->fields, z = (size_t)s->rows * s->dim * (f > CIN_COLUMNS ? f : CIN_COLUMNS);
    const size_t sums = (size_t)cin_sum_rows(s) * (f > CIN_SUM_COLUMNS ? f : CIN_SUM_COLUMNS);
    return z > sums ? z : sums;
}
static inline size_t cin_pairs_of(const cin *s) { return (size_t)layer_pairs_of(s->fields, 1); }

void cin_forward(const layer *l, exec *x);
void cin_backward(const layer *l, exec *x);

#endif
