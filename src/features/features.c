#include "features/features.h"

#include <string.h>

#include "features/features_private.h"

int features_new(features **out, shoal_error *err)
{
    *out = mem_calloc(1, sizeof **out);
    return *out ? 0 : error_nomem(err, sizeof **out, "features");
}

static void feature_release(feature *f)
{
    for (uint32_t i = 0; i < f->n_columns; i++) {
        mem_free(f->column[i].name);
        mem_free(f->column[i].type);
    }
    mem_free(f->name);
    mem_free(f->column);
    mem_free(f->weights_column);
    mem_free(f->where_column);
    mem_free(f->share);
    mem_free(f->edges);
    mem_free(f->note);
    vocabulary_free(f->vocab);
}

void features_free(features *f)
{
    if (!f)
        return;
    for (uint32_t i = 0; i < f->n_features; i++)
        feature_release(&f->feature[i]);
    for (uint32_t i = 0; i < f->n_left_out; i++) {
        mem_free(f->left_out[i].column);
        mem_free(f->left_out[i].why);
    }
    mem_free(f->feature);
    mem_free(f->left_out);
    mem_free(f->field);
    mem_free(f->label);
    mem_free(f->weight);
    mem_free(f);
}

static void feature_defaults(feature *f, enum feature_kind kind)
{
    memset(f, 0, sizeof *f);
    f->kind = kind;
    f->clip_low = -INFINITY;
    f->clip_high = INFINITY;
    f->scale = SCALE_BUCKET;
    f->buckets = FEATURE_DEFAULT_BUCKETS;
    f->encoding = ENCODE_VOCABULARY;
    f->hash_buckets = FEATURE_DEFAULT_HASH_BUCKETS;
    f->min_count = FEATURE_DEFAULT_MIN_COUNT;
    f->n_oov = FEATURE_DEFAULT_OOV;
    f->combiner = COMBINE_MEAN;
    f->dense_column = f->field = -1;
    f->owner = f->next_sharer = FEATURE_NONE;
}

int features_add(features *f, const char *name, const char *column, enum feature_kind kind, feature **out,
                 shoal_error *err)
{
    if (f->n_features == FEATURES_MAX)
        return error_set(err, SHOAL_USAGE, "more than %d features; drop columns", FEATURES_MAX);
    if ((f->n_features & (f->n_features - 1)) == 0) { /* grows at powers of two */
        size_t bytes = (f->n_features ? 2 * (size_t)f->n_features : 1) * sizeof(feature);
        feature *p = mem_realloc(f->feature, bytes);
        if (!p)
            return error_nomem(err, bytes, "features");
        f->feature = p;
    }
    feature *x = &f->feature[f->n_features];
    feature_defaults(x, kind);
    f->n_features++;
    *out = x;
    x->name = mem_strdup(name);
    return x->name ? feature_add_column(x, column, err) : error_nomem(err, strlen(name), "a feature's name");
}

int feature_add_column(feature *x, const char *column, shoal_error *err)
{
    feature_column *grown = mem_realloc(x->column, (x->n_columns + (size_t)1) * sizeof *grown);
    if (!grown)
        return error_nomem(err, (x->n_columns + (size_t)1) * sizeof *grown, "a feature's columns");
    x->column = grown;
    grown[x->n_columns] = (feature_column){.name = mem_strdup(column)};
    return grown[x->n_columns++].name ? 0 : error_nomem(err, strlen(column), "a column's name");
}

int features_leave_out(features *f, const char *column, char *why, shoal_error *err)
{
    int rc = 0;
    char *copy = mem_strdup(column);
    if (!copy || !why) {
        rc = error_nomem(err, strlen(column), "a column's name");
        goto out;
    }
    if ((f->n_left_out & (f->n_left_out - 1)) == 0) {
        size_t bytes = (f->n_left_out ? 2 * (size_t)f->n_left_out : 1) * sizeof *f->left_out;
        void *p = mem_realloc(f->left_out, bytes);
        if (!p) {
            rc = error_nomem(err, bytes, "columns");
            goto out;
        }
        f->left_out = p;
    }
    f->left_out[f->n_left_out++] = (feature_left_out){copy, why};
    return 0;
out:
    mem_free(copy);
    mem_free(why);
    return rc;
}

