/* binding.c: columns to raw rows. Tiles of rows are taken column by column, so that each inner loop reads one column
 * and the tile's rows stay in cache; lists come last, row by row, as the heap's order demands. */
#include "features/binding.h"

#include <stdio.h>
#include <stdlib.h>

#include "features/features_private.h"
#include "features/value.h"

#define TILE_ROWS 256

typedef struct source {
    const feature *feature;
    column_ref column, weights, where;
    column_ref *cross; /* [n_columns] of a cross, of which column is the first */
} source;

struct binding {
    const features *f;
    raw_layout layout;
    column_ref label, weight; /* index -1: not read */
    uint32_t n_lists;
    uint32_t *list; /* features that are lists, in order of the raw row */
    source *source; /* [n_features] */
};

column_ref column_find(const struct ArrowSchema *schema, const char *name)
{
    column_ref c = {arrow_find(schema, name), ARROW_OTHER, ARROW_OTHER, 0, name};
    if (c.index < 0)
        return c;
    const struct ArrowSchema *s = schema->children[c.index];
    c.type = arrow_type_of(s);
    if (arrow_type_is_list(c.type) && s->n_children == 1)
        c.item = arrow_type_of(s->children[0]);
    if (c.type == ARROW_DECIMAL128) {
        const char *comma = strchr(s->format, ',');
        c.decimals = comma ? atoi(comma + 1) : 0;
        if (c.decimals > 38 || c.decimals < -38)
            c.type = ARROW_OTHER;
    }
    return c;
}

static const char *type_name(const struct ArrowSchema *schema, const column_ref *c, char *out, size_t n)
{
    return arrow_type_name(schema->children[c->index], out, n);
}

static int column_need(const struct ArrowSchema *schema, const char *name, const char *what, column_ref *out,
                       shoal_error *err)
{
    char hint[FEATURES_HINT];
    *out = column_find(schema, name);
    if (out->index < 0)
        return error_set(err, SHOAL_DATA, "%s column '%s' is not in the source%s", what, name,
                         features_suggest(schema, name, hint, sizeof hint));
    return 0;
}

static int type_error(const struct ArrowSchema *schema, const column_ref *c, const char *what, const char *wanted,
                      shoal_error *err)
{
    char type[64];
    return error_set(err, SHOAL_DATA, "%s column '%s' has type %s, expected %s", what, c->name,
                     type_name(schema, c, type, sizeof type), wanted);
}

/* Whole numbers beside the entries. */
static int bind_where(source *s, const struct ArrowSchema *schema, shoal_error *err)
{
    column_ref *w = &s->where;
    int rc = column_need(schema, s->feature->where_column, "where", w, err);
    if (rc)
        return rc;
    int lists = arrow_type_is_list(w->type);
    if (lists != arrow_type_is_list(s->column.type) || !arrow_type_is_int(lists ? w->item : w->type))
        return type_error(schema, w, "where", "a list of whole numbers beside the bag", err);
    return 0;
}

static int bind_column(const feature *f, uint32_t k, const struct ArrowSchema *schema, column_ref *out, shoal_error *err)
{
    int rc = column_need(schema, f->column[k].name, "feature", out, err);
    return rc ? rc : feature_type_check(f, k, schema->children[out->index], err);
}

static int bind_cross(source *s, const struct ArrowSchema *schema, shoal_error *err)
{
    const feature *f = s->feature;
    int rc = 0;
    s->cross = mem_calloc(f->n_columns, sizeof *s->cross);
    if (!s->cross)
        return error_nomem(err, f->n_columns * sizeof *s->cross, "the columns of a cross");
    for (uint32_t k = 0; k < f->n_columns && !rc; k++) {
        rc = bind_column(f, k, schema, &s->cross[k], err);
        if (!rc && !cell_type_is_category(s->cross[k].type))
            rc = type_error(schema, &s->cross[k], "cross", "text, a whole number or a date", err);
    }
    s->column = s->cross[0];
    return rc;
}

