/* layer_embedding.c: one vector a field. y[i, f] = sum over the ids of field f of weight * table[id], or their largest, column by
 * column; [m x fields x dim]. */
#include "model/exec_private.h"

static const char *const keys[] = {"dim", "init_std", NULL};

#define DIM_DEFAULT 16
#define DIM_MAX 4096
#define INIT_STD_DEFAULT 0.01

typedef struct embedding {
    uint32_t dim;
    double init_std;
} embedding;

static int configure(layer *l, const conf *c, builder *b, shoal_error *err)
{
    embedding *s = layer_own(l, sizeof *s, err);
    if (!s) return SHOAL_NOMEM;
    int64_t dim;
    int rc = conf_i64_or(c, "dim", DIM_DEFAULT, 1, DIM_MAX, &dim, err);
    if (rc == 0) rc = conf_f64_or(c, "init_std", INIT_STD_DEFAULT, 0, 100, &s->init_std, err);
    if (rc < 0) return rc;
    if (b->overrides->embedding_dim > 0) {
        dim = b->overrides->embedding_dim;
        b->used_dim = 1;
        if (dim > DIM_MAX) return error_set(err, SHOAL_USAGE, "embedding dimension %lld: at most %d", (long long)dim, DIM_MAX);
    }
    s->dim = (uint32_t)dim;
    l->out = (shape){.rank = 3, .fields = b->m->f->n_fields, .width = s->dim};
    if (b->m->f->n_fields == 0) return 0;
    return layer_add_param(l, b,
                           &(param_spec){.suffix = "table", .kind = PARAM_TABLE, .rows = b->m->f->n_ids, .cols = s->dim,
                                         .init = INIT_NORMAL, .scale = s->init_std, .decay = 1},
                           err);
}

static int describe(const layer *l, json_t *to)
{
    const embedding *s = l->own;
    return layer_json_int(to, "dim", s->dim) || layer_json_real(to, "init_std", s->init_std) ? -1 : 0;
}

static void forward(const layer *l, exec *x)
{
    if (l->out.fields == 0) return;
    const size_t t = layer_param(l, 0)->offset, ld = shape_size(l->out);
    float *y = exec_out(x, l);
    for (uint32_t f = 0; f < l->out.fields; f++)
        exec_gather(x, &x->b->field[f], t, l->out.width, 0, y + (size_t)f * l->out.width, (uint32_t)ld);
    exec_zero_tail(x, y, ld);
}

static void backward(const layer *l, exec *x)
{
    if (l->out.fields == 0) return;
    const size_t t = layer_param(l, 0)->offset, ld = shape_size(l->out);
    const float *g = exec_grad(x, l);
    float *gtable = exec_table_grad_zeroed(x, l, 0);
    const uint32_t *slot = x->index.slot;
    for (uint32_t f = 0; f < l->out.fields; f++) {
        exec_scatter(x, &x->b->field[f], t, l->out.width, slot, g + (size_t)f * l->out.width, (uint32_t)ld, gtable);
        slot += x->b->field[f].n_id;
    }
}

const layer_kind layer_embedding = {.name = "embedding",
                                    .keys = keys,
                                    .configure = configure,
                                    .describe = describe,
                                    .forward = forward,
                                    .backward = backward};
