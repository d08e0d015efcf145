/* vocab.h: the entries of a categorical feature that have a row of their own, and the way from a key to its entry.
 * Entries lie back to back in id order; the index is an open-addressing table of (key, id), at most half full, keys
 * being their own hash. Read-only after vocabulary_new, so threads share it. */
#ifndef FEATURES_VOCAB_H
#define FEATURES_VOCAB_H

#include "base/error.h"
#include "base/hash.h"

#define VOCABULARY_MAX 0x7fffffffu /* entries of one vocabulary */

typedef struct vocabulary vocabulary;

/* XXH3 of the canonical bytes; 0 is kept for "missing". */
static inline uint64_t vocabulary_key(const void *p, size_t n, uint64_t seed)
{
    uint64_t k = hash64(p, n, seed);
    return k ? k : 1;
}

/* Copies the entries. Offsets must be ascending from 0 to n_bytes, entries distinct and not empty. */
int vocabulary_new(const uint8_t *bytes, size_t n_bytes, const uint64_t *offsets, uint32_t n, uint64_t seed,
                   vocabulary **out, shoal_error *err);
void vocabulary_free(vocabulary *v);
uint32_t vocabulary_size(const vocabulary *v); /* NULL has none */
int vocabulary_has(const vocabulary *v, uint64_t key); /* NULL has none */
void vocabulary_entries(const vocabulary *v, const uint8_t **bytes, const uint64_t **offsets, uint32_t *n);

/* id[i] for n keys: known + entry, or oov + (a share of the key) when n_oov is not 0, or `missing` for key 0 and for
 * unknown keys without n_oov. */
typedef struct vocabulary_rows {
    uint32_t missing, oov, n_oov, known;
} vocabulary_rows;
void vocabulary_lookup(const vocabulary *v, const uint64_t *key, size_t n, const vocabulary_rows *r, uint32_t *id);

#endif