static int bind_feature(source *s, const struct ArrowSchema *schema, shoal_error *err)
{
    const feature *f = s->feature;
    int rc = bind_column(f, 0, schema, &s->column, err);
    if (rc)
        return rc;
    const column_ref *c = &s->column;
    if (f->kind == FEATURE_NUMERIC)
        return cell_type_is_number(c->type) ? 0 : type_error(schema, c, "numeric", "a number", err);
    if (!f->is_list)
        return cell_type_is_category(c->type) ? 0
               : type_error(schema, c, "categorical", arrow_type_is_list(c->type)
                            ? "a single value (a list needs type: bag)" : "text, a whole number or a date", err);
    enum arrow_type item = arrow_type_is_list(c->type) ? c->item : c->type;
    if (!cell_type_is_category(item))
        return type_error(schema, c, "bag", "a list of text or of whole numbers", err);
    s->weights.index = s->where.index = -1;
    if (f->where_column && (rc = bind_where(s, schema, err)))
        return rc;
    if (!f->weights_column)
        return 0;
    if ((rc = column_need(schema, f->weights_column, "weights", &s->weights, err)))
        return rc;
    column_ref *w = &s->weights;
    item = arrow_type_is_list(w->type) ? w->item : w->type;
    if (!cell_type_is_number(item) || arrow_type_is_text(item) ||
        arrow_type_is_list(w->type) != arrow_type_is_list(c->type))
        return type_error(schema, w, "weights", "a list of numbers beside the bag", err);
    return 0;
}

static int bind_label(binding *b, const struct ArrowSchema *schema, shoal_error *err)
{
    if (!b->f->label)
        return error_set(err, SHOAL_USAGE, "no label: name the column of zeros and ones by --label");
    int rc = column_need(schema, b->f->label, "label", &b->label, err);
    if (!rc && !cell_type_is_number(b->label.type))
        rc = type_error(schema, &b->label, "label", "0 or 1", err);
    if (rc || !b->f->weight)
        return rc;
    rc = column_need(schema, b->f->weight, "weight", &b->weight, err);
    if (!rc && !cell_type_is_number(b->weight.type))
        rc = type_error(schema, &b->weight, "weight", "a number", err);
    return rc;
}

int binding_new(const features *f, const struct ArrowSchema *schema, int need_label, binding **out, shoal_error *err)
{
    *out = NULL;
    binding *b = mem_calloc(1, sizeof *b);
    if (!b)
        return error_nomem(err, sizeof *b, "a binding");
    int rc = 0;
    b->f = f;
    b->layout = features_raw_layout(f);
    b->label.index = b->weight.index = -1;
    b->source = mem_calloc(f->n_features, sizeof *b->source);
    b->list = mem_calloc((size_t)b->layout.n_lists + 1, sizeof *b->list);
    if (!b->source || !b->list) {
        rc = error_nomem(err, f->n_features * sizeof *b->source, "a binding");
        goto out;
    }
    for (uint32_t i = 0; i < f->n_features && !rc; i++) {
        b->source[i].feature = &f->feature[i];
        b->source[i].weights.index = b->source[i].where.index = -1;
        rc = feature_is_cross(&f->feature[i]) ? bind_cross(&b->source[i], schema, err) : bind_feature(&b->source[i], schema, err);
    }
    for (int weighted = 1; weighted >= 0; weighted--) /* the order of the raw row */
        for (uint32_t i = 0; i < f->n_features; i++)
            if (f->feature[i].is_list && feature_is_weighted(&f->feature[i]) == weighted)
                b->list[b->n_lists++] = i;
    if (!rc && need_label)
        rc = bind_label(b, schema, err);
    if (rc)
        goto out;
    *out = b;
    return 0;
out:
    binding_free(b);
    return rc;
}

void binding_free(binding *b)
{
    if (!b)
        return;
    for (uint32_t i = 0; b->source && i < b->f->n_features; i++)
        mem_free(b->source[i].cross);
    mem_free(b->source);
    mem_free(b->list);
    mem_free(b);
}

static cells items_of(const column_ref *c, const struct ArrowArray *rows_in)
{
    return arrow_type_is_list(c->type) ? cells_items(c, rows_in) : cells_open(c, rows_in);
}

static bag_cells source_cells(const source *s, const struct ArrowArray *rows_in)
{
    bag_cells c = {.rows = cells_open(&s->column, rows_in), .items = items_of(&s->column, rows_in)};
    if (s->where.index < 0)
        return c;
    c.filtered = 1;
    c.where = s->feature->where;
    c.where_rows = cells_open(&s->where, rows_in);
    c.where_items = items_of(&s->where, rows_in);
    return c;
}

