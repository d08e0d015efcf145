/* layer_ffm.c: field-aware factorisation machine (Juan et al. 2016, doi:10.1145/2959100.2959134), second order alone:
 *
 *   y = s * sum over pairs of keys j < k of x_j x_k <w_{j, field of k}, w_{k, field of j}>                          [m x 1]
 *
 * over all keys of the row with their values x, those within a bag too, as libffm has it; s = 1, or with `normalize`
 * 1 / sum of x_j^2. A key's row of the table holds one vector of dim floats for each field.
 *
 * Micro-batches with one key of value 1 in every field, which most click logs have, take the fast way: the distinct keys' rows
 * are packed once, and the pairs worked through tile by tile (kernels.h, ffm_pairs). */
#include "model/exec_private.h"

static const char *const keys[] = {"dim", "normalize", "init_std", "init_uniform", NULL};

#define DIM_DEFAULT 4
#define DIM_MAX 4096
#define INIT_STD_DEFAULT 0.01
#define PACK_FIELDS_MAX 64 /* beyond that packs would be larger than caches and memory bear */
#define PREDICT_ROWS 16    /* packed at a time where keys are not numbered */

typedef struct ffm {
    uint32_t fields, dim;
    int normalize, packs;
    uint32_t b_scratch, b_pack, b_grads, b_tiles; /* the last three of `packs` */
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
    for (uint32_t f = 0; f < s->fields; f++)
        if (b->m->f->field[f].largest)
            return layer_error(l, c, err, "field '%s' has combiner: max, but an ffm pairs each key; take mean or sum", b->m->f->field[f].name);
    l->out = (shape){.rank = 2, .width = 1};
    const size_t n = (size_t)s->fields * s->dim;
    s->b_scratch = layer_add_buffer(l, 0, kernel_ffm_scratch(s->fields, s->dim));
    s->packs = s->fields <= PACK_FIELDS_MAX && (s->dim == 4 || s->dim == 8 || s->dim == 16);
    if (s->packs) {
        const size_t row = kernel_ffm_pack(s->fields, s->dim, 0);
        s->b_pack = layer_add_buffer(l, s->fields * row, row);
        s->b_grads = layer_add_buffer(l, s->fields * row, row);
        s->b_tiles = layer_add_buffer(l, kernel_ffm_pairs_scratch(s->fields, s->dim), 0);
    }
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

static int one_of_value_1(const batch_field *x, uint32_t rows)
{
    if (x->n_id != rows) return 0;
    for (uint32_t r = 0; x->offset && r < rows; r++)
        if (x->offset[r] != r) return 0;
    for (uint32_t r = 0; x->weight && r < rows; r++)
        if (x->weight[r] != 1.0f) return 0;
    return 1;
}

static int is_plain(const ffm *s, const exec *x)
{
    for (uint32_t f = 0; s->packs && f < s->fields; f++)
        if (!one_of_value_1(&x->b->field[f], x->b->rows)) return 0;
    return s->packs;
}
static float factor(const ffm *s) { return s->normalize ? 1.0f / (float)s->fields : 1.0f; }

/* Scores of rows whose keys are not numbered: each occurrence is a key of its own. */
static void predict_plain(const ffm *s, const layer *l, exec *x)
{
    const size_t t = layer_param(l, 0)->offset;
    float *v = exec_buffer(x, l, s->b_pack);
    for (uint32_t r = 0, m; r < x->b->rows; r += m) {
        m = x->b->rows - r < PREDICT_ROWS ? x->b->rows - r : PREDICT_ROWS;
        for (uint32_t f = 0; f < s->fields; f++)
            x->k->ffm_pack(m, s->fields, s->dim, x->b->field[f].id + r, x->w->table[t], x->w->stride[t], f * m, s->fields * m, v);
        x->k->ffm_pairs(m, s->fields, s->dim, NULL, s->fields * m, v, factor(s), exec_buffer(x, l, s->b_tiles), exec_out(x, l) + r);
    }
}

static void forward(const layer *l, exec *x)
{
    const ffm *s = l->own;
    const size_t t = layer_param(l, 0)->offset;
    const float *rows = x->w->table[t];
    x->k->zero(exec_out(x, l), x->max_rows * sizeof(float));
    if (!is_plain(s, x)) {
        x->k->ffm(x->b->rows, s->fields, s->dim, x->b->field, rows, x->w->stride[t], s->normalize,
                  exec_buffer(x, l, s->b_scratch), exec_out(x, l));
    } else if (!x->g) {
        predict_plain(s, l, x);
    } else {
        float *v = exec_buffer(x, l, s->b_pack);
        x->k->ffm_pack(x->g->n_ids, s->fields, s->dim, x->index.seen, rows, x->w->stride[t], 0, x->g->n_ids, v);
        x->k->ffm_pairs(x->b->rows, s->fields, s->dim, x->index.place, x->g->n_ids, v, factor(s),
                        exec_buffer(x, l, s->b_tiles), exec_out(x, l));
    }
}

static void backward(const layer *l, exec *x)
{
    const ffm *s = l->own;
    const size_t t = layer_param(l, 0)->offset;
    if (!is_plain(s, x)) {
        x->k->ffm_back(x->b->rows, s->fields, s->dim, x->b->field, x->index.slot, x->w->table[t], x->w->stride[t], s->normalize,
                       exec_buffer(x, l, s->b_scratch), exec_grad(x, l), exec_table_grad_zeroed(x, l, 0));
        return;
    }
    float *gv = exec_buffer(x, l, s->b_grads);
    x->k->ffm_pairs_back(x->b->rows, s->fields, s->dim, x->index.place, x->g->n_ids, exec_buffer(x, l, s->b_pack), factor(s),
                         exec_grad(x, l), exec_buffer(x, l, s->b_tiles), gv);
    x->k->ffm_unpack(x->g->n_ids, s->fields, s->dim, gv, x->index.rank, x->g->table[t]);
}

static double work(const layer *l)
{
    const ffm *s = l->own;
    return 3.0 * s->dim * s->fields * (s->fields - 1.0);
}

const layer_kind layer_ffm = {
    .name = "ffm", .keys = keys, .configure = configure, .work = work, .describe = describe, .forward = forward, .backward = backward};
