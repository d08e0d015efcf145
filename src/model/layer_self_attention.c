/* layer_self_attention.c: every field looks at all fields (AutoInt, Song et al. 2019, arXiv:1810.11921, section 4.4):
 * e [m x f x d] -> [m x f x heads units]. A head has matrices Q, K, V [d x units]; its output for field i is the sum over j of
 * a_ij e_j V with a_i = softmax over j of <e_i Q, e_j K>, with `scaled` over sqrt(units). Heads lie side by side; with `residual`
 * e R, R [d x heads units], is added; then the activation. Matrices start uniform in +-sqrt(6 / (rows + columns)). */
#include "model/activation.h"

static const char *const keys[] = {"heads", "units", "times", "over", "scaled", "residual", "activation", "slope", NULL};

#define HEADS_MAX 256
#define CHUNK 16 /* rows of the batch at a time: what is between a chunk's products stays in the second-level cache */

/* query, key and value are also the order of their columns in the buffers. */
enum { QUERY, KEY, VALUE, RESIDUAL };
enum { QKV, WEIGHTS, GRAD_QKV, GRAD_WEIGHTS, SCRATCH }; /* [m x f x 3 h u], [m x h x f x f]; the gradients of a chunk's */

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
    layer_add_buffer(l, scores, 0);
    layer_add_buffer(l, 0, CHUNK * qkv);
    layer_add_buffer(l, 0, CHUNK * scores);
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

/* ---- a chunk of rows, and parts of one head of it ------------------------------------------------------------------------ */

/* Rows [first, first + rows): queries, keys and values side by side, weights; both gradients; the chunk's fields. */
typedef struct chunk {
    const attention *s;
    const layer *l;
    exec *x;
    uint32_t first, rows, vectors;
    float *qkv, *a, *gqkv, *ga;
    const float *e;
} chunk;

static chunk chunk_of(const attention *s, const layer *l, exec *x, uint32_t first)
{
    const uint32_t left = x->max_rows - first, rows = left < CHUNK ? left : CHUNK;
    const size_t f = (size_t)first * s->f;
    return (chunk){s, l, x, first, rows, rows * s->f, exec_buffer(x, l, QKV) + f * 3 * s->width,
                   exec_buffer(x, l, WEIGHTS) + f * s->heads * s->f, exec_buffer(x, l, GRAD_QKV), exec_buffer(x, l, GRAD_WEIGHTS),
                   exec_in(x, l, 0) + f * s->d};
}
/* Of the output or its gradient. */
static float *chunk_out(const chunk *c, float *y) { return y + (size_t)c->first * c->s->f * c->s->width; }

/* [f x units] of query, key, value or output, [f x f] of weights, for each row. */
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

/* z = op(a) op(b), or with add z += */
static void product(const chunk *c, int ta, part a, int tb, part b, int add, part z)
{
    const attention *s = c->s;
    const kernel_product p = {.ta = ta, .tb = tb, .add = add, .m = s->f, .n = tb ? s->f : s->units, .k = tb ? s->units : s->f,
                              .lda = a.ld, .ldb = b.ld, .ldc = z.ld, .a_step = a.step, .b_step = b.step, .c_step = z.step};
    c->x->k->products(c->rows, &p, a.p, b.p, z.p, exec_buffer(c->x, c->l, SCRATCH));
}

/* ---- forward ------------------------------------------------------------------------------------------------------------- */

/* z = e times matrix i */
static void matrix_forward(const chunk *c, uint32_t i, float *z, uint32_t ld)
{
    const attention *s = c->s;
    c->x->k->gemm(0, 0, c->vectors, s->width, s->d, c->e, s->d, exec_param(c->x, c->l, i), s->width, 0, z, ld);
}

static void chunk_forward(const chunk *c)
{
    const attention *s = c->s;
    const kernels *k = c->x->k;
    float *y = chunk_out(c, exec_out(c->x, c->l));
    for (uint32_t i = QUERY; i <= VALUE; i++) matrix_forward(c, i, c->qkv + i * s->width, 3 * s->width);
    for (uint32_t h = 0; h < s->heads; h++)
        product(c, 0, part_of(s, c->qkv, QUERY, h), 1, part_of(s, c->qkv, KEY, h), 0, part_weights(s, c->a, h));
    if (s->scaled) k->scale((size_t)c->vectors * s->heads * s->f, 1.0f / __builtin_sqrtf((float)s->units), c->a);
    k->softmax(c->vectors * s->heads, s->f, c->a, s->f);
    if (s->residual) matrix_forward(c, RESIDUAL, y, s->width);
    for (uint32_t h = 0; h < s->heads; h++)
        product(c, 0, part_weights(s, c->a, h), 0, part_of(s, c->qkv, VALUE, h), s->residual, part_out(s, y, h));
}

