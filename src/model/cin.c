/* cin.c: layer_cin.c's formula, forward and back.
 *
 * Rows of the batch go by panels of about CIN_PLACES places: X^k of a panel is [units x rows dim], as e lies, but with the panel's
 * rows side by side, so that X^k = W^T Z is a matrix product with Z [h f x places] the products of X^{k-1} and X^0. Z is never
 * whole: about CIN_COLUMNS rows of it, which stay in the second-level cache, are made, multiplied and forgotten, on the way back
 * once more. The first layer pairs X^0 with itself: its Z has each pair once, and W_ij + W_ji for it.
 *
 * Of the last layer only the sums over dim are wanted. Without a function they are those of the products, times W:
 *
 *   sum over dim of X^k_h = sum over i, j of W^k_{h,ij} (X^{k-1}_i . X^0_j) + dim b^k_h
 *
 * so that its matrix product has a row for each row of the batch instead of one for each place: a dim-th of the work. */
#include "model/cin.h"

/* ---- panels and blocks ------------------------------------------------------------------------------------------------- */

/* X^k; X^{-1} stands for X^0. */
static float *x_of(const cin *s, const layer *l, const exec *x, int64_t k)
{
    if (k < 0) return exec_buffer(x, l, s->b_x0);
    float *p = exec_buffer(x, l, s->b_x);
    for (int64_t i = 0; i < k; i++) p += (size_t)x->max_rows * s->dim * s->units[i];
    return p;
}
static float *turned_of(const cin *s, const layer *l, const exec *x)
{
    return x_of(s, l, x, -1) + (size_t)x->max_rows * s->fields * s->dim;
}

/* Layer k at the panel of rows [row, row + rows), and its block of products: those of units [unit, unit + n) of X^{k-1} with the
 * fields, `pairs` of them. */
typedef struct block {
    const cin *s;
    uint32_t k, units_in;
    uint32_t row, rows, places;
    uint32_t unit, n, pairs;
    size_t done; /* pairs before this block */
    const float *in, *x0, *turned;
    float *z, *gz;
} block;

static block block_of(const cin *s, const layer *l, const exec *x, uint32_t k)
{
    float *z = exec_buffer(x, l, s->b_z);
    return (block){.s = s, .k = k, .units_in = cin_units_in(s, k), .in = x_of(s, l, x, (int64_t)k - 1), .x0 = x_of(s, l, x, -1),
                   .turned = turned_of(s, l, x), .z = z, .gz = z + cin_block_floats(s)};
}

static int panel_at(block *b, const exec *x, uint32_t row)
{
    const uint32_t left = row < x->max_rows ? x->max_rows - row : 0;
    b->row = row;
    b->rows = left < b->s->rows ? left : b->s->rows;
    b->places = b->rows * b->s->dim;
    return left > 0;
}

static int block_at(block *b, uint32_t unit, size_t done)
{
    const uint32_t f = b->s->fields, fold = cin_folded(b->s, b->k), most = cin_sums_only(b->s, b->k) ? CIN_SUM_COLUMNS : CIN_COLUMNS;
    b->unit = unit;
    b->done = done;
    b->n = b->pairs = 0;
    while (unit + b->n < b->units_in) {
        const uint32_t more = fold ? f - unit - b->n : f;
        if (b->n > 0 && b->pairs + more > most) break;
        b->pairs += more;
        b->n++;
    }
    return b->n > 0;
}

/* Walks the panels of a batch, the blocks of a layer's products. */
#define FOR_PANELS(b, x) for (int on = panel_at(&(b), x, 0); on; on = panel_at(&(b), x, (b).row + (b).rows))
#define FOR_BLOCKS_OF(b) for (int more = block_at(&(b), 0, 0); more; more = block_at(&(b), (b).unit + (b).n, (b).done + (b).pairs))

/* Where the panel's rows of something [units x places] begin, from a unit on. */
static size_t panel(const block *b, size_t units, size_t unit) { return (size_t)b->row * b->s->dim * units + unit * b->places; }
static uint32_t stored_in(const cin *s, uint32_t k) { return k > 0 ? s->units[k - 1] : s->fields; }
static const float *block_in(const block *b) { return b->in + panel(b, stored_in(b->s, b->k), b->unit); }
/* Of X^0, the fields that the block's first unit meets. */
static size_t block_x0(const block *b) { return panel(b, b->s->fields, cin_folded(b->s, b->k) ? b->unit : 0); }
static uint32_t block_fields(const block *b) { return b->s->fields - (cin_folded(b->s, b->k) ? b->unit : 0); }

