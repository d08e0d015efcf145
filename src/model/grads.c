/* grads.c: the contribution of one micro-batch. */
#include <string.h>

#include "base/mem.h"
#include "model/index.h"

int grads_new(const model *m, grads **out, shoal_error *err)
{
    *out = NULL;
    const size_t dense = model_dense_size(m), aux = model_aux_size(m), tables = model_tables(m);
    grads *g = mem_calloc(1, sizeof *g);
    if (g) {
        g->dense = mem_calloc(dense ? dense : 1, sizeof(float));
        g->aux = mem_calloc(aux ? aux : 1, sizeof(float));
        g->table = mem_calloc(tables ? tables : 1, sizeof *g->table);
    }
    if (!g || !g->dense || !g->aux || !g->table) {
        grads_free(g, m);
        return error_nomem(err, (dense + aux) * sizeof(float), "gradients");
    }
    *out = g;
    return 0;
}

void grads_free(grads *g, const model *m)
{
    if (!g) return;
    for (size_t t = 0; g->table && t < model_tables(m); t++) mem_free(g->table[t]);
    mem_free(g->table);
    mem_free(g->dense);
    mem_free(g->aux);
    mem_free(g->id);
    mem_free(g);
}

int grads_reserve(grads *g, const model *m, size_t n, shoal_error *err)
{
    if (n <= g->id_cap) return 0;
    const size_t cap = n + n / 4 + 64;
    g->id_cap = g->n_ids = 0;
    mem_free(g->id);
    g->id = mem_alloc(cap * sizeof *g->id);
    if (!g->id) return error_nomem(err, cap * sizeof *g->id, "gradients");
    for (size_t t = 0; t < model_tables(m); t++) {
        const size_t bytes = cap * model_table_cols(m, t) * sizeof(float);
        mem_free(g->table[t]);
        g->table[t] = mem_alloc(bytes);
        if (!g->table[t]) return error_nomem(err, bytes, "gradients");
    }
    g->id_cap = cap;
    return 0;
}