/* Order of the raw row: numbers, keys, lists with weights, other lists. */
static int raw_class(const feature *f)
{
    if (f->kind == FEATURE_NUMERIC)
        return 0;
    return f->is_list ? (f->weights_column ? 2 : 3) : 1;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const feature *const *)a)->name, (*(const feature *const *)b)->name);
}

/* Finds the owner of shared rows among the features by name. The seed is that of the owner's keys. */
static int link_share(features *f, const feature **sorted, feature *x, shoal_error *err)
{
    const feature key = {.name = x->share}, *at = &key;
    const feature **found = bsearch(&at, sorted, f->n_features, sizeof *sorted, by_name);
    if (!found)
        return error_set(err, SHOAL_USAGE, "feature '%s' shares the rows of '%s', which is no feature", x->name, x->share);
    feature *owner = &f->feature[*found - f->feature];
    if (owner->kind != FEATURE_CATEGORICAL || owner->encoding == ENCODE_SHARED || feature_is_cross(owner) || feature_is_cross(x))
        return error_set(err, SHOAL_USAGE, "feature '%s' cannot share the rows of '%s': both are categories or bags of one column, and "
                         "the second has rows of its own", x->name, x->share);
    x->owner = (uint32_t)(owner - f->feature);
    x->hash_seed = owner->hash_seed;
    return 0;
}

static int link_shares(features *f, const feature **sorted, shoal_error *err)
{
    int rc = 0;
    for (uint32_t i = 0; i < f->n_features && !rc; i++)
        if (f->feature[i].encoding == ENCODE_SHARED)
            rc = link_share(f, sorted, &f->feature[i], err);
    for (uint32_t i = f->n_features; i-- > 0 && !rc;)
        if (f->feature[i].encoding == ENCODE_SHARED) {
            feature *owner = &f->feature[f->feature[i].owner];
            f->feature[i].next_sharer = owner->next_sharer;
            owner->next_sharer = i;
        }
    return rc;
}

int features_link(features *f, shoal_error *err)
{
    if (f->n_features == 0)
        return error_set(err, SHOAL_USAGE, "no features: name at least one column");
    const feature **sorted = mem_alloc(f->n_features * sizeof *sorted);
    if (!sorted)
        return error_nomem(err, f->n_features * sizeof *sorted, "features");
    for (uint32_t i = 0; i < f->n_features; i++)
        sorted[i] = &f->feature[i];
    qsort(sorted, f->n_features, sizeof *sorted, by_name);
    int rc = 0;
    for (uint32_t i = 1; i < f->n_features && !rc; i++)
        if (!strcmp(sorted[i - 1]->name, sorted[i]->name))
            rc = error_set(err, SHOAL_USAGE, "two features are named '%s'; names must differ", sorted[i]->name);
    if (!rc)
        rc = link_shares(f, sorted, err);
    mem_free(sorted);
    uint32_t at = 8;
    for (int class = 0; class < 4; class++)
        for (uint32_t i = 0; i < f->n_features; i++)
            if (raw_class(&f->feature[i]) == class) {
                f->feature[i].raw = at;
                at += 8;
            }
    return rc;
}

raw_layout features_raw_layout(const features *f)
{
    uint32_t n[4] = {0, 0, 0, 0};
    for (uint32_t i = 0; i < f->n_features; i++)
        n[raw_class(&f->feature[i])]++;
    return (raw_layout){n[0], n[1], n[2] + n[3], 8 + 8 * f->n_features, n[2]};
}

/* Rows of the embedding tables that a feature owns; 0 when it is no field or has those of another. */
static uint64_t feature_rows(const feature *f)
{
    if (f->kind == FEATURE_NUMERIC)
        return f->scale == SCALE_BUCKET ? (uint64_t)f->n_edges + 2 : f->embed ? 2 : 0;
    if (f->encoding == ENCODE_SHARED)
        return 0;
    if (f->encoding == ENCODE_HASH)
        return (uint64_t)f->hash_buckets + 1;
    return 1 + (uint64_t)f->n_oov + vocabulary_size(f->vocab);
}