static void block_make(const block *b, const kernels *k)
{
    k->outer_rows(b->n, block_fields(b), b->places, cin_folded(b->s, b->k), block_in(b), b->x0 + block_x0(b), b->z);
}

static void block_back(const block *b, const kernels *k, float *gin, float *gx0)
{
    k->outer_rows_back(b->n, block_fields(b), b->places, cin_folded(b->s, b->k), block_in(b), b->x0 + block_x0(b), b->gz,
                       gin + panel(b, stored_in(b->s, b->k), b->unit), gx0 + block_x0(b));
}

/* Of the last layer without a function: z [rows x n fields] = X^{k-1}_i . X^0_j, and from its gradient to those of both, to which
 * it adds. The panel's rows begin at number `first` of those in z. */
static void panel_make_sums(const block *b, const kernels *k, uint32_t first)
{
    const cin *s = b->s;
    const size_t step = (size_t)b->n * s->fields;
    const kernel_product p = {.m = b->n, .n = s->fields, .k = s->dim, .lda = b->places, .ldb = s->fields, .ldc = s->fields,
                              .a_step = s->dim, .b_step = (size_t)s->dim * s->fields, .c_step = step};
    k->products(b->rows, &p, block_in(b), b->turned + (size_t)b->row * s->dim * s->fields, b->z + first * step, NULL);
}

static void panel_back_sums(const block *b, const kernels *k, uint32_t first, float *gin, float *gx0)
{
    const cin *s = b->s;
    const size_t step = (size_t)b->n * s->fields, at_in = panel(b, stored_in(s, b->k), b->unit), at_x0 = panel(b, s->fields, 0);
    kernel_product p = {.add = 1, .m = b->n, .n = s->dim, .k = s->fields, .lda = s->fields, .ldb = b->places,
                        .ldc = b->places, .a_step = step, .b_step = s->dim, .c_step = s->dim};
    k->products(b->rows, &p, b->gz + first * step, b->x0 + at_x0, gin + at_in, NULL);
    p.ta = 1;
    p.m = s->fields;
    p.k = b->n;
    k->products(b->rows, &p, b->gz + first * step, b->in + at_in, gx0 + at_x0, NULL);
}

/* ---- the first layer's pairs ------------------------------------------------------------------------------------------- */

/* W of layer k's products, and where its gradient is gathered. */
static float *pairs_w(const cin *s, const layer *l, const exec *x) { return exec_buffer(x, l, s->b_pairs); }
static float *pairs_gw(const cin *s, const layer *l, const exec *x) { return pairs_w(s, l, x) + cin_pairs_of(s) * s->units[0]; }
static const float *w_of(const cin *s, const layer *l, const exec *x, uint32_t k)
{
    return cin_folded(s, k) ? pairs_w(s, l, x) : exec_param(x, l, cin_weight_of(k));
}
static float *gw_of(const cin *s, const layer *l, const exec *x, uint32_t k)
{
    return cin_folded(s, k) ? pairs_gw(s, l, x) : exec_param_grad(x, l, cin_weight_of(k));
}

static void pairs_fold(const cin *s, const layer *l, exec *x)
{
    const uint32_t f = s->fields, n = s->units[0];
    const float *w = exec_param(x, l, cin_weight_of(0));
    float *to = pairs_w(s, l, x);
    for (size_t i = 0; i < f; i++)
        for (size_t j = i; j < f; j++, to += n) {
            x->k->copy(1, n, w + (i * f + j) * n, n, to, n);
            if (i != j) x->k->add(n, w + (j * f + i) * n, to);
        }
}

static void pairs_unfold(const cin *s, const layer *l, exec *x)
{
    const uint32_t f = s->fields, n = s->units[0];
    const float *from = pairs_gw(s, l, x);
    float *gw = exec_param_grad(x, l, cin_weight_of(0));
    for (size_t i = 0; i < f; i++)
        for (size_t j = i; j < f; j++, from += n) {
            x->k->copy(1, n, from, n, gw + (i * f + j) * n, n);
            x->k->copy(1, n, from, n, gw + (j * f + i) * n, n);
        }
}

/* ---- forward ----------------------------------------------------------------------------------------------------------- */

