#include "features/vocab.h"

#include <string.h>

#include "base/mem.h"

#define PREFETCH_AHEAD 16

typedef struct slot {
    uint64_t key; /* 0: free */
    uint32_t entry;
} slot;

struct vocabulary {
    uint32_t n;
    uint8_t *bytes;
    uint64_t *offset; /* [n + 1] */
    slot *slot;
    uint64_t mask;
};

static int index_insert(vocabulary *v, uint64_t key, uint32_t entry)
{
    uint64_t i = key & v->mask;
    for (; v->slot[i].key; i = (i + 1) & v->mask)
        if (v->slot[i].key == key)
            return SHOAL_DATA;
    v->slot[i] = (slot){key, entry};
    return 0;
}

static int offsets_check(const uint64_t *offsets, uint32_t n, size_t n_bytes, shoal_error *err)
{
    if (offsets[0] != 0 || offsets[n] != n_bytes)
        return error_set(err, SHOAL_DATA, "offsets run from %llu to %llu, expected 0 to %zu",
                         (unsigned long long)offsets[0], (unsigned long long)offsets[n], n_bytes);
    for (uint32_t i = 0; i < n; i++)
        if (offsets[i + 1] <= offsets[i])
            return error_set(err, SHOAL_DATA, "entry %u is empty or its offsets run backwards", i);
    return 0;
}

int vocabulary_new(const uint8_t *bytes, size_t n_bytes, const uint64_t *offsets, uint32_t n, uint64_t seed,
                   vocabulary **out, shoal_error *err)
{
    *out = NULL;
    if (n > VOCABULARY_MAX)
        return error_set(err, SHOAL_DATA, "%u entries, more than %u: raise min_count or set max_size", n,
                         VOCABULARY_MAX);
    int rc = offsets_check(offsets, n, n_bytes, err);
    if (rc)
        return rc;
    uint64_t slots = 16;
    while (slots < 2 * (uint64_t)n)
        slots *= 2;
    vocabulary *v = mem_calloc(1, sizeof *v);
    if (!v)
        return error_nomem(err, sizeof *v, "a vocabulary");
    v->n = n;
    v->mask = slots - 1;
    v->bytes = mem_alloc(n_bytes ? n_bytes : 1);
    v->offset = mem_alloc(((size_t)n + 1) * sizeof *v->offset);
    v->slot = mem_calloc(slots, sizeof *v->slot);
    if (!v->bytes || !v->offset || !v->slot) {
        rc = error_nomem(err, n_bytes + slots * sizeof *v->slot, "a vocabulary");
        goto out;
    }
    if (n_bytes)
        memcpy(v->bytes, bytes, n_bytes);
    memcpy(v->offset, offsets, ((size_t)n + 1) * sizeof *offsets);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t key = vocabulary_key(bytes + offsets[i], offsets[i + 1] - offsets[i], seed);
        if (index_insert(v, key, i)) {
            rc = error_set(err, SHOAL_DATA, "entry %u is there twice", i);
            goto out;
        }
    }
    *out = v;
    return 0;
out:
    vocabulary_free(v);
    return rc;
}

void vocabulary_free(vocabulary *v)
{
    if (!v)
        return;
    mem_free(v->bytes);
    mem_free(v->offset);
    mem_free(v->slot);
    mem_free(v);
}

uint32_t vocabulary_size(const vocabulary *v)
{
    return v ? v->n : 0;
}

int vocabulary_has(const vocabulary *v, uint64_t key)
{
    uint64_t i = v ? key & v->mask : 0;
    while (v && v->slot[i].key && v->slot[i].key != key)
        i = (i + 1) & v->mask;
    return v && key && v->slot[i].key == key;
}

void vocabulary_entries(const vocabulary *v, const uint8_t **bytes, const uint64_t **offsets, uint32_t *n)
{
    *bytes = v->bytes;
    *offsets = v->offset;
    *n = v->n;
}

static inline uint32_t unknown(uint64_t key, const vocabulary_rows *r)
{
    return r->n_oov ? r->oov + (uint32_t)(((unsigned __int128)key * r->n_oov) >> 64) : r->missing;
}

static inline uint32_t probe(const slot *table, uint64_t mask, uint64_t key, const vocabulary_rows *r)
{
    if (key == 0)
        return r->missing;
    for (uint64_t i = key & mask;; i = (i + 1) & mask) {
        if (table[i].key == key)
            return r->known + table[i].entry;
        if (table[i].key == 0)
            return unknown(key, r);
    }
}

/* Misses of the cache are the cost of large vocabularies: the slot of a key PREFETCH_AHEAD rows on is asked for now. */
void vocabulary_lookup(const vocabulary *v, const uint64_t *key, size_t n, const vocabulary_rows *r, uint32_t *id)
{
    const slot *table = v->slot;
    const uint64_t mask = v->mask;
    size_t i = 0;
    for (; i + PREFETCH_AHEAD < n; i++) {
        __builtin_prefetch(&table[key[i + PREFETCH_AHEAD] & mask]);
        id[i] = probe(table, mask, key[i], r);
    }
    for (; i < n; i++)
        id[i] = probe(table, mask, key[i], r);
}
