/* body_ffm.h: part of kernels_body.h: field-aware factorisation machines, straight from the rows of the table.
 *
 * A row of the batch is F vectors v_f of F x d floats, part g of v_f being what field f has for field g. A field of one key
 * with value 1 is that key's row of the table itself; others are summed into scratch. With the parts that meet those of v_f
 * laid side by side, t_f = (v_0's part f, v_1's part f, ...), the sum over pairs is a product of v_f and t_f behind part f,
 * and the gradient of v_f is t_f without its own part. For d divisible by four t_f is never stored: its blocks are put
 * together from four parts of four floats at a time, and everything that a row needs stays in the first-level cache.
 *
 * Glossary: q [F + 4] pointers to v, those past the end and that of the field at hand to zeros; n = F d. */

typedef float v4f_any __attribute__((vector_size(16), aligned(4), may_alias));

typedef struct ffm_batch {
    uint32_t f, d;
    size_t n;
    const batch_field *field;
    const float *table;
    size_t stride;
    float *sum;               /* scratch: [F x n] of fields that are not a row of the table */
    float *zeros, *own, *turn; /* scratch, [n + lanes] each: nothing; one key's own part; t_f for odd d */
} ffm_batch;

static ffm_batch ffm_begin(uint32_t f, uint32_t d, const batch_field *field, const float *table, size_t stride, float *scratch)
{
    const size_t n = (size_t)f * d, row = n + KERNEL_LANES;
    float *more = scratch + f * n;
    memset(more, 0, 3 * row * sizeof *more);
    return (ffm_batch){f, d, n, field, table, stride, scratch, more, more + row, more + 2 * row};
}

/* The keys of row r in a field: [*begin, *end); returns whether they are one key of value 1. */
INLINE int ffm_keys(const batch_field *x, uint32_t r, uint32_t *begin, uint32_t *end)
{
    *begin = x->offset ? x->offset[r] : r;
    *end = x->offset ? x->offset[r + 1] : r + 1;
    return *end - *begin == 1 && (!x->weight || x->weight[*begin] == 1.0f);
}
INLINE float ffm_value(const batch_field *x, uint32_t j) { return x->weight ? x->weight[j] : 1.0f; }

/* v_f as the sum of its keys; adds to *pairs those of the keys among themselves, by their part f. */
static const float *ffm_sum(const ffm_batch *b, uint32_t f, uint32_t begin, uint32_t end, vf *pairs)
{
    float *v = b->sum + f * b->n, *own = v + (size_t)f * b->d;
    memset(v, 0, b->n * sizeof *v);
    for (uint32_t j = begin; j < end; j++) {
        const float *row = b->table + b->field[f].id[j] * b->stride;
        const vf w = vf_set(ffm_value(&b->field[f], j));
        FOR_BLOCKS(i, c, b->d) *pairs += load(own + i, c) * (w * load(row + (size_t)f * b->d + i, c));
        FOR_BLOCKS(i, c, b->n) store(v + i, c, load(v + i, c) + w * load(row + i, c));
    }
    return v;
}

/* Fills q for row r. Returns the row's factor: 1, or with `normalize` 1 / the sum of the keys' squared values. */
static float ffm_row(const ffm_batch *b, uint32_t r, uint32_t rows, int normalize, const float **q, vf *pairs)
{
    float squares = 0;
    for (uint32_t f = 0; f < b->f; f++) {
        const batch_field *x = &b->field[f];
        uint32_t begin, end;
        if (ffm_keys(x, r, &begin, &end))
            q[f] = b->table + x->id[begin] * b->stride;
        else
            q[f] = ffm_sum(b, f, begin, end, pairs);
        for (uint32_t j = begin; j < end; j++) squares += ffm_value(x, j) * ffm_value(x, j);
        if (r + 1 < rows && end < x->n_id) fetch_row(b->table + x->id[end] * b->stride, b->n);
    }
    for (uint32_t f = b->f; f < b->f + 4; f++) q[f] = b->zeros;
    return !normalize ? 1.0f : squares > 0 ? 1.0f / squares : 0.0f;
}

/* Sixteen floats of t_f from the e-th, e divisible by four. */
INLINE vf ffm_turned4(const float *const *q, size_t from, uint32_t d, size_t e)
{
    v4f p[4];
    for (uint32_t i = 0; i < 4; i++) p[i] = *(const v4f_any *)(q[(e + 4 * i) / d] + from + (e + 4 * i) % d);
    const v8f low = __builtin_shufflevector(p[0], p[1], 0, 1, 2, 3, 4, 5, 6, 7);
    const v8f high = __builtin_shufflevector(p[2], p[3], 0, 1, 2, 3, 4, 5, 6, 7);
    return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}
