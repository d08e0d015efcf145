/* layer_outer.c: every product of a number of the first input with one of the second: x [m x p], y [m x q] -> [m x p x q]. */
#include "model/exec_private.h"

static const char *const keys[] = {NULL};

static uint32_t size(const layer *l, uint32_t i) { return (uint32_t)shape_size(layer_input(l, i)->out); }

static int configure(layer *l, const conf *c, builder *b, shoal_error *err)
{
    (void)b;
    const uint32_t p = size(l, 0), q = size(l, 1);
    if (p == 0 || q == 0)
        return layer_error(l, c, err, "input '%s' is empty: the data has no columns for it", layer_input(l, p == 0 ? 0 : 1)->name);
    l->out = (shape){.rank = 3, .fields = p, .width = q};
    if (!layer_input(l, 0)->needs_grad || !layer_input(l, 1)->needs_grad) layer_add_buffer(l, p > q ? p : q, 0);
    return 0;
}

static void forward(const layer *l, exec *x)
{
    x->k->outer(x->max_rows, size(l, 0), size(l, 1), exec_in(x, l, 0), size(l, 0), exec_in(x, l, 1), size(l, 1), exec_out(x, l));
}

/* A gradient that nobody needs goes to the buffer. */
static void backward(const layer *l, exec *x)
{
    float *gx = exec_grad_in(x, l, 0), *gy = exec_grad_in(x, l, 1);
    if (!gx) gx = exec_buffer(x, l, 0);
    if (!gy) gy = exec_buffer(x, l, 0);
    x->k->outer_back(x->max_rows, size(l, 0), size(l, 1), exec_in(x, l, 0), size(l, 0), exec_in(x, l, 1), size(l, 1),
                     exec_grad(x, l), gx, size(l, 0), gy, size(l, 1));
}

static double work(const layer *l)
{
    return 5.0 * (double)shape_size(l->out);
}

const layer_kind layer_outer = {.name = "outer",
                                .keys = keys,
                                .min_in = 2,
                                .max_in = 2,
                                .configure = configure,
                                .work = work,
                                .forward = forward,
                                .backward = backward};
