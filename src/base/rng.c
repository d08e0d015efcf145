/* rng.c: permutations under a key. */
#include "base/rng.h"

void rng_permutation(uint64_t key, uint32_t n, uint32_t *perm)
{
    for (uint32_t i = 0; i < n; i++)
        perm[i] = i;
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = (uint32_t)rng_below(key, n - i, i);
        uint32_t kept = perm[i - 1];
        perm[i - 1] = perm[j];
        perm[j] = kept;
    }
}
