/* kernels_avx512.c: the set for processors with AVX-512 (F, BW, DQ, VL). */
#include <immintrin.h>

#include "kernels/kernels_vec.h"

INLINE __mmask16 mask16(size_t n) { return (__mmask16)((1u << n) - 1); }
INLINE vf vf_load_part(const float *p, size_t n) { return (vf)_mm512_maskz_loadu_ps(mask16(n), p); }
INLINE void vf_store_part(float *p, size_t n, vf v) { _mm512_mask_storeu_ps(p, mask16(n), (__m512)v); }
INLINE vf vf_sqrt(vf x) { return (vf)_mm512_sqrt_ps((__m512)x); }

#define SET_NAME "avx512"
#define SET_TABLE kernels_avx512
#define set_gemm gemm_dnnl
#include "kernels/kernels_body.h"
