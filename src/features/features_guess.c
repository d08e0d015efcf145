/* features_guess.c: features from a schema and a sample. The rule, which docs/features.md tells in words, is a function
 * of both alone. */
#include <stdio.h>
#include <string.h>

#include "features/binding.h"
#include "features/features_private.h"

#define GUESS_SMALL_SAMPLE 10000  /* rows; below, min_count is 2 */
#define GUESS_FEW_DISTINCT 256    /* whole numbers with so few values may be categories ... */
#define GUESS_ROWS_A_VALUE 10     /* ... when each has as many rows on average */
#define GUESS_UNIQUE_ROWS 100     /* values from which "every row has its own" means something */
#define GUESS_FIELDS 1000         /* of libffm's entries; with more, they are one bag */
#define GUESS_UNIQUE_LENGTH 24    /* mean bytes of text from which values that never repeat are no category */

typedef struct column_facts {
    uint64_t rows, values, distinct, entries; /* entries: of lists */
    uint64_t bytes;   /* of text */
    int counts_rows;  /* whole numbers that go up by one */
    int64_t last;
    uint64_t *seen;   /* open addressing */
    uint64_t n_slots;
} column_facts;

static int see_key(column_facts *t, uint64_t key, shoal_error *err)
{
    if (2 * (t->distinct + 1) > t->n_slots) {
        uint64_t n = t->n_slots ? 2 * t->n_slots : 1024, *fresh = mem_calloc(n, sizeof *fresh);
        if (!fresh)
            return error_nomem(err, n * sizeof *fresh, "a sample's values");
        for (uint64_t i = 0; i < t->n_slots; i++) {
            uint64_t k = t->seen[i] & (n - 1);
            while (t->seen[i] && fresh[k])
                k = (k + 1) & (n - 1);
            if (t->seen[i])
                fresh[k] = t->seen[i];
        }
        mem_free(t->seen);
        t->seen = fresh;
        t->n_slots = n;
    }
    uint64_t i = key & (t->n_slots - 1);
    while (t->seen[i] && t->seen[i] != key)
        i = (i + 1) & (t->n_slots - 1);
    t->distinct += t->seen[i] != key;
    t->seen[i] = key;
    return 0;
}

/* Canonical bytes of any type that can be a category or a number. */
static view fact_bytes(const cells *c, int64_t i, char *scratch, double *number)
{
    view v;
    if (cell_null(c, i))
        return view_of(NULL, 0);
    if (arrow_type_is_float(c->type) || c->type == ARROW_DECIMAL128) {
        *number = cell_f64(c, i);
        return view_of((const char *)number, *number == *number ? sizeof *number : 0);
    }
    cell_category(c, i, scratch, &v);
    return v;
}

static int see_cell(column_facts *t, const cells *c, int64_t i, shoal_error *err)
{
    char scratch[CELL_SCRATCH];
    double number;
    view v = fact_bytes(c, i, scratch, &number);
    if (v.n == 0)
        return 0;
    if (arrow_type_is_int(c->type)) {
        int64_t x = cell_i64(c, i);
        t->counts_rows &= t->values == 0 || (uint64_t)x - (uint64_t)t->last == 1;
        t->last = x;
    }
    t->values++;
    t->bytes += v.n;
    return see_key(t, vocabulary_key(v.p, v.n, 0), err);
}

/* The length of a list is looked at, its entries are not: bags get vocabularies whatever they hold. */
static int facts_gather(const column_ref *c, const struct ArrowArray *const *sample, size_t n_sample, column_facts *t,
                        shoal_error *err)
{
    memset(t, 0, sizeof *t);
    t->counts_rows = 1;
    for (size_t s = 0; s < n_sample; s++) {
        cells at = cells_open(c, sample[s]);
        t->rows += (uint64_t)sample[s]->length;
        for (int64_t i = 0; i < sample[s]->length; i++) {
            if (arrow_type_is_list(c->type)) {
                t->values += !cell_null(&at, i);
                continue;
            }
            int rc = see_cell(t, &at, i, err);
            if (rc)
                return rc;
        }
    }
    return 0;
}

