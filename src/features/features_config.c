/* features_config.c: features from the user's YAML; the form is in docs/features.md. */
#include <stdio.h>
#include <string.h>

#include "features/binding.h"
#include "features/features_private.h"

static const char *const TOP_KEYS[] = {"features", "others", "label", "weight", "drop", NULL};
static const char *const NUMERIC_KEYS[] = {"type", "column", "clip", "log1p", "scale", "buckets", "embed", NULL};
static const char *const CATEGORICAL_KEYS[] = {"type", "column", "cross", "share", "encoding", "min_count", "max_size", "oov",
                                               "buckets", "seed", NULL};
static const char *const BAG_KEYS[] = {"type", "column", "share", "encoding", "min_count", "max_size", "oov", "buckets", "seed",
                                       "combiner", "weights", "where", NULL};
static const char *const TYPES[] = {"numeric", "categorical", "bag", NULL};
static const char *const SCALES[] = {"none", "standard", "minmax", "bucket", NULL};
static const char *const ENCODINGS[] = {"vocabulary", "hash", NULL};
static const char *const COMBINERS[] = {"sum", "mean", "max", NULL};

static int word_of(const conf *at, const char *what, const char *word, const char *const *words, int *out,
                   shoal_error *err)
{
    for (int i = 0; words[i]; i++)
        if (!strcmp(words[i], word)) {
            *out = i;
            return 0;
        }
    buf all = BUF_INIT;
    const char *near = conf_nearest(word, words);
    for (int i = 0; words[i]; i++)
        buf_printf(&all, NULL, "%s%s", i ? ", " : "", words[i]);
    int rc = conf_error(at, err, "%s '%s' is unknown; there are %s%s%s%s", what, word, buf_str(&all) ? buf_str(&all) : "others",
                        near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    buf_release(&all);
    return rc;
}

static int word_or(const conf *map, const char *key, const char *const *words, int *value, shoal_error *err)
{
    const char *word;
    int rc = conf_str_or(map, key, words[*value], &word, err);
    return rc ? rc : word_of(map, key, word, words, value, err);
}

/* A bound of a clip: a number, or null, -.inf and .inf for none. */
static int bound_of(const conf *c, double none, double *out, shoal_error *err)
{
    *out = none;
    if (c->kind == CONF_NULL)
        return 0;
    if (c->kind != CONF_SCALAR)
        return conf_error(c, err, "clip: [LOW, HIGH] takes two numbers; null is no bound");
    if (!strcmp(c->text, ".inf") || !strcmp(c->text, "+.inf") || !strcmp(c->text, "-.inf")) {
        *out = c->text[0] == '-' ? -INFINITY : INFINITY;
        return *out == none ? 0 : conf_error(c, err, "clip bound %s leaves nothing", c->text);
    }
    if (view_to_f64(view_of(c->text, strlen(c->text)), out) || !(*out - *out == 0))
        return conf_error(c, err, "clip bound '%s' is not a number; null is no bound", c->text);
    return 0;
}

static int clip_of(const conf *map, feature *f, shoal_error *err)
{
    const conf *c = conf_get(map, "clip");
    if (!c)
        return 0;
    if (c->kind != CONF_LIST || c->n_child != 2)
        return conf_error(c, err, "clip of feature '%s' takes two numbers, as in clip: [0, 100]", f->name);
    int rc = bound_of(c->child[0], -INFINITY, &f->clip_low, err);
    if (!rc)
        rc = bound_of(c->child[1], INFINITY, &f->clip_high, err);
    if (!rc && f->clip_low > f->clip_high)
        rc = conf_error(c, err, "clip of feature '%s' has its low bound above its high one", f->name);
    return rc;
}

static int feature_keys(const conf *map, const char *type, const char *const *keys, shoal_error *err)
{
    char what[128];
    snprintf(what, sizeof what, "%s feature '%.80s'", type, map->key);
    return conf_check_keys(map, what, keys, err);
}

static int numeric_of(const conf *map, feature *f, shoal_error *err)
{
    int64_t buckets;
    int scale = (int)f->scale;
    int rc = feature_keys(map, "numeric", NUMERIC_KEYS, err);
    if (!rc)
        rc = word_or(map, "scale", SCALES, &scale, err);
    f->scale = (enum feature_scale)scale;
    if (!rc && f->scale != SCALE_BUCKET && conf_get(map, "buckets"))
        rc = conf_error(map, err, "buckets of feature '%s' needs scale: bucket", f->name);
    if (!rc && f->scale == SCALE_BUCKET && conf_get(map, "embed"))
        rc = conf_error(map, err, "embed of feature '%s' needs another scale than bucket: buckets are embedded anyway",
                        f->name);
    if (!rc)
        rc = conf_i64_or(map, "buckets", f->buckets, 2, FEATURE_BUCKETS_MAX, &buckets, err);
    if (!rc)
        rc = conf_bool_or(map, "log1p", f->log1p, &f->log1p, err);
    if (!rc)
        rc = conf_bool_or(map, "embed", f->embed, &f->embed, err);
    if (!rc)
        f->buckets = (uint32_t)buckets;
    return rc ? rc : clip_of(map, f, err);
}

/* Keys of the other encoding are refused: they would do nothing. */
static int encoding_keys(const conf *map, const feature *f, shoal_error *err)
{
    static const char *const of_vocabulary[] = {"min_count", "max_size", "oov", NULL};
    const char *const of_hash[] = {"buckets", NULL};
    const char *const *foreign = f->encoding == ENCODE_HASH ? of_vocabulary : of_hash;
    for (int i = 0; foreign[i]; i++)
        if (conf_get(map, foreign[i]))
            return conf_error(conf_get(map, foreign[i]), err, "%s of feature '%s' needs encoding: %s", foreign[i],
                              f->name, f->encoding == ENCODE_HASH ? "vocabulary" : "hash");
    return 0;
}

/* `share: FEATURE`: what belongs to that one is refused. */
static int share_of(const conf *map, feature *f, shoal_error *err)
{
    static const char *const owned[] = {"encoding", "min_count", "max_size", "oov", "buckets", "seed", NULL};
    const char *name = NULL;
    int rc = conf_str_or(map, "share", NULL, &name, err);
    if (rc || !name)
        return rc;
    for (int i = 0; owned[i]; i++)
        if (conf_get(map, owned[i]))
            return conf_error(conf_get(map, owned[i]), err, "%s of feature '%s' is that of '%s', whose rows it shares", owned[i], f->name,
                              name);
    f->encoding = ENCODE_SHARED;
    f->share = mem_strdup(name);
    return f->share ? 0 : error_nomem(err, strlen(name), "a feature's name");
}

/* `where: {COLUMN: NUMBER}`. */
static int where_of(const conf *map, feature *f, shoal_error *err)
{
    const conf *c = conf_get(map, "where");
    if (!c)
        return 0;
    if (c->kind != CONF_MAP || c->n_child != 1)
        return conf_error(c, err, "where of feature '%s' takes a column and its number, as in where: {field: 3}", f->name);
    f->where_column = mem_strdup(c->child[0]->key);
    if (!f->where_column)
        return error_nomem(err, strlen(c->child[0]->key), "a column's name");
    return conf_i64_or(c, f->where_column, 0, INT64_MIN, INT64_MAX, &f->where, err);
}

static int categorical_of(const conf *map, feature *f, shoal_error *err)
{
    int64_t min_count = (int64_t)f->min_count, max_size = f->max_size, oov = f->n_oov, buckets = f->hash_buckets;
    int64_t seed = (int64_t)f->hash_seed;
    int encoding = (int)f->encoding, combiner = (int)f->combiner;
    const char *weights = NULL;
    int rc = feature_keys(map, f->is_list ? "bag" : "categorical", f->is_list ? BAG_KEYS : CATEGORICAL_KEYS, err);
    if (!rc)
        rc = word_or(map, "encoding", ENCODINGS, &encoding, err);
    f->encoding = (enum feature_encoding)encoding;
    if (!rc)
        rc = encoding_keys(map, f, err);
    if (!rc)
        rc = conf_i64_or(map, "min_count", min_count, 1, INT64_MAX, &min_count, err);
    if (!rc)
        rc = conf_i64_or(map, "max_size", max_size, 0, VOCABULARY_MAX, &max_size, err);
    if (!rc)
        rc = conf_i64_or(map, "oov", oov, 0, FEATURE_OOV_MAX, &oov, err);
    if (!rc)
        rc = conf_i64_or(map, "buckets", buckets, 1, FEATURE_HASH_MAX, &buckets, err);
    if (!rc)
        rc = conf_i64_or(map, "seed", seed, 0, INT64_MAX, &seed, err);
    if (!rc)
        rc = word_or(map, "combiner", COMBINERS, &combiner, err);
    if (!rc)
        rc = conf_str_or(map, "weights", NULL, &weights, err);
    if (!rc && weights && combiner == COMBINE_MAX)
        rc = conf_error(conf_get(map, "weights"), err, "weights of feature '%s' needs combiner: mean or sum", f->name);
    if (rc)
        return rc;
    f->min_count = (uint64_t)min_count;
    f->max_size = (uint32_t)max_size;
    f->n_oov = (uint32_t)oov;
    f->hash_buckets = (uint32_t)buckets;
    f->hash_seed = (uint64_t)seed;
    f->combiner = (enum feature_combiner)combiner;
    if (weights && !(f->weights_column = mem_strdup(weights)))
        return error_nomem(err, strlen(weights), "a column's name");
    rc = share_of(map, f, err);
    return rc || !f->is_list ? rc : where_of(map, f, err);
}

/* `cross: [COLUMN, COLUMN, ...]` in place of a column: the first one's name, or c's key without a cross. */
static int first_column(const conf *c, int kind, const char **out, shoal_error *err)
{
    const conf *list = conf_get(c, "cross");
    if (!list || kind != 1)
        return conf_str_or(c, "column", c->key, out, err);
    if (conf_get(c, "column"))
        return conf_error(c, err, "feature '%s' has a column and a cross of columns; take one of them", c->key);
    if (list->kind != CONF_LIST || list->n_child < 2 || list->n_child > FEATURE_CROSS_MAX)
        return conf_error(list, err, "cross of feature '%s' takes 2 to %d columns, as in cross: [user_city, item_genre]", c->key,
                          FEATURE_CROSS_MAX);
    for (size_t i = 0; i < list->n_child; i++) {
        if (list->child[i]->kind != CONF_SCALAR)
            return conf_error(list->child[i], err, "cross of feature '%s' takes names of columns", c->key);
        for (size_t k = 0; k < i; k++)
            if (!strcmp(list->child[k]->text, list->child[i]->text))
                return conf_error(list->child[i], err, "cross of feature '%s' has column '%s' twice", c->key, list->child[i]->text);
    }
    *out = list->child[0]->text;
    return 0;
}

static int other_columns(const conf *c, feature *x, shoal_error *err)
{
    const conf *list = x->is_list ? NULL : conf_get(c, "cross");
    int rc = 0;
    for (size_t i = 1; list && i < list->n_child && !rc; i++)
        rc = feature_add_column(x, list->child[i]->text, err);
    return rc;
}

/* `name: TYPE` or `name: {type: TYPE, ...}`. */
static int feature_of(features *f, const conf *c, shoal_error *err)
{
    const char *type, *column = c->key;
    feature *x;
    int kind, rc = 0;
    if (!view_is_utf8(view_of(c->key, strlen(c->key))) || !c->key[0])
        return conf_error(c, err, "a feature needs a name of UTF-8 text");
    if (c->kind == CONF_SCALAR)
        type = c->text;
    else if (c->kind != CONF_MAP)
        return conf_error(c, err, "feature '%s' takes a type, as in '%s: categorical' or '%s: {type: numeric, ...}'",
                          c->key, c->key, c->key);
    else if (!conf_get(c, "type"))
        return conf_error(c, err, "feature '%s' has no type: numeric, categorical or bag", c->key);
    else
        rc = conf_str(c, "type", &type, err);
    if (!rc)
        rc = word_of(c, "type", type, TYPES, &kind, err);
    if (!rc && c->kind == CONF_MAP)
        rc = first_column(c, kind, &column, err);
    if (!rc)
        rc = features_add(f, c->key, column, kind == 0 ? FEATURE_NUMERIC : FEATURE_CATEGORICAL, &x, err);
    if (rc)
        return rc;
    x->is_list = kind == 2;
    if (c->kind == CONF_SCALAR)
        return 0;
    rc = kind == 0 ? numeric_of(c, x, err) : categorical_of(c, x, err);
    return rc || kind == 0 ? rc : other_columns(c, x, err);
}

static void mark(const struct ArrowSchema *schema, const char *column, uint8_t *taken)
{
    int64_t i = column ? arrow_find(schema, column) : -1;
    if (i >= 0)
        taken[i] = 1;
}

static int drop_of(const conf *yaml, const struct ArrowSchema *schema, const features_request *r, uint8_t *taken,
                   shoal_error *err)
{
    const conf *drop = conf_get(yaml, "drop");
    char hint[FEATURES_HINT];
    if (drop && drop->kind != CONF_LIST)
        return conf_error(drop, err, "drop takes a list of columns, as in drop: [month, day]");
    for (size_t i = 0; drop && i < drop->n_child; i++) {
        const conf *c = drop->child[i];
        if (c->kind != CONF_SCALAR || arrow_find(schema, c->text) < 0)
            return conf_error(c, err, "column '%s' to drop is not in the source%s",
                              c->kind == CONF_SCALAR ? c->text : "",
                              c->kind == CONF_SCALAR ? features_suggest(schema, c->text, hint, sizeof hint) : "");
        mark(schema, c->text, taken);
    }
    return features_drop(schema, r, taken, err);
}

/* The other columns are guessed, those of crosses as well, or listed as left out. */
static int others_of(features *f, const conf *yaml, const struct ArrowSchema *schema,
                     const struct ArrowArray *const *sample, size_t n_sample, const features_request *r,
                     shoal_error *err)
{
    static const char *const words[] = {"leave", "guess", NULL};
    int guess = conf_get(yaml, "features") == NULL; /* without any, all are guessed */
    uint8_t *taken = mem_calloc((size_t)schema->n_children + 1, 1);
    if (!taken)
        return error_nomem(err, (size_t)schema->n_children, "columns");
    int rc = word_or(yaml, "others", words, &guess, err);
    if (!rc)
        rc = drop_of(yaml, schema, r, taken, err);
    mark(schema, f->label, taken);
    mark(schema, f->weight, taken);
    for (uint32_t i = 0; i < f->n_features; i++) {
        for (uint32_t k = 0; k < f->feature[i].n_columns && !(guess && feature_is_cross(&f->feature[i])); k++)
            mark(schema, f->feature[i].column[k].name, taken);
        mark(schema, f->feature[i].weights_column, taken);
        mark(schema, f->feature[i].where_column, taken);
    }
    if (!rc && guess)
        rc = features_guess_into(f, schema, sample, n_sample, taken, err);
    for (int64_t i = 0; i < schema->n_children && !rc && !guess; i++)
        if (!taken[i])
            rc = features_leave_out(f, schema->children[i]->name,
                                    mem_strdup("the configuration does not name it"), err);
    mem_free(taken);
    return rc;
}

static int is_role(const features *f, const char *column)
{
    return column && ((f->label && !strcmp(f->label, column)) || (f->weight && !strcmp(f->weight, column)));
}

/* The columns are there and fit; the label is no feature. */
static int check_columns(const features *f, const conf *yaml, const struct ArrowSchema *schema, shoal_error *err)
{
    binding *b;
    char hint[FEATURES_HINT];
    for (uint32_t i = 0; i < f->n_features; i++) {
        const feature *x = &f->feature[i];
        const conf *at = conf_get(conf_get(yaml, "features"), x->name);
        const char *const beside[] = {x->weights_column, x->where_column};
        static const char *const WHAT[] = {"weights", "where"};
        for (uint32_t k = 0; k < x->n_columns + 2; k++) {
            const char *column = k < x->n_columns ? x->column[k].name : beside[k - x->n_columns];
            if (k < x->n_columns && is_role(f, column))
                return conf_error(at, err, "feature '%s' reads column '%s', which is the label or the weight", x->name, column);
            if (column && arrow_find(schema, column) < 0)
                return conf_error(at, err, "%s column '%s' is not in the source%s", k < x->n_columns ? "feature" : WHAT[k - x->n_columns],
                                  column, features_suggest(schema, column, hint, sizeof hint));
        }
    }
    int rc = binding_new(f, schema, 0, &b, err);
    if (rc)
        return rc == SHOAL_NOMEM ? rc : (error_where(err, rc, "%s", yaml->file ? yaml->file : "features"), rc);
    binding_free(b);
    return 0;
}

static int configure(features *f, const conf *yaml, const struct ArrowSchema *schema,
                     const struct ArrowArray *const *sample, size_t n_sample, const features_request *r,
                     shoal_error *err)
{
    const char *label = r->label, *weight = r->weight;
    const conf *list = conf_get(yaml, "features");
    int rc = conf_check_keys(yaml, "the features file", TOP_KEYS, err);
    if (!rc && !label)
        rc = conf_str_or(yaml, "label", NULL, &label, err);
    if (!rc && !weight)
        rc = conf_str_or(yaml, "weight", NULL, &weight, err);
    if (!rc)
        rc = features_roles(f, schema, label, weight, err);
    if (!rc && list && list->kind != CONF_MAP)
        rc = conf_error(list, err, "features: takes a map of names, as in 'features: {user_id: categorical}'");
    for (size_t i = 0; list && i < list->n_child && !rc; i++)
        rc = feature_of(f, list->child[i], err);
    if (!rc)
        rc = check_columns(f, yaml, schema, err);
    if (!rc)
        rc = others_of(f, yaml, schema, sample, n_sample, r, err);
    if (!rc && f->n_features == 0)
        rc = conf_error(yaml, err, "no features: name at least one column under features:, or say others: guess");
    return rc ? rc : features_link(f, err);
}

int features_configure(const conf *yaml, const struct ArrowSchema *schema, const struct ArrowArray *const *sample,
                       size_t n_sample, const features_request *request, features **out, shoal_error *err)
{
    features *f;
    *out = NULL;
    if (yaml->kind != CONF_MAP)
        return conf_error(yaml, err, "expected a map with features:, label: and others:");
    int rc = features_new(&f, err);
    if (!rc)
        rc = configure(f, yaml, schema, sample, n_sample, request, err);
    if (rc)
        features_free(f);
    else
        *out = f;
    return rc;
}
