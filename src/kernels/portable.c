/* portable.c: the reference set. It uses no library and no instruction beyond those that every x86-64 processor has, and
 * gives the same bits on every machine, the matrix product included: each element of it is the sum over k in order. */
#include "kernels/kernels_vec.h"

INLINE vf vf_load_part(const float *p, size_t n)
{
    vf v = vf_set(0);
    for (size_t i = 0; i < n; i++) v[i] = p[i];
    return v;
}
INLINE void vf_store_part(float *p, size_t n, vf v)
{
    for (size_t i = 0; i < n; i++) p[i] = v[i];
}
INLINE vf vf_sqrt(vf x)
{
    for (int i = 0; i < KERNEL_LANES; i++) x[i] = __builtin_sqrtf(x[i]);
    return x;
}
/* Halves or quarters i of each x, side by side, become t[i]. */
INLINE void vf_turn(int parts, const vf *x, vf *t)
{
    const size_t part = sizeof *x / (size_t)parts;
    for (int i = 0; i < parts; i++)
        for (int j = 0; j < parts; j++) __builtin_memcpy((char *)&t[i] + (size_t)j * part, (const char *)&x[j] + (size_t)i * part, part);
}
INLINE void vf_turn2(const vf *x, vf *t) { vf_turn(2, x, t); }
INLINE void vf_turn4(const vf *x, vf *t) { vf_turn(4, x, t); }
/* Quarter q of t[i]: element i of quarter q of each x. */
INLINE void vf_turn_quarters(const vf *x, vf *t)
{
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < KERNEL_LANES; j++) t[i][j] = x[j % 4][j / 4 * 4 + i];
}

/* ---- matrix product ---------------------------------------------------------------------------------------------------- */

typedef float v4 __attribute__((vector_size(16), may_alias));
#define TILE_N 32 /* columns of a tile: eight registers of four sums */
#define TILE_K 128

/* tile[kk][j] = op(B)[k0 + kk][j0 + j], zeros beyond the edge. */
static void pack_b(int tb, uint32_t k0, uint32_t kn, uint32_t j0, uint32_t jn, const float *b, uint32_t ldb,
                   float tile[TILE_K][TILE_N])
{
    for (uint32_t kk = 0; kk < kn; kk++)
        for (uint32_t j = 0; j < TILE_N; j++) {
            size_t row = k0 + kk, col = j0 + j;
            tile[kk][j] = j >= jn ? 0 : tb ? b[col * ldb + row] : b[row * ldb + col];
        }
}

/* sum[0..31] += sum over kk of a[kk * step] * tile[kk]. */
static void tile_row(uint32_t kn, const float *a, size_t step, const float tile[TILE_K][TILE_N], float *sum)
{
    v4 s[TILE_N / 4];
    __builtin_memcpy(s, sum, sizeof s);
    for (uint32_t kk = 0; kk < kn; kk++) {
        const float x = a[kk * step];
        const v4 vx = {x, x, x, x};
        const v4 *t = (const v4 *)tile[kk];
        for (int j = 0; j < TILE_N / 4; j++) s[j] += vx * t[j];
    }
    __builtin_memcpy(sum, s, sizeof s);
}

static void set_gemm(int ta, int tb, uint32_t m, uint32_t n, uint32_t k, const float *a, uint32_t lda, const float *b,
                     uint32_t ldb, float beta, float *c, uint32_t ldc)
{
    _Alignas(64) float tile[TILE_K][TILE_N];
    for (uint32_t j0 = 0; j0 < n; j0 += TILE_N) {
        const uint32_t jn = n - j0 < TILE_N ? n - j0 : TILE_N;
        for (uint32_t k0 = 0; k0 < k; k0 += TILE_K) {
            const uint32_t kn = k - k0 < TILE_K ? k - k0 : TILE_K;
            pack_b(tb, k0, kn, j0, jn, b, ldb, tile);
            for (uint32_t i = 0; i < m; i++) {
                _Alignas(64) float sum[TILE_N] = {0};
                float *out = c + (size_t)i * ldc + j0;
                for (uint32_t j = 0; j < jn && (k0 > 0 || beta != 0); j++) sum[j] = k0 > 0 ? out[j] : beta * out[j];
                const float *from = ta ? a + (size_t)k0 * lda + i : a + (size_t)i * lda + k0;
                tile_row(kn, from, ta ? lda : 1, (const float(*)[TILE_N])tile, sum);
                for (uint32_t j = 0; j < jn; j++) out[j] = sum[j];
            }
        }
    }
}

#define PRODUCT_VECTORS 1
#define SET_NAME "portable"
#define SET_TABLE kernels_portable
#include "kernels/kernels_body.h"

float kernel_exp(float x) { return vf_exp(vf_set(x))[0]; }
float kernel_log(float x) { return vf_log(vf_set(x))[0]; }
