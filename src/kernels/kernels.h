/* kernels.h: the one table of functions through which layers and optimisers reach arithmetic; one table a device and
 * instruction set. "portable" is the scalar reference; every other set gives the same bits in every function except the
 * matrix product, whose bits belong to the set (oneDNN for avx2 and avx512, our own loops for portable).
 *
 * Glossary: m rows of the micro-batch, n columns, k inner length, ld* leading dimensions (floats), d width of an
 * embedding row. Matrices are row-major. Pointers are device memory; on the CPU that is host memory. Buffers of at
 * least 64-byte alignment are passed where a layer owns them. Order of sums is stated where there is one. */
#ifndef KERNELS_KERNELS_H
#define KERNELS_KERNELS_H

#include "base/error.h"
#include "features/batch.h"

/* Sums along a row are taken in KERNEL_LANES partial sums (element i goes to lane i % KERNEL_LANES), lanes added
 * pairwise at the end (0+8, 1+9, ... then 0+4, ... 0+2, 0+1): the same in every set. */
#define KERNEL_LANES 16

struct optimizer_step; /* see below */

/* A gradient of one row of a table: row `row` of list k. */
typedef struct kernel_touch {
    uint32_t k, row;
} kernel_touch;

/* The shape of many small products: C [m x n] = op(A) op(B), op as in gemm, sums in order of k; number r of an operand lies r
 * steps behind the first. */
typedef struct kernel_product {
    int ta, tb, add;
    uint32_t m, n, k, lda, ldb, ldc;
    size_t a_step, b_step, c_step;
} kernel_product;
#define KERNEL_PRODUCT_SCRATCH(n, k) (((size_t)(n) + KERNEL_LANES) * (k))

/* Of pair_inner and its back form: the vectors as columns, or both halves of the gradients of the pairs. */
#define KERNEL_PAIR_SCRATCH(f, d) (((size_t)(f) + KERNEL_LANES) * ((size_t)(f) > (d) ? (f) : (d)) + KERNEL_LANES)

