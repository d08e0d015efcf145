/* layer_cross.c: cross network (Wang et al. 2017, arXiv:1708.05123): x_0 is the inputs side by side [m x d],
 *
 *   x_{l+1} = x_0 (x_l . w_l) + b_l + x_l,   l = 0 .. layers - 1;   w, b [layers x d]
 *
 * Every x_l is alpha_l x_0 + beta_l, with alpha_l a number a row and beta_l one vector for all rows:
 *
 *   p_l = x_0 . w_l,   c_l = beta_l . w_l,   alpha_{l+1} = alpha_l + alpha_l p_l + c_l,   beta_{l+1} = beta_l + b_l,
 *
 * so that only the first and the last x are ever made, and each layer costs one pass over x_0 each way. */
#include "model/exec_private.h"

static const char *const keys[] = {"layers", NULL};

#define LAYERS_DEFAULT 3
#define LAYERS_MAX 100
#define NONE UINT32_MAX

typedef struct cross {
    uint32_t d, layers;
    uint32_t b_x;     /* buffer of x_0 when there are several inputs, or NONE */
    uint32_t b_rows;  /* numbers a row, each [max_rows]: alpha [layers + 1], p [layers], three for the way back */
    uint32_t b_fixed; /* beta [layers + 1], its gradient, then c [layers], 1 and the gradient of c */
    uint32_t b_gx;
} cross;

enum { WEIGHT, BIAS };

static int configure(layer *l, const conf *c, builder *b, shoal_error *err)
{
    cross *s = layer_own(l, sizeof *s, err);
    if (!s) return SHOAL_NOMEM;
    int64_t layers;
    int rc = conf_i64_or(c, "layers", LAYERS_DEFAULT, 1, LAYERS_MAX, &layers, err);
    if (rc < 0) return rc;
    s->layers = (uint32_t)layers;
    s->d = (uint32_t)layer_in_size(l);
    if (s->d == 0) return layer_error(l, c, err, "its inputs are empty: the data has no columns for them");
    l->out = (shape){.rank = 2, .width = s->d};
    s->b_x = l->n_in > 1 ? layer_add_buffer(l, s->d, 0) : NONE;
    s->b_rows = layer_add_buffer(l, 2 * (size_t)s->layers + 4, 0);
    s->b_fixed = layer_add_buffer(l, 0, (s->layers + 2) * (size_t)s->d + s->layers + 2);
    s->b_gx = layer_add_buffer(l, s->d, 0);
    rc = layer_add_param(l, b,
                         &(param_spec){.suffix = "weight", .kind = PARAM_DENSE, .rows = s->layers, .cols = s->d,
                                       .init = INIT_UNIFORM, .scale = __builtin_sqrt(6.0 / (s->d + 1.0)), .decay = 1},
                         err);
    if (rc < 0) return rc;
    return layer_add_param(l, b, &(param_spec){.suffix = "bias", .kind = PARAM_DENSE, .rows = s->layers, .cols = s->d}, err);
}

static int describe(const layer *l, json_t *to)
{
    const cross *s = l->own;
    return layer_json_int(to, "layers", s->layers);
}

/* ---- where things lie -------------------------------------------------------------------------------------------------- */

static const float *x_0(const cross *s, const layer *l, const exec *x)
{
    return s->b_x == NONE ? exec_in(x, l, 0) : exec_buffer(x, l, s->b_x);
}
static float *rows(const cross *s, const layer *l, const exec *x, size_t i)
{
    return exec_buffer(x, l, s->b_rows) + i * x->max_rows;
}
static float *alpha(const cross *s, const layer *l, const exec *x, uint32_t i) { return rows(s, l, x, i); }
static float *p(const cross *s, const layer *l, const exec *x, uint32_t i) { return rows(s, l, x, s->layers + 1 + i); }
static float *spare(const cross *s, const layer *l, const exec *x, uint32_t i)
{
    return rows(s, l, x, 2 * (size_t)s->layers + 1 + i);
}
static float *beta(const cross *s, const layer *l, const exec *x, uint32_t i)
{
    return exec_buffer(x, l, s->b_fixed) + (size_t)i * s->d;
}
static float *beta_grad(const cross *s, const layer *l, const exec *x) { return beta(s, l, x, s->layers + 1); }
static float *c(const cross *s, const layer *l, const exec *x, uint32_t i) { return beta(s, l, x, s->layers + 2) + i; }
static float *one(const cross *s, const layer *l, const exec *x) { return c(s, l, x, s->layers); }
static float *c_grad(const cross *s, const layer *l, const exec *x) { return c(s, l, x, s->layers + 1); }
static const float *weight(const cross *s, const layer *l, const exec *x, uint32_t i)
{
    return exec_param(x, l, WEIGHT) + (size_t)i * s->d;
}

/* ---- forward ----------------------------------------------------------------------------------------------------------- */

