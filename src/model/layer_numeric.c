/* layer_numeric.c: the batch's numeric matrix [m x n_dense] as a tensor. */
#include "model/exec_private.h"

static int configure(layer *l, const conf *c, builder *b, shoal_error *err)
{
    (void)c;
    (void)err;
    l->out = (shape){.rank = 2, .width = b->m->f->n_dense};
    return 0;
}

static void forward(const layer *l, exec *x)
{
    const size_t width = l->out.width;
    if (width == 0) return;
    x->k->upload(exec_out(x, l), x->b->dense, x->b->rows * width * sizeof(float));
    exec_zero_tail(x, exec_out(x, l), width);
}

const layer_kind layer_numeric = {.name = "numeric", .configure = configure, .forward = forward};
