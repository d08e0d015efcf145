/* layer_stack.c: vectors and fields of one width as one list of fields: inputs [m x d] and [m x f x d] -> [m x (sum of f) x d],
 * a vector counting as one field. Empty inputs vanish. */
#include "model/exec_private.h"

static const char *const keys[] = {NULL};

static int configure(layer *l, const conf *c, builder *b, shoal_error *err)
{
    (void)b;
    const layer *first = NULL;
    l->out = (shape){.rank = 3};
    for (uint32_t i = 0; i < l->n_in; i++) {
        const layer *in = layer_input(l, i);
        if (shape_size(in->out) == 0) continue;
        if (!first) first = in;
        if (in->out.width != first->out.width)
            return layer_error(l, c, err, "input '%s' is %u wide and '%s' is %u; fields of one list have one width", in->name,
                               in->out.width, first->name, first->out.width);
        l->out.fields += in->out.rank == 3 ? in->out.fields : 1;
    }
    if (!first) return layer_error(l, c, err, "its inputs are empty: the data has no columns for them");
    l->out.width = first->out.width;
    return 0;
}

static void forward(const layer *l, exec *x) { exec_concat(x, l, exec_out(x, l)); }
static void backward(const layer *l, exec *x) { exec_split_grad(x, l, exec_grad(x, l)); }

const layer_kind layer_stack = {.name = "stack",
                                .keys = keys,
                                .min_in = 1,
                                .max_in = UINT32_MAX,
                                .configure = configure,
                                .forward = forward,
                                .backward = backward};
