/* kernels_avx2.c: the set for processors with AVX2 and FMA. */
#include <immintrin.h>

#include "kernels/kernels_vec.h"

typedef union halves {
    vf v;
    __m256 h[2];
} halves;

INLINE __m256i mask8(size_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
INLINE vf vf_load_part(const float *p, size_t n)
{
    halves u;
    u.h[0] = _mm256_maskload_ps(p, mask8(n));
    u.h[1] = n > 8 ? _mm256_maskload_ps(p + 8, mask8(n - 8)) : _mm256_setzero_ps();
    return u.v;
}
INLINE void vf_store_part(float *p, size_t n, vf v)
{
    halves u = {v};
    _mm256_maskstore_ps(p, mask8(n), u.h[0]);
    if (n > 8) _mm256_maskstore_ps(p + 8, mask8(n - 8), u.h[1]);
}
INLINE vf vf_sqrt(vf x)
{
    halves u = {x};
    u.h[0] = _mm256_sqrt_ps(u.h[0]);
    u.h[1] = _mm256_sqrt_ps(u.h[1]);
    return u.v;
}

#define SET_NAME "avx2"
#define SET_TABLE kernels_avx2
#define set_gemm gemm_dnnl
#include "kernels/kernels_body.h"
