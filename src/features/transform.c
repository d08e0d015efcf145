/* transform.c: raw rows to a batch, one field at a time: the field's column is gathered from the rows (which are in
 * cache after the first pass asked for them), then looked up as a whole. Outputs are field-major. */
#include <string.h>

#include "features/batch_store.h"
#include "features/features_private.h"

#define LINE 64

/* Labels and weights; asks for the rest of each row on the way. */
static void take_labels(const raw_ref *rows, uint32_t n, uint32_t stride, batch *out)
{
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *p = rows[i].record;
        for (uint32_t at = LINE; at < stride; at += LINE)
            __builtin_prefetch(p + at);
        memcpy(&out->label[i], p, 4);
        memcpy(&out->weight[i], p + 4, 4);
    }
}

static void take_column(const raw_ref *rows, uint32_t n, uint32_t at, void *out)
{
    uint64_t *key = out;
    for (uint32_t i = 0; i < n; i++)
        memcpy(&key[i], rows[i].record + at, 8);
}

static int lane_ids(batch_lane *l, size_t n, int weighted, shoal_error *err)
{
    int rc = batch_room(&l->id, &l->id_cap, n, sizeof *l->id, err);
    return rc || !weighted ? rc : batch_room(&l->weight, &l->weight_cap, n, sizeof *l->weight, err);
}

/* ---- categories ---- */

static void hash_ids(const uint64_t *key, size_t n, uint32_t base, uint32_t buckets, uint32_t *id)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bucket = 1 + (uint32_t)(((unsigned __int128)key[i] * buckets) >> 64);
        id[i] = base + (key[i] ? bucket : 0);
    }
}

static void category_ids(const feature *f, uint32_t base, const uint64_t *key, size_t n, uint32_t *id)
{
    if (f->encoding == ENCODE_HASH) {
        hash_ids(key, n, base, f->hash_buckets, id);
        return;
    }
    vocabulary_rows r = {base, base + 1, f->n_oov, base + 1 + f->n_oov};
    vocabulary_lookup(f->vocab, key, n, &r, id);
}

typedef struct list_ref {
    uint32_t offset, length;
} list_ref;

static uint32_t list_ids(list_ref l)
{
    return l.length == RAW_LIST_MISSING ? 1 : l.length;
}

/* Weights of one list: as given (sum), over their total (mean). Without given weights each is 1. */
static void list_weights(const feature *f, const float *given, uint32_t n, float *out)
{
    double total = 0;
    if (!given) {
        float w = f->combiner == COMBINE_MEAN ? 1.0f / (float)n : 1.0f;
        for (uint32_t k = 0; k < n; k++)
            out[k] = w;
        return;
    }
    if (f->combiner == COMBINE_SUM) {
        memcpy(out, given, n * sizeof *out);
        return;
    }
    for (uint32_t k = 0; k < n; k++)
        total += (double)given[k];
    for (uint32_t k = 0; k < n; k++)
        out[k] = total > 0 ? (float)((double)given[k] / total) : 0;
}

static int fill_bag(const features *fs, const feature *f, const raw_ref *rows, uint32_t n, batch *out, shoal_error *err)
{
    batch_lane *l = &out->store->lane[f->field];
    const list_ref *ref = (const list_ref *)(const void *)out->store->key;
    const feature *owner = feature_owner(fs, f);
    const uint32_t base = fs->field[f->field].base;
    const int weighted = feature_is_weighted(f), weights = weighted || f->combiner == COMBINE_MEAN;
    uint64_t total = 0;
    int rc = batch_room(&l->offset, &l->offset_cap, (size_t)n + 1, sizeof *l->offset, err);
    if (rc)
        return rc;
    take_column(rows, n, f->raw, out->store->key);
    l->offset[0] = 0;
    for (uint32_t i = 0; i < n; i++) {
        total += list_ids(ref[i]);
        if (total > UINT32_MAX)
            return error_set(err, SHOAL_DATA, "lists of '%s' have more than 2^32 entries in one micro-batch", f->name);
        l->offset[i + 1] = (uint32_t)total;
    }
    if ((rc = lane_ids(l, total, weights, err)))
        return rc;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t *id = l->id + l->offset[i], length = ref[i].length;
        if (length == RAW_LIST_MISSING) {
            *id = base;
            if (weights)
                l->weight[l->offset[i]] = 1;
            continue;
        }
        if (length == 0)
            continue;
        const uint8_t *piece = rows[i].heap + ref[i].offset;
        category_ids(owner, base, (const uint64_t *)(const void *)piece, length, id);
        if (weights)
            list_weights(f, weighted ? (const float *)(const void *)(piece + 8 * (size_t)length) : NULL, length,
                         l->weight + l->offset[i]);
    }
    out->field[f->field] = (batch_field){l->offset, l->id, weights ? l->weight : NULL, (uint32_t)total, feature_is_largest(f)};
    return 0;
}