typedef struct kernels {
    const char *name; /* "portable", "avx2", "avx512" */

    /* memory of the device */
    void *(*alloc)(size_t bytes); /* NULL on failure */
    void (*free)(void *p);
    void (*upload)(void *device, const void *host, size_t bytes);
    void (*download)(void *host, const void *device, size_t bytes);
    void (*zero)(void *p, size_t bytes);

    /* C[m x n] = op(A) op(B) + beta C; op transposes when ta / tb is nonzero: A is [m x k] or, when ta, [k x m]. */
    void (*gemm)(int ta, int tb, uint32_t m, uint32_t n, uint32_t k, const float *a, uint32_t lda, const float *b,
                 uint32_t ldb, float beta, float *c, uint32_t ldc);

    /* elementwise over n floats */
    void (*add)(size_t n, const float *x, float *y);                  /* y += x */
    void (*scale_add)(size_t n, float a, const float *x, float *y);   /* y += a * x (product rounded, then sum) */
    void (*mul)(size_t n, const float *x, float *y);                  /* y *= x */
    void (*scale)(size_t n, float a, float *x);                       /* x *= a */
    void (*mul_add)(size_t n, const float *a, const float *x, float *y); /* y += a * x */
    void (*relu)(size_t n, float *x);                                 /* x = x < 0 ? 0 : x; NaN stays, so that a lost run shows */
    void (*relu_back)(size_t n, const float *y, float *g);            /* g = y > 0 ? g : 0 */
    void (*sigmoid)(size_t n, const float *x, float *y);
    void (*sigmoid_back)(size_t n, const float *y, float *g);         /* g *= y * (1 - y) */
    void (*tanh)(size_t n, const float *x, float *y);
    void (*tanh_back)(size_t n, const float *y, float *g);            /* g *= 1 - y * y */

    /* rows and columns of x [m x n], leading dimension ldx */
    void (*bias_add)(uint32_t m, uint32_t n, const float *bias, float *x, uint32_t ldx);
    void (*bias_relu)(uint32_t m, uint32_t n, const float *bias, float *x, uint32_t ldx); /* bias_add, then relu */
    void (*column_sum)(uint32_t m, uint32_t n, const float *x, uint32_t ldx, float *sum); /* sum += rows in order */
    void (*row_dot)(uint32_t m, uint32_t n, const float *x, uint32_t ldx, const float *w, float *y); /* y[i] += x[i] . w */
    void (*row_outer)(uint32_t m, uint32_t n, const float *g, const float *w, float *x, uint32_t ldx); /* x[i] += g[i] * w */
    void (*weighted_rows)(uint32_t m, uint32_t n, const float *g, const float *x, uint32_t ldx, float *sum); /* sum += g[i] * x[i], rows in order */
    void (*copy)(uint32_t m, uint32_t n, const float *x, uint32_t ldx, float *y, uint32_t ldy);
    void (*add_rows)(uint32_t m, uint32_t n, const float *x, uint32_t ldx, float *y, uint32_t ldy); /* y += x */

    void (*rows_scale)(uint32_t m, uint32_t n, const float *s, const float *x, uint32_t ldx, float *y, uint32_t ldy); /* y[i] = s[i] * x[i] */
    void (*rows_dot)(uint32_t m, uint32_t n, const float *a, uint32_t lda, const float *b, uint32_t ldb, float *y); /* y[i] += a[i] . b[i] */

    void (*rows_scale_add)(uint32_t m, uint32_t n, const float *s, const float *x, float *y); /* y[i] += s[i] * x[i] */

    /* Softmax of each row, in place. Back: g, the gradient of the result y, becomes that of what came in: y * (g - y . g). */
    void (*softmax)(uint32_t m, uint32_t n, float *x, uint32_t ldx);
    void (*softmax_back)(uint32_t m, uint32_t n, const float *y, uint32_t ldy, float *g, uint32_t ldg);

    /* Dropout: element (i, j) is kept when the 16-bit draw j of row i's key is below keep16 (65536: all), and scaled by
     * `scale`. Row i's key is rng_fold(key, row0 + i); draw j is bits 16*(j%4).. of rng_u64(row key, j / 4). Applied to
     * activations going forward and to gradients going back: the same call. */
    void (*dropout)(uint32_t m, uint32_t n, float *x, uint32_t ldx, uint64_t key, uint64_t row0, uint32_t keep16,
                    float scale);

    /* Batch norm over the m rows (biased variance). mean, var [n] out; y = (x - mean) * rstd * gamma + beta. */
    void (*batch_norm_stats)(uint32_t m, uint32_t n, const float *x, float *mean, float *var);
    void (*batch_norm_apply)(uint32_t m, uint32_t n, const float *x, const float *mean, const float *var, float eps,
                             const float *gamma, const float *beta, float *y);
    /* gx from gy; ggamma, gbeta += rows in order. */
    void (*batch_norm_back)(uint32_t m, uint32_t n, const float *x, const float *mean, const float *var, float eps,
                            const float *gamma, const float *gy, float *gx, float *ggamma, float *gbeta);

    /* More functions of one number. leaky_relu: x < 0 ? slope x : x. gelu: x Phi(x). prelu: x > 0 ? x : alpha x, alpha a
     * column. dice (Zhou 2018): x (p + alpha (1 - p)), p = sigmoid((x - mean) / sqrt(var + eps)), mean and var as of
     * batch_norm_stats over the m rows. The back forms turn the gradient g of the result into that of x, which they read (for
     * leaky_relu the result); galpha += rows in order. */
    void (*leaky_relu)(size_t n, float slope, float *x);
    void (*leaky_relu_back)(size_t n, float slope, const float *y, float *g);
    void (*gelu)(size_t n, const float *x, float *y);
    void (*gelu_back)(size_t n, const float *x, float *g);
    void (*prelu)(uint32_t m, uint32_t n, const float *alpha, const float *x, float *y);
    void (*prelu_back)(uint32_t m, uint32_t n, const float *alpha, const float *x, float *g, float *galpha);
    void (*dice)(uint32_t m, uint32_t n, const float *x, const float *mean, const float *var, float eps, const float *alpha,
                 float *y);
    void (*dice_back)(uint32_t m, uint32_t n, const float *x, const float *mean, const float *var, float eps,
                      const float *alpha, float *g, float *galpha);

    /* Layer norm of each row (Ba 2016): y = (x - mean) / sqrt(variance + eps) * gamma + beta; row r has gamma and beta number
     * r % groups, [groups x n]. Back: gx (may be NULL), ggamma, gbeta +=, rows in order. */
    void (*layer_norm)(uint32_t m, uint32_t n, uint32_t groups, float eps, const float *x, const float *gamma, const float *beta,
                       float *y);
    void (*layer_norm_back)(uint32_t m, uint32_t n, uint32_t groups, float eps, const float *x, const float *gamma,
                            const float *gy, float *gx, float *ggamma, float *gbeta);

    /* Embeddings. Row r of the table starts at table + r * stride, its first d floats are the weights.
     * gather: y[i] (d floats at y + i * ldy) = sum over the ids of row i of weight * table row, ids in order; offset NULL
     * means one id a row; weight NULL means 1. `accumulate` adds to y instead. */
    void (*gather)(uint32_t m, uint32_t d, const uint32_t *offset, const uint32_t *id, const float *weight,
                   const float *table, size_t stride, int accumulate, float *y, uint32_t ldy);
    /* scatter: gtable[slot of the id] (d floats at slot * d) += weight * g[i], rows in order; slot beside id. */
    void (*scatter)(uint32_t m, uint32_t d, const uint32_t *offset, const uint32_t *slot, const float *weight,
                    const float *g, uint32_t ldg, float *gtable);
    /* The same of the largest instead of the sum, column by column; of an empty bag zero. The gradient goes to the first of the
     * largest. */
    void (*gather_max)(uint32_t m, uint32_t d, const uint32_t *offset, const uint32_t *id, const float *table, size_t stride,
                       int accumulate, float *y, uint32_t ldy);
    void (*scatter_max)(uint32_t m, uint32_t d, const uint32_t *offset, const uint32_t *id, const uint32_t *slot, const float *table,
                        size_t stride, const float *g, uint32_t ldg, float *gtable);

    /* Factorisation machine, second order (Rendle 2010, eq. 1 in linear time): e [m x f x d]; sum [m x d] = sum over f;
     * y[i] += 1/2 sum_d (sum^2 - sum_f e^2). back: ge[i,f] += g[i] * (sum[i] - e[i,f]). */
    void (*fm)(uint32_t m, uint32_t f, uint32_t d, const float *e, float *sum, float *y);
    void (*fm_back)(uint32_t m, uint32_t f, uint32_t d, const float *e, const float *sum, const float *g, float *ge);

    /* Field-aware factorisation machine: layer_ffm.c has the formula. Rows of the table hold f x d floats, part g for field g;
     * fields are those of the batch, whose first m rows count. y += result. back: gtable[slot] (f * d floats a slot) += the
     * gradient, rows in order; slot beside the ids, fields one after another. scratch: kernel_ffm_scratch floats. */
    void (*ffm)(uint32_t m, uint32_t f, uint32_t d, const batch_field *field, const float *table, size_t stride, int normalize,
                float *scratch, float *y);
    void (*ffm_back)(uint32_t m, uint32_t f, uint32_t d, const batch_field *field, const uint32_t *slot, const float *table,
                     size_t stride, int normalize, float *scratch, const float *g, float *gtable);
    /* The same where every field has one key of value 1, for d of 4, 8 or 16, on a pack of n keys' rows: piece after piece of
     * KERNEL_LANES floats of a row, that of all the keys and then one of zeros, which also fill the last piece.
     * pack: rows id[0 .. count) become keys `first` and on. Field j's key of row r is number key[j * m + r]; key NULL: number
     * j * m + r. y += scale * result. back: gv = the gradient of the pack, times scale and g. unpack: key i's of it goes to
     * gtable[slot[i]]. n < 2^28. scratch: kernel_ffm_pairs_scratch floats a row of the m; v, gv: kernel_ffm_pack floats. */
    void (*ffm_pack)(uint32_t count, uint32_t f, uint32_t d, const uint32_t *id, const float *table, size_t stride, uint32_t first,
                     uint32_t n, float *v);
    void (*ffm_pairs)(uint32_t m, uint32_t f, uint32_t d, const uint32_t *key, uint32_t n, const float *v, float scale,
                      float *scratch, float *y);
    void (*ffm_pairs_back)(uint32_t m, uint32_t f, uint32_t d, const uint32_t *key, uint32_t n, const float *v, float scale,
                           const float *g, float *scratch, float *gv);
    void (*ffm_unpack)(uint32_t n, uint32_t f, uint32_t d, const float *gv, const uint32_t *slot, float *gtable);

    /* transpose: y [m x b x a] from x [m x a x b]. outer: z [m x a x b], z[r] = x[r] y[r]^T.
     * Back: gx[r] += gz[r] y[r], gy[r] += gz[r]^T x[r]; gx and gy may be one, as x and y may. */
    void (*transpose)(uint32_t m, uint32_t a, uint32_t b, const float *x, float *y);
    void (*outer)(uint32_t m, uint32_t a, uint32_t b, const float *x, uint32_t ldx, const float *y, uint32_t ldy, float *z);
    void (*outer_back)(uint32_t m, uint32_t a, uint32_t b, const float *x, uint32_t ldx, const float *y, uint32_t ldy,
                       const float *gz, float *gx, uint32_t ldgx, float *gy, uint32_t ldgy);
    /* outer_rows: rows x_i * y_j of n floats one after another, i < a, then j < b, with `upper` from j = i on.
     * Back: gx_i += gz_ij * y_j, gy_j += gz_ij * x_i, j in order; gx and gy may be one, as x and y may. */
    void (*outer_rows)(uint32_t a, uint32_t b, uint32_t n, int upper, const float *x, const float *y, float *z);
    void (*outer_rows_back)(uint32_t a, uint32_t b, uint32_t n, int upper, const float *x, const float *y, const float *gz, float *gx,
                            float *gy);

    /* A layer of a cross network (Wang 2021) after its product, all [m x n]: z += bias; y = x0 * z + x. Back, over n numbers:
     * gx0 += g * z; gz = g * x0. */
    void (*cross)(uint32_t m, uint32_t n, const float *x0, const float *bias, const float *x, float *z, float *y);
    void (*cross_back)(size_t n, const float *x0, const float *z, const float *g, float *gx0, float *gz);
    /* Other interactions of fields, e [m x f x d]. Pairs i < j, with self i <= j, are in order of i, then j.
     * bi_interaction: sum as in fm, y [m x d] = 1/2 (sum^2 - sum over f of e^2). back: ge[i,f] += g[i] * (sum[i] - e[i,f]).
     * pair_inner: y[i, pair] = <e_i, e_j>, sums in order of d. scratch: KERNEL_PAIR_SCRATCH(f, d) floats. back: ge +=, for each
     * field the others in order.
     * pair_product: y[i, pair] (d floats) = a_i * b_j. back: ga, gb (may be NULL) += pair after pair; they may be one.
     * pair_scale: y[i, pair] = a_pair * b_j, i < j, a [m x pairs x d]. back: gb (may be NULL) += g * a, then g, which becomes
     * the gradient of a, is g * b. */
    void (*bi_interaction)(uint32_t m, uint32_t f, uint32_t d, const float *e, float *sum, float *y);
    void (*bi_interaction_back)(uint32_t m, uint32_t f, uint32_t d, const float *e, const float *sum, const float *g, float *ge);
    void (*pair_inner)(uint32_t m, uint32_t f, uint32_t d, int self, const float *e, float *scratch, float *y);
    void (*pair_inner_back)(uint32_t m, uint32_t f, uint32_t d, int self, const float *e, const float *g, float *scratch, float *ge);
    void (*pair_product)(uint32_t m, uint32_t f, uint32_t d, int self, const float *a, const float *b, float *y);
    void (*pair_product_back)(uint32_t m, uint32_t f, uint32_t d, int self, const float *a, const float *b, const float *g,
                              float *ga, float *gb);
    void (*pair_scale)(uint32_t m, uint32_t f, uint32_t d, const float *a, const float *b, float *y);
    void (*pair_scale_back)(uint32_t m, uint32_t f, uint32_t d, const float *a, const float *b, float *g, float *gb);

    /* Vectors from fields and back: field_sum: y[i] (d floats) = scale * (e[i,0] + e[i,1] + ...); field_spread: e[i,f] += scale *
     * y[i]. row_sum: y[i] = scale * sum of x[i]; row_spread: x[i] += scale * y[i] in each column. field_mix: y[i] = sum over f of
     * a[i,f] * e[i,f]; back: ga[i,f] = <g[i], e[i,f]>, ge[i,f] (may be NULL) += a[i,f] * g[i]. */
    void (*field_sum)(uint32_t m, uint32_t f, uint32_t d, float scale, const float *e, float *y);
    void (*field_spread)(uint32_t m, uint32_t f, uint32_t d, float scale, const float *y, float *e);
    void (*row_sum)(uint32_t m, uint32_t n, float scale, const float *x, float *y);
    void (*row_spread)(uint32_t m, uint32_t n, float scale, const float *y, float *x);
    void (*field_mix)(uint32_t m, uint32_t f, uint32_t d, const float *a, const float *e, float *y);
    void (*field_mix_back)(uint32_t m, uint32_t f, uint32_t d, const float *a, const float *e, const float *g, float *ga, float *ge);

    /* C_r = op(A_r) op(B_r), or with p->add C_r +=, for r < count, as kernel_product says; scratch: KERNEL_PRODUCT_SCRATCH(n, k)
     * floats, used when tb. */
    void (*products)(uint32_t count, const struct kernel_product *p, const float *a, const float *b, float *c, float *scratch);

    /* Binary cross-entropy on logits z: returns the sum over rows in order of w * (max(z,0) - z*y + log(1+exp(-|z|))), in
     * double; g[i] = scale * w[i] * (sigmoid(z[i]) - y[i]) when g is not NULL. */
    double (*bce)(uint32_t m, const float *z, const float *y, const float *w, float scale, float *g);

    /* One optimiser step on n consecutive values: w, its state arrays s1, s2 (unused ones may be NULL), gradient g. */
    void (*optimize)(const struct optimizer_step *o, size_t n, float *w, float *s1, float *s2, const float *g);
    /* The same step on rows of a table whose row r is table + r * stride: d weights, then d of s1, then d of s2 (as many
     * as optimizer_slots says). The gradient of row id[i] is the sum in order of touches first[i] .. first[i + 1), that of
     * touch t being d floats at g[t.k] + t.row * d. Ids are distinct. Same bits as optimize, row by row. */
    void (*optimize_rows)(const struct optimizer_step *o, uint32_t n, uint32_t d, const uint32_t *id, float *table,
                          size_t stride, const uint32_t *first, const kernel_touch *touch, const float *const *g);
} kernels;

