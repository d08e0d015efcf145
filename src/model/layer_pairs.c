/* layer_pairs.c: every pair i < j of fields by itself, with `self` i <= j, in order of i, then j: e [m x f x d] ->
 *   inner      <e_i, e_j>   [m x pairs]       (PNN, FwFM, DLRM)
 *   hadamard   e_i * e_j    [m x pairs x d]   (AFM) */
#include <string.h>

#include "model/exec_private.h"

static const char *const keys[] = {"product", "self", NULL};

typedef struct pairs {
    int hadamard, self;
} pairs;

static int configure(layer *l, const conf *c, builder *b, shoal_error *err)
{
    (void)b;
    pairs *s = layer_own(l, sizeof *s, err);
    if (!s) return SHOAL_NOMEM;
    const char *product;
    int rc = conf_str_or(c, "product", "inner", &product, err);
    if (rc == 0) rc = conf_bool_or(c, "self", 0, &s->self, err);
    if (rc == 0) rc = layer_needs_fields(l, c, 0, err);
    if (rc < 0) return rc;
    s->hadamard = strcmp(product, "hadamard") == 0;
    if (!s->hadamard && strcmp(product, "inner") != 0)
        return layer_error(l, conf_get(c, "product"), err, "product '%s' is unknown; there are: inner, hadamard", product);
    const shape in = layer_input(l, 0)->out;
    const uint64_t n = layer_pairs_of(in.fields, s->self);
    if (n == 0) return layer_error(l, c, err, "the data has one field, which makes no pair");
    if (n > UINT32_MAX / 4) return layer_error(l, c, err, "%llu pairs of fields are beyond all reason", (unsigned long long)n);
    l->out = s->hadamard ? (shape){.rank = 3, .fields = (uint32_t)n, .width = in.width} : (shape){.rank = 2, .width = (uint32_t)n};
    if (!s->hadamard) layer_add_buffer(l, 0, KERNEL_PAIR_SCRATCH(in.fields, in.width));
    return 0;
}

static int describe(const layer *l, json_t *to)
{
    const pairs *s = l->own;
    return layer_json_str(to, "product", s->hadamard ? "hadamard" : "inner") || layer_json_bool(to, "self", s->self) ? -1 : 0;
}

static void forward(const layer *l, exec *x)
{
    const pairs *s = l->own;
    const shape in = layer_input(l, 0)->out;
    const float *e = exec_in(x, l, 0);
    if (s->hadamard)
        x->k->pair_product(x->max_rows, in.fields, in.width, s->self, e, e, exec_out(x, l));
    else
        x->k->pair_inner(x->max_rows, in.fields, in.width, s->self, e, exec_buffer(x, l, 0), exec_out(x, l));
}

static void backward(const layer *l, exec *x)
{
    const pairs *s = l->own;
    const shape in = layer_input(l, 0)->out;
    const float *e = exec_in(x, l, 0), *g = exec_grad(x, l);
    float *to = exec_grad_in(x, l, 0);
    if (!to) return;
    if (s->hadamard)
        x->k->pair_product_back(x->b->rows, in.fields, in.width, s->self, e, e, g, to, to);
    else
        x->k->pair_inner_back(x->b->rows, in.fields, in.width, s->self, e, g, exec_buffer(x, l, 0), to);
}

static double work(const layer *l)
{
    const pairs *s = l->own;
    const shape in = layer_input(l, 0)->out;
    return s->hadamard ? 5.0 * (double)shape_size(l->out) : 6.0 * in.width * (double)shape_size(l->out);
}

const layer_kind layer_pairs = {.name = "pairs",
                                .keys = keys,
                                .min_in = 1,
                                .max_in = 1,
                                .configure = configure,
                                .describe = describe,
                                .work = work,
                                .forward = forward,
                                .backward = backward};
