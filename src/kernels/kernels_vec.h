/* kernels_vec.h: vectors of 16 floats (KERNEL_LANES) by the compilers' own vector types. Included
 * first by each set's file. */
#ifndef KERNELS_KERNELS_VEC_H
#define KERNELS_KERNELS_VEC_H

#include "kernels/kernels_sets.h"

/* Vectors stay inside inlined functions, so their calling convention does not matter (-Wno-psabi in the build). */
#define INLINE static inline __attribute__((always_inline, unused))

typedef float vf __attribute__((vector_size(64)));
typedef float v8f __attribute__((vector_size(32)));
typedef float v4f __attribute__((vector_size(16)));
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
INLINE v8f vf_low(vf v) { return __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7); }
INLINE v8f vf_high(vf v) { return __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15); }
INLINE v4f v8f_low(v8f v) { return __builtin_shufflevector(v, v, 0, 1, 2, 3); }
INLINE v4f v8f_high(v8f v) { return __builtin_shufflevector(v, v, 4, 5, 6, 7); }
/* Pairwise, as kernels.h says. */
INLINE float vf_sum(vf v)
{
    const v8f a = vf_low(v) + vf_high(v);
    const v4f b = v8f_low(a) + v8f_high(a);
    return (b[0] + b[2]) + (b[1] + b[3]);
}
INLINE vf vf_greater(vf a, vf b) { return vf_select(a > b, a, b); }
INLINE float vf_greatest(vf v)
{
    v = vf_greater(v, __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
    v = vf_greater(v, __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11));
    v = vf_greater(v, __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13));
    return v[0] > v[1] ? v[0] : v[1];
}

#endif
