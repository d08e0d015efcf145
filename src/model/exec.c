/* exec.c: one micro-batch through the list of layers and back. */
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "model/exec_private.h"

#define ALIGN_FLOATS 16

/* ---- memory ------------------------------------------------------------------------------------------------------------ */

static size_t padded(size_t floats) { return (floats + ALIGN_FLOATS - 1) / ALIGN_FLOATS * ALIGN_FLOATS; }

/* Hands out n floats at *used; with no memory yet only counts. */
static float *carve(float *memory, size_t *used, size_t n)
{
    float *p = memory ? memory + *used : NULL;
    *used += padded(n);
    return p;
}

/* Lays out all tensors; returns the floats needed. Called twice: to count, then to place. */
static size_t lay_out(exec *x)
{
    size_t used = 0;
    const size_t m = x->max_rows;
    x->label = carve(x->memory, &used, m);
    x->weight = carve(x->memory, &used, m);
    for (uint32_t i = 0; i < x->m->n_layers; i++) {
        const layer *l = &x->m->layer[i];
        x->out[i] = carve(x->memory, &used, m * shape_size(l->out));
        x->grad[i] = l->needs_grad ? carve(x->memory, &used, m * shape_size(l->out)) : NULL;
        for (uint32_t j = 0; j < l->n_buffers; j++)
            x->buffer[(size_t)i * LAYER_BUFFERS_MAX + j] =
                carve(x->memory, &used, m * l->buffer[j].per_row + l->buffer[j].fixed);
    }
    return used;
}

int exec_new(const model *m, const kernels *k, uint32_t max_rows, exec **out, shoal_error *err)
{
    *out = NULL;
    CHECK(max_rows > 0);
    const size_t n = m->n_layers;
    size_t bytes = sizeof(exec);
    exec *x = mem_calloc(1, sizeof *x);
    if (!x) return error_nomem(err, bytes, "a thread's workspace");
    x->m = m;
    x->k = k;
    x->max_rows = max_rows;
    index_init(&x->index);
    x->out = mem_calloc(n, sizeof *x->out);
    x->grad = mem_calloc(n, sizeof *x->grad);
    x->buffer = mem_calloc(n * LAYER_BUFFERS_MAX, sizeof *x->buffer);
    x->started = mem_calloc(n, 1);
    if (x->out && x->grad && x->buffer && x->started) {
        bytes = lay_out(x) * sizeof(float);
        x->memory = k->alloc(bytes);
    }
    if (!x->memory) {
        exec_free(x);
        return error_nomem(err, bytes, "a thread's workspace");
    }
    k->zero(x->memory, bytes);
    lay_out(x);
    *out = x;
    return 0;
}

void exec_measure(exec *x, profile *p) { x->profile = p; }

void exec_free(exec *x)
{
    if (!x) return;
    if (x->memory) x->k->free(x->memory);
    index_release(&x->index);
    mem_free(x->out);
    mem_free(x->grad);
    mem_free(x->buffer);
    mem_free(x->started);
    mem_free(x);
}

/* ---- what layers see --------------------------------------------------------------------------------------------------- */

float *exec_grad_in_beta(exec *x, const layer *l, uint32_t i, float *beta)
{
    const uint32_t in = l->in[i];
    *beta = x->started[in];
    x->started[in] = 1;
    return x->grad[in];
}

float *exec_grad_in(exec *x, const layer *l, uint32_t i)
{
    float beta, *g = exec_grad_in_beta(x, l, i, &beta);
    if (g && beta == 0) x->k->zero(g, exec_floats(x, layer_input(l, i)) * sizeof *g);
    return g;
}

const float *exec_param(const exec *x, const layer *l, uint32_t i) { return x->w->dense + layer_param(l, i)->offset; }
float *exec_param_grad(const exec *x, const layer *l, uint32_t i) { return x->g->dense + layer_param(l, i)->offset; }
float *exec_param_grad_zeroed(const exec *x, const layer *l, uint32_t i)
{
    const param *p = layer_param(l, i);
    float *g = exec_param_grad(x, l, i);
    x->k->zero(g, (size_t)(p->rows * p->cols) * sizeof *g);
    return g;
}
float *exec_table_grad_zeroed(exec *x, const layer *l, uint32_t i)
{
    const param *p = layer_param(l, i);
    float *g = x->g->table[p->offset];
    x->k->zero(g, (size_t)x->g->n_ids * p->cols * sizeof *g);
    return g;
}
const float *exec_aux(const exec *x, const layer *l, uint32_t i) { return x->w->aux + layer_param(l, i)->offset; }
float *exec_aux_batch(const exec *x, const layer *l, uint32_t i) { return x->g->aux + layer_param(l, i)->offset; }

void exec_gather(const exec *x, const batch_field *f, size_t t, uint32_t d, int accumulate, float *y, uint32_t ldy)
{
    const float *rows = x->w->table[t];
    if (f->largest)
        x->k->gather_max(x->b->rows, d, f->offset, f->id, rows, x->w->stride[t], accumulate, y, ldy);
    else
        x->k->gather(x->b->rows, d, f->offset, f->id, f->weight, rows, x->w->stride[t], accumulate, y, ldy);
}

void exec_scatter(const exec *x, const batch_field *f, size_t t, uint32_t d, const uint32_t *slot, const float *g, uint32_t ldg,
                  float *gtable)
{
    if (f->largest)
        x->k->scatter_max(x->b->rows, d, f->offset, f->id, slot, x->w->table[t], x->w->stride[t], g, ldg, gtable);
    else
        x->k->scatter(x->b->rows, d, f->offset, slot, f->weight, g, ldg, gtable);
}

