/* layer_layer_norm.c: y = (x - mean) / sqrt(variance + epsilon) * gamma + beta (Ba 2016, arXiv:1607.06450), over all numbers
 * of a row, or of fields [m x f x d] over the numbers of each field. Fields share gamma and beta, or with `per_field` have
 * their own. */
#include "model/exec_private.h"

static const char *const keys[] = {"epsilon", "per_field", NULL};

#define EPSILON_DEFAULT 1e-5

enum { GAMMA, BETA };

typedef struct layer_norm {
    double epsilon;
    int per_field;
    uint32_t groups;
} layer_norm;

static int configure(layer *l, const conf *c, builder *b, shoal_error *err)
{
    layer_norm *s = layer_own(l, sizeof *s, err);
    if (!s) return SHOAL_NOMEM;
    int rc = conf_f64_or(c, "epsilon", EPSILON_DEFAULT, 1e-12, 1, &s->epsilon, err);
    if (rc == 0) rc = conf_bool_or(c, "per_field", 0, &s->per_field, err);
    if (rc < 0) return rc;
    l->out = layer_input(l, 0)->out;
    if (shape_size(l->out) == 0) return layer_error(l, c, err, "its input is empty: the data has no columns for it");
    s->groups = s->per_field && l->out.rank == 3 ? l->out.fields : 1;
    rc = layer_add_param(l, b,
                         &(param_spec){.suffix = "gamma", .kind = PARAM_DENSE, .rows = s->groups, .cols = l->out.width,
                                       .init = INIT_CONSTANT, .scale = 1},
                         err);
    if (rc < 0) return rc;
    return layer_add_param(
        l, b, &(param_spec){.suffix = "beta", .kind = PARAM_DENSE, .rows = s->groups, .cols = l->out.width}, err);
}

static int describe(const layer *l, json_t *to)
{
    const layer_norm *s = l->own;
    return layer_json_real(to, "epsilon", s->epsilon) || layer_json_bool(to, "per_field", s->per_field) ? -1 : 0;
}

/* Vectors that are normed each by itself. */
static uint32_t vectors(const layer *l, uint32_t rows) { return l->out.rank == 3 ? rows * l->out.fields : rows; }

static void forward(const layer *l, exec *x)
{
    const layer_norm *s = l->own;
    x->k->layer_norm(vectors(l, x->max_rows), l->out.width, s->groups, (float)s->epsilon, exec_in(x, l, 0),
                     exec_param(x, l, GAMMA), exec_param(x, l, BETA), exec_out(x, l));
}

static void backward(const layer *l, exec *x)
{
    const layer_norm *s = l->own;
    float *gx = exec_grad_in(x, l, 0);
    float *ggamma = exec_param_grad_zeroed(x, l, GAMMA), *gbeta = exec_param_grad_zeroed(x, l, BETA);
    x->k->layer_norm_back(vectors(l, x->b->rows), l->out.width, s->groups, (float)s->epsilon, exec_in(x, l, 0),
                          exec_param(x, l, GAMMA), exec_grad(x, l), gx, ggamma, gbeta);
}

const layer_kind layer_layer_norm = {.name = "layer_norm",
                                     .keys = keys,
                                     .min_in = 1,
                                     .max_in = 1,
                                     .configure = configure,
                                     .describe = describe,
                                     .forward = forward,
                                     .backward = backward};
