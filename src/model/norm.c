/* norm.c: see norm.h. */
#include "model/norm.h"

enum { GAMMA, BETA, MEAN, VAR };

int norm_declare(norm *n, layer *l, builder *b, uint32_t width, double epsilon, double momentum, shoal_error *err)
{
    n->first = l->n_params;
    n->width = width;
    n->epsilon = (float)epsilon;
    const param_spec specs[] = {
        [GAMMA] = {.suffix = "gamma", .kind = PARAM_DENSE, .rows = 1, .cols = width, .init = INIT_CONSTANT, .scale = 1},
        [BETA] = {.suffix = "beta", .kind = PARAM_DENSE, .rows = 1, .cols = width, .init = INIT_ZERO},
        [MEAN] = {.suffix = "mean", .kind = PARAM_AUX, .rows = 1, .cols = width, .init = INIT_ZERO, .momentum = (float)momentum},
        [VAR] = {.suffix = "var", .kind = PARAM_AUX, .rows = 1, .cols = width, .init = INIT_CONSTANT, .scale = 1,
                 .momentum = (float)momentum},
    };
    int rc = 0;
    for (int i = GAMMA; rc == 0 && i <= VAR; i++) rc = layer_add_param(l, b, &specs[i], err);
    return rc;
}

void norm_forward(const norm *n, const layer *l, exec *e, const float *x, float *y)
{
    const float *mean = exec_aux(e, l, n->first + MEAN), *var = exec_aux(e, l, n->first + VAR);
    if (e->step) {
        float *batch_mean = exec_aux_batch(e, l, n->first + MEAN), *batch_var = exec_aux_batch(e, l, n->first + VAR);
        e->k->batch_norm_stats(e->b->rows, n->width, x, batch_mean, batch_var);
        mean = batch_mean;
        var = batch_var;
    }
    e->k->batch_norm_apply(e->max_rows, n->width, x, mean, var, n->epsilon, exec_param(e, l, n->first + GAMMA),
                           exec_param(e, l, n->first + BETA), y);
}

void norm_backward(const norm *n, const layer *l, exec *e, const float *x, const float *gy, float *gx)
{
    e->k->batch_norm_back(e->b->rows, n->width, x, exec_aux_batch(e, l, n->first + MEAN),
                          exec_aux_batch(e, l, n->first + VAR), n->epsilon, exec_param(e, l, n->first + GAMMA), gy, gx,
                          exec_param_grad_zeroed(e, l, n->first + GAMMA), exec_param_grad_zeroed(e, l, n->first + BETA));
    exec_zero_tail(e, gx, n->width);
}