static void forward(const layer *l, exec *x)
{
    const attention *s = l->own;
    for (uint32_t r = 0; r < x->max_rows; r += CHUNK) {
        const chunk c = chunk_of(s, l, x, r);
        chunk_forward(&c);
    }
    activation_forward(&s->activation, l, x, exec_out(x, l));
}

/* ---- backward ------------------------------------------------------------------------------------------------------------ */

/* Gradients of the heads' queries, keys and values from that of the output. */
static void heads_backward(const chunk *c, float *g)
{
    const attention *s = c->s;
    const uint32_t rows = c->vectors * s->heads;
    for (uint32_t h = 0; h < s->heads; h++) {
        product(c, 0, part_out(s, g, h), 1, part_of(s, c->qkv, VALUE, h), 0, part_weights(s, c->ga, h));
        product(c, 1, part_weights(s, c->a, h), 0, part_out(s, g, h), 0, part_of(s, c->gqkv, VALUE, h));
    }
    c->x->k->softmax_back(rows, s->f, c->a, s->f, c->ga, s->f);
    if (s->scaled) c->x->k->scale((size_t)rows * s->f, 1.0f / __builtin_sqrtf((float)s->units), c->ga);
    for (uint32_t h = 0; h < s->heads; h++) {
        product(c, 0, part_weights(s, c->ga, h), 0, part_of(s, c->qkv, KEY, h), 0, part_of(s, c->gqkv, QUERY, h));
        product(c, 1, part_weights(s, c->ga, h), 0, part_of(s, c->qkv, QUERY, h), 0, part_of(s, c->gqkv, KEY, h));
    }
}

/* Through e W = z, gz with leading dimension ld: gW, chunk after chunk, and into ge, which may be NULL, over what is there if
 * `beta` is 0. */
static void matrix_backward(const chunk *c, uint32_t i, const float *gz, uint32_t ld, float beta, float *ge)
{
    const attention *s = c->s;
    const kernels *k = c->x->k;
    k->gemm(1, 0, s->d, s->width, c->vectors, c->e, s->d, gz, ld, c->first > 0, exec_param_grad(c->x, c->l, i), s->width);
    if (ge) k->gemm(0, 1, c->vectors, s->d, s->width, gz, ld, exec_param(c->x, c->l, i), s->width, beta, ge, s->d);
}

static void chunk_backward(const chunk *c, float *g, float beta, float *ge)
{
    const attention *s = c->s;
    if (ge) ge += (size_t)c->first * s->f * s->d;
    g = chunk_out(c, g);
    heads_backward(c, g);
    for (uint32_t i = QUERY; i <= VALUE; i++)
        matrix_backward(c, i, c->gqkv + i * s->width, 3 * s->width, i == QUERY ? beta : 1, ge);
    if (s->residual) matrix_backward(c, RESIDUAL, g, s->width, 1, ge);
}

static void backward(const layer *l, exec *x)
{
    const attention *s = l->own;
    float beta = 0, *g = exec_grad(x, l), *ge = layer_input(l, 0)->needs_grad ? exec_grad_in_beta(x, l, 0, &beta) : NULL;
    activation_backward(&s->activation, l, x, exec_out(x, l), g);
    for (uint32_t r = 0; r < x->max_rows; r += CHUNK) {
        const chunk c = chunk_of(s, l, x, r);
        chunk_backward(&c, g, beta, ge);
    }
}

static int gate(const layer *l, layer_gate *out)
{
    const attention *s = l->own;
    *out = (layer_gate){.what = "attention", .of = layer_input(l, 0), .n = s->f, .per_row = s->heads * s->f * s->f, .buffer = WEIGHTS};
    return 1;
}

const layer_kind layer_self_attention = {.name = "self_attention",
                                         .keys = keys,
                                         .min_in = 1,
                                         .max_in = 1,
                                         .configure = configure,
                                         .describe = describe,
                                         .gate = gate,
                                         .flop = flop,
                                         .forward = forward,
                                         .backward = backward};