#define KERNEL_FFM_FIELDS 1024
/* Fields that fill whole pieces. */
static inline uint32_t kernel_ffm_fields(uint32_t f, uint32_t d) { return (f * d + KERNEL_LANES - 1) / KERNEL_LANES * KERNEL_LANES / d; }
static inline size_t kernel_ffm_pack(uint32_t f, uint32_t d, uint32_t n) { return (size_t)kernel_ffm_fields(f, d) * d * ((size_t)n + 1); }
static inline size_t kernel_ffm_pairs_scratch(uint32_t f, uint32_t d) { return KERNEL_LANES + kernel_ffm_fields(f, d); }
static inline size_t kernel_ffm_scratch(size_t f, size_t d) { return (f + 3) * f * d + 3 * KERNEL_LANES; }

enum optimizer_kind { OPTIMIZER_SGD, OPTIMIZER_ADAGRAD, OPTIMIZER_ADAM, OPTIMIZER_FTRL };

/* Everything of one step that is the same for all values. Formulas are in optimize's reference (portable.c):
 * SGD with optional momentum (s1); AdaGrad (Duchi 2011; accumulator + s1 = sum of squares); Adam (Kingma 2015; s1, s2 = moments,
 * bias corrections precomputed); FTRL-proximal (McMahan 2013, algorithm 1; s1 = z, s2 = n;
 * with n = 0, z is that of which w is the solution, so that first values count and untouched weights stay). L2 adds l2 * w to g. */
