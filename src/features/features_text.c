/* features_text.c: features as YAML, which features_configure reads again, and as lines for people. */
#include <stdio.h>
#include <string.h>

#include "features/features_private.h"

static const char *const SCALES[] = {"none", "standard", "minmax", "bucket"};
static const char *const COMBINERS[] = {"sum", "mean", "max"};

/* Growth with one error to look at in the end. */
typedef struct text {
    buf *out;
    shoal_error *err;
    int rc;
} text;

#define PRINT(t, ...) ((t)->rc = (t)->rc ? (t)->rc : buf_printf((t)->out, (t)->err, __VA_ARGS__))

static void put_name(text *t, const char *s)
{
    if (!t->rc)
        t->rc = buf_put_json(t->out, s, strlen(s), t->err);
}

static void put_f64(text *t, double v)
{
    if (v - v != 0)
        PRINT(t, "null");
    else if (!t->rc)
        t->rc = buf_put_f64(t->out, v, t->err);
}

/* ---- YAML ---- */

static void put_number(text *t, const feature *f)
{
    PRINT(t, "type: numeric, scale: %s", SCALES[f->scale]);
    if (f->scale == SCALE_BUCKET)
        PRINT(t, ", buckets: %u", f->buckets);
    if (f->log1p)
        PRINT(t, ", log1p: true");
    if (f->embed)
        PRINT(t, ", embed: true");
    if (f->clip_low > -INFINITY || f->clip_high < INFINITY) {
        PRINT(t, ", clip: [");
        put_f64(t, f->clip_low);
        PRINT(t, ", ");
        put_f64(t, f->clip_high);
        PRINT(t, "]");
    }
}

static void put_category(text *t, const feature *f)
{
    PRINT(t, "type: %s", f->is_list ? "bag" : "categorical");
    if (f->encoding == ENCODE_SHARED) {
        PRINT(t, ", share: ");
        put_name(t, f->share);
    } else if (f->encoding == ENCODE_HASH) {
        PRINT(t, ", encoding: hash, buckets: %u", f->hash_buckets);
    } else {
        PRINT(t, ", min_count: %llu", (unsigned long long)f->min_count);
        if (f->max_size)
            PRINT(t, ", max_size: %u", f->max_size);
        PRINT(t, ", oov: %u", f->n_oov);
    }
    if (f->hash_seed && f->encoding != ENCODE_SHARED)
        PRINT(t, ", seed: %llu", (unsigned long long)f->hash_seed);
    if (f->is_list)
        PRINT(t, ", combiner: %s", COMBINERS[f->combiner]);
    if (f->weights_column) {
        PRINT(t, ", weights: ");
        put_name(t, f->weights_column);
    }
    if (f->where_column) {
        PRINT(t, ", where: {");
        put_name(t, f->where_column);
        PRINT(t, ": %lld}", (long long)f->where);
    }
}

/* What it reads, unless the name tells. */
static void put_columns(text *t, const feature *f)
{
    if (!feature_is_cross(f) && strcmp(f->name, f->column->name) == 0)
        return;
    PRINT(t, feature_is_cross(f) ? "cross: [" : "column: ");
    for (uint32_t k = 0; k < f->n_columns; k++) {
        PRINT(t, k ? ", " : "");
        put_name(t, f->column[k].name);
    }
    PRINT(t, feature_is_cross(f) ? "], " : ", ");
}

int features_to_yaml(const features *f, buf *out, shoal_error *err)
{
    text t = {out, err, 0};
    if (f->label) {
        PRINT(&t, "label: ");
        put_name(&t, f->label);
        PRINT(&t, "\n");
    }
    if (f->weight) {
        PRINT(&t, "weight: ");
        put_name(&t, f->weight);
        PRINT(&t, "\n");
    }
    PRINT(&t, "features:\n");
    for (uint32_t i = 0; i < f->n_features; i++) {
        const feature *x = &f->feature[i];
        PRINT(&t, "  ");
        put_name(&t, x->name);
        PRINT(&t, ": {");
        put_columns(&t, x);
        if (x->kind == FEATURE_NUMERIC)
            put_number(&t, x);
        else
            put_category(&t, x);
        PRINT(&t, "}\n");
    }
    return t.rc;
}