/* Ends in "id": id, user_id, userId, USERID. */
static int named_id(const char *name)
{
    size_t n = strlen(name);
    return n >= 2 && (name[n - 2] == 'i' || name[n - 2] == 'I') && (name[n - 1] == 'd' || name[n - 1] == 'D');
}

static const char *group(uint64_t v, char out[32])
{
    snprintf(out, 32, "%llu", (unsigned long long)v);
    return out;
}

/* Why the column is not used, or NULL. An own string. */
static char *reason_against(const column_ref *c, const column_facts *t, const char *type, int *failed)
{
    char a[32];
    char *why = NULL;
    int against = 1;
    if (c->type == ARROW_TIMESTAMP || c->type == ARROW_TIME || c->type == ARROW_DATE32)
        why = mem_sprintf("%s: a point in time; take its hour or weekday by --sql", type);
    else if (arrow_type_is_list(c->type) && (!cell_type_is_category(c->item) || arrow_type_is_float(c->item)))
        why = mem_sprintf("%s: only lists of text or whole numbers can be a bag", type);
    else if (!arrow_type_is_list(c->type) && !cell_type_is_number(c->type))
        why = mem_sprintf("%s: not a type that a feature can have", type);
    else if (t->rows && t->values == 0)
        why = mem_sprintf("no value in the sample of %s rows", group(t->rows, a));
    else if (t->distinct == 1 && t->values == t->rows && t->rows > 1)
        why = mem_sprintf("the same value in the sample of %s rows", group(t->rows, a));
    else if (arrow_type_is_int(c->type) && t->counts_rows && t->values >= GUESS_UNIQUE_ROWS)
        why = mem_sprintf("it counts the rows");
    else if (arrow_type_is_text(c->type) && t->distinct == t->values && t->values >= GUESS_UNIQUE_ROWS &&
             t->bytes >= GUESS_UNIQUE_LENGTH * t->values)
        why = mem_sprintf("long text that never repeats in the sample of %s rows", group(t->rows, a));
    else
        against = 0;
    *failed = against && !why;
    return why;
}

static int is_category(const column_ref *c, const char *name, const column_facts *t)
{
    if (arrow_type_is_text(c->type) || c->type == ARROW_BOOL || arrow_type_is_list(c->type))
        return 1;
    return arrow_type_is_int(c->type) && (named_id(name) || (t->distinct <= GUESS_FEW_DISTINCT &&
                                          t->distinct * GUESS_ROWS_A_VALUE <= t->values));
}

static int guess_column(features *f, const struct ArrowSchema *schema, const column_ref *c, const column_facts *t,
                        uint64_t rows, shoal_error *err)
{
    char type[64], a[32], b[32];
    const char *name = c->name;
    feature *x;
    int failed;
    arrow_type_name(schema->children[c->index], type, sizeof type);
    char *why = reason_against(c, t, type, &failed);
    if (why || failed)
        return features_leave_out(f, name, why, err);
    const int category = is_category(c, name, t);
    int rc = features_add(f, name, name, category ? FEATURE_CATEGORICAL : FEATURE_NUMERIC, &x, err);
    if (rc)
        return rc;
    x->min_count = rows < GUESS_SMALL_SAMPLE ? 2 : 5;
    x->is_list = arrow_type_is_list(c->type);
    if (x->is_list)
        x->note = mem_strdup(type);
    else
        x->note = mem_sprintf("%s, %s%s distinct in %s rows", type, category && named_id(name) &&
                              arrow_type_is_int(c->type) ? "named an id, " : "", group(t->distinct, a),
                              group(t->rows, b));
    return x->note ? 0 : error_nomem(err, 64, "a note");
}

/* ---- entries of libsvm and libffm: lists `index` and `value`, perhaps `field` ---- */

static int list_of_numbers(const struct ArrowSchema *schema, const char *name, int whole, const uint8_t *taken, column_ref *c)
{
    *c = column_find(schema, name);
    return c->index >= 0 && !taken[c->index] && arrow_type_is_list(c->type) &&
           (arrow_type_is_int(c->item) || (!whole && arrow_type_is_float(c->item)));
}

