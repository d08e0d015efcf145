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
/* Halves or quarters i of each x, side by side, become t[i]. */
INLINE void vf_turn2(const vf *x, vf *t)
{
    const halves a = {x[0]}, b = {x[1]};
    t[0] = ((halves){.h = {a.h[0], b.h[0]}}).v;
    t[1] = ((halves){.h = {a.h[1], b.h[1]}}).v;
}
INLINE void vf_turn4(const vf *x, vf *t)
{
    const halves a = {x[0]}, b = {x[1]}, c = {x[2]}, d = {x[3]};
    for (int i = 0; i < 2; i++) {
        t[2 * i] = ((halves){.h = {_mm256_permute2f128_ps(a.h[i], b.h[i], 0x20), _mm256_permute2f128_ps(c.h[i], d.h[i], 0x20)}}).v;
        t[2 * i + 1] = ((halves){.h = {_mm256_permute2f128_ps(a.h[i], b.h[i], 0x31), _mm256_permute2f128_ps(c.h[i], d.h[i], 0x31)}}).v;
    }
}
/* Quarter q of t[i]: element i of quarter q of each x. */
INLINE void vf_turn_quarters(const vf *x, vf *t)
{
    const halves a = {x[0]}, b = {x[1]}, c = {x[2]}, d = {x[3]};
    halves u[4];
    for (int h = 0; h < 2; h++) {
        const __m256d ab = (__m256d)_mm256_unpacklo_ps(a.h[h], b.h[h]), cd = (__m256d)_mm256_unpacklo_ps(c.h[h], d.h[h]);
        const __m256d AB = (__m256d)_mm256_unpackhi_ps(a.h[h], b.h[h]), CD = (__m256d)_mm256_unpackhi_ps(c.h[h], d.h[h]);
        u[0].h[h] = (__m256)_mm256_unpacklo_pd(ab, cd);
        u[1].h[h] = (__m256)_mm256_unpackhi_pd(ab, cd);
        u[2].h[h] = (__m256)_mm256_unpacklo_pd(AB, CD);
        u[3].h[h] = (__m256)_mm256_unpackhi_pd(AB, CD);
    }
    for (int i = 0; i < 4; i++) t[i] = u[i].v;
}

#define PRODUCT_VECTORS 1
#define SET_NAME "avx2"
#define SET_TABLE kernels_avx2
#define set_gemm gemm_dnnl
#include "kernels/kernels_body.h"
