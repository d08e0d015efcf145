/* layer_fm.c: pairs of fields. e [m x f x d] -> y [m x 1] = sum over f < g of <e_f, e_g>, in linear time (Rendle 2010). */
#include "model/exec_private.h"

static const char *const keys[] = {NULL};

static int configure(layer *l, const conf *c, builder *b, shoal_error *err)
{
    (void)b;
    int rc = layer_needs_fields(l, c, 0, err);
    if (rc < 0) return rc;
    l->out = (shape){.rank = 2, .width = 1};
    layer_add_buffer(l, layer_input(l, 0)->out.width, 0);
    return 0;
}

static void forward(const layer *l, exec *x)
{
    const shape in = layer_input(l, 0)->out;
    x->k->zero(exec_out(x, l), x->max_rows * sizeof(float));
    x->k->fm(x->max_rows, in.fields, in.width, exec_in(x, l, 0), exec_buffer(x, l, 0), exec_out(x, l));
}

static void backward(const layer *l, exec *x)
{
    const shape in = layer_input(l, 0)->out;
    float *to = exec_grad_in(x, l, 0);
    if (to) x->k->fm_back(x->max_rows, in.fields, in.width, exec_in(x, l, 0), exec_buffer(x, l, 0), exec_grad(x, l), to);
}

static double work(const layer *l)
{
    const shape in = layer_input(l, 0)->out;
    return 6.0 * in.fields * in.width;
}

const layer_kind layer_fm = {
    .name = "fm", .keys = keys, .min_in = 1, .max_in = 1, .configure = configure, .work = work, .forward = forward, .backward = backward};
