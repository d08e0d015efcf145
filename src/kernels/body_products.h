/* body_products.h: part of kernels_body.h: many small matrix products of one shape, which a call of a library each would cost
 * more than the arithmetic. PAIR_ROWS rows by PRODUCT_VECTORS vectors of a result at a time, sums in order of k. */

/* op(A) [rows x k], element (i, k) of it a[i * row + k * step]; B [k x n] in rows of ldb, of whole vectors or not. */
typedef struct product_operands {
    const float *a, *b;
    size_t row, step, ldb;
    uint32_t k;
} product_operands;

/* Rows of a tile of one vector, or of PRODUCT_VECTORS. */
#define PRODUCT_TALL (PAIR_ROWS * PRODUCT_VECTORS)
typedef vf product_sums[PRODUCT_TALL][PRODUCT_VECTORS];

/* Sums of `most` rows (those past the last are the first once more) and `vectors` vectors, the last of c floats. */
INLINE void product_tile(const product_operands *o, uint32_t most, uint32_t rows, uint32_t vectors, size_t c, vf (*s)[PRODUCT_VECTORS])
{
    const float *a[PRODUCT_TALL], *b = o->b;
    product_sums sum = {{{0}}}; /* apart from s, which is read by row and so is memory */
    for (uint32_t i = 0; i < most; i++) a[i] = o->a + (i < rows ? i : 0) * o->row;
    for (uint32_t k = 0; k < o->k; k++, b += o->ldb) {
        vf x[PRODUCT_VECTORS];
        for (uint32_t v = 0; v < vectors; v++) x[v] = v + 1 < vectors ? vf_load(b + v * KERNEL_LANES) : load(b + v * KERNEL_LANES, c);
        for (uint32_t i = 0; i < most; i++) {
            const vf from = vf_set(*a[i]);
            for (uint32_t v = 0; v < vectors; v++) sum[i][v] += from * x[v];
            a[i] += o->step;
        }
    }
    for (uint32_t i = 0; i < most; i++)
        for (uint32_t v = 0; v < vectors; v++) s[i][v] = sum[i][v];
}

INLINE void product_store(uint32_t rows, uint32_t vectors, size_t c, int add, const product_sums s, float *out, size_t ld)
{
    for (uint32_t i = 0; i < rows; i++)
        for (uint32_t v = 0; v < vectors; v++) {
            float *to = out + i * ld + v * KERNEL_LANES;
            const size_t n = v + 1 < vectors ? KERNEL_LANES : c;
            store(to, n, add ? load(to, n) + s[i][v] : s[i][v]);
        }
}

/* A strip of the result, n floats wide, n at most PRODUCT_VECTORS vectors. With `whole` B has whole vectors. */
INLINE void product_strip(const kernel_product *p, product_operands o, uint32_t vectors, size_t c, int whole, float *out)
{
    const uint32_t tall = PRODUCT_TALL / vectors;
    const size_t width = whole ? KERNEL_LANES : c;
    for (uint32_t i = 0, step; i < p->m; i += step, o.a += step * o.row, out += (size_t)step * p->ldc) {
        const uint32_t left = p->m - i, rows = left < tall ? left : tall;
        product_sums s;
        step = left > PAIR_ROWS ? tall : PAIR_ROWS;
        if (left > PAIR_ROWS)
            product_tile(&o, tall, rows, vectors, width, s);
        else
            product_tile(&o, PAIR_ROWS, rows, vectors, width, s);
        product_store(rows, vectors, c, p->add, (const vf(*)[PRODUCT_VECTORS])s, out, p->ldc);
    }
}

INLINE void product_strips(const kernel_product *p, product_operands o, int whole, float *out)
{
    const uint32_t most = PRODUCT_VECTORS * KERNEL_LANES;
    for (uint32_t j = 0; j < p->n; j += most, o.b += most, out += most) {
        const uint32_t left = p->n - j, vectors = left > KERNEL_LANES ? PRODUCT_VECTORS : 1;
        const size_t c = left >= vectors * KERNEL_LANES ? KERNEL_LANES : left - (vectors - 1) * KERNEL_LANES;
        if (vectors == 1)
            product_strip(p, o, 1, c, whole || c == KERNEL_LANES, out);
        else
            product_strip(p, o, PRODUCT_VECTORS, c, whole || c == KERNEL_LANES, out);
    }
}

static void k_products(uint32_t count, const kernel_product *p, const float *a, const float *b, float *c, float *scratch)
{
    const size_t padded = pair_padded(p->n);
    for (uint32_t r = 0; r < count; r++, a += p->a_step, b += p->b_step, c += p->c_step) {
        product_operands o = {a, b, p->ta ? 1 : p->lda, p->ta ? p->lda : 1, p->ldb, p->k};
        if (p->tb) {
            turn(p->n, p->k, 1, b, p->ldb, scratch, padded);
            o.b = scratch;
            o.ldb = padded;
        }
        product_strips(p, o, p->tb, c);
    }
}