/* ---- for people ---- */

static void describe_number(text *t, const feature *f)
{
    if (f->log1p)
        PRINT(t, "log1p, ");
    if (f->clip_low > -INFINITY || f->clip_high < INFINITY)
        PRINT(t, "clip %g to %g, ", f->clip_low, f->clip_high);
    if (f->scale == SCALE_BUCKET)
        PRINT(t, "%u quantile buckets", f->buckets);
    else
        PRINT(t, "scale %s%s", SCALES[f->scale], f->embed ? ", embedded" : "");
}

static void describe_category(text *t, const feature *f)
{
    if (f->encoding == ENCODE_SHARED)
        PRINT(t, "the rows of %s", f->share);
    else if (f->encoding == ENCODE_HASH)
        PRINT(t, "hash into %u buckets", f->hash_buckets);
    else
        PRINT(t, "vocabulary, min_count %llu", (unsigned long long)f->min_count);
    if (feature_has_vocab(f) && f->max_size)
        PRINT(t, ", max_size %u", f->max_size);
    if (f->is_list)
        PRINT(t, ", %s%s%s", COMBINERS[f->combiner], f->weights_column ? " weighted by " : "",
              f->weights_column ? f->weights_column : "");
    if (f->where_column)
        PRINT(t, ", where %s is %lld", f->where_column, (long long)f->where);
}

static int widest(const features *f)
{
    size_t w = 7;
    for (uint32_t i = 0; i < f->n_features; i++)
        w = strlen(f->feature[i].name) > w ? strlen(f->feature[i].name) : w;
    for (uint32_t i = 0; i < f->n_left_out; i++)
        w = strlen(f->left_out[i].column) > w ? strlen(f->left_out[i].column) : w;
    return (int)(w < 32 ? w : 32);
}

static void put_statistics(text *t, const feature *f)
{
    if (feature_has_vocab(f) && f->vocab)
        PRINT(t, " -> %u entries", vocabulary_size(f->vocab));
    else if (feature_is_bucketed(f) && f->edges)
        PRINT(t, " -> %u used", f->n_edges + 1);
    if (f->missing)
        PRINT(t, ", %.3g%% missing", 100.0 * (double)f->missing / (double)(f->missing + f->count));
}

int features_describe(const features *f, buf *out, shoal_error *err)
{
    text t = {out, err, 0};
    const int w = widest(f);
    PRINT(&t, "%-*s  label\n", f->label ? w : 0, f->label ? f->label : "no label:");
    if (f->weight)
        PRINT(&t, "%-*s  row weight\n", w, f->weight);
    for (uint32_t i = 0; i < f->n_features; i++) {
        const feature *x = &f->feature[i];
        PRINT(&t, "%-*s  %-11s  ", w, x->name, x->kind == FEATURE_NUMERIC ? "numeric" : x->is_list ? "bag"
              : "categorical");
        if (x->kind == FEATURE_NUMERIC)
            describe_number(&t, x);
        else
            describe_category(&t, x);
        for (uint32_t k = 0; k < x->n_columns; k++)
            if (feature_is_cross(x) || strcmp(x->name, x->column[k].name))
                PRINT(&t, "%s%s", k ? " x " : " of ", x->column[k].name);
        put_statistics(&t, x);
        if (x->note)
            PRINT(&t, "  (%s)", x->note);
        PRINT(&t, "\n");
    }
    for (uint32_t i = 0; i < f->n_left_out; i++)
        PRINT(&t, "%-*s  not used     %s\n", w, f->left_out[i].column, f->left_out[i].why);
    return t.rc;
}