/* The panel's sums over dim of X^k to their columns of the output. */
static void to_output(const block *b, const layer *l, exec *x, uint32_t column, const float *xk)
{
    const uint32_t first = cin_first_out(b->s, b->k), n = b->s->units[b->k] - first;
    float *sums = exec_buffer(x, l, b->s->b_sums), *turned = sums + (size_t)n * b->rows;
    x->k->row_sum(n * b->rows, b->s->dim, 1, xk + panel(b, b->s->units[b->k], first), sums);
    x->k->transpose(1, n, b->rows, sums, turned);
    x->k->copy(b->rows, n, turned, n, exec_out(x, l) + (size_t)b->row * l->out.width + column, l->out.width);
}

static void forward_one(const cin *s, const layer *l, exec *x, uint32_t k, uint32_t column)
{
    const kernels *kn = x->k;
    const uint32_t units = s->units[k];
    float *xk = x_of(s, l, x, k);
    block b = block_of(s, l, x, k);
    if (cin_folded(s, k)) pairs_fold(s, l, x);
    FOR_PANELS(b, x)
    {
        float *out = xk + panel(&b, units, 0);
        FOR_BLOCKS_OF(b)
        {
            const float *w = w_of(s, l, x, k) + b.done * units;
            block_make(&b, kn);
            kn->gemm(1, 0, units, b.places, b.pairs, w, units, b.z, b.places, b.done > 0, out, b.places);
        }
        kn->row_spread(units, b.places, 1, exec_param(x, l, cin_bias_of(k)), out);
        if (s->relu) kn->relu((size_t)units * b.places, out);
        to_output(&b, l, x, column, xk);
    }
}


/* z of the block's units for the rows from `row` on; returns how many. */
static uint32_t make_sums(block *b, const exec *x, uint32_t row)
{
    uint32_t m = 0;
    for (; m < cin_sum_rows(b->s) && panel_at(b, x, row + m); m += b->rows) panel_make_sums(b, x->k, m);
    return m;
}

static void forward_sums(const cin *s, const layer *l, exec *x, uint32_t k, uint32_t column)
{
    const kernels *kn = x->k;
    const uint32_t units = s->units[k], ld = l->out.width;
    float *bias = exec_buffer(x, l, s->b_sums);
    block b = block_of(s, l, x, k);
    kn->transpose(x->max_rows, s->fields, s->dim, exec_in(x, l, 0), turned_of(s, l, x));
    for (uint32_t row = 0; row < x->max_rows; row += cin_sum_rows(s))
        FOR_BLOCKS_OF(b)
        {
            const uint32_t m = make_sums(&b, x, row);
            kn->gemm(0, 0, m, units, b.pairs, b.z, b.pairs, w_of(s, l, x, k) + b.done * units, units, b.done > 0,
                     exec_out(x, l) + (size_t)row * ld + column, ld);
        }
    kn->zero(bias, units * sizeof *bias);
    kn->scale_add(units, (float)s->dim, exec_param(x, l, cin_bias_of(k)), bias);
    kn->bias_add(x->max_rows, units, bias, exec_out(x, l) + column, ld);
}

void cin_forward(const layer *l, exec *x)
{
    const cin *s = l->own;
    const uint32_t input = s->fields * s->dim;
    uint32_t column = 0;
    block b = block_of(s, l, x, 0);
    FOR_PANELS(b, x)
    {
        float *x0 = x_of(s, l, x, -1) + panel(&b, s->fields, 0);
        for (uint32_t r = 0; r < b.rows; r++)
            x->k->copy(s->fields, s->dim, exec_in(x, l, 0) + (size_t)(b.row + r) * input, s->dim, x0 + (size_t)r * s->dim, b.places);
    }
    for (uint32_t k = 0; k < s->layers; k++) {
        (cin_sums_only(s, k) ? forward_sums : forward_one)(s, l, x, k, column);
        column += s->units[k] - cin_first_out(s, k);
    }
}

/* ---- backward ---------------------------------------------------------------------------------------------------------- */

/* The panel's gradient of X^k, from the first unit of the output on: += the output's, the same for every place of a row. */
static void from_output(const block *b, const layer *l, exec *x, uint32_t column, float *g)
{
    const uint32_t first = cin_first_out(b->s, b->k), n = b->s->units[b->k] - first;
    float *sums = exec_buffer(x, l, b->s->b_sums), *turned = sums + (size_t)n * b->rows;
    x->k->copy(b->rows, n, exec_grad(x, l) + (size_t)b->row * l->out.width + column, l->out.width, sums, n);
    x->k->transpose(1, b->rows, n, sums, turned);
    x->k->row_spread(n * b->rows, b->s->dim, 1, turned, g + panel(b, b->s->units[b->k], first));
}