int features_place(features *f, shoal_error *err)
{
    uint64_t ids = 0;
    feature_field *field = mem_calloc(f->n_features, sizeof *field);
    if (!field)
        return error_nomem(err, f->n_features * sizeof *field, "fields");
    mem_free(f->field);
    f->field = field;
    f->n_fields = f->n_dense = f->n_ids = 0;
    for (uint32_t i = 0; i < f->n_features; i++) {
        feature *x = &f->feature[i];
        x->dense_column = x->field = -1;
        x->dense_width = 0;
        if (x->kind == FEATURE_NUMERIC && x->scale != SCALE_BUCKET) {
            x->dense_column = (int32_t)f->n_dense;
            x->dense_width = x->missing ? 2 : 1;
            f->n_dense += (uint32_t)x->dense_width;
        }
        uint64_t rows = feature_rows(x);
        if (rows == 0 && x->encoding != ENCODE_SHARED)
            continue;
        if (ids + rows > UINT32_MAX)
            return error_set(err, SHOAL_USAGE,
                             "feature '%s' brings the embedding rows to %llu, more than 2^32: raise min_count, set "
                             "max_size or take fewer buckets", x->name, (unsigned long long)(ids + rows));
        x->field = (int32_t)f->n_fields;
        field[f->n_fields++] = (feature_field){x->name, (uint32_t)ids, (uint32_t)rows, (int32_t)i, feature_is_largest(x)};
        ids += rows;
    }
    f->n_ids = (uint32_t)ids;
    for (uint32_t i = 0; i < f->n_features; i++) {
        const feature *x = &f->feature[i];
        if (x->encoding != ENCODE_SHARED)
            continue;
        const feature_field *from = &field[f->feature[x->owner].field];
        field[x->field].base = from->base;
        field[x->field].rows = from->rows;
    }
    return 0;
}

static void add_unique(const char **names, size_t *n, const char *name)
{
    for (size_t i = 0; i < *n; i++)
        if (!strcmp(names[i], name))
            return;
    names[(*n)++] = name;
}

int features_columns(const features *f, int with_label, const char ***names, size_t *n, shoal_error *err)
{
    size_t bytes = 2 * sizeof **names;
    for (uint32_t i = 0; i < f->n_features; i++)
        bytes += (f->feature[i].n_columns + (size_t)2) * sizeof **names;
    const char **list = mem_alloc(bytes);
    *n = 0;
    *names = list;
    if (!list)
        return error_nomem(err, bytes, "column names");
    for (uint32_t i = 0; i < f->n_features; i++) {
        for (uint32_t k = 0; k < f->feature[i].n_columns; k++)
            add_unique(list, n, f->feature[i].column[k].name);
        if (f->feature[i].weights_column)
            add_unique(list, n, f->feature[i].weights_column);
        if (f->feature[i].where_column)
            add_unique(list, n, f->feature[i].where_column);
    }
    if (with_label && f->label)
        add_unique(list, n, f->label);
    if (with_label && f->weight)
        add_unique(list, n, f->weight);
    return 0;
}

int features_vocab_get(const features *f, uint32_t i, const uint8_t **bytes, const uint64_t **offsets, uint32_t *n)
{
    if (i >= f->n_features || !feature_has_vocab(&f->feature[i]) || !f->feature[i].vocab)
        return SHOAL_INTERNAL;
    vocabulary_entries(f->feature[i].vocab, bytes, offsets, n);
    return 0;
}

int features_vocab_set(features *f, uint32_t i, const uint8_t *bytes, size_t n_bytes, const uint64_t *offsets,
                       uint32_t n, shoal_error *err)
{
    if (i >= f->n_features || !feature_has_vocab(&f->feature[i]))
        return error_set(err, SHOAL_INTERNAL, "feature %u has no vocabulary", i);
    feature *x = &f->feature[i];
    vocabulary *v;
    int rc = vocabulary_new(bytes, n_bytes, offsets, n, x->hash_seed, &v, err);
    if (rc)
        return error_where(err, rc, "vocabulary of '%s'", x->name), rc;
    vocabulary_free(x->vocab);
    x->vocab = v;
    return 0;
}

void raw_block_init(raw_block *b)
{
    memset(b, 0, sizeof *b);
}

void raw_block_clear(raw_block *b)
{
    b->rows = 0;
    buf_clear(&b->records);
    buf_clear(&b->heap);
}

void raw_block_release(raw_block *b)
{
    buf_release(&b->records);
    buf_release(&b->heap);
    raw_block_init(b);
}
