/* rng.h: chance as a function, never a stream. A key names what is decided (seed, epoch, step, row, ...); the i-th draw
 * under a key can be computed by anybody at any time.
 *
 * rng_mix is the finaliser of SplitMix64 (Steele, Lea, Flood 2014, doi:10.1145/2660193.2660195); draw i under key is
 * mix(key + (i + 1) * 0x9e3779b97f4a7c15), the i-th output of SplitMix64 started at key. Values are part of the
 * definition of a trained model: they never change. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

#define RNG_GOLDEN 0x9e3779b97f4a7c15ull

static inline uint64_t rng_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

/* What a key is for; keeps the draws of different uses apart. */
enum rng_use { RNG_BLOCKS = 1, RNG_ROWS, RNG_INIT, RNG_DROPOUT, RNG_SYNTH, RNG_SAMPLE };

/* Folds one more coordinate into a key. */
static inline uint64_t rng_fold(uint64_t key, uint64_t coordinate)
{
    return rng_mix(key ^ rng_mix(coordinate + RNG_GOLDEN));
}
static inline uint64_t rng_key(uint64_t seed, enum rng_use use, uint64_t a, uint64_t b)
{
    return rng_fold(rng_fold(rng_fold(rng_mix(seed + RNG_GOLDEN), (uint64_t)use), a), b);
}
static inline uint64_t rng_u64(uint64_t key, uint64_t i) { return rng_mix(key + (i + 1) * RNG_GOLDEN); }
/* In [0, 1), 53 bits. */
static inline double rng_f64(uint64_t key, uint64_t i) { return (double)(rng_u64(key, i) >> 11) * 0x1p-53; }
/* In [0, n), n > 0; the bias of at most n / 2^64 is accepted. */
static inline uint64_t rng_below(uint64_t key, uint64_t i, uint64_t n)
{
    return (uint64_t)(((unsigned __int128)rng_u64(key, i) * n) >> 64);
}
/* Mean 0, variance 1: the sum of 12 uniforms of 16 bits (draws 3i .. 3i+2), Irwin-Hall; no libm, the same on every
 * machine. Tails end at 6. */
static inline double rng_normal(uint64_t key, uint64_t i)
{
    uint64_t s = 0;
    for (int w = 0; w < 3; w++) {
        uint64_t u = rng_u64(key, 3 * i + (uint64_t)w);
        s += (u & 0xffff) + (u >> 16 & 0xffff) + (u >> 32 & 0xffff) + (u >> 48);
    }
    return ((double)s + 6.0) * 0x1p-16 - 6.0;
}
/* perm becomes a permutation of 0 .. n-1 (Fisher-Yates under the key). */
void rng_permutation(uint64_t key, uint32_t n, uint32_t *perm);

#endif
