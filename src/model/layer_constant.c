/* layer_constant.c: a trained vector that is the same for every row, [m x units], as the context of a gate. Starts normal. */
#include "model/exec_private.h"

static const char *const keys[] = {"units", "times", "over", "init_std", NULL};

typedef struct constant {
    double init_std;
} constant;

static int configure(layer *l, const conf *c, builder *b, shoal_error *err)
{
    constant *s = layer_own(l, sizeof *s, err);
    if (!s) return SHOAL_NOMEM;
    int of_layer;
    l->out.rank = 2;
    int rc = layer_read_units(l, c, &l->out.width, &of_layer, err);
    if (rc == 0) rc = conf_f64_or(c, "init_std", 0.01, 0, 100, &s->init_std, err);
    if (rc < 0) return rc;
    return layer_add_param(l, b,
                           &(param_spec){.suffix = "value", .kind = PARAM_DENSE, .rows = 1, .cols = l->out.width,
                                         .init = INIT_NORMAL, .scale = s->init_std, .decay = 1},
                           err);
}

static int describe(const layer *l, json_t *to)
{
    const constant *s = l->own;
    return layer_json_int(to, "units", l->out.width) || layer_json_real(to, "init_std", s->init_std) ? -1 : 0;
}

static void forward(const layer *l, exec *x)
{
    float *y = exec_out(x, l);
    x->k->zero(y, exec_floats(x, l) * sizeof *y);
    x->k->bias_add(x->max_rows, l->out.width, exec_param(x, l, 0), y, l->out.width);
}

static void backward(const layer *l, exec *x)
{
    x->k->column_sum(x->max_rows, l->out.width, exec_grad(x, l), l->out.width, exec_param_grad_zeroed(x, l, 0));
}

const layer_kind layer_constant = {
    .name = "constant", .keys = keys, .configure = configure, .describe = describe, .forward = forward, .backward = backward};
