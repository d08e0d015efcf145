/* layer_dropout.c: in training, zeroes each number with probability `rate` and scales the others by 1 / (1 - rate). */
#include "model/exec_private.h"

static const char *const keys[] = {"rate", NULL};

typedef struct drop {
    double rate;
} drop;

static int configure(layer *l, const conf *c, builder *b, shoal_error *err)
{
    drop *s = layer_own(l, sizeof *s, err);
    if (!s) return SHOAL_NOMEM;
    l->out = layer_input(l, 0)->out;
    if (!conf_get(c, "rate")) return layer_error(l, c, err, "needs the key 'rate'");
    return layer_dropout_rate(c, "rate", b, &s->rate, err);
}

static int describe(const layer *l, json_t *to)
{
    const drop *s = l->own;
    return layer_json_real(to, "rate", s->rate);
}

static void forward(const layer *l, exec *x)
{
    const drop *s = l->own;
    exec_concat(x, l, exec_out(x, l));
    exec_dropout(x, l, s->rate, exec_out(x, l), (uint32_t)shape_size(l->out));
}

static void backward(const layer *l, exec *x)
{
    const drop *s = l->own;
    exec_dropout(x, l, s->rate, exec_grad(x, l), (uint32_t)shape_size(l->out));
    exec_split_grad(x, l, exec_grad(x, l));
}

const layer_kind layer_dropout = {.name = "dropout",
                                  .keys = keys,
                                  .min_in = 1,
                                  .max_in = 1,
                                  .configure = configure,
                                  .describe = describe,
                                  .forward = forward,
                                  .backward = backward};
