/* layer_multiply.c: y = factor * a * b, element by element: a gate. b has as many numbers as a, or when a is made of fields
 * [m x f x d], one a field. */
#include "model/exec_private.h"

static const char *const keys[] = {"factor", NULL};

typedef struct product {
    double factor;
    int by_field;
} product;

static int configure(layer *l, const conf *c, builder *b, shoal_error *err)
{
    (void)b;
    product *s = layer_own(l, sizeof *s, err);
    if (!s) return SHOAL_NOMEM;
    int rc = conf_f64_or(c, "factor", 1, -1e6, 1e6, &s->factor, err);
    if (rc < 0) return rc;
    const layer *first = layer_input(l, 0), *second = layer_input(l, 1);
    const uint64_t n = shape_size(first->out), gates = shape_size(second->out);
    l->out = first->out;
    if (n == 0) return layer_error(l, c, err, "input '%s' is empty: the data has no columns for it", first->name);
    s->by_field = gates != n;
    if (s->by_field && !(first->out.rank == 3 && gates == first->out.fields))
        return layer_error(l, c, err, "input '%s' has %llu numbers a row and '%s' has %llu; expected as many, or one a field",
                           first->name, (unsigned long long)n, second->name, (unsigned long long)gates);
    layer_add_buffer(l, gates, 0);
    return 0;
}

static int describe(const layer *l, json_t *to)
{
    const product *s = l->own;
    return layer_json_real(to, "factor", s->factor);
}

/* factor * b, which goes into the products both ways. */
static float *scaled(const product *s, const layer *l, exec *x)
{
    float *to = exec_buffer(x, l, 0);
    const uint32_t n = (uint32_t)shape_size(layer_input(l, 1)->out);
    x->k->copy(x->max_rows, n, exec_in(x, l, 1), n, to, n);
    x->k->scale((size_t)x->max_rows * n, (float)s->factor, to);
    return to;
}

static void forward(const layer *l, exec *x)
{
    const product *s = l->own;
    const uint32_t d = l->out.width;
    float *b = scaled(s, l, x), *y = exec_out(x, l);
    if (s->by_field) {
        x->k->rows_scale(x->max_rows * l->out.fields, d, b, exec_in(x, l, 0), d, y, d);
    } else {
        const uint32_t n = (uint32_t)shape_size(l->out);
        x->k->copy(x->max_rows, n, exec_in(x, l, 0), n, y, n);
        x->k->mul(exec_floats(x, l), b, y);
    }
}

static void backward(const layer *l, exec *x)
{
    const product *s = l->own;
    const uint32_t d = l->out.width, vectors = x->max_rows * l->out.fields;
    float *g = exec_grad(x, l), *ga = exec_grad_in(x, l, 0), *b = exec_buffer(x, l, 0);
    if (ga && s->by_field) x->k->rows_scale_add(vectors, d, b, g, ga);
    if (ga && !s->by_field) x->k->mul_add(exec_floats(x, l), b, g, ga);
    float *gb = exec_grad_in(x, l, 1);
    if (!gb) return;
    if (!s->by_field) { /* g * a, in place of g */
        x->k->mul(exec_floats(x, l), exec_in(x, l, 0), g);
        x->k->scale_add(exec_floats(x, l), (float)s->factor, g, gb);
        return;
    }
    x->k->zero(b, vectors * sizeof *b);
    x->k->rows_dot(vectors, d, g, d, exec_in(x, l, 0), d, b);
    x->k->scale_add(vectors, (float)s->factor, b, gb);
}

static int gate(const layer *l, layer_gate *out)
{
    const product *s = l->own;
    if (l->out.rank != 3) return 0;
    *out = (layer_gate){.what = "gate", .of = layer_input(l, 0), .n = l->out.fields, .by_entry = 1,
                        .per_row = l->out.fields * (s->by_field ? 1 : l->out.width)};
    return 1;
}

const layer_kind layer_multiply = {.name = "multiply",
                                   .keys = keys,
                                   .min_in = 2,
                                   .max_in = 2,
                                   .configure = configure,
                                   .describe = describe,
                                   .gate = gate,
                                   .forward = forward,
                                   .backward = backward};
