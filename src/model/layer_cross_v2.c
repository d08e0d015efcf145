/* layer_cross_v2.c: cross network with matrices (DCN-v2; Wang et al. 2021, arXiv:2008.13535): x_0 is the inputs side by side
 * [m x d], x_{l+1} = x_0 * (z_l + b_l) + x_l elementwise, l = 0 .. layers - 1, where
 *
 *   z_l = x_l W_l                                       W_l [d x d]
 *   z_l = x_l V_l U_l                                   with rank r: V_l [d x r], U_l [r x d]
 *   z_l = sum over e of p_e tanh(tanh(x_l V_e) C_e) U_e with experts: C_e [r x r], p = softmax(x_l G_l), G_l [d x experts]
 *
 * The experts' V lie side by side and their U below one another, so that each is one product: t = x_l V [m x experts r],
 * h = tanh of t's blocks times C_e, z = (p * h) U. Gates sum to one, hence the bias needs none. */
#include "model/exec_private.h"

static const char *const keys[] = {"layers", "rank", "experts", NULL};

#define LAYERS_DEFAULT 3
#define LAYERS_MAX 100
#define EXPERTS_MAX 64
#define NONE UINT32_MAX

enum { BIAS, WEIGHT, V = WEIGHT, U, C, GATE };

typedef struct cross_v2 {
    uint32_t d, layers;
    uint32_t rank;       /* of one expert; 0: full matrices */
    uint32_t experts;    /* 1: low rank alone */
    uint32_t width;      /* experts * rank */
    uint32_t b_x0;       /* buffer of x_0 when there are several inputs, or NONE */
    uint32_t b_x, b_z;   /* x_1 .. x_{layers - 1}; z_l + b_l; a layer takes [m x d] */
    uint32_t b_low;      /* of rank: a layer takes t, and of experts also h, p * h [m x width each] and p [m x experts] */
    uint32_t b_g, b_glow; /* gradients: of z and x_0; of two [m x width] and of p */
} cross_v2;

static uint32_t low_width(const cross_v2 *s) { return s->experts > 1 ? 3 * s->width + s->experts : s->width; }

static int read_keys(layer *l, const conf *c, cross_v2 *s, shoal_error *err)
{
    int64_t layers, rank, experts;
    int rc = conf_i64_or(c, "layers", LAYERS_DEFAULT, 1, LAYERS_MAX, &layers, err);
    if (rc == 0) rc = conf_i64_or(c, "rank", 0, 0, LAYER_UNITS_MAX, &rank, err);
    if (rc == 0) rc = conf_i64_or(c, "experts", 1, 1, EXPERTS_MAX, &experts, err);
    if (rc < 0) return rc;
    if (experts > 1 && rank == 0) return layer_error(l, c, err, "experts are of low rank; give 'rank' as well");
    s->layers = (uint32_t)layers;
    s->rank = (uint32_t)rank;
    s->experts = (uint32_t)experts;
    s->width = s->rank * s->experts;
    return 0;
}

static int add(layer *l, builder *b, const char *suffix, uint64_t rows, uint32_t cols, double fan, shoal_error *err)
{
    const param_spec p = {.suffix = suffix, .kind = PARAM_DENSE, .rows = rows, .cols = cols, .init = INIT_UNIFORM,
                          .scale = __builtin_sqrt(6.0 / fan), .decay = 1};
    return layer_add_param(l, b, &p, err);
}

static int declare(layer *l, const cross_v2 *s, builder *b, shoal_error *err)
{
    const uint64_t n = s->layers, d = s->d, r = s->rank;
    int rc = layer_add_param(l, b, &(param_spec){.suffix = "bias", .kind = PARAM_DENSE, .rows = n, .cols = d}, err);
    if (rc < 0) return rc;
    if (r == 0) return add(l, b, "weight", n * d, s->d, 2.0 * s->d, err);
    rc = add(l, b, "v", n * d, s->width, (double)(d + r), err);
    if (rc == 0) rc = add(l, b, "u", n * s->width, s->d, (double)(d + r), err);
    if (rc == 0 && s->experts > 1) rc = add(l, b, "c", n * s->width, s->rank, 2.0 * s->rank, err);
    if (rc == 0 && s->experts > 1) rc = add(l, b, "gate", n * d, s->experts, (double)d + s->experts, err);
    return rc;
}