/* The numbers of the column in ascending order; n is -1 when they are more than GUESS_FIELDS. */
static int field_numbers(const column_ref *c, const struct ArrowArray *const *sample, size_t n_sample, int64_t *number)
{
    int n = 0;
    for (size_t s = 0; s < n_sample; s++) {
        cells rows = cells_open(c, sample[s]), items = cells_items(c, sample[s]);
        for (int64_t i = 0; i < sample[s]->length; i++) {
            int64_t k = 0, end = 0;
            if (!cell_null(&rows, i))
                cell_range(&rows, i, &k, &end);
            for (; k < end; k++) {
                if (cell_null(&items, k))
                    continue;
                const int64_t v = cell_i64(&items, k);
                int at = n;
                while (at > 0 && number[at - 1] > v)
                    at--;
                if (at > 0 && number[at - 1] == v)
                    continue;
                if (n == GUESS_FIELDS)
                    return -1;
                memmove(number + at + 1, number + at, (size_t)(n - at) * sizeof *number);
                number[at] = v;
                n++;
            }
        }
    }
    return n;
}

static int entry_bag(features *f, const char *name, int has_field, int64_t field, uint64_t rows, shoal_error *err)
{
    feature *x;
    int rc = features_add(f, name, "index", FEATURE_CATEGORICAL, &x, err);
    if (rc)
        return rc;
    x->is_list = 1;
    x->combiner = COMBINE_SUM;
    x->min_count = rows < GUESS_SMALL_SAMPLE ? 2 : 5;
    x->where = field;
    x->weights_column = mem_strdup("value");
    x->where_column = has_field ? mem_strdup("field") : NULL;
    x->note = mem_strdup(has_field ? "entries of one field" : "entries with values");
    return x->weights_column && x->note && (x->where_column || !has_field) ? 0 : error_nomem(err, 64, "a feature");
}

/* Sets entry[] of the columns that it made features of. */
static int guess_entries(features *f, const struct ArrowSchema *schema, const struct ArrowArray *const *sample, size_t n_sample,
                         const uint8_t *taken, uint64_t rows, uint8_t *entry, shoal_error *err)
{
    column_ref index, value, field;
    char name[32];
    if (!list_of_numbers(schema, "index", 1, taken, &index) || !list_of_numbers(schema, "value", 0, taken, &value))
        return 0;
    entry[index.index] = entry[value.index] = 1;
    if (!list_of_numbers(schema, "field", 1, taken, &field))
        return entry_bag(f, "index", 0, 0, rows, err);
    entry[field.index] = 1;
    int64_t *number = mem_alloc(GUESS_FIELDS * sizeof *number);
    if (!number)
        return error_nomem(err, GUESS_FIELDS * sizeof *number, "fields");
    const int n = field_numbers(&field, sample, n_sample, number);
    int rc = n <= 0 ? entry_bag(f, "index", 0, 0, rows, err) : 0;
    for (int i = 0; i < n && !rc; i++) {
        snprintf(name, sizeof name, "field_%lld", (long long)number[i]);
        rc = entry_bag(f, name, 1, number[i], rows, err);
    }
    mem_free(number);
    return rc;
}

int features_guess_into(features *f, const struct ArrowSchema *schema, const struct ArrowArray *const *sample,
                        size_t n_sample, const uint8_t *taken, shoal_error *err)
{
    uint64_t rows = 0;
    uint8_t *entry = mem_calloc((size_t)schema->n_children + 1, 1);
    for (size_t s = 0; s < n_sample; s++)
        rows += (uint64_t)sample[s]->length;
    int rc = entry ? guess_entries(f, schema, sample, n_sample, taken, rows, entry, err)
                   : error_nomem(err, (size_t)schema->n_children, "columns");
    for (int64_t i = 0; i < schema->n_children && !rc; i++) {
        column_facts t;
        if (taken[i] || entry[i])
            continue;
        column_ref c = column_find(schema, schema->children[i]->name);
        c.index = i;
        memset(&t, 0, sizeof t);
        if (cell_type_is_number(c.type) || arrow_type_is_list(c.type))
            rc = facts_gather(&c, sample, n_sample, &t, err);
        if (!rc)
            rc = guess_column(f, schema, &c, &t, rows, err);
        mem_free(t.seen);
    }
    mem_free(entry);
    return rc;
}

