/* layer_batch_norm.c: batch norm of one input; see norm.h. */
#include "model/norm.h"

static const char *const keys[] = {"epsilon", "momentum", NULL};

typedef struct batch_norm {
    norm norm;
    double epsilon, momentum;
} batch_norm;

static int configure(layer *l, const conf *c, builder *b, shoal_error *err)
{
    batch_norm *s = layer_own(l, sizeof *s, err);
    if (!s) return SHOAL_NOMEM;
    int rc = conf_f64_or(c, "epsilon", NORM_EPSILON, 1e-12, 1, &s->epsilon, err);
    if (rc == 0) rc = conf_f64_or(c, "momentum", NORM_MOMENTUM, 0, 1, &s->momentum, err);
    if (rc < 0) return rc;
    l->out = layer_input(l, 0)->out;
    if (shape_size(l->out) == 0) return layer_error(l, c, err, "its input is empty: the data has no columns for it");
    layer_add_buffer(l, shape_size(l->out), 0);
    return norm_declare(&s->norm, l, b, (uint32_t)shape_size(l->out), s->epsilon, s->momentum, err);
}

static int describe(const layer *l, json_t *to)
{
    const batch_norm *s = l->own;
    return layer_json_real(to, "epsilon", s->epsilon) || layer_json_real(to, "momentum", s->momentum) ? -1 : 0;
}

static void forward(const layer *l, exec *x)
{
    const batch_norm *s = l->own;
    norm_forward(&s->norm, l, x, exec_in(x, l, 0), exec_out(x, l));
}

static void backward(const layer *l, exec *x)
{
    const batch_norm *s = l->own;
    float *gx = exec_buffer(x, l, 0);
    norm_backward(&s->norm, l, x, exec_in(x, l, 0), exec_grad(x, l), gx);
    exec_split_grad(x, l, gx);
}

const layer_kind layer_batch_norm = {.name = "batch_norm",
                                     .keys = keys,
                                     .min_in = 1,
                                     .max_in = 1,
                                     .configure = configure,
                                     .describe = describe,
                                     .forward = forward,
                                     .backward = backward};
