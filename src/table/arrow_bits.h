/* arrow_bits.h: inside table/: loops over the rows of a column that has nulls, a word of bits at a time. */
#ifndef TABLE_ARROW_BITS_H
#define TABLE_ARROW_BITS_H

#include <string.h>

#include "table/arrow.h"

/* For each bit, from the lowest: its number as i. */
#define EACH_BIT(i, bits) for (uint64_t left_ = (bits), i; left_ && (i = (uint64_t)__builtin_ctzll(left_), 1); left_ &= left_ - 1)

/* Buffers of callers need not be aligned. */
#define LOAD(type, p, i) __extension__({ type v_; memcpy(&v_, (const char *)(p) + (i) * (int64_t)sizeof v_, sizeof v_); v_; })

static inline uint64_t low_bits(int64_t n) { return n < 64 ? ((uint64_t)1 << n) - 1 : UINT64_MAX; }

/* n bits, at most 64, of a bitmap from bit `at` on. */
static inline uint64_t bits_at(const void *map, int64_t at, int64_t n)
{
    const uint8_t *p = (const uint8_t *)map + at / 8;
    const int64_t shift = at & 7, bytes = (shift + n + 7) / 8;
    uint64_t bits = 0;
    memcpy(&bits, p, (size_t)(bytes < 8 ? bytes : 8));
    bits >>= shift;
    if (bytes > 8) bits |= (uint64_t)p[8] << (64 - shift);
    return bits & low_bits(n);
}

/* Bit k: row first + k is there, of n rows, at most 64. */
static inline uint64_t arrow_present(const struct ArrowArray *a, int64_t first, int64_t n)
{
    if (a->n_buffers == 0) return 0; /* the null type */
    return a->null_count == 0 || !a->buffers[0] ? low_bits(n) : bits_at(a->buffers[0], first + a->offset, n);
}

#endif
