/* layer_self_attention.c: every field looks at all fields (AutoInt, Song et al. 2019, arXiv:1810.11921, section 4.4):
 * e [m x f x d] -> [m x f x heads units]. A head has matrices Q, K, V [d x units]; its output for field i is the sum over j of
 * a_ij e_j V with a_i = softmax over j of <e_i Q, e_j K>, with `scaled` over sqrt(units). Heads lie side by side; with `residual`
 * e R, R [d x heads units], is added; then the activation. Matrices start uniform in +-sqrt(6 / (rows + columns)). */
#include "model/activation.h"

static const char *const keys[] = {"heads", "units", "times", "over", "scaled", "residual", "activation", "slope", NULL};

#define HEADS_MAX 256

/* query, key and value are also the order of their columns in the buffers. */
enum { QUERY, KEY, VALUE, RESIDUAL };
enum { QKV, GRAD_QKV, WEIGHTS, GRAD_WEIGHTS, SCRATCH }; /* [m x f x 3 h u] twice, [m x h x f x f] twice */

typedef struct attention {
    uint32_t heads, units, width, f, d; /* width: heads x units */
    int scaled, residual;
    activation activation;
} attention;

static int read_keys(layer *l, const conf *c, attention *s, shoal_error *err)
{
    int64_t heads;
    int of_layer;
    int rc = conf_i64_or(c, "heads", 2, 1, HEADS_MAX, &heads, err);
    if (rc == 0) rc = layer_read_units(l, c, &s->units, &of_layer, err);
    if (rc == 0) rc = conf_bool_or(c, "scaled", 0, &s->scaled, err);
    if (rc == 0) rc = conf_bool_or(c, "residual", 1, &s->residual, err);
    if (rc == 0) rc = activation_read(&s->activation, l, c, "activation", err);
    if (rc == 0) rc = layer_needs_fields(l, c, 0, err);
    if (rc < 0) return rc;
    s->heads = (uint32_t)heads;
    s->width = s->heads * s->units;
    s->f = layer_input(l, 0)->out.fields;
    s->d = layer_input(l, 0)->out.width;
    return 0;
}

static int configure(layer *l, const conf *c, builder *b, shoal_error *err)
{
    static const char *const names[] = {"query", "key", "value", "residual"};
    attention *s = layer_own(l, sizeof *s, err);
    if (!s) return SHOAL_NOMEM;
    int rc = read_keys(l, c, s, err);
    if (rc < 0) return rc;
    const size_t qkv = (size_t)s->f * 3 * s->width, scores = (size_t)s->heads * s->f * s->f;
    l->out = (shape){.rank = 3, .fields = s->f, .width = s->width};
    layer_add_buffer(l, qkv, 0);
    layer_add_buffer(l, qkv, 0);
    layer_add_buffer(l, scores, 0);
    layer_add_buffer(l, scores, 0);
    layer_add_buffer(l, 0, KERNEL_PRODUCT_SCRATCH(s->f, s->units));
    for (int i = QUERY; rc == 0 && i <= (s->residual ? RESIDUAL : VALUE); i++)
        rc = layer_add_param(l, b,
                             &(param_spec){.suffix = names[i], .kind = PARAM_DENSE, .rows = s->d, .cols = s->width,
                                           .init = INIT_UNIFORM, .scale = __builtin_sqrt(6.0 / ((double)s->d + s->width)), .decay = 1},
                             err);
    return rc < 0 ? rc : activation_declare(&s->activation, l, b, s->f * s->width, err);
}

static int describe(const layer *l, json_t *to)
{
    const attention *s = l->own;
    return layer_json_int(to, "heads", s->heads) || layer_json_int(to, "units", s->units) ||
                   layer_json_bool(to, "scaled", s->scaled) || layer_json_bool(to, "residual", s->residual) ||
                   activation_describe(&s->activation, "activation", to)
               ? -1
               : 0;
}

static double flop(const layer *l)
{
    const attention *s = l->own;
    return 6.0 * s->f * s->width * (s->d * (s->residual ? 4.0 : 3.0) + 2.0 * s->f);
}

/* ---- parts of one head: [f x units] of query, key, value or output, [f x f] of weights, for each row of the batch ---------- */

typedef struct part {
    float *p;
    uint32_t ld;
    size_t step;
} part;

static part part_of(const attention *s, float *qkv, int which, uint32_t head)
{
    return (part){qkv + (size_t)which * s->width + (size_t)head * s->units, 3 * s->width, (size_t)s->f * 3 * s->width};
}
static part part_out(const attention *s, float *y, uint32_t head)
{
    return (part){y + (size_t)head * s->units, s->width, (size_t)s->f * s->width};
}
static part part_weights(const attention *s, float *a, uint32_t head)
{
    return (part){a + (size_t)head * s->f * s->f, s->f, (size_t)s->heads * s->f * s->f};
}

