#include "table/example_infer.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "records/example.h"

#define COLUMNS_MAX 100000

typedef struct column {
    char *name;
    size_t name_n;
    enum example_kind kind;
    int is_list; /* some record had not exactly one value */
    int not_utf8;
    int is_lists; /* a feature list */
} column;

struct example_infer {
    column *columns;
    size_t n_columns, cap_columns;
    uint32_t *slots; /* open addressing: index + 1 */
    size_t n_slots;
};

int example_infer_new(example_infer **out, shoal_error *err)
{
    *out = mem_calloc(1, sizeof **out);
    return *out ? 0 : error_nomem(err, sizeof **out, "a sample");
}

void example_infer_free(example_infer *s)
{
    if (!s) return;
    for (size_t i = 0; i < s->n_columns; i++) mem_free(s->columns[i].name);
    mem_free(s->columns);
    mem_free(s->slots);
    mem_free(s);
}

static column *find(example_infer *s, view key, size_t hint)
{
    if (hint < s->n_columns && s->columns[hint].name_n == key.n && memcmp(s->columns[hint].name, key.p, key.n) == 0) return &s->columns[hint];
    if (s->n_slots == 0) return NULL;
    for (size_t h = (size_t)hash64(key.p, key.n, 0);; h++) {
        uint32_t slot = s->slots[h & (s->n_slots - 1)];
        if (slot == 0) return NULL;
        column *c = &s->columns[slot - 1];
        if (c->name_n == key.n && memcmp(c->name, key.p, key.n) == 0) return c;
    }
}

static int index_columns(example_infer *s, shoal_error *err)
{
    size_t n = 16;
    while (n < 2 * s->cap_columns) n *= 2;
    mem_free(s->slots);
    s->n_slots = 0;
    if (!(s->slots = mem_calloc(n, sizeof *s->slots))) return error_nomem(err, n * sizeof *s->slots, "columns");
    s->n_slots = n;
    for (size_t i = 0; i < s->n_columns; i++) {
        size_t h = (size_t)hash64(s->columns[i].name, s->columns[i].name_n, 0);
        while (s->slots[h & (n - 1)] != 0) h++;
        s->slots[h & (n - 1)] = (uint32_t)i + 1;
    }
    return 0;
}

static int add_column(example_infer *s, view key, column **out, shoal_error *err)
{
    if (key.n == 0 || memchr(key.p, 0, key.n) || !view_is_utf8(key))
        return error_set(err, SHOAL_DATA, "a feature's name is empty or not UTF-8");
    if (s->n_columns == COLUMNS_MAX) return error_set(err, SHOAL_DATA, "more than %d features", COLUMNS_MAX);
    if (s->n_columns == s->cap_columns) {
        size_t cap = s->cap_columns > 0 ? 2 * s->cap_columns : 64;
        column *p = mem_realloc(s->columns, cap * sizeof *p);
        if (!p) return error_nomem(err, cap * sizeof *p, "columns");
        s->columns = p;
        s->cap_columns = cap;
    }
    column *c = &s->columns[s->n_columns];
    memset(c, 0, sizeof *c);
    if (!(c->name = mem_strndup(key.p, key.n))) return error_nomem(err, key.n, "a column's name");
    c->name_n = key.n;
    s->n_columns++;
    *out = c;
    return index_columns(s, err);
}

static int count_values(column *c, example_feature f, shoal_error *err)
{
    int n = 0, r;
    view text;
    float real;
    int64_t whole;
    while ((r = f.kind == EXAMPLE_BYTES ? example_bytes(&f, &text, err) : f.kind == EXAMPLE_FLOAT ? example_f32(&f, &real, err)
                                                                                             : example_i64(&f, &whole, err)) == 1) {
        if (f.kind == EXAMPLE_BYTES && !view_is_utf8(text)) c->not_utf8 = 1;
        n = n < 2 ? n + 1 : 2;
    }
    if (n != 1) c->is_list = 1;
    return r;
}

static int note_kind(column *c, example_feature *f, shoal_error *err)
{
    if (f->kind == EXAMPLE_NONE) return 0;
    if (c->kind != EXAMPLE_NONE && c->kind != f->kind)
        return error_set(err, SHOAL_DATA, "feature '%s' holds %s, but %s in an earlier record; a column has one type", c->name,
                         example_kind_name(f->kind), example_kind_name(c->kind));
    c->kind = f->kind;
    return count_values(c, *f, err);
}

static int add_lists(example_infer *s, view record, shoal_error *err)
{
    example_cursor cursor;
    example_feature f;
    view entry, key, list;
    int r;
    sequence_start(&cursor, record);
    while ((r = example_next_entry(&cursor, &entry, err)) == 1) {
        if ((r = example_entry(entry, &key, &list, err)) < 0) return r;
        column *c = find(s, key, 0);
        if (c && !c->is_lists)
            return error_set(err, SHOAL_DATA, "'%s' is a feature list here, and a feature in this or an earlier record; a column has one type", c->name);
        if (!c && (r = add_column(s, key, &c, err)) < 0) return r;
        c->is_lists = 1;
        while ((r = sequence_next(&list, &f, err)) == 1)
            if ((r = note_kind(c, &f, err)) < 0) return r;
        if (r < 0) return r;
    }
    return r;
}

int example_infer_add(example_infer *s, view record, shoal_error *err)
{
    example_cursor cursor;
    example_feature f;
    int r;
    size_t hint = 0;
    example_start(&cursor, record);
    while ((r = example_next(&cursor, &f, err)) == 1) {
        column *c = find(s, f.key, hint);
        if (!c && (r = add_column(s, f.key, &c, err)) < 0) break;
        hint = (size_t)(c - s->columns) + 1;
        if (c->is_lists)
            return error_set(err, SHOAL_DATA, "'%s' is a feature here, and a feature list in an earlier record; a column has one type", c->name);
        if ((r = note_kind(c, &f, err)) < 0) break;
    }
    return r < 0 ? r : add_lists(s, record, err);
}

static int by_name(const void *a, const void *b) { return strcmp(((const column *)a)->name, ((const column *)b)->name); }

int example_infer_schema(example_infer *s, struct ArrowSchema *out, shoal_error *err)
{
    if (s->n_columns > 0) qsort(s->columns, s->n_columns, sizeof *s->columns, by_name);
    size_t n = 0; /* a feature that never had a value has no type: it is no column */
    for (size_t i = 0; i < s->n_columns; i++) {
        if (s->columns[i].kind == EXAMPLE_NONE) mem_free(s->columns[i].name);
        else s->columns[n++] = s->columns[i];
    }
    s->n_columns = n;
    int r = arrow_schema_struct(out, (int64_t)n, err);
    for (size_t i = 0; r == 0 && i < n; i++) {
        column *c = &s->columns[i];
        const char *format = c->kind == EXAMPLE_FLOAT ? "f" : c->kind == EXAMPLE_INT64 ? "l" : c->not_utf8 ? "z" : "u";
        if (c->is_lists) r = arrow_schema_set_lists(out->children[i], c->name, format, err);
        else r = c->is_list ? arrow_schema_set_list(out->children[i], c->name, format, err) : arrow_schema_set(out->children[i], c->name, format, 1, err);
    }
    return r;
}