void binding_cross(const binding *b, uint32_t index, const struct ArrowArray *rows_in, cross_cells *out)
{
    const source *s = &b->source[index];
    out->n = s->cross ? s->feature->n_columns : 0;
    for (uint32_t k = 0; k < out->n; k++)
        out->column[k] = cells_open(&s->cross[k], rows_in);
}

bag_cells binding_cells(const binding *b, uint32_t index, const struct ArrowArray *rows_in)
{
    return source_cells(&b->source[index], rows_in);
}

/* ---- tiles ---- */

/* The rows [begin, begin + n) of the batch, whose records start at `record`. */
typedef struct tile {
    const binding *b;
    const struct ArrowArray *rows_in;
    int64_t begin, n;
    uint8_t *record;
    int64_t *bad_row;
} tile;

static int tile_labels(const tile *t, shoal_error *err)
{
    const float none = 0;
    char value[VALUE_FOUND];
    uint8_t *p = t->record;
    int zeros = 0, minus = 0;
    if (t->b->label.index < 0) {
        for (int64_t i = 0; i < t->n; i++, p += t->b->layout.stride)
            memcpy(p, &none, sizeof none);
        return 0;
    }
    cells c = cells_open(&t->b->label, t->rows_in);
    for (int64_t i = 0; i < t->n; i++, p += t->b->layout.stride) {
        double x;
        int rc = value_number(&c, t->begin + i, &x);
        float y = x == 1;
        zeros |= x == 0;
        minus |= x == -1;
        if (rc || (x != 0 && x != 1 && x != -1) || (zeros && minus)) {
            *t->bad_row = t->begin + i;
            return error_set(err, SHOAL_DATA, "label column '%s' is %s, expected %s", t->b->f->label,
                             value_found(&c, t->begin + i, value), zeros && minus ? "0 and 1, or -1 and 1, not all of them" : "0 or 1");
        }
        memcpy(p, &y, sizeof y);
    }
    return 0;
}

static int tile_weights(const tile *t, shoal_error *err)
{
    const float one = 1;
    char value[VALUE_FOUND];
    uint8_t *p = t->record + 4;
    if (t->b->weight.index < 0) {
        for (int64_t i = 0; i < t->n; i++, p += t->b->layout.stride)
            memcpy(p, &one, sizeof one);
        return 0;
    }
    cells c = cells_open(&t->b->weight, t->rows_in);
    for (int64_t i = 0; i < t->n; i++, p += t->b->layout.stride) {
        double x;
        int rc = value_number(&c, t->begin + i, &x);
        float w = (float)x;
        if (rc || !(w >= 0 && w < INFINITY)) {
            *t->bad_row = t->begin + i;
            return error_set(err, SHOAL_DATA, "weight column '%s' is %s, expected a finite number of 0 or more",
                             t->b->f->weight, value_found(&c, t->begin + i, value));
        }
        memcpy(p, &w, sizeof w);
    }
    return 0;
}

static int tile_numbers(const tile *t, const source *s, shoal_error *err)
{
    const feature *f = s->feature;
    char value[VALUE_FOUND];
    cells c = cells_open(&s->column, t->rows_in);
    uint8_t *p = t->record + f->raw;
    for (int64_t i = 0; i < t->n; i++, p += t->b->layout.stride) {
        double x;
        int rc = value_number(&c, t->begin + i, &x);
        if (rc) {
            *t->bad_row = t->begin + i;
            return error_set(err, SHOAL_DATA, "column '%s': %s is not a number; repair it, or make the "
                             "feature categorical", f->column->name,
                             value_found(&c, t->begin + i, value));
        }
        if (isinf(x) && (x < 0 ? f->clip_low == -INFINITY : f->clip_high == INFINITY)) {
            *t->bad_row = t->begin + i;
            return error_set(err, SHOAL_DATA, "column '%s' is %s; give feature '%s' a clip: [LOW, HIGH], or make it "
                             "null", f->column->name, x < 0 ? "-infinity" : "infinity", f->name);
        }
        memcpy(p, &x, sizeof x);
    }
    return 0;
}

