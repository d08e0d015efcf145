/* layer_activation.c: a function of each number of one input; see activation.h. */
#include "model/activation.h"

static const char *const keys[] = {"function", "slope", NULL};

static int configure(layer *l, const conf *c, builder *b, shoal_error *err)
{
    activation *s = layer_own(l, sizeof *s, err);
    if (!s) return SHOAL_NOMEM;
    l->out = layer_input(l, 0)->out;
    int rc = activation_read(s, l, c, "function", err);
    return rc < 0 ? rc : activation_declare(s, l, b, (uint32_t)shape_size(l->out), err);
}

static int describe(const layer *l, json_t *to)
{
    return activation_describe(l->own, "function", to);
}

static void forward(const layer *l, exec *x)
{
    exec_concat(x, l, exec_out(x, l));
    activation_forward(l->own, l, x, exec_out(x, l));
}

static void backward(const layer *l, exec *x)
{
    activation_backward(l->own, l, x, exec_out(x, l), exec_grad(x, l));
    exec_split_grad(x, l, exec_grad(x, l));
}

const layer_kind layer_activation = {.name = "activation",
                                     .keys = keys,
                                     .min_in = 1,
                                     .max_in = 1,
                                     .configure = configure,
                                     .describe = describe,
                                     .forward = forward,
                                     .backward = backward};
