/* layer_ffm.c: field-aware factorisation machine (Juan et al. 2016, doi:10.1145/2959100.2959134), second order alone:
 *
 *   y = s * sum over pairs of keys j < k of x_j x_k <w_{j, field of k}, w_{k, field of j}>                          [m x 1]
 *
 * over all keys of the row with their values x, those within a bag too, as libffm has it; s = 1, or with `normalize`
 * 1 / sum of x_j^2. A key's row of the table holds one vector of dim floats for each field. */
#include "model/exec_private.h"

static const char *const keys[] = {"dim", "normalize", "init_std", "init_uniform", NULL};

#define DIM_DEFAULT 4
#define DIM_MAX 4096
#define INIT_STD_DEFAULT 0.01

typedef struct ffm {
    uint32_t fields, dim;
    int normalize;
    double init_std, init_uniform; /* of which one is used: the second when it is not 0 */
} ffm;

static int read_keys(layer *l, const conf *c, ffm *s, builder *b, shoal_error *err)
{
    int64_t dim;
    (void)l;
    int rc = conf_i64_or(c, "dim", DIM_DEFAULT, 1, DIM_MAX, &dim, err);
    if (rc == 0) rc = conf_bool_or(c, "normalize", 0, &s->normalize, err);
    if (rc == 0) rc = conf_f64_or(c, "init_std", INIT_STD_DEFAULT, 0, 100, &s->init_std, err);
    if (rc == 0) rc = conf_f64_or(c, "init_uniform", 0, 0, 100, &s->init_uniform, err);
    if (rc < 0) return rc;
    if (b->overrides->embedding_dim > 0) {
        dim = b->overrides->embedding_dim;
        b->used_dim = 1;
        if (dim > DIM_MAX) return error_set(err, SHOAL_USAGE, "embedding dimension %lld: at most %d", (long long)dim, DIM_MAX);
    }
    s->dim = (uint32_t)dim;
    return 0;
}

static int configure(layer *l, const conf *c, builder *b, shoal_error *err)
{
    ffm *s = layer_own(l, sizeof *s, err);
    if (!s) return SHOAL_NOMEM;
    int rc = read_keys(l, c, s, b, err);
    if (rc < 0) return rc;
    s->fields = b->m->f->n_fields;
    if (s->fields == 0)
        return layer_error(l, c, err, "the data has no categorical fields; declare some, or use model 'lr'");
    if (s->fields > KERNEL_FFM_FIELDS)
        return layer_error(l, c, err, "the data has %u fields; an ffm pairs at most %d", s->fields, KERNEL_FFM_FIELDS);
    l->out = (shape){.rank = 2, .width = 1};
    const size_t n = (size_t)s->fields * s->dim;
    layer_add_buffer(l, 0, kernel_ffm_scratch(s->fields, s->dim));
    const int uniform = s->init_uniform > 0;
    return layer_add_param(l, b,
                           &(param_spec){.suffix = "table", .kind = PARAM_TABLE, .rows = b->m->f->n_ids, .cols = n,
                                         .init = uniform ? INIT_POSITIVE : INIT_NORMAL,
                                         .scale = uniform ? s->init_uniform / __builtin_sqrt(s->dim) : s->init_std, .decay = 1},
                           err);
}

static int describe(const layer *l, json_t *to)
{
    const ffm *s = l->own;
    return layer_json_int(to, "dim", s->dim) || layer_json_bool(to, "normalize", s->normalize) ||
                   layer_json_real(to, "init_std", s->init_std) || layer_json_real(to, "init_uniform", s->init_uniform)
               ? -1
               : 0;
}

static void forward(const layer *l, exec *x)
{
    const ffm *s = l->own;
    const size_t t = layer_param(l, 0)->offset;
    x->k->zero(exec_out(x, l), x->max_rows * sizeof(float));
    x->k->ffm(x->b->rows, s->fields, s->dim, x->b->field, x->w->table[t], x->w->stride[t], s->normalize, exec_buffer(x, l, 0),
              exec_out(x, l));
}

static void backward(const layer *l, exec *x)
{
    const ffm *s = l->own;
    const size_t t = layer_param(l, 0)->offset;
    x->k->ffm_back(x->b->rows, s->fields, s->dim, x->b->field, x->index.slot, x->w->table[t], x->w->stride[t], s->normalize,
                   exec_buffer(x, l, 0), exec_grad(x, l), x->g->table[t]);
}

const layer_kind layer_ffm = {
    .name = "ffm", .keys = keys, .configure = configure, .describe = describe, .forward = forward, .backward = backward};
