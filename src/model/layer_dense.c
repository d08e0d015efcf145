/* layer_dense.c: y = dropout(activation(norm(x W + b))); x [m x in] is the inputs side by side, W [in x units]. With batch
 * norm its beta takes the place of b; `bias: false` leaves b out. Gradients: gW = x^T gz, gx = gz W^T. One unit is a dot product, not a matrix product.
 *
 * W starts uniform in +-sqrt(6 / in) before a relu (He 2015), else in +-sqrt(6 / (in + units)) (Glorot 2010). */
#include <string.h>

#include "model/activation.h"
#include "model/norm.h"

static const char *const keys[] = {"units", "times", "over", "bias", "activation", "slope", "batch_norm", "dropout", "optional", NULL};

#define NONE UINT32_MAX

typedef struct dense {
    uint32_t in, units;
    uint32_t grad_in;     /* leading columns of x whose gradient somebody needs */
    activation activation;
    int batch_norm, with_bias, optional;
    double dropout;
    norm norm;
    uint32_t bias;                       /* parameter, or NONE */
    uint32_t b_x, b_gx, b_z, b_gz, b_y;  /* buffers, or NONE: x and gx of several inputs, z before norm, y before dropout */
} dense;

enum { WEIGHT };

static double init_scale(const dense *s)
{
    double fan = activation_is_rectifier(&s->activation) ? s->in : (double)s->in + s->units;
    return __builtin_sqrt(6.0 / fan);
}

static int read_keys(layer *l, const conf *c, dense *s, builder *b, shoal_error *err)
{
    int of_layer;
    int rc = layer_read_units(l, c, &s->units, &of_layer, err);
    if (rc == 0) rc = activation_read(&s->activation, l, c, "activation", err);
    if (rc == 0) rc = conf_bool_or(c, "bias", 1, &s->with_bias, err);
    if (rc == 0) rc = conf_bool_or(c, "optional", 0, &s->optional, err);
    if (rc == 0) rc = conf_bool_or(c, "batch_norm", 0, &s->batch_norm, err);
    if (rc < 0) return rc;
    if (s->units > 1 && !of_layer) return layer_dropout_rate(c, "dropout", b, &s->dropout, err);
    return conf_f64_or(c, "dropout", 0, 0, 0.9999, &s->dropout, err);
}

/* Which inputs need gradients, and the buffers. */
static void plan(layer *l, dense *s)
{
    const int several = l->n_in > 1;
    const int saved = s->dropout > 0 && activation_keeps_result(&s->activation);
    uint32_t at = 0;
    for (uint32_t i = 0; i < l->n_in; i++) {
        at += (uint32_t)shape_size(layer_input(l, i)->out);
        if (layer_input(l, i)->needs_grad) s->grad_in = at;
    }
    s->b_x = several ? layer_add_buffer(l, s->in, 0) : NONE;
    s->b_gx = several && s->grad_in > 0 ? layer_add_buffer(l, s->in, 0) : NONE;
    s->b_z = s->batch_norm ? layer_add_buffer(l, s->units, 0) : NONE;
    s->b_gz = s->batch_norm ? layer_add_buffer(l, s->units, 0) : NONE;
    s->b_y = saved ? layer_add_buffer(l, s->units, 0) : NONE;
}

static int configure(layer *l, const conf *c, builder *b, shoal_error *err)
{
    dense *s = layer_own(l, sizeof *s, err);
    if (!s) return SHOAL_NOMEM;
    int rc = read_keys(l, c, s, b, err);
    if (rc < 0) return rc;
    s->in = (uint32_t)layer_in_size(l);
    if (s->in == 0 && s->optional) {
        l->out = (shape){.rank = 2};
        return 0;
    }
    if (s->in == 0) return layer_error(l, c, err, "its inputs are empty: the data has no columns for them");
    l->out = (shape){.rank = 2, .width = s->units};
    plan(l, s);
    rc = layer_add_param(l, b,
                         &(param_spec){.suffix = "weight", .kind = PARAM_DENSE, .rows = s->in, .cols = s->units,
                                       .init = INIT_UNIFORM, .scale = init_scale(s), .decay = 1},
                         err);
    s->bias = NONE;
    if (rc < 0) return rc;
    if (s->batch_norm) {
        rc = norm_declare(&s->norm, l, b, s->units, NORM_EPSILON, NORM_MOMENTUM, err);
    } else if (s->with_bias) {
        s->bias = l->n_params;
        rc = layer_add_param(l, b, &(param_spec){.suffix = "bias", .kind = PARAM_DENSE, .rows = 1, .cols = s->units}, err);
    }
    return rc < 0 ? rc : activation_declare(&s->activation, l, b, s->units, err);
}

static int describe(const layer *l, json_t *to)
{
    const dense *s = l->own;
    return layer_json_int(to, "units", s->units) || layer_json_bool(to, "bias", s->with_bias) || activation_describe(&s->activation, "activation", to) ||
                   layer_json_bool(to, "batch_norm", s->batch_norm) || layer_json_real(to, "dropout", s->dropout) || layer_json_bool(to, "optional", s->optional)
               ? -1
               : 0;
}

