/* layer_cin.c: compressed interaction network (xDeepFM; Lian et al. 2018, arXiv:1803.05170). With X^0 = e [f x dim] a row,
 *
 *   X^k_h = function(sum over i, j of W^k_{h,ij} (X^{k-1}_i * X^0_j) + b^k_h)       h < layers[k]; products element by element
 *
 * and the output is the sums over dim of all X^k_h, side by side. With `split_half` only the first half of X^k goes to the next
 * layer and only the second to the output, but for the last one, which goes there whole.
 *
 * Each (row, place in dim) is a row of a matrix product: X^k = Z W with Z [m dim x h f] the products of X^{k-1} and X^0 at that
 * place. Z is never whole: blocks of PLACES rows and about COLUMNS columns, which stay in the second-level cache, are made,
 * multiplied and forgotten, on the way back once more.
 *
 * Of the last layer only the sums over dim are wanted. Without a function they are those of the products, times W:
 *
 *   sum over dim of X^k_h = sum over i, j of W^k_{h,ij} (X^{k-1}_i . X^0_j) + dim b^k_h
 *
 * so that its matrix product has a row for each row of the batch instead of one for each place: a dim-th of the work. */
#include <stdio.h>
#include <string.h>

#include "model/exec_private.h"

static const char *const keys[] = {"layers", "split_half", "activation", NULL};

#define LAYERS_MAX 16
#define PLACES 256
#define COLUMNS 320

typedef struct cin {
    uint32_t fields, dim, layers;
    uint32_t units[LAYERS_MAX];
    int split_half, relu;
    uint32_t step;       /* of X^{k-1}'s units whose products with X^0 fill a block */
    size_t all, widest;  /* sum and greatest of units, of the layers whose X^k is made */
    uint32_t b_x0, b_x, b_g, b_z; /* X^0 [m dim x f]; X^k one after another; gradients of X^0 and of two X^k; Z and its own */
    uint32_t b_last;              /* of the last layer: dim times the bias, and scratch */
} cin;

/* Parameters: weight of layer k, then its bias. */
static uint32_t weight_of(uint32_t k) { return 2 * k; }
static uint32_t bias_of(uint32_t k) { return 2 * k + 1; }

static int read_layers(layer *l, const conf *c, cin *s, shoal_error *err)
{
    const conf *list = conf_get(c, "layers");
    if (!list || list->kind != CONF_LIST || list->n_child == 0 || list->n_child > LAYERS_MAX)
        return layer_error(l, list ? list : c, err, "needs 'layers', a list of units, such as [128, 128]; at most %d", LAYERS_MAX);
    s->layers = (uint32_t)list->n_child;
    for (uint32_t k = 0; k < s->layers; k++) {
        conf item = *list->child[k], map = *list, *child = &item;
        char key[] = "layers";
        int64_t n;
        item.key = key;
        map.kind = CONF_MAP;
        map.child = &child;
        map.n_child = 1;
        int rc = conf_i64_or(&map, "layers", 1, 1, LAYER_UNITS_MAX, &n, err);
        if (rc < 0) return rc;
        if (s->split_half && k + 1 < s->layers && n % 2)
            return layer_error(l, list, err, "split_half needs layers of even size, not %lld", (long long)n);
        s->units[k] = (uint32_t)n;
    }
    return 0;
}

static int read_keys(layer *l, const conf *c, cin *s, shoal_error *err)
{
    const char *function;
    int rc = conf_bool_or(c, "split_half", 0, &s->split_half, err);
    if (rc == 0) rc = conf_str_or(c, "activation", "none", &function, err);
    if (rc == 0) rc = read_layers(l, c, s, err);
    if (rc < 0) return rc;
    s->relu = strcmp(function, "relu") == 0;
    if (!s->relu && strcmp(function, "none") != 0)
        return layer_error(l, conf_get(c, "activation"), err, "activation '%s' is not for a cin; there are: none, relu", function);
    return 0;
}