static int tile_keys(const tile *t, const source *s, shoal_error *err)
{
    const feature *f = s->feature;
    cells c = cells_open(&s->column, t->rows_in);
    uint8_t *p = t->record + f->raw;
    for (int64_t i = 0; i < t->n; i++, p += t->b->layout.stride) {
        uint64_t key;
        if (value_key(&c, t->begin + i, f->hash_seed, &key)) {
            *t->bad_row = t->begin + i;
            return value_category_error(&c, t->begin + i, f->column->name, err);
        }
        memcpy(p, &key, sizeof key);
    }
    return 0;
}

static int tile_crosses(const tile *t, uint32_t index, shoal_error *err)
{
    const feature *f = &t->b->f->feature[index];
    uint8_t *p = t->record + f->raw;
    buf room = BUF_INIT;
    cross_cells c;
    int rc = 0;
    binding_cross(t->b, index, t->rows_in, &c);
    for (int64_t i = 0; i < t->n && !rc; i++, p += t->b->layout.stride) {
        view v;
        uint32_t bad = 0;
        rc = cross_text(&c, t->begin + i, &room, &v, &bad, err);
        const uint64_t key = v.n ? vocabulary_key(v.p, v.n, f->hash_seed) : 0;
        memcpy(p, &key, sizeof key);
        if (rc)
            *t->bad_row = t->begin + i;
        if (rc == SHOAL_DATA)
            value_category_error(&c.column[bad], t->begin + i, f->column[bad].name, err);
    }
    buf_release(&room);
    return rc;
}

/* ---- lists ---- */

/* A mean divides by their sum, so its weights are not negative. */
static int item_weight(const cells *c, int64_t i, const feature *f, float *out, shoal_error *err)
{
    char value[VALUE_FOUND];
    double x;
    int rc = value_number(c, i, &x);
    *out = (float)x;
    if (rc || !(fabsf(*out) < INFINITY) || (*out < 0 && f->combiner == COMBINE_MEAN))
        return error_set(err, SHOAL_DATA, "weights column '%s' has %s, expected finite numbers%s", f->weights_column,
                         value_found(c, i, value), f->combiner == COMBINE_MEAN ? " of 0 or more, or combiner: sum" : "");
    return 0;
}

/* The numbers beside a list: their first element, or an error when they are not as many. */
static int beside_begin(const source *s, const column_ref *beside, const char *what, const struct ArrowArray *rows_in,
                        int64_t row, int64_t length, int64_t *begin, shoal_error *err)
{
    cells w = cells_open(beside, rows_in);
    int64_t end = 0;
    *begin = 0;
    if (!cell_null(&w, row))
        cell_range(&w, row, begin, &end);
    if (end - *begin != length)
        return error_set(err, SHOAL_DATA, "%s column '%s' has %lld numbers beside the %lld entries of '%s'", what,
                         beside->name, (long long)(end - *begin), (long long)length, s->column.name);
    return 0;
}

/* Appends the piece of one list; missing entries are left out. */
static int list_append(const source *s, const struct ArrowArray *rows_in, int64_t row, buf *heap, uint32_t *length,
                       shoal_error *err)
{
    const feature *f = s->feature;
    int weighted = feature_is_weighted(f), rc = 0;
    bag_cells c = source_cells(s, rows_in);
    cells w = c.items;
    int64_t begin, end, w_begin = 0;
    cell_range(&c.rows, row, &begin, &end);
    if (end - begin > FEATURE_LIST_MAX)
        return error_set(err, SHOAL_DATA, "column '%s' has a list of %lld entries, more than %u", f->column->name,
                         (long long)(end - begin), FEATURE_LIST_MAX);
    if (c.filtered && (rc = beside_begin(s, &s->where, "where", rows_in, row, end - begin, &w_begin, err)))
        return rc;
    if (weighted) {
        if ((rc = beside_begin(s, &s->weights, "weights", rows_in, row, end - begin, &w_begin, err)))
            return rc;
        w = items_of(&s->weights, rows_in);
    }
    *length = 0;
    if (begin == end)
        return 0;
    uint64_t room = raw_piece_bytes((uint64_t)(end - begin), weighted);
    if (heap->len + room > RAW_HEAP_MAX)
        return error_set(err, SHOAL_DATA, "lists of more than 4 GiB in one batch; hand over smaller batches");
    if ((rc = buf_reserve(heap, room, err)))
        return rc;
    uint8_t *piece = heap->data + heap->len;
    uint32_t n = 0;
    for (int64_t i = bag_next(&c, row, begin, begin, end); i < end; i = bag_next(&c, row, begin, i + 1, end)) {
        uint64_t key;
        if (value_key(&c.items, i, f->hash_seed, &key))
            return value_category_error(&c.items, i, f->column->name, err);
        if (key == 0)
            continue;
        memcpy(piece + 8 * (size_t)n++, &key, sizeof key);
    }
    *length = n;
    heap->len += raw_piece_bytes(n, weighted);
    if (!weighted)
        return 0;
    float *weight = (float *)(void *)(piece + 8 * (size_t)n);
    memset(weight, 0, raw_piece_bytes(n, 1) - 8 * (size_t)n);
    char scratch[CELL_SCRATCH];
    view v;
    for (int64_t i = bag_next(&c, row, begin, begin, end); i < end; i = bag_next(&c, row, begin, i + 1, end)) {
        cell_category(&c.items, i, scratch, &v);
        if (v.n && (rc = item_weight(&w, w_begin + i - begin, f, weight++, err)))
            return rc;
    }
    return 0;
}