static void start(const cross *s, const layer *l, exec *x)
{
    static const float value = 1;
    x->k->upload(one(s, l, x), &value, sizeof value);
    x->k->zero(alpha(s, l, x, 0), x->max_rows * sizeof(float));
    x->k->bias_add(x->max_rows, 1, one(s, l, x), alpha(s, l, x, 0), 1);
    x->k->zero(beta(s, l, x, 0), s->d * sizeof(float));
}

static void forward_one(const cross *s, const layer *l, exec *x, uint32_t i)
{
    const kernels *k = x->k;
    const uint32_t m = x->max_rows, d = s->d;
    const float *w = weight(s, l, x, i), *a = alpha(s, l, x, i);
    float *next = alpha(s, l, x, i + 1), *dot = p(s, l, x, i);
    k->zero(dot, m * sizeof(float));
    k->row_dot(m, d, x_0(s, l, x), d, w, dot);
    k->zero(c(s, l, x, i), sizeof(float));
    k->row_dot(1, d, beta(s, l, x, i), d, w, c(s, l, x, i));
    k->copy(1, m, a, m, next, m);
    k->mul(m, dot, next);
    k->add(m, a, next);
    k->bias_add(m, 1, c(s, l, x, i), next, 1);
    k->copy(1, d, beta(s, l, x, i), d, beta(s, l, x, i + 1), d);
    k->add(d, exec_param(x, l, BIAS) + (size_t)i * d, beta(s, l, x, i + 1));
}

static void forward(const layer *l, exec *x)
{
    const cross *s = l->own;
    const uint32_t n = s->layers;
    if (s->b_x != NONE) exec_concat(x, l, exec_buffer(x, l, s->b_x));
    start(s, l, x);
    for (uint32_t i = 0; i < n; i++) forward_one(s, l, x, i);
    x->k->rows_scale(x->max_rows, s->d, alpha(s, l, x, n), x_0(s, l, x), s->d, exec_out(x, l), s->d);
    x->k->bias_add(x->max_rows, s->d, beta(s, l, x, n), exec_out(x, l), s->d);
}

/* ---- backward ---------------------------------------------------------------------------------------------------------- */

/* From the gradients of alpha_{i+1} (*ga) and beta_{i+1} to those of alpha_i, beta_i, w_i, b_i; adds to that of x_0. */
static void backward_one(const cross *s, const layer *l, exec *x, uint32_t i, float **ga, float **free_rows)
{
    const kernels *k = x->k;
    const uint32_t m = x->max_rows, d = s->d;
    const float *w = weight(s, l, x, i);
    float *gbeta = beta_grad(s, l, x), *gc = c_grad(s, l, x), *gp = spare(s, l, x, 2), *next = *free_rows;
    float *gw = exec_param_grad(x, l, WEIGHT) + (size_t)i * d, *gb = exec_param_grad(x, l, BIAS) + (size_t)i * d;
    k->copy(1, d, gbeta, d, gb, d);
    k->zero(gc, sizeof *gc);
    k->column_sum(m, 1, *ga, 1, gc);
    k->copy(1, m, *ga, m, gp, m);
    k->mul(m, alpha(s, l, x, i), gp);
    k->zero(gw, d * sizeof *gw);
    k->weighted_rows(m, d, gp, x_0(s, l, x), d, gw);
    k->weighted_rows(1, d, gc, beta(s, l, x, i), d, gw);
    k->row_outer(m, d, gp, w, exec_buffer(x, l, s->b_gx), d);
    k->row_outer(1, d, gc, w, gbeta, d);
    k->copy(1, m, *ga, m, next, m);
    k->mul(m, p(s, l, x, i), next);
    k->add(m, *ga, next);
    *free_rows = *ga;
    *ga = next;
}

static void backward(const layer *l, exec *x)
{
    const cross *s = l->own;
    const kernels *k = x->k;
    const uint32_t m = x->max_rows, d = s->d, n = s->layers;
    const float *g = exec_grad(x, l);
    float *ga = spare(s, l, x, 0), *other = spare(s, l, x, 1), *gx = exec_buffer(x, l, s->b_gx);
    k->zero(ga, m * sizeof *ga);
    k->rows_dot(m, d, g, d, x_0(s, l, x), d, ga);
    k->zero(beta_grad(s, l, x), d * sizeof(float));
    k->column_sum(m, d, g, d, beta_grad(s, l, x));
    k->rows_scale(m, d, alpha(s, l, x, n), g, d, gx, d);
    for (uint32_t i = n; i-- > 0;) backward_one(s, l, x, i, &ga, &other);
    exec_split_grad(x, l, gx);
}

static double work(const layer *l)
{
    const cross *s = l->own;
    return s->d * (6.0 * s->layers + 8.0);
}

const layer_kind layer_cross = {.name = "cross",
                                .keys = keys,
                                .min_in = 1,
                                .max_in = UINT32_MAX,
                                .configure = configure,
                                .describe = describe,
                                .work = work,
                                .forward = forward,
                                .backward = backward};
