/* features_json.c: features in the manifest of a model.
 *
 *   {"version": 1, "label": "y", "weight": null, "features": [{"name": ..., "column": ..., "type": "numeric", ...}]}
 *   of a cross "columns": [{"column": ..., "column_type": ...}, ...] in place of "column"
 *
 * Configuration and statistics in one object a feature; vocabularies are tensors of the model file. */
#include <stdlib.h>
#include <string.h>

#include "features/features_private.h"

#define FEATURES_JSON_VERSION 1

static const char *const KINDS[] = {"numeric", "categorical", NULL};
static const char *const SCALES[] = {"none", "standard", "minmax", "bucket", NULL};
static const char *const ENCODINGS[] = {"vocabulary", "hash", "shared", NULL};
static const char *const COMBINERS[] = {"sum", "mean", "max", NULL};

/* ---- out ---- */

/* Sets a key and takes over the value; counts failures, so that callers look once. */
static void put(json_t *o, const char *key, json_t *value, int *failed)
{
    *failed |= !value || json_object_set_new(o, key, value) != 0;
}

static void put_number(json_t *o, const feature *f, int *failed)
{
    put(o, "log1p", json_boolean(f->log1p), failed);
    if (f->clip_low > -INFINITY)
        put(o, "clip_low", json_real(f->clip_low), failed);
    if (f->clip_high < INFINITY)
        put(o, "clip_high", json_real(f->clip_high), failed);
    put(o, "scale", json_string(SCALES[f->scale]), failed);
    put(o, "embed", json_boolean(f->embed), failed);
    put(o, "mean", json_real(f->mean), failed);
    put(o, "std", json_real(f->std), failed);
    put(o, "min", json_real(f->min), failed);
    put(o, "max", json_real(f->max), failed);
    if (f->scale != SCALE_BUCKET)
        return;
    put(o, "buckets", json_integer(f->buckets), failed);
    json_t *edges = json_array();
    for (uint32_t i = 0; i < f->n_edges && edges; i++)
        *failed |= json_array_append_new(edges, json_real(f->edges[i])) != 0;
    put(o, "edges", edges, failed);
}

static void put_category(json_t *o, const feature *f, int *failed)
{
    put(o, "encoding", json_string(ENCODINGS[f->encoding]), failed);
    if (f->encoding == ENCODE_SHARED) {
        put(o, "share", json_string(f->share), failed);
    } else {
        put(o, "seed", json_integer((json_int_t)f->hash_seed), failed);
    }
    if (f->encoding == ENCODE_HASH) {
        put(o, "buckets", json_integer(f->hash_buckets), failed);
    } else if (f->encoding == ENCODE_VOCABULARY) {
        put(o, "min_count", json_integer((json_int_t)f->min_count), failed);
        put(o, "max_size", json_integer(f->max_size), failed);
        put(o, "oov", json_integer(f->n_oov), failed);
    }
    put(o, "list", json_boolean(f->is_list), failed);
    if (f->is_list)
        put(o, "combiner", json_string(COMBINERS[f->combiner]), failed);
    if (f->weights_column)
        put(o, "weights", json_string(f->weights_column), failed);
    if (f->where_column) {
        put(o, "where_column", json_string(f->where_column), failed);
        put(o, "where", json_integer(f->where), failed);
    }
}

static void put_column(json_t *o, const feature_column *c, int *failed)
{
    put(o, "column", json_string(c->name), failed);
    if (c->type)
        put(o, "column_type", json_string(c->type), failed);
}

static void put_columns(json_t *o, const feature *f, int *failed)
{
    if (!feature_is_cross(f)) {
        put_column(o, f->column, failed);
        return;
    }
    json_t *list = json_array();
    for (uint32_t k = 0; k < f->n_columns && list; k++) {
        json_t *c = json_object();
        if (c)
            put_column(c, &f->column[k], failed);
        *failed |= json_array_append_new(list, c) != 0;
    }
    put(o, "columns", list, failed);
}