void exec_zero_tail(const exec *x, float *p, size_t width)
{
    const size_t rows = x->b->rows, left = x->max_rows - rows;
    if (left * width > 0) x->k->zero(p + rows * width, left * width * sizeof *p);
}

void exec_dropout(const exec *x, const layer *l, double rate, float *p, uint32_t width)
{
    if (!x->step || rate <= 0) return;
    uint32_t keep = (uint32_t)((1 - rate) * 65536 + 0.5);
    if (keep == 0) keep = 1;
    x->k->dropout(x->max_rows, width, p, width, rng_fold(x->step->key, l->index), x->step->row0, keep,
                  (float)(65536.0 / keep));
}

void exec_concat(const exec *x, const layer *l, float *to)
{
    const uint32_t ld = (uint32_t)layer_in_size(l);
    for (uint32_t i = 0; i < l->n_in; i++) {
        const uint32_t n = (uint32_t)shape_size(layer_input(l, i)->out);
        if (n > 0) x->k->copy(x->max_rows, n, exec_in(x, l, i), n, to, ld);
        to += n;
    }
}

void exec_split_grad(exec *x, const layer *l, const float *from)
{
    const uint32_t ld = (uint32_t)layer_in_size(l);
    for (uint32_t i = 0; i < l->n_in; i++) {
        const layer *in = layer_input(l, i);
        const uint32_t n = (uint32_t)shape_size(in->out);
        if (in->needs_grad && n > 0) {
            float beta, *to = exec_grad_in_beta(x, l, i, &beta);
            (beta == 0 ? x->k->copy : x->k->add_rows)(x->max_rows, n, from, ld, to, n);
        }
        from += n;
    }
}

/* ---- the way forward and back ------------------------------------------------------------------------------------------ */

static int check_batch(const exec *x, const batch *b, shoal_error *err)
{
    const features *f = x->m->f;
    if (b->rows == 0 || b->rows > x->max_rows || b->n_fields != f->n_fields || b->n_dense != f->n_dense)
        return error_set(err, SHOAL_INTERNAL,
                         "a batch of %u rows, %u numbers and %u fields came to a model of %u, %u and %u", b->rows, b->n_dense,
                         b->n_fields, x->max_rows, f->n_dense, f->n_fields);
    return 0;
}

static const layer *forward(exec *x)
{
    const layer *last = &x->m->layer[x->m->n_layers - 1];
    for (uint32_t i = 0; i < x->m->n_layers; i++) {
        const layer *l = &x->m->layer[i];
        if (l->consumers == 0 && l != last) continue;
        const uint64_t start = profile_start(x->profile);
        l->kind->forward(l, x);
        if (x->profile) profile_stop(&x->profile->layer[i].forward_ns, start);
    }
    return last;
}

int exec_predict(exec *x, const weights *w, const batch *b, float *logits, shoal_error *err)
{
    int rc = check_batch(x, b, err);
    if (rc < 0) return rc;
    x->w = w;
    x->b = b;
    x->step = NULL;
    x->g = NULL;
    x->k->download(logits, exec_out(x, forward(x)), b->rows * sizeof *logits);
    return 0;
}

/* Loss, and the gradient of the logits; rows past the batch's have none. */
static void loss(exec *x, const layer *last)
{
    const batch *b = x->b;
    x->k->upload(x->label, b->label, b->rows * sizeof(float));
    x->k->upload(x->weight, b->weight, b->rows * sizeof(float));
    x->g->loss = x->k->bce(b->rows, exec_out(x, last), x->label, x->weight, x->step->scale, exec_grad(x, last));
    exec_zero_tail(x, exec_grad(x, last), 1);
    double sum = 0;
    for (uint32_t i = 0; i < b->rows; i++) sum += (double)b->weight[i];
    x->g->weight = sum;
    x->g->rows = b->rows;
}

static void backward(exec *x)
{
    memset(x->started, 0, x->m->n_layers);
    for (uint32_t i = x->m->n_layers; i-- > 1;) {
        const layer *l = &x->m->layer[i];
        if (!l->needs_grad) continue;
        const uint64_t start = profile_start(x->profile);
        l->kind->backward(l, x);
        if (x->profile) profile_stop(&x->profile->layer[i].backward_ns, start);
    }
}

int exec_train(exec *x, const weights *w, const batch *b, const exec_step *s, grads *g, float *logits, shoal_error *err)
{
    uint64_t start = profile_start(x->profile);
    int rc = check_batch(x, b, err);
    if (rc == 0) rc = index_build(&x->index, b, x->m->f->n_ids, g, x->m, err);
    if (rc < 0) return rc;
    if (x->profile) {
        profile_stop(&x->profile->stage_ns[PROFILE_INDEX], start);
        profile_count(x->profile, b, x->max_rows, g->n_ids);
    }
    x->w = w;
    x->b = b;
    x->step = s;
    x->g = g;
    const layer *last = forward(x);
    if (logits) x->k->download(logits, exec_out(x, last), b->rows * sizeof *logits);
    start = profile_start(x->profile);
    loss(x, last);
    if (x->profile) profile_stop(&x->profile->stage_ns[PROFILE_LOSS], start);
    backward(x);
    return 0;
}