/* Units of X^{k-1} that layer k reads, the first of X^k that goes to the output. */
static uint32_t units_in(const cin *s, uint32_t k)
{
    return k == 0 ? s->fields : s->split_half ? s->units[k - 1] / 2 : s->units[k - 1];
}
static uint32_t first_out(const cin *s, uint32_t k) { return s->split_half && k + 1 < s->layers ? s->units[k] / 2 : 0; }

/* Whether only the sums of layer k are made. */
static int sums_only(const cin *s, uint32_t k) { return k + 1 == s->layers && !s->relu; }

static int declare(layer *l, const conf *c, const cin *s, builder *b, shoal_error *err)
{
    int rc = 0;
    for (uint32_t k = 0; rc == 0 && k < s->layers; k++) {
        const uint64_t in = (uint64_t)units_in(s, k) * s->fields;
        char weight[24], bias[24];
        snprintf(weight, sizeof weight, "weight_%u", k + 1);
        snprintf(bias, sizeof bias, "bias_%u", k + 1);
        if (in > UINT32_MAX / 4)
            return layer_error(l, c, err, "%llu products of units and fields are beyond all reason", (unsigned long long)in);
        rc = layer_add_param(l, b,
                             &(param_spec){.suffix = weight, .kind = PARAM_DENSE, .rows = in, .cols = s->units[k],
                                           .init = INIT_UNIFORM, .scale = __builtin_sqrt(6.0 / ((double)in + s->units[k])),
                                           .decay = 1},
                             err);
        if (rc == 0)
            rc = layer_add_param(l, b, &(param_spec){.suffix = bias, .kind = PARAM_DENSE, .rows = 1, .cols = s->units[k]}, err);
    }
    return rc;
}

static int configure(layer *l, const conf *c, builder *b, shoal_error *err)
{
    cin *s = layer_own(l, sizeof *s, err);
    if (!s) return SHOAL_NOMEM;
    int rc = layer_needs_fields(l, c, 0, err);
    if (rc == 0) rc = read_keys(l, c, s, err);
    if (rc < 0) return rc;
    const shape in = layer_input(l, 0)->out;
    s->fields = in.fields;
    s->dim = in.width;
    s->step = s->fields < COLUMNS ? COLUMNS / s->fields : 1;
    l->out = (shape){.rank = 2};
    for (uint32_t k = 0; k < s->layers; k++) {
        l->out.width += s->units[k] - first_out(s, k);
        if (sums_only(s, k)) continue;
        s->all += s->units[k];
        if (s->units[k] > s->widest) s->widest = s->units[k];
    }
    s->b_x0 = layer_add_buffer(l, shape_size(in), 0);
    s->b_x = layer_add_buffer(l, s->dim * s->all, 0);
    s->b_g = layer_add_buffer(l, 2 * shape_size(in) + 2 * s->dim * s->widest, 0);
    s->b_z = layer_add_buffer(l, 0, 2 * (size_t)PLACES * s->step * s->fields);
    s->b_last = layer_add_buffer(l, 0, KERNEL_PRODUCT_SCRATCH(s->step, s->fields) + s->units[s->layers - 1]);
    return declare(l, c, s, b, err);
}

static int describe(const layer *l, json_t *to)
{
    const cin *s = l->own;
    json_t *units = json_array();
    int rc = units ? 0 : -1;
    for (uint32_t k = 0; rc == 0 && k < s->layers; k++) rc = json_array_append_new(units, json_integer(s->units[k]));
    if (rc == 0) rc = json_object_set(to, "layers", units);
    json_decref(units);
    return rc || layer_json_bool(to, "split_half", s->split_half) || layer_json_str(to, "activation", s->relu ? "relu" : "none")
               ? -1
               : 0;
}

static double flop(const layer *l)
{
    const cin *s = l->own;
    double sum = 0;
    for (uint32_t k = 0; k < s->layers; k++)
        sum += 6.0 * units_in(s, k) * s->fields * (sums_only(s, k) ? s->units[k] + s->dim : s->dim * s->units[k]);
    return sum;
}

