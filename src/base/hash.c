/* hash.c: XXH3 by libxxhash; the streaming state lies in our own memory. */
#include "base/hash.h"

#include <stdio.h>

#define XXH_STATIC_LINKING_ONLY /* the size of the state */
#include <xxhash.h>

#include "base/mem.h"

uint64_t hash64(const void *p, size_t n, uint64_t seed)
{
    return XXH3_64bits_withSeed(p, n, seed);
}

static hash128 hash128_from(XXH128_hash_t h)
{
    hash128 out = {h.low64, h.high64};
    return out;
}

hash128 hash128_of(const void *p, size_t n)
{
    return hash128_from(XXH3_128bits(p, n));
}

struct digest {
    XXH3_state_t state; /* aligned to 64, as mem_alloc's blocks are */
};

digest *digest_new(void)
{
    digest *d = mem_calloc(1, sizeof *d);
    if (d)
        XXH3_128bits_reset(&d->state);
    return d;
}

void digest_update(digest *d, const void *p, size_t n)
{
    if (n)
        XXH3_128bits_update(&d->state, p, n);
}

hash128 digest_value(const digest *d)
{
    return hash128_from(XXH3_128bits_digest(&d->state));
}

void digest_free(digest *d)
{
    mem_free(d);
}

void hash128_hex(hash128 h, char out[33])
{
    static const char digits[] = "0123456789abcdef";
    uint64_t words[2] = {h.hi, h.lo};
    for (int i = 0; i < 32; i++)
        out[i] = digits[words[i / 16] >> (60 - 4 * (i % 16)) & 15];
    out[32] = '\0';
}