static json_t *feature_json(const feature *f, int *failed)
{
    json_t *o = json_object();
    if (!o)
        return NULL;
    put(o, "name", json_string(f->name), failed);
    put(o, "type", json_string(KINDS[f->kind]), failed);
    put_columns(o, f, failed);
    if (f->kind == FEATURE_NUMERIC)
        put_number(o, f, failed);
    else
        put_category(o, f, failed);
    put(o, "count", json_integer((json_int_t)f->count), failed);
    put(o, "missing", json_integer((json_int_t)f->missing), failed);
    return o;
}

int features_to_json(const features *f, json_t **out, shoal_error *err)
{
    int failed = 0;
    json_t *o = json_object(), *list = json_array();
    *out = NULL;
    if (o && list) {
        put(o, "version", json_integer(FEATURES_JSON_VERSION), &failed);
        put(o, "label", f->label ? json_string(f->label) : json_null(), &failed);
        put(o, "weight", f->weight ? json_string(f->weight) : json_null(), &failed);
        for (uint32_t i = 0; i < f->n_features; i++)
            failed |= json_array_append_new(list, feature_json(&f->feature[i], &failed)) != 0;
        put(o, "features", json_incref(list), &failed);
    }
    if (!o || !list || failed) {
        json_decref(o);
        json_decref(list);
        return error_nomem(err, 0, "the manifest's features");
    }
    json_decref(list);
    *out = o;
    return 0;
}

/* ---- in ---- */

static int word_in(const conf *map, const char *key, const char *const *words, int *out, shoal_error *err)
{
    const char *word;
    int rc = conf_str(map, key, &word, err);
    for (int i = 0; !rc && words[i]; i++)
        if (!strcmp(words[i], word)) {
            *out = i;
            return 0;
        }
    return rc ? rc : conf_error(map, err, "%s '%s' is unknown", key, word);
}

static int string_in(const conf *map, const char *key, char **out, shoal_error *err)
{
    const char *s;
    const conf *c = conf_get(map, key);
    if (!c || c->kind == CONF_NULL)
        return 0;
    int rc = conf_str(map, key, &s, err);
    if (rc)
        return rc;
    *out = mem_strdup(s);
    return *out ? 0 : error_nomem(err, strlen(s), "a column's name");
}

static int finite_in(const conf *map, const char *key, double def, double *out, shoal_error *err)
{
    return conf_f64_or(map, key, def, -__DBL_MAX__, __DBL_MAX__, out, err);
}

static int integer_in(const conf *map, const char *key, int64_t def, int64_t min, int64_t max, uint64_t *out,
                      shoal_error *err)
{
    int64_t v;
    int rc = conf_i64_or(map, key, def, min, max, &v, err);
    *out = rc ? 0 : (uint64_t)v;
    return rc;
}

static int edges_in(const conf *map, feature *f, shoal_error *err)
{
    const conf *list = conf_get(map, "edges");
    if (!list || list->kind != CONF_LIST || list->n_child >= FEATURE_BUCKETS_MAX)
        return conf_error(map, err, "feature '%s' has no list of fewer than %d edges", f->name, FEATURE_BUCKETS_MAX);
    f->edges = mem_calloc(list->n_child + 1, sizeof *f->edges);
    if (!f->edges)
        return error_nomem(err, list->n_child * sizeof *f->edges, "bucket edges");
    for (size_t i = 0; i < list->n_child; i++) {
        const conf *c = list->child[i];
        if (c->kind != CONF_SCALAR || view_to_f64(view_of(c->text, strlen(c->text)), &f->edges[i]) ||
            !(f->edges[i] - f->edges[i] == 0) || (i && f->edges[i] <= f->edges[i - 1]))
            return conf_error(c, err, "edges of feature '%s' are not ascending numbers", f->name);
    }
    f->n_edges = (uint32_t)list->n_child;
    return 0;
}

