/* kernels_vec.h: vectors of 16 floats (KERNEL_LANES) by the compilers' own vector types. Included
 * first by each set's file. */
#ifndef KERNELS_KERNELS_VEC_H
#define KERNELS_KERNELS_VEC_H

#include "kernels/kernels_sets.h"

/* Vectors stay inside inlined functions, so their calling convention does not matter (-Wno-psabi in the build). */
#define INLINE static inline __attribute__((always_inline, unused))

typedef float vf __attribute__((vector_size(64)));
typedef int32_t vi __attribute__((vector_size(64)));
typedef uint64_t vu64 __attribute__((vector_size(64)));
typedef uint16_t vu16 __attribute__((vector_size(32)));
/* The same anywhere in memory. */
typedef float vf_any __attribute__((vector_size(64), aligned(4), may_alias));

INLINE vf vf_load(const float *p) { return *(const vf_any *)p; }
INLINE void vf_store(float *p, vf v) { *(vf_any *)p = v; }
INLINE vf vf_set(float x) { return (vf){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x}; }
INLINE vi vi_set(int32_t x) { return (vi){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x}; }
/* Lanes of a where the mask is -1, of b where it is 0. */
INLINE vf vf_select(vi mask, vf a, vf b) { return (vf)((mask & (vi)a) | (~mask & (vi)b)); }
INLINE vf vf_abs(vf x) { return (vf)((vi)x & 0x7fffffff); }
/* Pairwise, as kernels.h says. */
INLINE float vf_sum(vf v)
{
    float a[8], b[4];
    for (int i = 0; i < 8; i++) a[i] = v[i] + v[i + 8];
    for (int i = 0; i < 4; i++) b[i] = a[i] + a[i + 4];
    return (b[0] + b[2]) + (b[1] + b[3]);
}

#endif
