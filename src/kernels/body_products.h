/* body_products.h: part of kernels_body.h: many small matrix products of one shape, which a call of a library each would cost
 * more than the arithmetic. PAIR_ROWS rows of a result at a time, sums in order of k. */

/* One product; element (i, k) of op(A) is a[i * a_row + k * a_k], B is [k x n]. */
INLINE void product_one(const kernel_product *p, const float *a, size_t a_row, size_t a_k, const float *b, size_t ldb, float *c)
{
    for (uint32_t i0 = 0; i0 < p->m; i0 += PAIR_ROWS) {
        const uint32_t rows = p->m - i0 < PAIR_ROWS ? p->m - i0 : PAIR_ROWS;
        const float *from[PAIR_ROWS];
        for (uint32_t i = 0; i < PAIR_ROWS; i++) from[i] = a + (i0 + (i < rows ? i : 0)) * a_row;
        FOR_BLOCKS(j, count, p->n)
        {
            vf s[PAIR_ROWS] = {{0}};
            for (uint32_t k = 0; k < p->k; k++) {
                const vf v = load(b + k * ldb + j, count);
                for (uint32_t i = 0; i < PAIR_ROWS; i++) s[i] += vf_set(from[i][k * a_k]) * v;
            }
            for (uint32_t i = 0; i < rows; i++) {
                float *out = c + (size_t)(i0 + i) * p->ldc + j;
                store(out, count, p->add ? load(out, count) + s[i] : s[i]);
            }
        }
    }
}

static void k_products(uint32_t count, const kernel_product *p, const float *a, const float *b, float *c, float *scratch)
{
    const size_t padded = pair_padded(p->n);
    for (uint32_t r = 0; r < count; r++) {
        const float *right = b + r * p->b_step;
        size_t ldb = p->ldb;
        if (p->tb) {
            for (uint32_t j = 0; j < p->n; j++)
                for (uint32_t k = 0; k < p->k; k++) scratch[k * padded + j] = right[j * ldb + k];
            right = scratch;
            ldb = padded;
        }
        product_one(p, a + r * p->a_step, p->ta ? 1 : p->lda, p->ta ? p->lda : 1, right, ldb, c + r * p->c_step);
    }
}
