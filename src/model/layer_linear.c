/* layer_linear.c: first order. y = bias + sum over the fields' ids of weight * table[id] + numeric . w; [m x 1]. */
#include "model/exec_private.h"

static const char *const keys[] = {NULL};

typedef struct linear {
    int32_t table, numeric; /* parameters; -1 when the data has no such columns */
    uint32_t bias;
} linear;

static int configure(layer *l, const conf *c, builder *b, shoal_error *err)
{
    (void)c;
    linear *s = layer_own(l, sizeof *s, err);
    if (!s) return SHOAL_NOMEM;
    const features *f = b->m->f;
    s->table = s->numeric = -1;
    l->out = (shape){.rank = 2, .width = 1};
    int rc = 0;
    if (f->n_fields > 0) {
        s->table = (int32_t)l->n_params;
        rc = layer_add_param(
            l, b, &(param_spec){.suffix = "table", .kind = PARAM_TABLE, .rows = f->n_ids, .cols = 1, .decay = 1}, err);
    }
    if (rc == 0 && f->n_dense > 0) {
        s->numeric = (int32_t)l->n_params;
        rc = layer_add_param(
            l, b, &(param_spec){.suffix = "weight", .kind = PARAM_DENSE, .rows = f->n_dense, .cols = 1, .decay = 1}, err);
    }
    s->bias = l->n_params;
    if (rc < 0) return rc;
    return layer_add_param(
        l, b, &(param_spec){.suffix = "bias", .kind = PARAM_DENSE, .rows = 1, .cols = 1, .init = INIT_BIAS}, err);
}

static void forward(const layer *l, exec *x)
{
    const linear *s = l->own;
    const kernels *k = x->k;
    float *y = exec_out(x, l);
    k->zero(y, x->max_rows * sizeof *y);
    if (s->table >= 0) {
        const size_t t = layer_param(l, (uint32_t)s->table)->offset;
        for (uint32_t f = 0; f < x->b->n_fields; f++) exec_gather(x, &x->b->field[f], t, 1, 1, y, 1);
    }
    if (s->numeric >= 0) {
        const uint32_t n = x->m->f->n_dense;
        k->row_dot(x->max_rows, n, exec_in(x, l, 0), n, exec_param(x, l, (uint32_t)s->numeric), y);
    }
    k->bias_add(x->max_rows, 1, exec_param(x, l, s->bias), y, 1);
}

static void backward(const layer *l, exec *x)
{
    const linear *s = l->own;
    const kernels *k = x->k;
    const float *g = exec_grad(x, l);
    if (s->table >= 0) {
        const size_t t = layer_param(l, (uint32_t)s->table)->offset;
        float *gtable = exec_table_grad_zeroed(x, l, (uint32_t)s->table);
        const uint32_t *slot = x->index.slot;
        for (uint32_t f = 0; f < x->b->n_fields; f++) {
            exec_scatter(x, &x->b->field[f], t, 1, slot, g, 1, gtable);
            slot += x->b->field[f].n_id;
        }
    }
    if (s->numeric >= 0) {
        const uint32_t n = x->m->f->n_dense;
        k->weighted_rows(x->max_rows, n, g, exec_in(x, l, 0), n, exec_param_grad_zeroed(x, l, (uint32_t)s->numeric));
    }
    k->column_sum(x->max_rows, 1, g, 1, exec_param_grad_zeroed(x, l, s->bias));
}

static double work(const layer *l)
{
    const features *f = l->model->f;
    return 2.0 * f->n_fields + 4.0 * f->n_dense;
}

const layer_kind layer_linear = {
    .name = "linear", .keys = keys, .reads_numeric = 1, .configure = configure, .work = work, .forward = forward, .backward = backward};
