/* exec_private.h: a micro-batch's tensors, as layers see them.
 *
 * One block of memory is carved into: each layer's out [max_rows x size], its gradient where one is needed, the layers'
 * buffers, and label, weight and logit gradient. All layers compute max_rows rows, so that matrix products have one shape;
 * rows past the batch's are zero in every input and in the logits' gradient, hence zero in every gradient. */
#ifndef MODEL_EXEC_PRIVATE_H
#define MODEL_EXEC_PRIVATE_H

#include "model/index.h"
#include "model/layer.h"
#include "model/profile.h"

struct exec {
    const model *m;
    const kernels *k;
    uint32_t max_rows;
    float *memory;
    float **out, **grad; /* [n_layers]; NULL where there is none */
    float **buffer;      /* [n_layers x LAYER_BUFFERS_MAX] */
    uint8_t *started;    /* [n_layers]: something was added to grad */
    float *label, *weight;
    id_index index;
    profile *profile; /* NULL: nothing is measured */
    /* of the call */
    const weights *w;
    const batch *b;
    const exec_step *step; /* NULL: predicting */
    grads *g;
};

static inline float *exec_out(const exec *x, const layer *l) { return x->out[l->index]; }
static inline const float *exec_in(const exec *x, const layer *l, uint32_t i) { return x->out[l->in[i]]; }
static inline float *exec_buffer(const exec *x, const layer *l, uint32_t i)
{
    return x->buffer[(size_t)l->index * LAYER_BUFFERS_MAX + i];
}
static inline size_t exec_floats(const exec *x, const layer *l) { return (size_t)x->max_rows * shape_size(l->out); }
/* Gradient of the layer's out; the layer may change it in place. */
static inline float *exec_grad(const exec *x, const layer *l) { return x->grad[l->index]; }
/* Gradient of input i to add to, or NULL when nobody needs it. */
float *exec_grad_in(exec *x, const layer *l, uint32_t i);
/* The same for those who can write as well as add: *beta is 0 when there is nothing in it yet (it is garbage), else 1. */
float *exec_grad_in_beta(exec *x, const layer *l, uint32_t i, float *beta);
/* Values, gradients (dense only; the second form zeroed) and batch statistics of the layer's parameter i. */
const float *exec_param(const exec *x, const layer *l, uint32_t i);
float *exec_param_grad(const exec *x, const layer *l, uint32_t i);
float *exec_param_grad_zeroed(const exec *x, const layer *l, uint32_t i);
/* Of its table i: [ids of the micro-batch x cols], a row a slot. */
float *exec_table_grad_zeroed(exec *x, const layer *l, uint32_t i);
const float *exec_aux(const exec *x, const layer *l, uint32_t i);
float *exec_aux_batch(const exec *x, const layer *l, uint32_t i);
/* The rows of table t for a field's keys, d wide, pooled as the field says: into y, or added to it; and their gradients from g to
 * gtable. `slot` lies beside the field's ids. */
void exec_gather(const exec *x, const batch_field *f, size_t t, uint32_t d, int accumulate, float *y, uint32_t ldy);
void exec_scatter(const exec *x, const batch_field *f, size_t t, uint32_t d, const uint32_t *slot, const float *g, uint32_t ldg,
                  float *gtable);
/* Zeroes rows [batch rows, max_rows) of a tensor of that width. */
void exec_zero_tail(const exec *x, float *p, size_t width);
/* Dropout of [max_rows x width] under the step's key and the layer's place; nothing when predicting or rate is 0. */
void exec_dropout(const exec *x, const layer *l, double rate, float *p, uint32_t width);
/* Copies the inputs side by side into to [max_rows x layer_in_size]. */
void exec_concat(const exec *x, const layer *l, float *to);
/* Adds the columns of from [max_rows x layer_in_size] to the gradients of the inputs that need them. */
void exec_split_grad(exec *x, const layer *l, const float *from);

#endif
