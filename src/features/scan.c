/* scan.c: the statistics of a source, in one pass. Each feature's state is touched by one thread at a time and sees the
 * rows in order, so the number of threads changes nothing. */
#include <string.h>

#include "features/binding.h"
#include "features/counter.h"
#include "features/features_private.h"
#include "features/sketch.h"

#define SCAN_MEMORY_MIN (1u << 20)
#define SCAN_EXACT_TOTAL (1u << 24) /* values kept for exact quantiles, over all numbers */
#define SCAN_EXACT_MAX (1u << 18)
#define SCAN_EXACT_MIN (1u << 14)
#define CHUNK 1024
#define EXPECT_AHEAD 12 /* rows */

typedef struct lane { /* of one feature */
    uint64_t count, missing;
    double mean, squares, min, max; /* squares: sum of squared deviations (Welford 1962) */
    sketch sketch;
    counter *counter;
    buf cross; /* the value at hand */
} lane;

struct scan {
    const features *f;
    size_t memory;
    pool *threads;
    lane *lane;
    uint64_t rows, positives;
    double weight, positive_weight;
    int of_sample, growing;
    /* of the batch at hand */
    const binding *binding;
    const struct ArrowArray *batch;
    const raw_block *raw;
    uint32_t stride;
    shoal_error *error; /* [n_features] */
};

/* Numbers share SCAN_EXACT_TOTAL, so that wide tables stay small; a function of the configuration alone. */
static uint32_t exact_values(const features *f)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < f->n_features; i++)
        n += feature_is_bucketed(&f->feature[i]);
    uint32_t exact = SCAN_EXACT_MAX;
    while (exact > SCAN_EXACT_MIN && exact * n > SCAN_EXACT_TOTAL)
        exact /= 2;
    return exact;
}

int scan_new(const features *f, size_t memory, const char *spool_dir, pool *threads, scan **out, shoal_error *err)
{
    *out = NULL;
    scan *s = mem_calloc(1, sizeof *s);
    if (!s)
        return error_nomem(err, sizeof *s, "a scan");
    int rc = 0;
    s->f = f;
    s->memory = memory < SCAN_MEMORY_MIN ? SCAN_MEMORY_MIN : memory;
    s->threads = threads;
    s->stride = features_raw_layout(f).stride;
    s->lane = mem_calloc(f->n_features, sizeof *s->lane);
    s->error = mem_calloc(f->n_features, sizeof *s->error);
    if (!s->lane || !s->error)
        rc = error_nomem(err, f->n_features * (sizeof *s->lane + sizeof *s->error), "a scan");
    const uint32_t exact = exact_values(f);
    for (uint32_t i = 0; i < f->n_features && !rc; i++) {
        sketch_init(&s->lane[i].sketch, exact);
        if (!feature_has_vocab(&f->feature[i]))
            continue;
        rc = counter_new(spool_dir, &s->lane[i].counter, err);
    }
    if (rc) {
        scan_free(s);
        return rc;
    }
    *out = s;
    return 0;
}

void scan_memory_set(scan *s, size_t memory)
{
    s->memory = memory;
}

void scan_free(scan *s)
{
    if (!s)
        return;
    for (uint32_t i = 0; s->lane && i < s->f->n_features; i++) {
        sketch_release(&s->lane[i].sketch);
        counter_free(s->lane[i].counter);
        buf_release(&s->lane[i].cross);
    }
    mem_free(s->lane);
    mem_free(s->error);
    mem_free(s);
}

/* ---- one batch ---- */

static int add_numbers(scan *s, lane *l, const feature *f, shoal_error *err)
{
    const uint8_t *p = s->raw->records.data + f->raw;
    double chunk[CHUNK];
    size_t n = 0;
    for (uint32_t i = 0; i < s->raw->rows; i++, p += s->stride) {
        double x;
        memcpy(&x, p, sizeof x);
        x = feature_prepare(f, x);
        if (x != x) {
            l->missing++;
            continue;
        }
        l->min = l->count == 0 || x < l->min ? x : l->min;
        l->max = l->count == 0 || x > l->max ? x : l->max;
        double d = x - l->mean;
        l->count++;
        l->mean += d / (double)l->count;
        l->squares += d * (x - l->mean);
        chunk[n++] = x;
        if (n == CHUNK && f->scale == SCALE_BUCKET) {
            int rc = sketch_add(&l->sketch, chunk, n, err);
            if (rc)
                return rc;
        }
        n = n == CHUNK ? 0 : n;
    }
    return f->scale == SCALE_BUCKET ? sketch_add(&l->sketch, chunk, n, err) : 0;
}