static void list_columns(const struct ArrowSchema *schema, char *out, size_t n)
{
    int at = snprintf(out, n, "; there are: ");
    for (int64_t i = 0; i < schema->n_children; i++) {
        const char *name = schema->children[i]->name;
        if ((size_t)at + strlen(name) + sizeof ", ..." >= n) {
            snprintf(out + at, n - (size_t)at, "...");
            return;
        }
        at += snprintf(out + at, n - (size_t)at, "%s%s", name, i + 1 < schema->n_children ? ", " : "");
    }
}

const char *features_suggest(const struct ArrowSchema *schema, const char *name, char *out, size_t n)
{
    out[0] = 0;
    const char **names = mem_alloc(((size_t)schema->n_children + 1) * sizeof *names);
    if (!names)
        return out;
    for (int64_t i = 0; i < schema->n_children; i++)
        names[i] = schema->children[i]->name;
    names[schema->n_children] = NULL;
    const char *near = conf_nearest(name, names);
    if (near)
        snprintf(out, n, "; did you mean '%s'?", near);
    else
        list_columns(schema, out, n);
    mem_free(names);
    return out;
}

int features_roles(features *f, const struct ArrowSchema *schema, const char *label, const char *weight,
                   shoal_error *err)
{
    char hint[FEATURES_HINT];
    const char *name[2] = {label, weight}, *what[2] = {"label", "weight"};
    for (int i = 0; i < 2; i++)
        if (name[i] && arrow_find(schema, name[i]) < 0)
            return error_set(err, SHOAL_USAGE, "%s column '%s' is not in the source%s", what[i], name[i],
                             features_suggest(schema, name[i], hint, sizeof hint));
    if (label && weight && !strcmp(label, weight))
        return error_set(err, SHOAL_USAGE, "column '%s' cannot be both label and weight", label);
    f->label = label ? mem_strdup(label) : NULL;
    f->weight = weight ? mem_strdup(weight) : NULL;
    if ((label && !f->label) || (weight && !f->weight))
        return error_nomem(err, 0, "a column's name");
    return 0;
}

int features_drop(const struct ArrowSchema *schema, const features_request *r, uint8_t *taken, shoal_error *err)
{
    char hint[FEATURES_HINT];
    for (size_t i = 0; i < r->n_drop; i++) {
        int64_t k = arrow_find(schema, r->drop[i]);
        if (k < 0)
            return error_set(err, SHOAL_USAGE, "column '%s' to drop is not in the source%s", r->drop[i],
                             features_suggest(schema, r->drop[i], hint, sizeof hint));
        taken[k] = 1;
    }
    return 0;
}

static int no_features(const features *f, shoal_error *err)
{
    return error_set(err, SHOAL_DATA, "no column can be a feature (%s%s%s); name features in a YAML by --features",
                     f->n_left_out ? f->left_out[0].column : "there is none beside the label, the weight and those to drop", f->n_left_out ? ": " : "",
                     f->n_left_out ? f->left_out[0].why : "");
}

int features_guess(const struct ArrowSchema *schema, const struct ArrowArray *const *sample, size_t n_sample,
                   const features_request *request, features **out, shoal_error *err)
{
    features *f = NULL;
    *out = NULL;
    uint8_t *taken = mem_calloc((size_t)schema->n_children + 1, 1);
    int rc = taken ? features_new(&f, err) : error_nomem(err, (size_t)schema->n_children, "columns");
    if (!rc)
        rc = features_roles(f, schema, request->label, request->weight, err);
    if (!rc)
        rc = features_drop(schema, request, taken, err);
    if (!rc && f->label)
        taken[arrow_find(schema, f->label)] = 1;
    if (!rc && f->weight)
        taken[arrow_find(schema, f->weight)] = 1;
    if (!rc)
        rc = features_guess_into(f, schema, sample, n_sample, taken, err);
    if (!rc)
        rc = f->n_features ? features_link(f, err) : no_features(f, err);
    mem_free(taken);
    if (rc)
        features_free(f);
    else
        *out = f;
    return rc;
}