static void ffm_turn(const ffm_batch *b, const float *const *q, uint32_t f)
{
    for (uint32_t g = 0; g < b->f; g++) memcpy(b->turn + (size_t)g * b->d, q[g] + (size_t)f * b->d, b->d * sizeof(float));
}
#define FFM_TURNED(b, q, f, d, e, c) ((d) % 4 == 0 ? ffm_turned4(q, (size_t)(f) * (d), d, e) : load((b)->turn + (e), c))

INLINE vf ffm_pairs(const ffm_batch *b, const float *const *q, uint32_t d, vf total)
{
    for (uint32_t f = 0; f + 1 < b->f; f++) {
        const size_t first = (size_t)(f + 1) * d;
        if (d % 4 != 0) ffm_turn(b, q, f);
        FOR_BLOCKS(i, c, b->n - first) total += load(q[f] + first + i, c) * FFM_TURNED(b, q, f, d, first + i, c);
    }
    return total;
}

static void k_ffm(uint32_t m, uint32_t f, uint32_t d, const batch_field *field, const float *table, size_t stride, int normalize,
                  float *scratch, float *y)
{
    const ffm_batch b = ffm_begin(f, d, field, table, stride, scratch);
    const float *q[KERNEL_FFM_FIELDS + 4];
    for (uint32_t r = 0; r < m; r++) {
        vf total = vf_set(0);
        const float scale = ffm_row(&b, r, m, normalize, q, &total);
        total = d == 4 ? ffm_pairs(&b, q, 4, total) : ffm_pairs(&b, q, d, total);
        y[r] += scale * vf_sum(total);
    }
}

/* to += a * t_f */
INLINE void ffm_add(const ffm_batch *b, const float *const *q, uint32_t f, uint32_t d, float a, float *to)
{
    const vf va = vf_set(a);
    if (d % 4 != 0) ffm_turn(b, q, f);
    FOR_BLOCKS(i, c, b->n) store(to + i, c, load(to + i, c) + va * FFM_TURNED(b, q, f, d, i, c));
}

/* The keys of field f: their values times t_f, whose own part is what the other keys of the field add up to. */
INLINE void ffm_field_back(const ffm_batch *b, const float **q, uint32_t f, uint32_t d, uint32_t r, float a, const uint32_t *slot,
                           float *gtable)
{
    const batch_field *x = &b->field[f];
    const float *v = q[f];
    const size_t at_own = (size_t)f * d;
    uint32_t begin, end;
    const int plain = ffm_keys(x, r, &begin, &end);
    q[f] = plain ? b->zeros : b->own;
    for (uint32_t j = begin; j < end; j++) {
        const float w = ffm_value(x, j), *row = b->table + x->id[j] * b->stride;
        if (!plain)
            FOR_BLOCKS(i, c, d) store(b->own + at_own + i, c, load(v + at_own + i, c) - vf_set(w) * load(row + at_own + i, c));
        ffm_add(b, q, f, d, a * w, gtable + slot[j] * b->n);
    }
    q[f] = v;
}

static void k_ffm_back(uint32_t m, uint32_t f, uint32_t d, const batch_field *field, const uint32_t *slot, const float *table,
                       size_t stride, int normalize, float *scratch, const float *g, float *gtable)
{
    const ffm_batch b = ffm_begin(f, d, field, table, stride, scratch);
    const float *q[KERNEL_FFM_FIELDS + 4];
    for (uint32_t r = 0; r < m; r++) {
        vf unused = vf_set(0);
        const float a = g[r] * ffm_row(&b, r, m, normalize, q, &unused);
        const uint32_t *of_field = slot;
        for (uint32_t j = 0; j < f; j++) {
            const uint32_t next = field[j].offset ? field[j].offset[r + 1] : r + 1;
            if (next < field[j].n_id) fetch_row(gtable + of_field[next] * b.n, b.n);
            if (d == 4)
                ffm_field_back(&b, q, j, 4, r, a, of_field, gtable);
            else
                ffm_field_back(&b, q, j, d, r, a, of_field, gtable);
            of_field += field[j].n_id;
        }
    }
}
