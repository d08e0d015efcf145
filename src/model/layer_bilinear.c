/* layer_bilinear.c: two vectors through a matrix to one number (FinalMLP, Mao et al. 2023, arXiv:2304.00902, section 3.3):
 * a [m x p], b [m x q] -> [m x 1] = sum over heads of a_h W_h b_h, where a_h and b_h are the h-th of `heads` equal parts. W is
 * [p x q / heads], W_h its rows of a_h; it starts uniform in +-sqrt(6 / (p + q / heads)). */
#include "model/exec_private.h"

static const char *const keys[] = {"heads", NULL};

enum { LEFT, GRAD_LEFT }; /* a W of all heads [m x q]; its gradient */

typedef struct bilinear {
    uint32_t heads, p, q; /* p, q: numbers of a part */
} bilinear;

static int configure(layer *l, const conf *c, builder *b, shoal_error *err)
{
    bilinear *s = layer_own(l, sizeof *s, err);
    if (!s) return SHOAL_NOMEM;
    int64_t heads;
    int rc = conf_i64_or(c, "heads", 1, 1, LAYER_UNITS_MAX, &heads, err);
    if (rc < 0) return rc;
    s->heads = (uint32_t)heads;
    for (uint32_t i = 0; i < 2; i++) {
        const layer *in = layer_input(l, i);
        const uint64_t n = shape_size(in->out);
        if (n == 0 || n % s->heads != 0)
            return layer_error(l, c, err, "input '%s' has %llu numbers a row, which %u heads cannot share", in->name,
                               (unsigned long long)n, s->heads);
        *(i == 0 ? &s->p : &s->q) = (uint32_t)(n / s->heads);
    }
    l->out = (shape){.rank = 2, .width = 1};
    layer_add_buffer(l, (size_t)s->heads * s->q, 0);
    layer_add_buffer(l, (size_t)s->heads * s->q, 0);
    return layer_add_param(l, b,
                           &(param_spec){.suffix = "weight", .kind = PARAM_DENSE, .rows = (uint64_t)s->heads * s->p, .cols = s->q,
                                         .init = INIT_UNIFORM, .scale = __builtin_sqrt(6.0 / ((double)s->p + s->q)), .decay = 1},
                           err);
}

static int describe(const layer *l, json_t *to)
{
    const bilinear *s = l->own;
    return layer_json_int(to, "heads", s->heads);
}

static double flop(const layer *l)
{
    const bilinear *s = l->own;
    return 6.0 * s->heads * s->p * s->q;
}

static void forward(const layer *l, exec *x)
{
    const bilinear *s = l->own;
    const uint32_t p = s->p, q = s->q, lda = s->heads * p, ldb = s->heads * q;
    const float *a = exec_in(x, l, 0), *b = exec_in(x, l, 1), *w = exec_param(x, l, 0);
    float *left = exec_buffer(x, l, LEFT), *y = exec_out(x, l);
    for (uint32_t h = 0; h < s->heads; h++)
        x->k->gemm(0, 0, x->max_rows, q, p, a + h * p, lda, w + (size_t)h * p * q, q, 0, left + h * q, ldb);
    x->k->zero(y, x->max_rows * sizeof *y);
    x->k->rows_dot(x->max_rows, ldb, left, ldb, b, ldb, y);
}

static void backward(const layer *l, exec *x)
{
    const bilinear *s = l->own;
    const uint32_t p = s->p, q = s->q, lda = s->heads * p, ldb = s->heads * q;
    const float *a = exec_in(x, l, 0), *w = exec_param(x, l, 0), *g = exec_grad(x, l);
    float *gleft = exec_buffer(x, l, GRAD_LEFT), *ga = exec_grad_in(x, l, 0), *gb = exec_grad_in(x, l, 1);
    float *gw = exec_param_grad(x, l, 0);
    if (gb) x->k->rows_scale_add(x->max_rows, ldb, g, exec_buffer(x, l, LEFT), gb);
    x->k->rows_scale(x->max_rows, ldb, g, exec_in(x, l, 1), ldb, gleft, ldb);
    for (uint32_t h = 0; h < s->heads; h++) {
        const size_t at = (size_t)h * p * q;
        x->k->gemm(1, 0, p, q, x->max_rows, a + h * p, lda, gleft + h * q, ldb, 0, gw + at, q);
        if (ga) x->k->gemm(0, 1, x->max_rows, p, q, gleft + h * q, ldb, w + at, q, 1, ga + h * p, lda);
    }
}

const layer_kind layer_bilinear = {.name = "bilinear",
                                   .keys = keys,
                                   .min_in = 2,
                                   .max_in = 2,
                                   .configure = configure,
                                   .describe = describe,
                                   .flop = flop,
                                   .forward = forward,
                                   .backward = backward};
