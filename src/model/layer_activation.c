/* layer_activation.c: relu, sigmoid or tanh of one input. */
#include "model/activation.h"
#include "model/exec_private.h"

static const char *const keys[] = {"function", NULL};

typedef struct act {
    enum activation function;
} act;

static int configure(layer *l, const conf *c, builder *b, shoal_error *err)
{
    (void)b;
    act *s = layer_own(l, sizeof *s, err);
    if (!s) return SHOAL_NOMEM;
    l->out = layer_input(l, 0)->out;
    return activation_read(l, c, "function", &s->function, err);
}

static int describe(const layer *l, json_t *to)
{
    const act *s = l->own;
    return layer_json_str(to, "function", activation_name(s->function));
}

static void forward(const layer *l, exec *x)
{
    const act *s = l->own;
    exec_concat(x, l, exec_out(x, l));
    activation_forward(x->k, s->function, exec_floats(x, l), exec_out(x, l));
}

static void backward(const layer *l, exec *x)
{
    const act *s = l->own;
    activation_backward(x->k, s->function, exec_floats(x, l), exec_out(x, l), exec_grad(x, l));
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