typedef struct optimizer_step {
    enum optimizer_kind kind;
    float lr, l2, l1, momentum, beta1, beta2, epsilon, ftrl_beta, accumulator;
    float correct1, correct2; /* Adam: 1 / (1 - beta1^t), 1 / (1 - beta2^t) */
} optimizer_step;
/* State arrays that the kind needs: 0, 1 or 2 (momentum 0 needs none). */
int optimizer_slots(enum optimizer_kind kind, float momentum);

/* The table of that name; "auto" is the best that this processor has. Unknown or unusable names: USAGE, saying which
 * ones there are. Setting oneDNN's instruction set is part of it: the first choice of a process stands for avx2/avx512
 * together with the library (a second, different one is refused by name; portable is always free). */
int kernels_get(const char *name, const kernels **out, shoal_error *err);
/* NULL-terminated list of those that this processor can run. */
const char *const *kernels_available(void);
/* Called once on every thread that computes (pool's on_start): one thread a library call. */
void kernels_thread_start(void);
/* Digest of probe products and of the library's version: equal digests promise equal bits. 32 hex digits. */
int kernels_digest(const kernels *k, char out[33], shoal_error *err);

/* Functions of one argument on the way to weights, without libm; |relative error| < 2e-7, same bits everywhere. */
float kernel_exp(float x);
float kernel_log(float x); /* x > 0; below the smallest normal number, the log of that */

#endif