static int configure(layer *l, const conf *c, builder *b, shoal_error *err)
{
    cross_v2 *s = layer_own(l, sizeof *s, err);
    if (!s) return SHOAL_NOMEM;
    int rc = read_keys(l, c, s, err);
    if (rc < 0) return rc;
    s->d = (uint32_t)layer_in_size(l);
    if (s->d == 0) return layer_error(l, c, err, "its inputs are empty: the data has no columns for them");
    l->out = (shape){.rank = 2, .width = s->d};
    s->b_x0 = l->n_in > 1 ? layer_add_buffer(l, s->d, 0) : NONE;
    s->b_x = layer_add_buffer(l, (size_t)(s->layers - 1) * s->d, 0);
    s->b_z = layer_add_buffer(l, (size_t)s->layers * s->d, 0);
    s->b_g = layer_add_buffer(l, 2 * (size_t)s->d, 0);
    s->b_low = s->b_glow = NONE;
    if (s->rank > 0) {
        s->b_low = layer_add_buffer(l, (size_t)s->layers * low_width(s), 0);
        s->b_glow = layer_add_buffer(l, 2 * (size_t)s->width + s->experts, 0);
    }
    return declare(l, s, b, err);
}

static int describe(const layer *l, json_t *to)
{
    const cross_v2 *s = l->own;
    return layer_json_int(to, "layers", s->layers) || layer_json_int(to, "rank", s->rank) ||
                   layer_json_int(to, "experts", s->experts)
               ? -1
               : 0;
}

static double flop(const layer *l)
{
    const cross_v2 *s = l->own;
    const double d = s->d, w = s->width;
    if (s->rank == 0) return 6.0 * d * d * s->layers;
    const double mixed = s->experts > 1 ? w * s->rank + d * s->experts : 0;
    return 6.0 * (2 * d * w + mixed) * s->layers;
}

/* ---- one layer, as the pointers that it works on ----------------------------------------------------------------------- */

typedef struct one {
    const cross_v2 *s;
    const layer *l;
    exec *x;
    uint32_t i, m, d;
    const float *x0, *in; /* x_l */
    float *z, *next;      /* z_l + b_l, x_{l+1} */
    float *t, *h, *ph, *p; /* of rank, of experts */
} one;

static float *slab(const exec *x, const layer *l, uint32_t buffer, uint32_t i, size_t width)
{
    return exec_buffer(x, l, buffer) + (size_t)i * x->max_rows * width;
}

static one one_of(const cross_v2 *s, const layer *l, exec *x, uint32_t i)
{
    one o = {.s = s, .l = l, .x = x, .i = i, .m = x->max_rows, .d = s->d};
    o.x0 = s->b_x0 == NONE ? exec_in(x, l, 0) : exec_buffer(x, l, s->b_x0);
    o.in = i == 0 ? o.x0 : slab(x, l, s->b_x, i - 1, s->d);
    o.next = i + 1 == s->layers ? exec_out(x, l) : slab(x, l, s->b_x, i, s->d);
    o.z = slab(x, l, s->b_z, i, s->d);
    if (s->rank > 0) {
        o.t = slab(x, l, s->b_low, i, low_width(s));
        o.h = o.t + (size_t)o.m * s->width;
        o.ph = o.h + (size_t)o.m * s->width;
        o.p = o.ph + (size_t)o.m * s->width;
    }
    return o;
}

/* Where layer i's part of a parameter begins: it has `rows` rows a layer. */
static size_t part(const one *o, uint32_t which, uint64_t rows)
{
    return (size_t)(o->i * rows * layer_param(o->l, which)->cols);
}
static const float *w_of(const one *o, uint32_t which, uint64_t rows)
{
    return exec_param(o->x, o->l, which) + part(o, which, rows);
}
static float *g_of(const one *o, uint32_t which, uint64_t rows)
{
    return exec_param_grad(o->x, o->l, which) + part(o, which, rows);
}

/* ---- forward ----------------------------------------------------------------------------------------------------------- */

static void forward_experts(const one *o)
{
    const kernels *k = o->x->k;
    const uint32_t r = o->s->rank, w = o->s->width, e = o->s->experts;
    const float *c = w_of(o, C, w);
    k->tanh((size_t)o->m * w, o->t, o->t);
    for (uint32_t j = 0; j < e; j++)
        k->gemm(0, 0, o->m, r, r, o->t + j * r, w, c + (size_t)j * r * r, r, 0, o->h + j * r, w);
    k->tanh((size_t)o->m * w, o->h, o->h);
    k->gemm(0, 0, o->m, e, o->d, o->in, o->d, w_of(o, GATE, o->d), e, 0, o->p, e);
    k->softmax(o->m, e, o->p, e);
    k->rows_scale(o->m * e, r, o->p, o->h, r, o->ph, r);
}

