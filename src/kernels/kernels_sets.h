/* kernels_sets.h: the tables of all instruction sets by name, for those inside kernels/. */
#ifndef KERNELS_KERNELS_SETS_H
#define KERNELS_KERNELS_SETS_H

#include "kernels/kernels.h"

extern const kernels kernels_portable, kernels_avx2, kernels_avx512;

/* The product of oneDNN, for avx2 and avx512. */
void gemm_dnnl(int ta, int tb, uint32_t m, uint32_t n, uint32_t k, const float *a, uint32_t lda, const float *b,
               uint32_t ldb, float beta, float *c, uint32_t ldc);

#endif
