/* layer_bi_interaction.c: pairs of fields pooled to one vector (He and Chua 2017, arXiv:1708.05027): e [m x f x d] ->
 * y [m x d] = sum over f < g of e_f * e_g = 1/2 ((sum e)^2 - sum e^2), in linear time. */
#include "model/exec_private.h"

static const char *const keys[] = {NULL};

static int configure(layer *l, const conf *c, builder *b, shoal_error *err)
{
    (void)b;
    int rc = layer_needs_fields(l, c, 0, err);
    if (rc < 0) return rc;
    l->out = (shape){.rank = 2, .width = layer_input(l, 0)->out.width};
    layer_add_buffer(l, l->out.width, 0);
    return 0;
}

static void forward(const layer *l, exec *x)
{
    const shape in = layer_input(l, 0)->out;
    x->k->bi_interaction(x->max_rows, in.fields, in.width, exec_in(x, l, 0), exec_buffer(x, l, 0), exec_out(x, l));
}

static void backward(const layer *l, exec *x)
{
    const shape in = layer_input(l, 0)->out;
    float *to = exec_grad_in(x, l, 0);
    if (to)
        x->k->bi_interaction_back(x->max_rows, in.fields, in.width, exec_in(x, l, 0), exec_buffer(x, l, 0), exec_grad(x, l), to);
}

static double work(const layer *l)
{
    const shape in = layer_input(l, 0)->out;
    return 6.0 * in.fields * in.width;
}

const layer_kind layer_bi_interaction = {.name = "bi_interaction",
                                         .keys = keys,
                                         .min_in = 1,
                                         .max_in = 1,
                                         .configure = configure,
                                         .work = work,
                                         .forward = forward,
                                         .backward = backward};