static double flop(const layer *l)
{
    const dense *s = l->own;
    return s->units == 1 ? 0 : 2.0 * s->units * (2.0 * s->in + s->grad_in);
}

static double work(const layer *l)
{
    const dense *s = l->own;
    return s->units == 1 ? 6.0 * s->in : 2.0 * s->units;
}

static const float *input(const dense *s, const layer *l, const exec *x)
{
    return s->b_x == NONE ? exec_in(x, l, 0) : exec_buffer(x, l, s->b_x);
}

/* z = x W */
static void product(const dense *s, const layer *l, const exec *x, float *z)
{
    const float *w = exec_param(x, l, WEIGHT), *in = input(s, l, x);
    if (s->units > 1) {
        x->k->gemm(0, 0, x->max_rows, s->units, s->in, in, s->in, w, s->units, 0, z, s->units);
        return;
    }
    x->k->zero(z, x->max_rows * sizeof *z);
    x->k->row_dot(x->max_rows, s->in, in, s->in, w, z);
}

static void forward(const layer *l, exec *x)
{
    const dense *s = l->own;
    if (s->in == 0) return;
    float *y = exec_out(x, l), *z = s->batch_norm ? exec_buffer(x, l, s->b_z) : y;
    const size_t n = exec_floats(x, l);
    if (s->b_x != NONE) exec_concat(x, l, exec_buffer(x, l, s->b_x));
    product(s, l, x, z);
    const int fused = s->bias != NONE && s->activation.kind == ACTIVATION_RELU;
    if (s->batch_norm) norm_forward(&s->norm, l, x, z, y);
    if (s->bias != NONE)
        (fused ? x->k->bias_relu : x->k->bias_add)(x->max_rows, s->units, exec_param(x, l, s->bias), y, s->units);
    if (!fused) activation_forward(&s->activation, l, x, y);
    if (s->b_y != NONE) x->k->copy(1, (uint32_t)n, y, (uint32_t)n, exec_buffer(x, l, s->b_y), (uint32_t)n);
    exec_dropout(x, l, s->dropout, y, s->units);
}

/* gx += gz W^T, columns [0, grad_in) */
static void input_grad(const dense *s, const layer *l, exec *x, const float *gz)
{
    float beta = 0, *gx = s->b_gx == NONE ? exec_grad_in_beta(x, l, 0, &beta) : exec_buffer(x, l, s->b_gx);
    const float *w = exec_param(x, l, WEIGHT);
    if (s->units > 1) {
        x->k->gemm(0, 1, x->max_rows, s->grad_in, s->units, gz, s->units, w, s->units, beta, gx, s->in);
    } else {
        if (beta == 0) x->k->zero(gx, (size_t)x->max_rows * s->in * sizeof *gx);
        x->k->row_outer(x->max_rows, s->grad_in, gz, w, gx, s->in);
    }
    if (s->b_gx != NONE) exec_split_grad(x, l, gx);
}

static void backward(const layer *l, exec *x)
{
    const dense *s = l->own;
    float *g = exec_grad(x, l);
    const float *gz = g, *in = input(s, l, x);
    exec_dropout(x, l, s->dropout, g, s->units);
    /* After dropout a relu's y is positive exactly where both let it through. */
    activation_backward(&s->activation, l, x, s->b_y != NONE ? exec_buffer(x, l, s->b_y) : exec_out(x, l), g);
    if (s->batch_norm) {
        float *before = exec_buffer(x, l, s->b_gz);
        norm_backward(&s->norm, l, x, exec_buffer(x, l, s->b_z), g, before);
        gz = before;
    }
    if (s->bias != NONE) x->k->column_sum(x->max_rows, s->units, g, s->units, exec_param_grad_zeroed(x, l, s->bias));
    if (s->units > 1)
        x->k->gemm(1, 0, s->in, s->units, x->max_rows, in, s->in, gz, s->units, 0, exec_param_grad(x, l, WEIGHT), s->units);
    else
        x->k->weighted_rows(x->max_rows, s->in, gz, in, s->in, exec_param_grad_zeroed(x, l, WEIGHT));
    if (s->grad_in > 0) input_grad(s, l, x, gz);
}

static int gate(const layer *l, layer_gate *out)
{
    const dense *s = l->own;
    const layer *in = layer_input(l, 0);
    if (s->units != 1 || l->n_in != 1 || in->out.rank != 2 || strcmp(in->kind->name, "pairs") != 0) return 0;
    *out = (layer_gate){.what = "weight", .of = in, .n = in->out.width};
    return 1;
}

const layer_kind layer_dense = {.name = "dense",
                                .keys = keys,
                                .min_in = 1,
                                .max_in = UINT32_MAX,
                                .configure = configure,
                                .describe = describe,
                                .gate = gate,
                                .flop = flop,
                                .work = work,
                                .forward = forward,
                                .backward = backward};
