/* kernels_avx512.c: the set for processors with AVX-512 (F, BW, DQ, VL). */
#include <immintrin.h>

#include "kernels/kernels_vec.h"

INLINE __mmask16 mask16(size_t n) { return (__mmask16)((1u << n) - 1); }
INLINE vf vf_load_part(const float *p, size_t n) { return (vf)_mm512_maskz_loadu_ps(mask16(n), p); }
INLINE void vf_store_part(float *p, size_t n, vf v) { _mm512_mask_storeu_ps(p, mask16(n), (__m512)v); }
INLINE vf vf_sqrt(vf x) { return (vf)_mm512_sqrt_ps((__m512)x); }
/* Halves or quarters i of each x, side by side, become t[i]. */
INLINE void vf_turn2(const vf *x, vf *t)
{
    const __m512 a = (__m512)x[0], b = (__m512)x[1];
    t[0] = (vf)_mm512_shuffle_f32x4(a, b, 0x44);
    t[1] = (vf)_mm512_shuffle_f32x4(a, b, 0xee);
}
INLINE void vf_turn4(const vf *x, vf *t)
{
    vf low[2], high[2];
    vf_turn2(x, low);
    vf_turn2(x + 2, high);
    for (int i = 0; i < 2; i++) {
        const __m512 a = (__m512)low[i], b = (__m512)high[i];
        t[2 * i] = (vf)_mm512_shuffle_f32x4(a, b, 0x88);
        t[2 * i + 1] = (vf)_mm512_shuffle_f32x4(a, b, 0xdd);
    }
}
/* Quarter q of t[i]: element i of quarter q of each x. */
INLINE void vf_turn_quarters(const vf *x, vf *t)
{
    const __m512d ab = (__m512d)_mm512_unpacklo_ps((__m512)x[0], (__m512)x[1]), cd = (__m512d)_mm512_unpacklo_ps((__m512)x[2], (__m512)x[3]);
    const __m512d AB = (__m512d)_mm512_unpackhi_ps((__m512)x[0], (__m512)x[1]), CD = (__m512d)_mm512_unpackhi_ps((__m512)x[2], (__m512)x[3]);
    t[0] = (vf)_mm512_unpacklo_pd(ab, cd);
    t[1] = (vf)_mm512_unpackhi_pd(ab, cd);
    t[2] = (vf)_mm512_unpacklo_pd(AB, CD);
    t[3] = (vf)_mm512_unpackhi_pd(AB, CD);
}

#define PRODUCT_VECTORS 2
#define SET_NAME "avx512"
#define SET_TABLE kernels_avx512
#define set_gemm gemm_dnnl
#include "kernels/kernels_body.h"