/* ---- numbers ---- */

/* Bucket of x: the number of edges below it, by halving without branches; eight rows in flight hide the loads. */
static void bucket_ids(const feature *f, uint32_t base, const double *number, size_t n, uint32_t *id)
{
    enum { FLIGHT = 8 };
    const double *edges = f->edges;
    for (size_t i = 0; i < n; i += FLIGHT) {
        const size_t m = n - i < FLIGHT ? n - i : FLIGHT;
        double x[FLIGHT];
        uint32_t low[FLIGHT];
        for (size_t k = 0; k < FLIGHT; k++) {
            x[k] = feature_prepare(f, number[i + (k < m ? k : 0)]);
            low[k] = 0;
        }
        uint32_t length = f->n_edges;
        while (length > 1) {
            const uint32_t half = length / 2;
            for (size_t k = 0; k < FLIGHT; k++)
                low[k] += edges[low[k] + half - 1] < x[k] ? half : 0;
            length -= half;
        }
        for (size_t k = 0; k < m; k++) {
            uint32_t bucket = low[k] + (length && edges[low[k]] < x[k]);
            id[i + k] = x[k] == x[k] ? base + 1 + bucket : base;
        }
    }
}

static double scaled(const feature *f, double x)
{
    if (f->scale == SCALE_STANDARD)
        return f->std > 0 ? (x - f->mean) / f->std : 0;
    if (f->scale == SCALE_MINMAX) {
        double y = f->max > f->min ? (x - f->min) / (f->max - f->min) : 0;
        return y < 0 ? 0 : y > 1 ? 1 : y;
    }
    return x;
}

/* Beyond the range of floats the nearest float stands in. */
static float to_float(double x)
{
    const double top = (double)__FLT_MAX__;
    return (float)(x > top ? top : x < -top ? -top : x);
}

static int fill_number(const feature *f, const features *fs, uint32_t n, batch *out, shoal_error *err)
{
    const double *number = (const double *)(const void *)out->store->key;
    batch_lane *l = f->field < 0 ? NULL : &out->store->lane[f->field];
    const uint32_t base = l ? fs->field[f->field].base : 0;
    const float mean = to_float(scaled(f, f->mean));
    float *dense = out->dense + f->dense_column;
    int rc = l ? lane_ids(l, n, 1, err) : 0;
    if (rc)
        return rc;
    for (uint32_t i = 0; i < n; i++, dense += out->n_dense) {
        double x = feature_prepare(f, number[i]);
        int missing = x != x;
        float y = missing ? mean : to_float(scaled(f, x));
        dense[0] = y;
        if (f->dense_width == 2)
            dense[1] = (float)missing;
        if (l) {
            l->id[i] = base + !missing;
            l->weight[i] = missing ? 1 : y;
        }
    }
    if (l)
        out->field[f->field] = (batch_field){.id = l->id, .weight = l->weight, .n_id = n};
    return 0;
}

/* ---- one feature ---- */

static int fill_feature(const features *fs, const feature *f, const raw_ref *rows, uint32_t n, batch *out,
                        shoal_error *err)
{
    if (f->is_list)
        return fill_bag(fs, f, rows, n, out, err);
    take_column(rows, n, f->raw, out->store->key);
    if (f->kind == FEATURE_NUMERIC && f->scale != SCALE_BUCKET)
        return fill_number(f, fs, n, out, err);
    batch_lane *l = &out->store->lane[f->field];
    const uint32_t base = fs->field[f->field].base;
    int rc = lane_ids(l, n, 0, err);
    if (rc)
        return rc;
    if (f->kind == FEATURE_NUMERIC)
        bucket_ids(f, base, (const double *)(const void *)out->store->key, n, l->id);
    else
        category_ids(feature_owner(fs, f), base, out->store->key, n, l->id);
    out->field[f->field] = (batch_field){.id = l->id, .n_id = n};
    return 0;
}

int features_transform(const features *f, const raw_ref *rows, uint32_t n, batch *out, shoal_error *err)
{
    int rc = batch_shape(out, n, f->n_dense, f->n_fields, err);
    if (rc)
        return rc;
    take_labels(rows, n, 8 + 8 * f->n_features, out);
    for (uint32_t i = 0; i < f->n_features && !rc; i++)
        rc = fill_feature(f, &f->feature[i], rows, n, out, err);
    return rc;
}