/* ---- blocks ------------------------------------------------------------------------------------------------------------ */

/* X^k, [m dim x units]; X^{-1} stands for X^0. */
static float *x_of(const cin *s, const layer *l, const exec *x, int64_t k)
{
    if (k < 0) return exec_buffer(x, l, s->b_x0);
    float *p = exec_buffer(x, l, s->b_x);
    for (int64_t i = 0; i < k; i++) p += (size_t)x->max_rows * s->dim * s->units[i];
    return p;
}

/* What one layer reads and writes, and the block [place, place + m) x units [unit, unit + n) of X^{k-1} at hand. */
typedef struct block {
    const float *in, *x0, *w;
    float *z, *gz;
    uint32_t ld_in, fields, units, m, n, place, unit;
} block;

static block block_of(const cin *s, const layer *l, const exec *x, uint32_t k)
{
    float *z = exec_buffer(x, l, s->b_z);
    return (block){.in = x_of(s, l, x, (int64_t)k - 1), .x0 = x_of(s, l, x, -1), .w = exec_param(x, l, weight_of(k)), .z = z,
                   .gz = z + (size_t)PLACES * s->step * s->fields, .ld_in = k ? s->units[k - 1] : s->fields,
                   .fields = s->fields, .units = s->units[k]};
}
static uint32_t least(size_t left, uint32_t most) { return left < most ? (uint32_t)left : most; }
/* Walks the blocks of layer k: all units of a run of places, then the next run. */
#define FOR_PLACES(b, places) for ((b).place = 0; (b).place < (places) && ((b).m = least((places) - (b).place, PLACES)); (b).place += PLACES)
#define FOR_UNITS(b, all, step) for ((b).unit = 0; (b).unit < (all) && ((b).n = least((all) - (b).unit, step)); (b).unit += (step))

static const float *block_in(const block *b) { return b->in + (size_t)b->place * b->ld_in + b->unit; }
static const float *block_x0(const block *b) { return b->x0 + (size_t)b->place * b->fields; }
static size_t block_w(const block *b) { return (size_t)b->unit * b->fields * b->units; }
static void block_make(const block *b, const kernels *k)
{
    k->outer(b->m, b->n, b->fields, block_in(b), b->ld_in, block_x0(b), b->fields, b->z);
}

/* Of the last layer: z [rows x n fields] = X^{k-1}_i . X^0_j, `place` being a row of the batch. */
static void block_make_sums(const block *b, const kernels *k, uint32_t dim)
{
    const kernel_product p = {.ta = 1, .m = b->n, .n = b->fields, .k = dim, .lda = b->ld_in, .ldb = b->fields, .ldc = b->fields,
                              .a_step = (size_t)dim * b->ld_in, .b_step = (size_t)dim * b->fields,
                              .c_step = (size_t)b->n * b->fields};
    const size_t place = (size_t)b->place * dim;
    k->products(b->m, &p, b->in + place * b->ld_in + b->unit, b->x0 + place * b->fields, b->z, NULL);
}

/* From its gradient to those of X^{k-1} and X^0, to which it adds. */
static void block_back_sums(const block *b, const kernels *k, uint32_t dim, float *gin, float *gx0, float *scratch)
{
    const size_t in_step = (size_t)dim * b->ld_in, x0_step = (size_t)dim * b->fields, z_step = (size_t)b->n * b->fields;
    const kernel_product to_in = {.tb = 1, .add = 1, .m = dim, .n = b->n, .k = b->fields, .lda = b->fields, .ldb = b->fields,
                                  .ldc = b->ld_in, .a_step = x0_step, .b_step = z_step, .c_step = in_step};
    const kernel_product to_x0 = {.add = 1, .m = dim, .n = b->fields, .k = b->n, .lda = b->ld_in, .ldb = b->fields,
                                  .ldc = b->fields, .a_step = in_step, .b_step = z_step, .c_step = x0_step};
    k->products(b->m, &to_in, b->x0 + b->place * x0_step, b->gz, gin + b->place * in_step + b->unit, scratch);
    k->products(b->m, &to_x0, b->in + b->place * in_step + b->unit, b->gz, gx0 + b->place * x0_step, NULL);
}

