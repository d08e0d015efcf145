/* layer_concat.c: inputs side by side, each flattened: [m x sum of sizes]. Empty ones vanish. */
#include "model/exec_private.h"

static const char *const keys[] = {NULL};

static int configure(layer *l, const conf *c, builder *b, shoal_error *err)
{
    (void)b;
    l->out = (shape){.rank = 2, .width = (uint32_t)layer_in_size(l)};
    if (l->out.width == 0) return layer_error(l, c, err, "its inputs are empty: the data has no columns for them");
    return 0;
}

static void forward(const layer *l, exec *x) { exec_concat(x, l, exec_out(x, l)); }
static void backward(const layer *l, exec *x) { exec_split_grad(x, l, exec_grad(x, l)); }

const layer_kind layer_concat = {.name = "concat",
                                 .keys = keys,
                                 .min_in = 1,
                                 .max_in = UINT32_MAX,
                                 .configure = configure,
                                 .forward = forward,
                                 .backward = backward};
