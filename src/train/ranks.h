/* ranks.h: rows in the order of their scores, or of group and then score, exact and in bounded memory: beyond `memory` bytes
 * they are spilled to spool_dir as sorted runs and merged.
 *
 * A row is one u64: in the upper half the logit as an integer of the same order (the sign bit flipped, negative numbers
 * inverted), below it the label in bit 31 and the bits of the weight in 0..30 (weights are not negative). A group is a u64
 * beside it. Equal ones mean equal contributions, so any sort of them gives the same sequence, and spilling cannot change a bit
 * of what is summed over it. */
#ifndef TRAIN_RANKS_H
#define TRAIN_RANKS_H

#include <string.h>

#include "base/error.h"

static inline uint64_t rank_pack(float logit, int positive, float weight)
{
    uint32_t z, w;
    logit += 0.0f; /* -0 ties with 0 */
    memcpy(&z, &logit, 4);
    memcpy(&w, &weight, 4);
    z = z & 0x80000000u ? ~z : z | 0x80000000u;
    return (uint64_t)z << 32 | (positive ? 0x80000000u : 0) | (w & 0x7fffffffu);
}
static inline uint32_t rank_score(uint64_t row) { return (uint32_t)(row >> 32); }
static inline int rank_positive(uint64_t row) { return (int)(row >> 31 & 1); }
static inline double rank_weight(uint64_t row)
{
    uint32_t bits = (uint32_t)row & 0x7fffffffu;
    float w;
    memcpy(&w, &bits, 4);
    return (double)w;
}
static inline double rank_logit(uint64_t row)
{
    uint32_t z = rank_score(row);
    float logit;
    z = z & 0x80000000u ? z & 0x7fffffffu : ~z;
    memcpy(&logit, &z, 4);
    return (double)logit;
}

typedef struct ranks ranks;
/* spool_dir NULL: all in memory. */
int ranks_new(size_t memory, const char *spool_dir, int grouped, ranks **out, shoal_error *err);
int ranks_add(ranks *r, uint64_t group, uint64_t row, shoal_error *err);
/* All rows in order, once; what was in memory is spilled or sorted in place. Without groups, group is 0. */
typedef void (*ranks_fn)(void *ctx, uint64_t group, uint64_t row);
int ranks_each(ranks *r, ranks_fn fn, void *ctx, shoal_error *err);
void ranks_clear(ranks *r); /* memory kept */
void ranks_free(ranks *r);

#endif
