/* layer_pool.c: fields e [m x f x d] pooled by sum or mean: over the fields to one vector [m x d], or over the width to one
 * number a field [m x f]. */
#include <string.h>

#include "model/exec_private.h"

static const char *const keys[] = {"function", "over", NULL};

typedef struct pool_of {
    int mean, width;
} pool_of;

static int configure(layer *l, const conf *c, builder *b, shoal_error *err)
{
    (void)b;
    pool_of *s = layer_own(l, sizeof *s, err);
    if (!s) return SHOAL_NOMEM;
    const char *function, *over;
    int rc = conf_str_or(c, "function", "sum", &function, err);
    if (rc == 0) rc = conf_str_or(c, "over", "fields", &over, err);
    if (rc == 0) rc = layer_needs_fields(l, c, 0, err);
    if (rc < 0) return rc;
    s->mean = strcmp(function, "mean") == 0;
    s->width = strcmp(over, "width") == 0;
    if (!s->mean && strcmp(function, "sum") != 0)
        return layer_error(l, conf_get(c, "function"), err, "function '%s' is unknown; there are: sum, mean", function);
    if (!s->width && strcmp(over, "fields") != 0)
        return layer_error(l, conf_get(c, "over"), err, "over '%s' is unknown; there are: fields, width", over);
    const shape in = layer_input(l, 0)->out;
    l->out = (shape){.rank = 2, .width = s->width ? in.fields : in.width};
    return 0;
}

static int describe(const layer *l, json_t *to)
{
    const pool_of *s = l->own;
    return layer_json_str(to, "function", s->mean ? "mean" : "sum") || layer_json_str(to, "over", s->width ? "width" : "fields") ? -1
                                                                                                                              : 0;
}

static float scale(const pool_of *s, shape in) { return s->mean ? 1.0f / (float)(s->width ? in.width : in.fields) : 1.0f; }

static void forward(const layer *l, exec *x)
{
    const pool_of *s = l->own;
    const shape in = layer_input(l, 0)->out;
    if (s->width)
        x->k->row_sum(x->max_rows * in.fields, in.width, scale(s, in), exec_in(x, l, 0), exec_out(x, l));
    else
        x->k->field_sum(x->max_rows, in.fields, in.width, scale(s, in), exec_in(x, l, 0), exec_out(x, l));
}

static void backward(const layer *l, exec *x)
{
    const pool_of *s = l->own;
    const shape in = layer_input(l, 0)->out;
    float *to = exec_grad_in(x, l, 0);
    if (!to) return;
    if (s->width)
        x->k->row_spread(x->max_rows * in.fields, in.width, scale(s, in), exec_grad(x, l), to);
    else
        x->k->field_spread(x->max_rows, in.fields, in.width, scale(s, in), exec_grad(x, l), to);
}

const layer_kind layer_pool = {.name = "pool",
                               .keys = keys,
                               .min_in = 1,
                               .max_in = 1,
                               .configure = configure,
                               .describe = describe,
                               .forward = forward,
                               .backward = backward};