/* From the gradient g of X^k, to which that of the output comes, to those of W, b, and of X^{k-1} and X^0, to which it adds. */
static void backward_one(const cin *s, const layer *l, exec *x, uint32_t k, uint32_t column, float *g, float *gin, float *gx0)
{
    const kernels *kn = x->k;
    const uint32_t units = s->units[k];
    float *gw = gw_of(s, l, x, k), *gbias = exec_param_grad_zeroed(x, l, cin_bias_of(k));
    float *sums = exec_buffer(x, l, s->b_sums);
    block b = block_of(s, l, x, k);
    FOR_PANELS(b, x)
    {
        float *gp = g + panel(&b, units, 0);
        from_output(&b, l, x, column, g);
        if (s->relu) kn->relu_back((size_t)units * b.places, x_of(s, l, x, k) + panel(&b, units, 0), gp);
        kn->row_sum(units, b.places, 1, gp, sums);
        kn->add(units, sums, gbias);
        FOR_BLOCKS_OF(b)
        {
            const float *w = w_of(s, l, x, k) + b.done * units;
            block_make(&b, kn);
            kn->gemm(0, 1, b.pairs, units, b.places, b.z, b.places, gp, b.places, b.row > 0, gw + b.done * units, units);
            kn->gemm(0, 0, b.pairs, b.places, units, w, units, gp, b.places, 0, b.gz, b.places);
            block_back(&b, kn, gin, gx0);
        }
    }
    if (cin_folded(s, k)) pairs_unfold(s, l, x);
}

static void backward_sums(const cin *s, const layer *l, exec *x, uint32_t k, uint32_t column, float *gin, float *gx0)
{
    const kernels *kn = x->k;
    const uint32_t units = s->units[k], ld = l->out.width;
    const float *g = exec_grad(x, l) + column;
    float *gw = gw_of(s, l, x, k), *gbias = exec_param_grad_zeroed(x, l, cin_bias_of(k));
    block b = block_of(s, l, x, k);
    kn->column_sum(x->max_rows, units, g, ld, gbias);
    kn->scale(units, (float)s->dim, gbias);
    for (uint32_t row = 0; row < x->max_rows; row += cin_sum_rows(s)) {
        const float *gp = g + (size_t)row * ld;
        FOR_BLOCKS_OF(b)
        {
            const uint32_t m = make_sums(&b, x, row);
            kn->gemm(1, 0, b.pairs, units, m, b.z, b.pairs, gp, ld, row > 0, gw + b.done * units, units);
            kn->gemm(0, 1, m, b.pairs, units, gp, ld, w_of(s, l, x, k) + b.done * units, units, 0, b.gz, b.pairs);
            for (uint32_t r = 0; r < m && panel_at(&b, x, row + r); r += b.rows) panel_back_sums(&b, kn, r, gin, gx0);
        }
    }
}

/* The gradient of X^0 into that of e. */
static void to_input(const cin *s, const layer *l, exec *x, const float *gx0)
{
    const size_t input = (size_t)s->fields * s->dim;
    if (!layer_input(l, 0)->needs_grad) return;
    float beta, *ge = exec_grad_in_beta(x, l, 0, &beta);
    block b = block_of(s, l, x, 0);
    FOR_PANELS(b, x)
    for (uint32_t r = 0; r < b.rows; r++)
        (beta == 0 ? x->k->copy : x->k->add_rows)(s->fields, s->dim, gx0 + panel(&b, s->fields, 0) + (size_t)r * s->dim, b.places,
                                                  ge + (b.row + r) * input, s->dim);
}

void cin_backward(const layer *l, exec *x)
{
    const cin *s = l->own;
    const kernels *kn = x->k;
    const size_t places = (size_t)x->max_rows * s->dim;
    float *gx0 = exec_buffer(x, l, s->b_g), *g = gx0 + places * s->fields, *other = g + places * s->widest;
    uint32_t column = l->out.width;
    kn->zero(gx0, places * s->fields * sizeof *gx0);
    if (s->relu) kn->zero(g, places * s->units[s->layers - 1] * sizeof *g);
    for (uint32_t k = s->layers; k-- > 0;) {
        float *gin = k > 0 ? other : gx0;
        column -= s->units[k] - cin_first_out(s, k);
        if (k > 0) kn->zero(other, places * s->units[k - 1] * sizeof *other);
        if (cin_sums_only(s, k))
            backward_sums(s, l, x, k, column, gin, gx0);
        else
            backward_one(s, l, x, k, column, g, gin, gx0);
        float *swap = g;
        g = other;
        other = swap;
    }
    to_input(s, l, x, gx0);
}
