/* gemm_dnnl.c: matrix products by oneDNN's sgemm. Each call runs on the caller's thread alone (kernels_thread_start).
 * Measured against cached matmul primitives on the products of a 400-400-400 network it is within a few per cent, and it
 * has no state.
 *
 * No signal handler may run on the thread meanwhile: up to oneDNN 3.11 the generated code lets the stack pointer point
 * into its packing buffer, and a handler's frame then overwrites what lies below it (oneDNN's issue 4845): wrong sums, or
 * a damaged heap. Threads of a pool have signals blocked, and pool_for blocks those of its caller; kernels_digest does so
 * itself. */
#include <dnnl.h>

#include "kernels/kernels_sets.h"

void gemm_dnnl(int ta, int tb, uint32_t m, uint32_t n, uint32_t k, const float *a, uint32_t lda, const float *b,
               uint32_t ldb, float beta, float *c, uint32_t ldc)
{
    /* The only failures are bad arguments and lack of memory for packing; a NaN makes the second visible as a diverged
     * run instead of a wrong model. */
    if (dnnl_sgemm(ta ? 'T' : 'N', tb ? 'T' : 'N', m, n, k, 1.0f, a, lda, b, ldb, beta, c, ldc) != dnnl_success)
        c[0] = __builtin_nanf("");
}
