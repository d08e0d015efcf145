/* profile.c: see profile.h. */
#include "model/profile.h"

#include <string.h>

#include "base/mem.h"
#include "model/layer.h"

int profile_init(profile *p, const model *m, shoal_error *err)
{
    memset(p, 0, sizeof *p);
    p->layer = mem_calloc(m->n_layers, sizeof *p->layer);
    if (!p->layer) return error_nomem(err, m->n_layers * sizeof *p->layer, "a profile");
    p->n_layers = m->n_layers;
    return 0;
}

void profile_release(profile *p)
{
    mem_free(p->layer);
    memset(p, 0, sizeof *p);
}

void profile_add(profile *to, const profile *from)
{
    for (uint32_t i = 0; i < to->n_layers; i++) {
        to->layer[i].forward_ns += from->layer[i].forward_ns;
        to->layer[i].backward_ns += from->layer[i].backward_ns;
    }
    for (int i = 0; i < PROFILE_STAGES; i++) to->stage_ns[i] += from->stage_ns[i];
    to->rows += from->rows;
    to->computed += from->computed;
    to->batches += from->batches;
    to->keys += from->keys;
    to->ids += from->ids;
}

void profile_count(profile *p, const batch *b, uint32_t computed, uint32_t ids)
{
    p->rows += b->rows;
    p->computed += computed;
    p->batches++;
    for (uint32_t f = 0; f < b->n_fields; f++) p->keys += b->field[f].n_id;
    p->ids += ids;
}

/* Floats that a layer moves at least, both ways. */
static double floats_moved(const profile *p, const layer *l)
{
    const double rows = (double)p->computed, out = (double)shape_size(l->out);
    double in = 0, in_grads = 0, tables = 0, dense = 0;
    for (uint32_t i = 0; i < l->n_in; i++) {
        const layer *from = layer_input(l, i);
        in += (double)shape_size(from->out);
        if (from->needs_grad) in_grads += (double)shape_size(from->out);
    }
    for (uint32_t i = 0; i < l->n_params; i++) {
        const param *q = layer_param(l, i);
        if (q->kind == PARAM_TABLE) tables += (double)q->cols;
        if (q->kind == PARAM_DENSE) dense += (double)(q->rows * q->cols);
    }
    double floats = rows * (in + out) + (double)p->batches * dense + (double)p->keys * tables;
    if (l->needs_grad)
        floats += rows * (out + in + in_grads) + (double)p->batches * 2 * dense + (double)(p->keys + p->ids) * tables;
    return floats;
}

profile_row profile_layer_row(const profile *p, const model *m, uint32_t i)
{
    const layer *l = &m->layer[i];
    const double rows = (double)p->computed, out = (double)shape_size(l->out);
    profile_row r = {.name = l->name, .kind = l->kind->name, .forward_s = (double)p->layer[i].forward_ns * 1e-9,
                     .backward_s = (double)p->layer[i].backward_ns * 1e-9};
    r.gemm_flop = l->kind->flop ? rows * l->kind->flop(l) : 0;
    r.flop = r.gemm_flop + rows * (l->kind->work ? l->kind->work(l) : 2 * out);
    r.bytes = floats_moved(p, l) * sizeof(float);
    return r;
}

const char *profile_stage_name(enum profile_stage s)
{
    static const char *const names[PROFILE_STAGES] = {"features", "index", "loss", "tables", "dense"};
    return names[s];
}
