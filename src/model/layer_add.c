/* layer_add.c: the sum of inputs of one shape. */
#include "model/exec_private.h"

static const char *const keys[] = {NULL};

static int configure(layer *l, const conf *c, builder *b, shoal_error *err)
{
    (void)b;
    l->out = layer_input(l, 0)->out;
    for (uint32_t i = 1; i < l->n_in; i++) {
        const layer *in = layer_input(l, i);
        if (in->out.rank != l->out.rank || in->out.fields != l->out.fields || in->out.width != l->out.width)
            return layer_error(l, c, err, "input '%s' has %llu numbers a row and '%s' has %llu; all must have one shape",
                               in->name, (unsigned long long)shape_size(in->out), layer_input(l, 0)->name,
                               (unsigned long long)shape_size(l->out));
    }
    return 0;
}

static void forward(const layer *l, exec *x)
{
    const size_t n = exec_floats(x, l);
    x->k->zero(exec_out(x, l), n * sizeof(float));
    for (uint32_t i = 0; i < l->n_in; i++) x->k->add(n, exec_in(x, l, i), exec_out(x, l));
}

static void backward(const layer *l, exec *x)
{
    for (uint32_t i = 0; i < l->n_in; i++) {
        float *to = exec_grad_in(x, l, i);
        if (to) x->k->add(exec_floats(x, l), exec_grad(x, l), to);
    }
}

const layer_kind layer_add = {.name = "add",
                              .keys = keys,
                              .min_in = 2,
                              .max_in = UINT32_MAX,
                              .configure = configure,
                              .forward = forward,
                              .backward = backward};
