/* index.c: see index.h. */
#include "model/index.h"

#include <string.h>

#include "base/mem.h"

#define KEYS_MIN 1024

void index_init(id_index *x) { memset(x, 0, sizeof *x); }

void index_release(id_index *x)
{
    mem_free(x->key);
    mem_free(x->value);
    mem_free(x->place);
    mem_free(x->slot);
    mem_free(x->seen);
    mem_free(x->rank);
    index_init(x);
}

/* Replaces *p by room for n values; contents are lost. */
static int renew(uint32_t **p, size_t n, shoal_error *err)
{
    mem_free(*p);
    *p = mem_alloc(n * sizeof **p);
    return *p ? 0 : error_nomem(err, n * sizeof **p, "the index of a micro-batch");
}

static int reserve(id_index *x, size_t occurrences, shoal_error *err)
{
    int rc = 0;
    if (occurrences > x->slot_cap) {
        const size_t cap = occurrences + occurrences / 4 + 64;
        x->slot_cap = x->seen_cap = 0;
        rc = renew(&x->place, cap, err);
        if (rc == 0) rc = renew(&x->slot, cap, err);
        if (rc == 0) rc = renew(&x->seen, cap, err);
        if (rc == 0) rc = renew(&x->rank, cap, err);
        if (rc < 0) return rc;
        x->slot_cap = x->seen_cap = cap;
    }
    size_t keys = KEYS_MIN;
    while (keys < 2 * occurrences) keys *= 2;
    if (keys > x->key_cap) {
        x->key_cap = 0;
        rc = renew(&x->key, keys, err);
        if (rc == 0) rc = renew(&x->value, keys, err);
        if (rc < 0) return rc;
        x->key_cap = keys;
    }
    return 0;
}

/* Fills x->place and x->seen; returns the number of distinct ids, or UINT32_MAX when one is too large. */
static uint32_t number_ids(id_index *x, const batch *b, uint32_t n_ids)
{
    const uint32_t mask = (uint32_t)(x->key_cap - 1);
    const int shift = __builtin_clz(mask);
    uint32_t *place = x->place, n = 0;
    memset(x->key, 0, x->key_cap * sizeof *x->key);
    for (uint32_t f = 0; f < b->n_fields; f++) {
        const batch_field *field = &b->field[f];
        for (uint32_t i = 0; i < field->n_id; i++) {
            const uint32_t id = field->id[i];
            if (id >= n_ids) return UINT32_MAX;
            uint32_t at = (id * 0x85ebca6bu) >> shift;
            while (x->key[at] != 0 && x->key[at] != id + 1) at = (at + 1) & mask;
            if (x->key[at] == 0) {
                x->key[at] = id + 1;
                x->value[at] = n;
                x->seen[n++] = id;
            }
            *place++ = x->value[at];
        }
    }
    return n;
}

/* Stable counting sort by shard: g->id, g->shard, and x->rank from place to slot. */
static void group(id_index *x, uint32_t n, grads *g)
{
    uint32_t at[MODEL_SHARDS + 1] = {0};
    for (uint32_t i = 0; i < n; i++) at[model_shard(x->seen[i]) + 1]++;
    for (int s = 0; s < MODEL_SHARDS; s++) at[s + 1] += at[s];
    memcpy(g->shard, at, sizeof g->shard);
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t to = at[model_shard(x->seen[i])]++;
        g->id[to] = x->seen[i];
        x->rank[i] = to;
    }
    g->n_ids = n;
}

int index_build(id_index *x, const batch *b, uint32_t n_ids, grads *g, const model *m, shoal_error *err)
{
    size_t total = 0;
    for (uint32_t f = 0; f < b->n_fields; f++) total += b->field[f].n_id;
    if (total > UINT32_MAX / 4) return error_set(err, SHOAL_DATA, "a micro-batch has %zu keys; make the batch smaller", total);
    int rc = reserve(x, total, err);
    if (rc < 0) return rc;
    const uint32_t n = number_ids(x, b, n_ids);
    if (n == UINT32_MAX) return error_set(err, SHOAL_INTERNAL, "a key lies outside the embedding tables of %u rows", n_ids);
    rc = grads_reserve(g, m, n, err);
    if (rc < 0) return rc;
    group(x, n, g);
    for (size_t i = 0; i < total; i++) x->slot[i] = x->rank[x->place[i]];
    return 0;
}