static int name_key(counter *to, const cells *items, int64_t item, shoal_error *err)
{
    char scratch[CELL_SCRATCH];
    view v;
    cell_category(items, item, scratch, &v);
    return counter_name(to, v, err);
}

static int name_cross(lane *l, const cross_cells *cross, int64_t row, shoal_error *err)
{
    view v;
    uint32_t bad;
    int rc = cross_text(cross, row, &l->cross, &v, &bad, err);
    return rc ? rc : counter_name(l->counter, v, err);
}

static int add_keys(scan *s, lane *l, counter *to, const feature *f, const cells *c, const cross_cells *cross, shoal_error *err)
{
    const uint8_t *p = s->raw->records.data + f->raw;
    for (uint32_t i = 0; i < s->raw->rows; i++, p += s->stride) {
        uint64_t key;
        memcpy(&key, p, sizeof key);
        if (to && i + EXPECT_AHEAD < s->raw->rows) {
            uint64_t ahead;
            memcpy(&ahead, p + EXPECT_AHEAD * (size_t)s->stride, sizeof ahead);
            counter_expect(to, ahead);
        }
        l->count += key != 0;
        l->missing += key == 0;
        int rc = key && to ? counter_add(to, key, err) : 0;
        if (rc > 0)
            rc = cross->n ? name_cross(l, cross, i, err) : name_key(to, c, i, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* The keys of a row's piece are those of the entries that are not missing, in order. */
static int add_lists(scan *s, lane *l, counter *to, const feature *f, const bag_cells *c, shoal_error *err)
{
    const uint8_t *p = s->raw->records.data + f->raw;
    char scratch[CELL_SCRATCH];
    view v;
    for (uint32_t i = 0; i < s->raw->rows; i++, p += s->stride) {
        uint32_t ref[2];
        memcpy(ref, p, sizeof ref);
        l->count += ref[1] != RAW_LIST_MISSING;
        l->missing += ref[1] == RAW_LIST_MISSING;
        if (ref[1] == RAW_LIST_MISSING || ref[1] == 0 || !to)
            continue;
        const uint8_t *piece = s->raw->heap.data + ref[0];
        int64_t begin, end, item;
        cell_range(&c->rows, i, &begin, &end);
        item = bag_next(c, i, begin, begin, end);
        for (uint32_t k = 0; k < ref[1] && item < end; item = bag_next(c, i, begin, item + 1, end)) {
            cell_category(&c->items, item, scratch, &v);
            if (v.n == 0)
                continue;
            uint64_t key;
            memcpy(&key, piece + 8 * (size_t)k++, sizeof key);
            int rc = counter_add(to, key, err);
            if (rc > 0)
                rc = name_key(to, &c->items, item, err);
            if (rc)
                return rc;
        }
    }
    return 0;
}

static int add_category(scan *s, uint32_t index, counter *to, shoal_error *err)
{
    const feature *f = &s->f->feature[index];
    const bag_cells c = binding_cells(s->binding, index, s->batch);
    cross_cells cross;
    binding_cross(s->binding, index, s->batch, &cross);
    return f->is_list ? add_lists(s, &s->lane[index], to, f, &c, err) : add_keys(s, &s->lane[index], to, f, &c.rows, &cross, err);
}

/* A feature and those that share its rows, which are counted as its own are. */
static int add_feature(void *ctx, size_t item, int thread)
{
    (void)thread;
    scan *s = ctx;
    const feature *f = &s->f->feature[item];
    lane *l = &s->lane[item];
    int rc = 0;
    if (f->encoding == ENCODE_SHARED || (s->growing && !l->counter))
        return 0;
    if (f->kind == FEATURE_NUMERIC)
        return add_numbers(s, l, f, &s->error[item]);
    for (uint32_t i = (uint32_t)item; i != FEATURE_NONE && !rc; i = s->f->feature[i].next_sharer)
        rc = add_category(s, i, l->counter, &s->error[item]);
    return rc;
}

static void add_labels(scan *s)
{
    const uint8_t *p = s->raw->records.data;
    for (uint32_t i = 0; i < s->raw->rows; i++, p += s->stride) {
        float label, weight;
        memcpy(&label, p, 4);
        memcpy(&weight, p + 4, 4);
        s->positives += label != 0;
        s->weight += (double)weight;
        s->positive_weight += (double)weight * (double)label;
    }
    s->rows += s->raw->rows;
}

/* The largest tables go to disk until half of the memory is free again. */
static int spill_largest(scan *s, shoal_error *err)
{
    size_t total = 0;
    for (uint32_t i = 0; i < s->f->n_features; i++)
        total += s->lane[i].counter ? counter_bytes(s->lane[i].counter) : 0;
    if (total <= s->memory)
        return 0;
    while (total > s->memory / 2) {
        counter *largest = NULL;
        for (uint32_t i = 0; i < s->f->n_features; i++) {
            counter *c = s->lane[i].counter;
            if (c && (!largest || counter_bytes(c) > counter_bytes(largest)))
                largest = c;
        }
        const size_t before = counter_bytes(largest);
        int rc = counter_spill(largest, err);
        if (rc)
            return rc;
        const size_t after = counter_bytes(largest);
        if (after >= before)
            return 0; /* nothing left to free */
        total -= before - after;
    }
    return 0;
}

static int first_error(const scan *s, int rc, shoal_error *err)
{
    for (uint32_t i = 0; i < s->f->n_features; i++)
        if (s->error[i].code) {
            if (err)
                *err = s->error[i];
            return s->error[i].code;
        }
    return rc;
}

int scan_add(scan *s, const binding *b, const struct ArrowArray *rows, const raw_block *raw, shoal_error *err)
{
    if ((int64_t)raw->rows != rows->length || raw->records.len != (size_t)raw->rows * s->stride)
        return error_set(err, SHOAL_INTERNAL, "scan: %u raw rows beside a batch of %lld", raw->rows,
                         (long long)rows->length);
    if (raw->rows == 0)
        return 0;
    s->binding = b;
    s->batch = rows;
    s->raw = raw;
    int rc = pool_for(s->threads, s->f->n_features, add_feature, s);
    if (rc)
        return first_error(s, rc, err);
    add_labels(s);
    return spill_largest(s, err);
}

void scan_label(const scan *s, uint64_t *rows, double *weight, double *positive_weight)
{
    *rows = s->rows;
    *weight = s->weight;
    *positive_weight = s->positive_weight;
}

/* ---- the end ---- */

static int finish_number(lane *l, feature *f, shoal_error *err)
{
    f->mean = l->count ? l->mean : 0;
    f->std = l->count ? __builtin_sqrt(l->squares / (double)l->count) : 0;
    f->min = l->min;
    f->max = l->max;
    if (!(f->mean - f->mean == 0) || !(f->std - f->std == 0)) { /* squares of 1e200 are beyond a float64 */
        if (f->scale != SCALE_BUCKET)
            return error_set(err, SHOAL_DATA,
                             "feature '%s' has values from %g to %g, whose mean or deviation is beyond a float64: clip it, or give "
                             "it scale: bucket", f->name, f->min, f->max);
        f->mean = f->std = 0; /* buckets need neither */
    }
    if (f->scale != SCALE_BUCKET)
        return 0;
    mem_free(f->edges);
    f->n_edges = 0;
    f->edges = mem_calloc(f->buckets, sizeof *f->edges);
    if (!f->edges)
        return error_nomem(err, f->buckets * sizeof *f->edges, "bucket edges");
    return sketch_edges(&l->sketch, f->buckets, f->edges, &f->n_edges, err);
}

/* By feature, in order: pool items would each hold a sorted vocabulary in memory at the same time. */
static int finish_feature(lane *l, feature *f, int growing, shoal_error *err)
{
    if (!growing) {
        f->count = l->count;
        f->missing = l->missing;
    }
    if (f->kind == FEATURE_NUMERIC)
        return growing ? 0 : finish_number(l, f, err);
    if (!l->counter)
        return 0;
    vocabulary *before = growing ? f->vocab : NULL, *now = NULL;
    int rc = counter_finish(l->counter, before, f->min_count, f->max_size, f->hash_seed, &now, err);
    vocabulary_free(f->vocab);
    f->vocab = now;
    counter_free(l->counter);
    l->counter = NULL;
    return rc ? (error_where(err, rc, "feature '%s'", f->name), rc) : 0;
}

void scan_grow(scan *s)
{
    s->growing = 1;
}

void scan_of_sample(scan *s)
{
    s->of_sample = 1;
}

int scan_finish(scan *s, features *f, shoal_error *err)
{
    int rc = 0;
    if (s->rows == 0)
        return error_set(err, SHOAL_DATA, "the source has no rows: nothing to train on");
    if (f->label && !s->of_sample && (s->positives == 0 || s->positives == s->rows))
        return error_set(err, SHOAL_DATA,
                         "label '%s' is %d in all %llu rows: a model needs both; check the label and the filter",
                         f->label, s->positives != 0, (unsigned long long)s->rows);
    if (!(s->weight > 0))
        return error_set(err, SHOAL_DATA, "weight '%s' is 0 in all %llu rows: nothing to train on",
                         f->weight ? f->weight : "", (unsigned long long)s->rows);
    for (uint32_t i = 0; i < f->n_features && !rc; i++)
        rc = finish_feature(&s->lane[i], &f->feature[i], s->growing, err);
    return rc ? rc : features_place(f, err);
}