/* ---- forward ----------------------------------------------------------------------------------------------------------- */

static void forward_one(const cin *s, const layer *l, exec *x, uint32_t k, uint32_t column)
{
    const kernels *kn = x->k;
    const uint32_t places = x->max_rows * s->dim, units = s->units[k], first = first_out(s, k);
    float *to = x_of(s, l, x, k);
    block b = block_of(s, l, x, k);
    FOR_PLACES(b, places)
    {
        float *out = to + (size_t)b.place * units;
        FOR_UNITS(b, units_in(s, k), s->step)
        {
            block_make(&b, kn);
            kn->gemm(0, 0, b.m, units, b.n * b.fields, b.z, b.n * b.fields, b.w + block_w(&b), units, b.unit > 0, out, units);
        }
    }
    (s->relu ? kn->bias_relu : kn->bias_add)(places, units, exec_param(x, l, bias_of(k)), to, units);
    for (uint32_t r = 0; r < x->max_rows; r++)
        kn->column_sum(s->dim, units - first, to + (size_t)r * s->dim * units + first, units,
                       exec_out(x, l) + (size_t)r * l->out.width + column);
}

static void forward_sums(const cin *s, const layer *l, exec *x, uint32_t k, uint32_t column)
{
    const kernels *kn = x->k;
    const uint32_t units = s->units[k], ld = l->out.width;
    float *bias = exec_buffer(x, l, s->b_last);
    block b = block_of(s, l, x, k);
    FOR_PLACES(b, x->max_rows)
    {
        float *out = exec_out(x, l) + (size_t)b.place * ld + column;
        FOR_UNITS(b, units_in(s, k), s->step)
        {
            block_make_sums(&b, kn, s->dim);
            kn->gemm(0, 0, b.m, units, b.n * b.fields, b.z, b.n * b.fields, b.w + block_w(&b), units, b.unit > 0, out, ld);
        }
    }
    kn->zero(bias, units * sizeof *bias);
    kn->scale_add(units, (float)s->dim, exec_param(x, l, bias_of(k)), bias);
    kn->bias_add(x->max_rows, units, bias, exec_out(x, l) + column, ld);
}

static void forward(const layer *l, exec *x)
{
    const cin *s = l->own;
    uint32_t column = 0;
    x->k->transpose(x->max_rows, s->fields, s->dim, exec_in(x, l, 0), x_of(s, l, x, -1));
    x->k->zero(exec_out(x, l), exec_floats(x, l) * sizeof(float));
    for (uint32_t k = 0; k < s->layers; k++) {
        (sums_only(s, k) ? forward_sums : forward_one)(s, l, x, k, column);
        column += s->units[k] - first_out(s, k);
    }
}

/* ---- backward ---------------------------------------------------------------------------------------------------------- */

/* From the gradient g of X^k before the function to those of W, b, and of X^{k-1} and X^0, to which it adds. */
static void backward_one(const cin *s, const layer *l, exec *x, uint32_t k, const float *g, float *gin, float *gx0)
{
    const kernels *kn = x->k;
    const uint32_t places = x->max_rows * s->dim, units = s->units[k];
    float *gw = exec_param_grad(x, l, weight_of(k));
    block b = block_of(s, l, x, k);
    kn->column_sum(places, units, g, units, exec_param_grad_zeroed(x, l, bias_of(k)));
    FOR_PLACES(b, places)
    {
        const float *gp = g + (size_t)b.place * units;
        FOR_UNITS(b, units_in(s, k), s->step)
        {
            const uint32_t n = b.n * b.fields;
            block_make(&b, kn);
            kn->gemm(1, 0, n, units, b.m, b.z, n, gp, units, b.place > 0, gw + block_w(&b), units);
            kn->gemm(0, 1, b.m, n, units, gp, units, b.w + block_w(&b), units, 0, b.gz, n);
            kn->outer_back(b.m, b.n, b.fields, block_in(&b), b.ld_in, block_x0(&b), b.fields, b.gz,
                           gin + (size_t)b.place * b.ld_in + b.unit, b.ld_in, gx0 + (size_t)b.place * b.fields, b.fields);
        }
    }
}

