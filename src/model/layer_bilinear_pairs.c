/* layer_bilinear_pairs.c: pairs of fields through matrices (FiBiNET, Huang et al. 2019, arXiv:1905.09433, section 3.4):
 * e [m x f x d] -> (e_i W) * e_j for each i < j, element by element, [m x pairs x d]. W is one d x d matrix for `all` pairs, one
 * for `each` field i, or one for each pair (`interaction`), side by side in [d x n d]; they start uniform in +-sqrt(6 / 2d)
 * (Glorot 2010). */
#include <string.h>

#include "model/exec_private.h"

static const char *const names[] = {"all", "each", "interaction", NULL};
static const char *const keys[] = {"matrices", NULL};

enum { ALL, EACH, INTERACTION };
enum { LEFT, GRAD }; /* buffers: e_i W of each field or pair; its gradient (of pairs in place) */

typedef struct bilinear_pairs {
    int matrices;
    uint32_t f, d, n; /* n: vectors e_i W of a row, f or pairs */
} bilinear_pairs;

static int configure(layer *l, const conf *c, builder *b, shoal_error *err)
{
    bilinear_pairs *s = layer_own(l, sizeof *s, err);
    if (!s) return SHOAL_NOMEM;
    const char *matrices;
    int rc = conf_str_or(c, "matrices", "all", &matrices, err);
    if (rc == 0) rc = layer_needs_fields(l, c, 0, err);
    if (rc < 0) return rc;
    while (names[s->matrices] && strcmp(names[s->matrices], matrices) != 0) s->matrices++;
    if (!names[s->matrices])
        return layer_error(l, conf_get(c, "matrices"), err, "matrices '%s' are unknown; there are: all, each, interaction", matrices);
    const shape in = layer_input(l, 0)->out;
    const uint64_t pairs = layer_pairs_of(in.fields, 0);
    if (pairs == 0) return layer_error(l, c, err, "the data has one field, which makes no pair");
    if (pairs > UINT32_MAX / 4 / in.width)
        return layer_error(l, c, err, "%llu pairs of fields are beyond all reason", (unsigned long long)pairs);
    s->f = in.fields;
    s->d = in.width;
    s->n = s->matrices == INTERACTION ? (uint32_t)pairs : s->f;
    l->out = (shape){.rank = 3, .fields = (uint32_t)pairs, .width = s->d};
    layer_add_buffer(l, (size_t)s->n * s->d, 0);
    if (s->matrices != INTERACTION) layer_add_buffer(l, (size_t)s->n * s->d, 0);
    const uint64_t count = s->matrices == ALL ? 1 : s->matrices == EACH ? s->f - 1 : pairs;
    return layer_add_param(l, b,
                           &(param_spec){.suffix = "weight", .kind = PARAM_DENSE, .rows = s->d, .cols = count * s->d,
                                         .init = INIT_UNIFORM, .scale = __builtin_sqrt(3.0 / s->d), .decay = 1},
                           err);
}

static int describe(const layer *l, json_t *to)
{
    const bilinear_pairs *s = l->own;
    return layer_json_str(to, "matrices", names[s->matrices]);
}

static double flop(const layer *l)
{
    const bilinear_pairs *s = l->own;
    const double vectors = s->matrices == EACH ? s->f - 1 : s->n;
    return 6.0 * vectors * s->d * s->d;
}

/* A product of the layer: vectors of e from column e_at, e_n rows of it at a time, by the matrices from column w_at, `cols` of
 * them, giving columns from left_at. Strides are of rows. */
typedef struct block {
    uint32_t rows, cols, e_ld, left_ld, w_ld;
    size_t e_at, left_at, w_at;
} block;

/* Number i of the products: all fields at once, field by field, or field by field with all pairs that it leads. */
static int block_of(const bilinear_pairs *s, uint32_t max_rows, uint32_t i, block *out)
{
    const uint32_t d = s->d, ld = s->f * d;
    if (s->matrices == ALL) {
        *out = (block){.rows = max_rows * s->f, .cols = d, .e_ld = d, .left_ld = d, .w_ld = d};
        return i == 0;
    }
    if (s->matrices == EACH) {
        *out = (block){max_rows, d, ld, ld, ld - d, (size_t)i * d, (size_t)i * d, (size_t)i * d};
    } else {
        const size_t before = (size_t)(layer_pairs_of(s->f, 0) - layer_pairs_of(s->f - i, 0)) * d;
        *out = (block){max_rows, (s->f - 1 - i) * d, ld, s->n * d, s->n * d, (size_t)i * d, before, before};
    }
    return i + 1 < s->f;
}

static void forward(const layer *l, exec *x)
{
    const bilinear_pairs *s = l->own;
    const float *e = exec_in(x, l, 0), *w = exec_param(x, l, 0);
    float *left = exec_buffer(x, l, LEFT);
    block p;
    for (uint32_t i = 0; block_of(s, x->max_rows, i, &p); i++)
        x->k->gemm(0, 0, p.rows, p.cols, s->d, e + p.e_at, p.e_ld, w + p.w_at, p.w_ld, 0, left + p.left_at, p.left_ld);
    if (s->matrices == INTERACTION)
        x->k->pair_scale(x->max_rows, s->f, s->d, left, e, exec_out(x, l));
    else
        x->k->pair_product(x->max_rows, s->f, s->d, 0, left, e, exec_out(x, l));
}

/* Through the products of pairs: the gradient of e_i W, and into that of e. */
static const float *left_grad(const bilinear_pairs *s, const layer *l, exec *x, float *ge)
{
    const float *e = exec_in(x, l, 0), *left = exec_buffer(x, l, LEFT);
    float *g = exec_grad(x, l);
    if (s->matrices == INTERACTION) {
        x->k->pair_scale_back(x->max_rows, s->f, s->d, left, e, g, ge);
        return g;
    }
    float *to = exec_buffer(x, l, GRAD);
    x->k->zero(to, (size_t)x->max_rows * s->n * s->d * sizeof *to);
    x->k->pair_product_back(x->max_rows, s->f, s->d, 0, left, e, g, to, ge);
    return to;
}

static void backward(const layer *l, exec *x)
{
    const bilinear_pairs *s = l->own;
    const float *e = exec_in(x, l, 0), *w = exec_param(x, l, 0);
    float *ge = exec_grad_in(x, l, 0), *gw = exec_param_grad(x, l, 0);
    const float *g = left_grad(s, l, x, ge);
    block p;
    for (uint32_t i = 0; block_of(s, x->max_rows, i, &p); i++) {
        x->k->gemm(1, 0, s->d, p.cols, p.rows, e + p.e_at, p.e_ld, g + p.left_at, p.left_ld, 0, gw + p.w_at, p.w_ld);
        if (!ge) continue;
        x->k->gemm(0, 1, p.rows, s->d, p.cols, g + p.left_at, p.left_ld, w + p.w_at, p.w_ld, 1, ge + p.e_at, p.e_ld);
    }
}

const layer_kind layer_bilinear_pairs = {.name = "bilinear_pairs",
                                         .keys = keys,
                                         .min_in = 1,
                                         .max_in = 1,
                                         .configure = configure,
                                         .describe = describe,
                                         .flop = flop,
                                         .forward = forward,
                                         .backward = backward};
