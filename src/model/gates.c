/* gates.c: see gates.h. */
#include "model/gates.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "model/exec_private.h"

typedef struct entry {
    gate shown;
    layer_gate of;
    const layer *layer;
} entry;

struct gates {
    const model *m;
    entry *gate;
    size_t n, entries, scratch;
};

int gates_new(const model *m, gates **out, shoal_error *err)
{
    gates *g = *out = mem_calloc(1, sizeof *g);
    if (g) g->gate = mem_calloc(m->n_layers, sizeof *g->gate);
    if (!g || !g->gate) return error_nomem(err, m->n_layers * sizeof *g->gate, "the gates of a model");
    g->m = m;
    for (uint32_t i = 1; i < m->n_layers; i++) {
        const layer *l = &m->layer[i];
        layer_gate of = {0};
        if (!l->kind->gate || !l->kind->gate(l, &of)) continue;
        g->gate[g->n++] = (entry){{l->name, of.what, of.n, g->entries, of.per_row == 0}, of, l};
        g->entries += of.n;
        if (of.per_row > g->scratch) g->scratch = of.per_row;
    }
    return 0;
}

void gates_free(gates *g)
{
    if (g) mem_free(g->gate);
    mem_free(g);
}

size_t gates_count(const gates *g) { return g->n; }
const gate *gates_get(const gates *g, size_t i) { return &g->gate[i].shown; }
size_t gates_entries(const gates *g) { return g->entries; }
size_t gates_scratch(const gates *g) { return g->scratch; }

/* ---- names ------------------------------------------------------------------------------------------------------------- */

static int is_kind(const layer *l, const char *name) { return strcmp(l->kind->name, name) == 0; }

static uint32_t entries_of(const layer *l) { return l->out.rank == 3 ? l->out.fields : l->out.width; }

static int is_pairs(const layer *l) { return is_kind(l, "pairs") || is_kind(l, "bilinear_pairs"); }

/* The layer that made a layer's entries: what keeps their number and comes between (dropout, norms, attention) is passed over. */
static const layer *origin(const layer *l)
{
    while (l->n_in > 0 && !is_kind(l, "embedding") && !is_pairs(l) && !is_kind(l, "slice") && entries_of(layer_input(l, 0)) == entries_of(l))
        l = layer_input(l, 0);
    return l;
}

/* The field of the data that entry i of a layer stands for, or NULL. */
static const char *field_of(const layer *l, uint32_t i)
{
    l = origin(l);
    return is_kind(l, "embedding") && i < l->out.fields ? l->model->f->field[i].name : NULL;
}

/* The i-th pair of n things, in order of the first, then the second. */
static void pair_at(uint32_t n, int self, uint32_t i, uint32_t *a, uint32_t *b)
{
    for (*a = 0; i >= n - *a - !self; ++*a) i -= n - *a - !self;
    *b = *a + i + !self;
}

gate_name gates_name(const gates *g, size_t i, uint32_t at)
{
    const layer *l = origin(g->gate[i].of.of);
    if (!is_pairs(l)) return (gate_name){field_of(l, at), NULL};
    const layer *from = layer_input(l, 0);
    const uint32_t n = from->out.fields;
    uint32_t a, b;
    pair_at(n, entries_of(l) != layer_pairs_of(n, 0), at, &a, &b);
    gate_name pair = {field_of(from, a), field_of(from, b)};
    return pair.first && pair.second ? pair : (gate_name){NULL, NULL};
}

/* ---- numbers ------------------------------------------------------------------------------------------------------------- */

/* One row of a gate: number k belongs to entry k % n, or where an entry's numbers lie side by side, k / (per_row / n). */
static void add_row(const layer_gate *of, const float *row, double weight, double *sums)
{
    const uint32_t each = of->per_row / of->n;
    for (uint32_t k = 0; k < of->per_row; k++)
        sums[of->by_entry ? k / each : k % of->n] += weight * fabs((double)row[k]) / each;
}

void gates_add(const gates *g, const exec *x, const batch *b, float *scratch, double *sums)
{
    for (size_t i = 0; i < g->n; i++) {
        const layer_gate *of = &g->gate[i].of;
        if (of->per_row == 0) continue;
        const float *rows = exec_buffer(x, g->gate[i].layer, of->buffer);
        for (uint32_t r = 0; r < b->rows; r++) {
            x->k->download(scratch, rows + (size_t)r * of->per_row, of->per_row * sizeof *scratch);
            add_row(of, scratch, (double)b->weight[r], sums + g->gate[i].shown.first);
        }
    }
}

void gates_finish(const gates *g, const weights *w, double weight, double *sums)
{
    for (size_t i = 0; i < g->n; i++) {
        const entry *e = &g->gate[i];
        double *to = sums + e->shown.first;
        const float *fixed = e->shown.fixed ? w->dense + layer_param(e->layer, e->of.param)->offset : NULL;
        for (uint32_t k = 0; k < e->of.n; k++) to[k] = fixed ? (double)fixed[k] : to[k] / weight;
    }
}