static int number_in(const conf *map, feature *f, shoal_error *err)
{
    int scale = 0;
    uint64_t buckets;
    int rc = word_in(map, "scale", SCALES, &scale, err);
    f->scale = (enum feature_scale)scale;
    if (!rc)
        rc = conf_bool_or(map, "log1p", 0, &f->log1p, err);
    if (!rc)
        rc = conf_bool_or(map, "embed", 0, &f->embed, err);
    if (!rc)
        rc = finite_in(map, "clip_low", 0, &f->clip_low, err);
    if (!conf_get(map, "clip_low"))
        f->clip_low = -INFINITY;
    if (!rc)
        rc = finite_in(map, "clip_high", 0, &f->clip_high, err);
    if (!conf_get(map, "clip_high"))
        f->clip_high = INFINITY;
    if (!rc)
        rc = finite_in(map, "mean", 0, &f->mean, err);
    if (!rc)
        rc = finite_in(map, "std", 0, &f->std, err);
    if (!rc)
        rc = finite_in(map, "min", 0, &f->min, err);
    if (!rc)
        rc = finite_in(map, "max", 0, &f->max, err);
    if (rc || f->scale != SCALE_BUCKET)
        return rc;
    rc = integer_in(map, "buckets", FEATURE_DEFAULT_BUCKETS, 2, FEATURE_BUCKETS_MAX, &buckets, err);
    f->buckets = (uint32_t)buckets;
    return rc ? rc : edges_in(map, f, err);
}

static int category_in(const conf *map, feature *f, shoal_error *err)
{
    int encoding = 0, combiner = COMBINE_MEAN;
    uint64_t max_size = 0, oov = 0, buckets = 0;
    int rc = word_in(map, "encoding", ENCODINGS, &encoding, err);
    f->encoding = (enum feature_encoding)encoding;
    if (!rc && f->encoding == ENCODE_SHARED)
        rc = string_in(map, "share", &f->share, err);
    if (!rc && f->encoding == ENCODE_SHARED && !f->share)
        return conf_error(map, err, "feature '%s' does not say whose rows it shares", f->name);
    if (!rc)
        rc = integer_in(map, "seed", 0, 0, INT64_MAX, &f->hash_seed, err);
    if (!rc)
        rc = integer_in(map, "buckets", FEATURE_DEFAULT_HASH_BUCKETS, 1, FEATURE_HASH_MAX, &buckets, err);
    if (!rc)
        rc = integer_in(map, "min_count", 1, 1, INT64_MAX, &f->min_count, err);
    if (!rc)
        rc = integer_in(map, "max_size", 0, 0, VOCABULARY_MAX, &max_size, err);
    if (!rc)
        rc = integer_in(map, "oov", 0, 0, FEATURE_OOV_MAX, &oov, err);
    if (!rc)
        rc = conf_bool_or(map, "list", 0, &f->is_list, err);
    if (!rc && f->is_list && feature_is_cross(f))
        return conf_error(map, err, "a cross is no list");
    if (!rc && f->is_list)
        rc = word_in(map, "combiner", COMBINERS, &combiner, err);
    if (!rc && f->is_list)
        rc = string_in(map, "weights", &f->weights_column, err);
    if (!rc && f->weights_column && combiner == COMBINE_MAX)
        return conf_error(map, err, "a bag of combiner 'max' has no weights");
    if (!rc && f->is_list)
        rc = string_in(map, "where_column", &f->where_column, err);
    if (!rc && f->where_column)
        rc = conf_i64_or(map, "where", 0, INT64_MIN, INT64_MAX, &f->where, err);
    f->hash_buckets = (uint32_t)buckets;
    f->max_size = (uint32_t)max_size;
    f->n_oov = (uint32_t)oov;
    f->combiner = (enum feature_combiner)combiner;
    return rc;
}