static void backward_sums(const cin *s, const layer *l, exec *x, uint32_t k, uint32_t column, float *gin, float *gx0)
{
    const kernels *kn = x->k;
    const uint32_t units = s->units[k], ld = l->out.width;
    const float *g = exec_grad(x, l) + column;
    float *gw = exec_param_grad(x, l, weight_of(k)), *gbias = exec_param_grad_zeroed(x, l, bias_of(k));
    float *scratch = exec_buffer(x, l, s->b_last) + units;
    block b = block_of(s, l, x, k);
    kn->column_sum(x->max_rows, units, g, ld, gbias);
    kn->scale(units, (float)s->dim, gbias);
    FOR_PLACES(b, x->max_rows)
    {
        const float *gp = g + (size_t)b.place * ld;
        FOR_UNITS(b, units_in(s, k), s->step)
        {
            const uint32_t n = b.n * b.fields;
            block_make_sums(&b, kn, s->dim);
            kn->gemm(1, 0, n, units, b.m, b.z, n, gp, ld, b.place > 0, gw + block_w(&b), units);
            kn->gemm(0, 1, b.m, n, units, gp, ld, b.w + block_w(&b), units, 0, b.gz, n);
            block_back_sums(&b, kn, s->dim, gin, gx0, scratch);
        }
    }
}

/* g [m dim x units], columns from `first`: += the output's gradient, the same for every place of a row. */
static void from_output(const cin *s, const layer *l, exec *x, uint32_t k, uint32_t column, float *g)
{
    const uint32_t units = s->units[k], first = first_out(s, k);
    for (uint32_t r = 0; r < x->max_rows; r++)
        x->k->add_rows(s->dim, units - first, exec_grad(x, l) + (size_t)r * l->out.width + column, 0,
                       g + (size_t)r * s->dim * units + first, units);
}

static void backward(const layer *l, exec *x)
{
    const cin *s = l->own;
    const kernels *kn = x->k;
    const size_t places = (size_t)x->max_rows * s->dim, input = places * s->fields;
    float *gx0 = exec_buffer(x, l, s->b_g), *ge = gx0 + input, *g = ge + input, *other = g + places * s->widest;
    uint32_t column = l->out.width;
    kn->zero(gx0, input * sizeof *gx0);
    if (s->relu) kn->zero(g, places * s->units[s->layers - 1] * sizeof *g);
    for (uint32_t k = s->layers; k-- > 0;) {
        float *gin = k > 0 ? other : gx0;
        column -= s->units[k] - first_out(s, k);
        if (k > 0) kn->zero(other, places * s->units[k - 1] * sizeof *other);
        if (sums_only(s, k)) {
            backward_sums(s, l, x, k, column, gin, gx0);
        } else {
            from_output(s, l, x, k, column, g);
            if (s->relu) kn->relu_back(places * s->units[k], x_of(s, l, x, k), g);
            backward_one(s, l, x, k, g, gin, gx0);
        }
        float *swap = g;
        g = other;
        other = swap;
    }
    kn->transpose(x->max_rows, s->dim, s->fields, gx0, ge);
    exec_split_grad(x, l, ge);
}

const layer_kind layer_cin = {.name = "cin",
                              .keys = keys,
                              .min_in = 1,
                              .max_in = 1,
                              .configure = configure,
                              .describe = describe,
                              .flop = flop,
                              .forward = forward,
                              .backward = backward};
