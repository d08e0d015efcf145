/* hash.h: XXH3 (xxHash). Values are part of file formats: they never change. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash64(const void *p, size_t n, uint64_t seed);

typedef struct hash128 { uint64_t lo, hi; } hash128;
hash128 hash128_of(const void *p, size_t n);

/* Streaming digest of 128 bits. */
typedef struct digest digest;
digest *digest_new(void); /* NULL when out of memory */
void digest_update(digest *d, const void *p, size_t n);
hash128 digest_value(const digest *d);
void digest_free(digest *d);
/* 32 lower-case hex digits and a NUL. */
void hash128_hex(hash128 h, char out[33]);

#endif