/* The feature with its columns. */
static int columns_in(features *f, const conf *map, const char *name, int kind, feature **out, shoal_error *err)
{
    const conf *list = conf_get(map, "columns");
    const char *column;
    const size_t n = list && list->kind == CONF_LIST ? list->n_child : 0;
    if (list && (n < 2 || n > FEATURE_CROSS_MAX || kind != FEATURE_CATEGORICAL))
        return conf_error(list, err, "a cross must be a category with a list of 2 to %d columns", FEATURE_CROSS_MAX);
    for (size_t k = 0; k < (list ? n : 1); k++) {
        const conf *at = list ? list->child[k] : map;
        if (at->kind != CONF_MAP)
            return conf_error(at, err, "a column of a cross must be an object");
        int rc = conf_str(at, "column", &column, err);
        if (!rc)
            rc = k ? feature_add_column(*out, column, err) : features_add(f, name, column, (enum feature_kind)kind, out, err);
        if (!rc)
            rc = string_in(at, "column_type", &(*out)->column[k].type, err);
        if (rc)
            return rc;
    }
    return 0;
}

static int feature_in(features *f, const conf *map, shoal_error *err)
{
    const char *name;
    int kind = 0;
    feature *x;
    if (map->kind != CONF_MAP)
        return conf_error(map, err, "a feature must be an object");
    int rc = conf_str(map, "name", &name, err);
    if (!rc)
        rc = word_in(map, "type", KINDS, &kind, err);
    if (!rc)
        rc = columns_in(f, map, name, kind, &x, err);
    if (!rc)
        rc = kind == FEATURE_NUMERIC ? number_in(map, x, err) : category_in(map, x, err);
    if (!rc)
        rc = integer_in(map, "count", 0, 0, INT64_MAX, &x->count, err);
    return rc ? rc : integer_in(map, "missing", 0, 0, INT64_MAX, &x->missing, err);
}

static int all_in(features *f, const conf *json, shoal_error *err)
{
    uint64_t version;
    const conf *list = conf_get(json, "features");
    int rc = integer_in(json, "version", 0, 0, INT64_MAX, &version, err);
    if (!rc && version > FEATURES_JSON_VERSION)
        return conf_error(json, err, "features of version %llu, this program knows up to %d: use a newer shoal",
                          (unsigned long long)version, FEATURES_JSON_VERSION);
    if (!rc && (!list || list->kind != CONF_LIST))
        return conf_error(json, err, "no list of features");
    if (!rc)
        rc = string_in(json, "label", &f->label, err);
    if (!rc)
        rc = string_in(json, "weight", &f->weight, err);
    for (size_t i = 0; !rc && i < list->n_child; i++)
        rc = feature_in(f, list->child[i], err);
    return rc ? rc : features_link(f, err);
}

int features_from_json(const conf *json, features **out, shoal_error *err)
{
    features *f;
    *out = NULL;
    if (json->kind != CONF_MAP)
        return conf_error(json, err, "features must be an object");
    int rc = features_new(&f, err);
    if (!rc)
        rc = all_in(f, json, err);
    if (rc)
        features_free(f);
    else
        *out = f;
    return rc;
}

/* ---- both ways ---- */

static int copy_vocabularies(const features *from, features *to, shoal_error *err)
{
    int rc = 0;
    for (uint32_t i = 0; i < from->n_features && !rc; i++) {
        const uint8_t *bytes;
        const uint64_t *offsets;
        uint32_t n;
        if (!from->feature[i].vocab)
            continue;
        vocabulary_entries(from->feature[i].vocab, &bytes, &offsets, &n);
        rc = features_vocab_set(to, i, bytes, offsets[n], offsets, n, err);
    }
    return rc;
}

int features_copy(const features *f, features **out, shoal_error *err)
{
    json_t *json = NULL;
    conf *tree = NULL;
    *out = NULL;
    int rc = features_to_json(f, &json, err);
    if (rc)
        return rc;
    char *text = json_dumps(json, JSON_REAL_PRECISION(17));
    rc = text ? conf_parse("the model's features", text, strlen(text), &tree, err) : error_nomem(err, 0, "a copy of the features");
    if (!rc)
        rc = features_from_json(tree, out, err);
    if (!rc)
        rc = copy_vocabularies(f, *out, err);
    if (!rc)
        rc = features_place(*out, err);
    if (rc) {
        features_free(*out);
        *out = NULL;
    }
    free(text); /* jansson's own */
    json_decref(json);
    conf_free(tree);
    return rc;
}