/* c = op(a) op(b), or with add c += */
static void product(const layer *l, exec *x, int ta, part a, int tb, part b, int add, part c)
{
    const attention *s = l->own;
    const kernel_product p = {.ta = ta, .tb = tb, .add = add, .m = s->f, .n = tb ? s->f : s->units, .k = tb ? s->units : s->f,
                              .lda = a.ld, .ldb = b.ld, .ldc = c.ld, .a_step = a.step, .b_step = b.step, .c_step = c.step};
    x->k->products(x->max_rows, &p, a.p, b.p, c.p, exec_buffer(x, l, SCRATCH));
}

/* ---- forward ------------------------------------------------------------------------------------------------------------- */

static void forward(const layer *l, exec *x)
{
    const attention *s = l->own;
    const uint32_t vectors = x->max_rows * s->f, ld = 3 * s->width;
    const float *e = exec_in(x, l, 0);
    float *qkv = exec_buffer(x, l, QKV), *a = exec_buffer(x, l, WEIGHTS), *y = exec_out(x, l);
    for (uint32_t i = QUERY; i <= VALUE; i++)
        x->k->gemm(0, 0, vectors, s->width, s->d, e, s->d, exec_param(x, l, i), s->width, 0, qkv + i * s->width, ld);
    for (uint32_t h = 0; h < s->heads; h++)
        product(l, x, 0, part_of(s, qkv, QUERY, h), 1, part_of(s, qkv, KEY, h), 0, part_weights(s, a, h));
    if (s->scaled) x->k->scale((size_t)vectors * s->heads * s->f, 1.0f / __builtin_sqrtf((float)s->units), a);
    x->k->softmax(vectors * s->heads, s->f, a, s->f);
    if (s->residual) x->k->gemm(0, 0, vectors, s->width, s->d, e, s->d, exec_param(x, l, RESIDUAL), s->width, 0, y, s->width);
    for (uint32_t h = 0; h < s->heads; h++)
        product(l, x, 0, part_weights(s, a, h), 0, part_of(s, qkv, VALUE, h), s->residual, part_out(s, y, h));
    activation_forward(&s->activation, l, x, y);
}

/* ---- backward ------------------------------------------------------------------------------------------------------------ */

/* Gradients of the heads' queries, keys and values from that of the output. */
static void heads_backward(const attention *s, const layer *l, exec *x, float *g)
{
    float *qkv = exec_buffer(x, l, QKV), *gqkv = exec_buffer(x, l, GRAD_QKV);
    float *a = exec_buffer(x, l, WEIGHTS), *ga = exec_buffer(x, l, GRAD_WEIGHTS);
    const uint32_t rows = x->max_rows * s->heads * s->f;
    for (uint32_t h = 0; h < s->heads; h++) {
        product(l, x, 0, part_out(s, g, h), 1, part_of(s, qkv, VALUE, h), 0, part_weights(s, ga, h));
        product(l, x, 1, part_weights(s, a, h), 0, part_out(s, g, h), 0, part_of(s, gqkv, VALUE, h));
    }
    x->k->softmax_back(rows, s->f, a, s->f, ga, s->f);
    if (s->scaled) x->k->scale((size_t)rows * s->f, 1.0f / __builtin_sqrtf((float)s->units), ga);
    for (uint32_t h = 0; h < s->heads; h++) {
        product(l, x, 0, part_weights(s, ga, h), 0, part_of(s, qkv, KEY, h), 0, part_of(s, gqkv, QUERY, h));
        product(l, x, 1, part_weights(s, ga, h), 0, part_of(s, qkv, QUERY, h), 0, part_of(s, gqkv, KEY, h));
    }
}

/* Through e W = z, gz with leading dimension ld: gW and, added, ge. */
static void matrix_backward(const attention *s, const layer *l, exec *x, uint32_t i, const float *gz, uint32_t ld)
{
    const uint32_t vectors = x->max_rows * s->f;
    x->k->gemm(1, 0, s->d, s->width, vectors, exec_in(x, l, 0), s->d, gz, ld, 0, exec_param_grad(x, l, i), s->width);
    if (!layer_input(l, 0)->needs_grad) return;
    float beta, *ge = exec_grad_in_beta(x, l, 0, &beta);
    x->k->gemm(0, 1, vectors, s->d, s->width, gz, ld, exec_param(x, l, i), s->width, beta, ge, s->d);
}

static void backward(const layer *l, exec *x)
{
    const attention *s = l->own;
    float *g = exec_grad(x, l);
    activation_backward(&s->activation, l, x, exec_out(x, l), g);
    heads_backward(s, l, x, g);
    for (uint32_t i = QUERY; i <= VALUE; i++)
        matrix_backward(s, l, x, i, exec_buffer(x, l, GRAD_QKV) + i * s->width, 3 * s->width);
    if (s->residual) matrix_backward(s, l, x, RESIDUAL, g, s->width);
}

const layer_kind layer_self_attention = {.name = "self_attention",
                                         .keys = keys,
                                         .min_in = 1,
                                         .max_in = 1,
                                         .configure = configure,
                                         .describe = describe,
                                         .flop = flop,
                                         .forward = forward,
                                         .backward = backward};