static int tile_lists(const tile *t, buf *heap, shoal_error *err)
{
    uint8_t *p = t->record;
    for (int64_t i = 0; i < t->n; i++, p += t->b->layout.stride)
        for (uint32_t k = 0; k < t->b->n_lists; k++) {
            const source *s = &t->b->source[t->b->list[k]];
            cells rows = cells_open(&s->column, t->rows_in);
            uint32_t ref[2] = {(uint32_t)heap->len, RAW_LIST_MISSING};
            int rc = 0;
            if (!cell_null(&rows, t->begin + i))
                rc = list_append(s, t->rows_in, t->begin + i, heap, &ref[1], err);
            if (rc) {
                *t->bad_row = t->begin + i;
                return rc;
            }
            memcpy(p + s->feature->raw, ref, sizeof ref);
        }
    return 0;
}

static int tile_extract(const tile *t, buf *heap, shoal_error *err)
{
    const features *f = t->b->f;
    int rc = tile_labels(t, err);
    if (!rc)
        rc = tile_weights(t, err);
    for (uint32_t i = 0; i < f->n_features && !rc; i++) {
        const source *s = &t->b->source[i];
        if (s->feature->kind == FEATURE_NUMERIC)
            rc = tile_numbers(t, s, err);
        else if (s->cross)
            rc = tile_crosses(t, i, err);
        else if (!s->feature->is_list)
            rc = tile_keys(t, s, err);
    }
    return rc || t->b->n_lists == 0 ? rc : tile_lists(t, heap, err);
}

int binding_extract(const binding *b, const struct ArrowArray *rows_in, int64_t begin, int64_t end, raw_block *out,
                    int64_t *bad_row, shoal_error *err)
{
    const size_t records = out->records.len, heap = out->heap.len;
    int rc = 0;
    *bad_row = begin;
    if (begin < 0 || end < begin || end > rows_in->length)
        return error_set(err, SHOAL_INTERNAL, "rows %lld to %lld of a batch of %lld", (long long)begin,
                         (long long)end, (long long)rows_in->length);
    if ((uint64_t)(end - begin) > UINT32_MAX - out->rows)
        return error_set(err, SHOAL_DATA, "a batch of more than 2^32 rows; hand over smaller batches");
    out->n_lists = b->layout.n_lists;
    out->n_weighted = b->layout.n_weighted;
    if (begin == end)
        return 0;
    if ((rc = buf_reserve(&out->records, (size_t)(end - begin) * b->layout.stride, err)))
        return rc;
    for (int64_t at = begin; at < end && !rc; at += TILE_ROWS) {
        int64_t n = end - at < TILE_ROWS ? end - at : TILE_ROWS;
        tile t = {b, rows_in, at, n, out->records.data + out->records.len, bad_row};
        rc = tile_extract(&t, &out->heap, err);
        out->records.len += (size_t)n * b->layout.stride;
    }
    if (rc) {
        out->records.len = records;
        out->heap.len = heap;
        return rc;
    }
    out->rows += (uint32_t)(end - begin);
    return 0;
}
