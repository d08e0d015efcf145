/* layer_attention_pool.c: the weighted sum of fields, or of pairs of them (AFM, Xiao et al. 2017, arXiv:1708.04617, section 3.2):
 * e [m x f x d] -> y [m x d] = sum over j of a_j e_j, a = softmax over j of h . activation(e_j W + b), W [d x units], h [units].
 * W and h start uniform in +-sqrt(6 / (rows + columns)), b at zero. */
#include "model/activation.h"

static const char *const keys[] = {"units", "times", "over", "activation", "slope", NULL};

enum { WEIGHT, BIAS, SCORE };
enum { HIDDEN, GRAD_HIDDEN, WEIGHTS, GRAD_WEIGHTS }; /* [m x f x units] twice, [m x f] twice */

typedef struct attention_pool {
    uint32_t units, f, d;
    activation activation;
} attention_pool;

static int configure(layer *l, const conf *c, builder *b, shoal_error *err)
{
    attention_pool *s = layer_own(l, sizeof *s, err);
    if (!s) return SHOAL_NOMEM;
    int of_layer;
    int rc = layer_read_units(l, c, &s->units, &of_layer, err);
    if (rc == 0) rc = activation_read(&s->activation, l, c, "activation", err);
    if (rc == 0) rc = layer_needs_fields(l, c, 0, err);
    if (rc < 0) return rc;
    s->f = layer_input(l, 0)->out.fields;
    s->d = layer_input(l, 0)->out.width;
    l->out = (shape){.rank = 2, .width = s->d};
    for (int i = HIDDEN; i <= GRAD_HIDDEN; i++) layer_add_buffer(l, (size_t)s->f * s->units, 0);
    for (int i = WEIGHTS; i <= GRAD_WEIGHTS; i++) layer_add_buffer(l, s->f, 0);
    const param_spec specs[] = {
        [WEIGHT] = {.suffix = "weight", .kind = PARAM_DENSE, .rows = s->d, .cols = s->units, .init = INIT_UNIFORM,
                    .scale = __builtin_sqrt(6.0 / ((double)s->d + s->units)), .decay = 1},
        [BIAS] = {.suffix = "bias", .kind = PARAM_DENSE, .rows = 1, .cols = s->units},
        [SCORE] = {.suffix = "score", .kind = PARAM_DENSE, .rows = s->units, .cols = 1, .init = INIT_UNIFORM,
                   .scale = __builtin_sqrt(6.0 / (1.0 + s->units)), .decay = 1},
    };
    for (int i = WEIGHT; rc == 0 && i <= SCORE; i++) rc = layer_add_param(l, b, &specs[i], err);
    return rc < 0 ? rc : activation_declare(&s->activation, l, b, s->f * s->units, err);
}

static int describe(const layer *l, json_t *to)
{
    const attention_pool *s = l->own;
    return layer_json_int(to, "units", s->units) || activation_describe(&s->activation, "activation", to) ? -1 : 0;
}

static double flop(const layer *l)
{
    const attention_pool *s = l->own;
    return 6.0 * s->f * s->d * s->units;
}

static void forward(const layer *l, exec *x)
{
    const attention_pool *s = l->own;
    const uint32_t vectors = x->max_rows * s->f;
    const float *e = exec_in(x, l, 0);
    float *hidden = exec_buffer(x, l, HIDDEN), *a = exec_buffer(x, l, WEIGHTS);
    x->k->gemm(0, 0, vectors, s->units, s->d, e, s->d, exec_param(x, l, WEIGHT), s->units, 0, hidden, s->units);
    x->k->bias_add(vectors, s->units, exec_param(x, l, BIAS), hidden, s->units);
    activation_forward(&s->activation, l, x, hidden);
    x->k->zero(a, vectors * sizeof *a);
    x->k->row_dot(vectors, s->units, hidden, s->units, exec_param(x, l, SCORE), a);
    x->k->softmax(x->max_rows, s->f, a, s->f);
    x->k->field_mix(x->max_rows, s->f, s->d, a, e, exec_out(x, l));
}

static void backward(const layer *l, exec *x)
{
    const attention_pool *s = l->own;
    const uint32_t vectors = x->max_rows * s->f;
    const float *e = exec_in(x, l, 0), *a = exec_buffer(x, l, WEIGHTS), *hidden = exec_buffer(x, l, HIDDEN);
    float *ga = exec_buffer(x, l, GRAD_WEIGHTS), *gh = exec_buffer(x, l, GRAD_HIDDEN), *ge = exec_grad_in(x, l, 0);
    x->k->field_mix_back(x->max_rows, s->f, s->d, a, e, exec_grad(x, l), ga, ge);
    x->k->softmax_back(x->max_rows, s->f, a, s->f, ga, s->f);
    x->k->weighted_rows(vectors, s->units, ga, hidden, s->units, exec_param_grad_zeroed(x, l, SCORE));
    x->k->zero(gh, (size_t)vectors * s->units * sizeof *gh);
    x->k->row_outer(vectors, s->units, ga, exec_param(x, l, SCORE), gh, s->units);
    activation_backward(&s->activation, l, x, hidden, gh);
    x->k->column_sum(vectors, s->units, gh, s->units, exec_param_grad_zeroed(x, l, BIAS));
    x->k->gemm(1, 0, s->d, s->units, vectors, e, s->d, gh, s->units, 0, exec_param_grad(x, l, WEIGHT), s->units);
    if (ge) x->k->gemm(0, 1, vectors, s->d, s->units, gh, s->units, exec_param(x, l, WEIGHT), s->units, 1, ge, s->d);
}

static int gate(const layer *l, layer_gate *out)
{
    const attention_pool *s = l->own;
    *out = (layer_gate){.what = "attention", .of = layer_input(l, 0), .n = s->f, .per_row = s->f, .buffer = WEIGHTS};
    return 1;
}

const layer_kind layer_attention_pool = {.name = "attention_pool",
                                         .keys = keys,
                                         .min_in = 1,
                                         .max_in = 1,
                                         .configure = configure,
                                         .describe = describe,
                                         .gate = gate,
                                         .flop = flop,
                                         .forward = forward,
                                         .backward = backward};