static void forward_one(const one *o)
{
    const kernels *k = o->x->k;
    const uint32_t m = o->m, d = o->d, w = o->s->width;
    if (o->s->rank == 0) {
        k->gemm(0, 0, m, d, d, o->in, d, w_of(o, WEIGHT, d), d, 0, o->z, d);
    } else {
        k->gemm(0, 0, m, w, d, o->in, d, w_of(o, V, d), w, 0, o->t, w);
        if (o->s->experts > 1) forward_experts(o);
        k->gemm(0, 0, m, d, w, o->s->experts > 1 ? o->ph : o->t, w, w_of(o, U, w), d, 0, o->z, d);
    }
    k->cross(m, d, o->x0, w_of(o, BIAS, 1), o->in, o->z, o->next);
}

static void forward(const layer *l, exec *x)
{
    const cross_v2 *s = l->own;
    if (s->b_x0 != NONE) exec_concat(x, l, exec_buffer(x, l, s->b_x0));
    for (uint32_t i = 0; i < s->layers; i++) {
        const one o = one_of(s, l, x, i);
        forward_one(&o);
    }
}

/* ---- backward ---------------------------------------------------------------------------------------------------------- */

/* From the gradient of p * h to that of t, in its place; adds to g by the gates. */
static void backward_experts(const one *o, float *gt, float *gh, float *gp, float *g)
{
    const kernels *k = o->x->k;
    const uint32_t m = o->m, r = o->s->rank, w = o->s->width, e = o->s->experts;
    const float *c = w_of(o, C, w);
    float *gc = g_of(o, C, w);
    k->zero(gp, (size_t)m * e * sizeof *gp);
    k->rows_dot(m * e, r, gt, r, o->h, r, gp);
    k->rows_scale(m * e, r, o->p, gt, r, gh, r);
    k->tanh_back((size_t)m * w, o->h, gh);
    for (uint32_t j = 0; j < e; j++) {
        k->gemm(1, 0, r, r, m, o->t + j * r, w, gh + j * r, w, 0, gc + (size_t)j * r * r, r);
        k->gemm(0, 1, m, r, r, gh + j * r, w, c + (size_t)j * r * r, r, 0, gt + j * r, w);
    }
    k->tanh_back((size_t)m * w, o->t, gt);
    k->softmax_back(m, e, o->p, e, gp, e);
    k->gemm(1, 0, o->d, e, m, o->in, o->d, gp, e, 0, g_of(o, GATE, o->d), e);
    k->gemm(0, 1, m, o->d, e, gp, e, w_of(o, GATE, o->d), e, 1, g, o->d);
}

/* g, the gradient of x_{l+1}, becomes that of x_l; gx0 += what came by x_0. */
static void backward_one(const one *o, float *g, float *gx0, float *gz)
{
    const kernels *k = o->x->k;
    const cross_v2 *s = o->s;
    const uint32_t m = o->m, d = o->d, w = s->width;
    k->cross_back((size_t)m * d, o->x0, o->z, g, gx0, gz);
    k->zero(g_of(o, BIAS, 1), d * sizeof(float));
    k->column_sum(m, d, gz, d, g_of(o, BIAS, 1));
    if (s->rank == 0) {
        k->gemm(1, 0, d, d, m, o->in, d, gz, d, 0, g_of(o, WEIGHT, d), d);
        k->gemm(0, 1, m, d, d, gz, d, w_of(o, WEIGHT, d), d, 1, g, d);
        return;
    }
    float *gt = exec_buffer(o->x, o->l, s->b_glow), *gh = gt + (size_t)m * w, *gp = gh + (size_t)m * w;
    k->gemm(1, 0, w, d, m, s->experts > 1 ? o->ph : o->t, w, gz, d, 0, g_of(o, U, w), d);
    k->gemm(0, 1, m, w, d, gz, d, w_of(o, U, w), d, 0, gt, w);
    if (s->experts > 1) backward_experts(o, gt, gh, gp, g);
    k->gemm(1, 0, d, w, m, o->in, d, gt, w, 0, g_of(o, V, d), w);
    k->gemm(0, 1, m, d, w, gt, w, w_of(o, V, d), w, 1, g, d);
}

static void backward(const layer *l, exec *x)
{
    const cross_v2 *s = l->own;
    float *g = exec_grad(x, l), *gx0 = exec_buffer(x, l, s->b_g), *gz = slab(x, l, s->b_g, 1, s->d);
    const size_t n = (size_t)x->max_rows * s->d;
    x->k->zero(gx0, n * sizeof *gx0);
    for (uint32_t i = s->layers; i-- > 0;) {
        const one o = one_of(s, l, x, i);
        backward_one(&o, g, gx0, gz);
    }
    x->k->add(n, g, gx0);
    exec_split_grad(x, l, gx0);
}

const layer_kind layer_cross_v2 = {.name = "cross_v2",
                                   .keys = keys,
                                   .min_in = 1,
                                   .max_in = UINT32_MAX,
                                   .configure = configure,
                                   .describe = describe,
                                   .flop = flop,
                                   .forward = forward,
                                   .backward = backward};
