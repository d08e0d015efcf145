#include "table/example_columns.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "records/example_scan.h"
#include "table/arrow_node.h"

#define TILE_ROWS 128 /* the slots of 40 columns stay in the second cache */
#define SLOTS (TILE_ROWS + 4) /* of a key: those of a record are written in turn, and do not share a few sets of the cache */
#define WHAT_MAX 240

typedef struct out_column {
    const char *name;
    size_t key;
    enum example_kind kind;
    enum arrow_type type, item; /* item: of a list, else the type itself */
    int is_list;
} out_column;

struct example_columns {
    example_keys *keys;
    size_t n_keys;
    out_column *column;
    size_t n_columns;
    const struct ArrowSchema *wanted;
    const char *unknown, *advice;
};

struct example_decoder {
    const example_columns *c;
    example_scanner scanner;
    example_slot *slots; /* [keys][SLOTS] */
    arrow_builder *builder;
    uint8_t present[TILE_ROWS];
    /* the tile at hand */
    size_t rows, all; /* rows that are sound so far; rows of the whole block */
    char what[WHAT_MAX]; /* why row `rows` is not */
};

static enum example_kind kind_of(enum arrow_type t)
{
    if (arrow_type_is_float(t)) return EXAMPLE_FLOAT;
    if (arrow_type_is_text(t)) return EXAMPLE_BYTES;
    return t == ARROW_NULL ? EXAMPLE_NONE : EXAMPLE_INT64;
}

static void columns_set(example_columns *c, const struct ArrowSchema *all, uint8_t *wanted)
{
    for (size_t i = 0; i < c->n_columns; i++) {
        const struct ArrowSchema *field = c->wanted->children[i];
        int64_t key = arrow_find(all, field->name);
        CHECK(key >= 0);
        enum arrow_type t = arrow_type_of(field), item = arrow_type_is_list(t) ? arrow_type_of(field->children[0]) : t;
        c->column[i] = (out_column){field->name, (size_t)key, kind_of(item), t, item, arrow_type_is_list(t)};
        wanted[key] = 1;
    }
}

int example_columns_new(const struct ArrowSchema *all, const struct ArrowSchema *wanted, const char *unknown,
                        const char *advice, example_columns **out, shoal_error *err)
{
    size_t n = (size_t)all->n_children;
    *out = NULL;
    example_columns *c = mem_calloc(1, sizeof *c);
    view *keys = mem_calloc(n + 1, sizeof *keys);
    uint8_t *flags = mem_calloc(n + 1, 1);
    int r = c && keys && flags ? 0 : error_nomem(err, n * sizeof *keys, "columns");
    if (r < 0) goto out;
    c->n_keys = n;
    c->n_columns = (size_t)wanted->n_children;
    c->wanted = wanted;
    c->unknown = unknown;
    c->advice = advice;
    if (!(c->column = mem_calloc(c->n_columns + 1, sizeof *c->column))) r = error_nomem(err, c->n_columns * sizeof *c->column, "columns");
    for (size_t i = 0; r == 0 && i < n; i++) keys[i] = view_of(all->children[i]->name, strlen(all->children[i]->name));
    if (r == 0) columns_set(c, all, flags);
    if (r == 0) r = example_keys_new(keys, flags, n, &c->keys, err);
    if (r == 0) *out = c;
out:
    if (r < 0) example_columns_free(c);
    mem_free(keys);
    mem_free(flags);
    return r;
}

void example_columns_free(example_columns *c)
{
    if (!c) return;
    example_keys_free(c->keys);
    mem_free(c->column);
    mem_free(c);
}

int example_decoder_new(const example_columns *c, example_decoder **out, shoal_error *err)
{
    *out = NULL;
    example_decoder *d = mem_calloc(1, sizeof *d);
    if (!d) return error_nomem(err, sizeof *d, "a decoder");
    d->c = c;
    d->slots = mem_calloc(c->n_keys + 1, SLOTS * sizeof *d->slots);
    int r = d->slots ? example_scanner_init(&d->scanner, c->keys, err) : error_nomem(err, c->n_keys * SLOTS * sizeof *d->slots, "a decoder");
    if (r == 0) r = arrow_builder_new(c->wanted, &d->builder, err);
    if (r < 0) {
        example_decoder_free(d);
        return r;
    }
    *out = d;
    return 0;
}

void example_decoder_free(example_decoder *d)
{
    if (!d) return;
    example_scanner_release(&d->scanner);
    mem_free(d->slots);
    arrow_builder_free(d->builder);
    mem_free(d);
}

/* ---- values ------------------------------------------------------------------------------------------------------------- */

/* Row i of the tile does not fit; rows behind it no longer count. */
static int misfit(example_decoder *d, size_t i, const out_column *c, const char *what)
{
    d->rows = i;
    snprintf(d->what, sizeof d->what, ", feature '%.60s': %s", c->name, what);
    return 0;
}

/* The record of row i is no Example. */
static int broken(example_decoder *d, size_t i, const shoal_error *why)
{
    d->rows = i;
    snprintf(d->what, sizeof d->what, ": %.100s", why->message);
    return 0;
}

typedef struct value {
    view text;
    float real;
    int64_t whole;
} value;

static int next_value(example_feature *f, value *v, shoal_error *err)
{
    return f->kind == EXAMPLE_BYTES ? example_bytes(f, &v->text, err) : f->kind == EXAMPLE_FLOAT ? example_f32(f, &v->real, err)
                                                                                                : example_i64(f, &v->whole, err);
}

/* Opens what a slot holds. 0 with *f, or 1 when there is no value of the column's kind: the row is null, or does not fit. */
static int open_slot(example_decoder *d, size_t i, const out_column *c, const example_slot *s, example_feature *f)
{
    shoal_error why;
    char what[80];
    memset(f, 0, sizeof *f);
    f->kind = (enum example_kind)s->kind;
    f->packed = view_of(s->p, s->n);
    if (s->form == EXAMPLE_ABSENT) return 1;
    if (s->form == EXAMPLE_MESSAGE && example_open(view_of(s->p, s->n), f, &why) < 0) return broken(d, i, &why), 1;
    if (f->kind == EXAMPLE_NONE || f->kind == c->kind) return f->kind == EXAMPLE_NONE;
    snprintf(what, sizeof what, "it holds %s where %s is expected", example_kind_name(f->kind), example_kind_name(c->kind));
    misfit(d, i, c, what);
    return 1;
}

/* The one value of a scalar column in any shape: 1 with *v, 0 when it is null or does not fit. */
static int one_value(example_decoder *d, size_t i, const out_column *c, const example_slot *s, value *v)
{
    shoal_error why;
    example_feature f;
    value more;
    if (open_slot(d, i, c, s, &f)) return 0;
    if (s->form == EXAMPLE_SINGLE) {
        v->text = view_of(s->p, s->n);
        return 1;
    }
    int r = next_value(&f, v, &why);
    if (r == 1 && (r = next_value(&f, &more, &why)) == 0) return 1;
    if (r < 0) return broken(d, i, &why);
    misfit(d, i, c, r == 0 ? "it has no value, but exactly one is expected as in the records before it"
                                                 : "it has several values, but exactly one is expected as in the records before it");
    return 0;
}

static const char NOT_UTF8[] = "its text is not UTF-8", NOT_IN_RANGE[] = "its value does not fit the column's type";

/* A varint that is all of the slot; 0 when it is not that simple. */
static inline int whole_varint(const example_slot *s, int64_t *out)
{
    uint64_t x = 0;
    if (s->n > 9) return 0;
    for (uint32_t k = 0; k < s->n; k++) {
        uint8_t b = (uint8_t)s->p[k];
        x |= (uint64_t)(b & 0x7f) << 7 * k;
        if ((b < 0x80) != (k + 1 == s->n)) return 0;
    }
    *out = (int64_t)x;
    return 1;
}

/* ---- columns ------------------------------------------------------------------------------------------------------------ */

static int fill_floats(example_decoder *d, const out_column *c, arrow_node *node, const example_slot *s, shoal_error *err)
{
    int wide = c->type == ARROW_F64;
    size_t width = wide ? 8 : 4;
    int r = buf_reserve(&node->values, width * (d->rows + (node->rows == 0 ? d->all : 0)), err);
    if (r < 0) return r;
    uint8_t *to = node->values.data + node->values.len;
    for (size_t i = 0; i < d->rows; i++, to += width) {
        value v = {.real = 0};
        d->present[i] = 1;
        if (s[i].form == EXAMPLE_PACKED && s[i].kind == EXAMPLE_FLOAT && s[i].n == 4) memcpy(&v.real, s[i].p, 4);
        else d->present[i] = (uint8_t)one_value(d, i, c, &s[i], &v);
        double real = (double)v.real;
        if (wide) memcpy(to, &real, 8);
        else memcpy(to, &v.real, 4);
    }
    node->values.len += width * d->rows;
    return arrow_node_rows(node, d->present, d->rows, err);
}

static int fill_integers(example_decoder *d, const out_column *c, arrow_node *node, const example_slot *s, shoal_error *err)
{
    size_t width = arrow_node_width(node);
    int r = buf_reserve(&node->values, width * (d->rows + (node->rows == 0 ? d->all : 0)), err);
    if (r < 0) return r;
    uint8_t *to = node->values.data + node->values.len;
    for (size_t i = 0; i < d->rows; i++, to += width) {
        value v = {.whole = 0};
        d->present[i] = 1;
        if (s[i].form != EXAMPLE_PACKED || s[i].kind != EXAMPLE_INT64 || !whole_varint(&s[i], &v.whole))
            d->present[i] = (uint8_t)one_value(d, i, c, &s[i], &v);
        if (!arrow_type_holds(c->item, v.whole)) misfit(d, i, c, NOT_IN_RANGE);
        if (width == 8) memcpy(to, &v.whole, 8);
        else if (width == 4) memcpy(to, &v.whole, 4);
        else memcpy(to, &v.whole, width);
    }
    node->values.len += width * d->rows;
    return arrow_node_rows(node, d->present, d->rows, err);
}

/* The text of the tile was appended from `from` on: all of it is checked at once, and by the row only when that fails. */
static void check_text(example_decoder *d, const out_column *c, const arrow_node *node, size_t from, const uint32_t *n)
{
    const char *p = (const char *)node->bytes.data + from;
    size_t at = 0, total = node->bytes.len - from;
    int whole = total == 0 || view_is_utf8(view_of(p, total));
    for (size_t i = 0; i < d->rows; at += n[i++])
        if (n[i] > 0 && (whole ? ((uint8_t)p[at] & 0xc0) == 0x80 : !view_is_utf8(view_of(p + at, n[i])))) misfit(d, i, c, NOT_UTF8);
}

static int fill_text(example_decoder *d, const out_column *c, arrow_node *node, const example_slot *s, shoal_error *err)
{
    uint32_t n[TILE_ROWS];
    size_t width = node->is_wide ? 8 : 4, from = node->bytes.len, total = 0;
    for (size_t i = 0; i < d->rows; i++) total += s[i].n; /* of messages and absent ones at least what they hold */
    int r = buf_reserve(&node->values, width * (d->rows + (node->rows == 0 ? d->all : 0)), err);
    if (r == 0) r = buf_reserve(&node->bytes, total + EXAMPLE_SLACK, err);
    if (r < 0) return r;
    if (from + total > INT32_MAX && !node->is_wide) return error_set(err, SHOAL_DATA, "a batch holds more than 2 GiB of one column");
    uint8_t *to = node->values.data + node->values.len, *bytes = node->bytes.data + from;
    for (size_t i = 0; i < d->rows; i++, to += width) {
        value v = {.text = {s[i].p, s[i].n}};
        d->present[i] = 1;
        if (s[i].form != EXAMPLE_SINGLE || s[i].kind != EXAMPLE_BYTES)
            if (!(d->present[i] = (uint8_t)one_value(d, i, c, &s[i], &v))) v.text.n = 0;
        int64_t at = bytes - node->bytes.data;
        int32_t narrow = (int32_t)at;
        if (width == 4) memcpy(to, &narrow, 4);
        else memcpy(to, &at, 8);
        n[i] = (uint32_t)v.text.n;
        if (n[i] > 0 && n[i] <= EXAMPLE_SLACK) memcpy(bytes, v.text.p, EXAMPLE_SLACK);
        else if (n[i] > 0) memcpy(bytes, v.text.p, n[i]);
        bytes += n[i];
    }
    node->bytes.len = (size_t)(bytes - node->bytes.data);
    if (c->item == ARROW_UTF8 || c->item == ARROW_LARGE_UTF8) check_text(d, c, node, from, n);
    node->values.len += width * d->rows;
    return arrow_node_rows(node, d->present, d->rows, err);
}

/* One item of a list; 1, 0 at the end or when it does not fit. */
static int add_item(example_decoder *d, size_t i, int64_t column, example_feature *f, shoal_error *err)
{
    const out_column *c = &d->c->column[column];
    shoal_error why;
    value v;
    int r = next_value(f, &v, &why);
    if (r < 0) return broken(d, i, &why);
    if (r == 0) return 0;
    if (c->kind == EXAMPLE_BYTES) {
        if ((c->item == ARROW_UTF8 || c->item == ARROW_LARGE_UTF8) && !view_is_utf8(v.text)) return misfit(d, i, c, NOT_UTF8);
        r = arrow_builder_text(d->builder, column, v.text, err);
    } else if (c->kind == EXAMPLE_FLOAT) {
        r = arrow_builder_f64(d->builder, column, (double)v.real, err);
    } else {
        if (!arrow_type_holds(c->item, v.whole)) return misfit(d, i, c, NOT_IN_RANGE);
        r = arrow_builder_i64(d->builder, column, v.whole, err);
    }
    return r < 0 ? r : 1;
}

static int fill_any(example_decoder *d, int64_t column, const example_slot *s, shoal_error *err)
{
    const out_column *c = &d->c->column[column];
    for (size_t i = 0; i < d->rows; i++) {
        example_feature f;
        value v = {.whole = 0};
        int r = 0;
        if (!c->is_list) {
            r = c->kind != EXAMPLE_NONE && one_value(d, i, c, &s[i], &v);
            if (r && !arrow_type_holds(c->item, v.whole)) misfit(d, i, c, NOT_IN_RANGE);
            r = r ? arrow_builder_i64(d->builder, column, v.whole, err) : arrow_builder_null(d->builder, column, err);
        } else if (open_slot(d, i, c, &s[i], &f)) {
            r = arrow_builder_null(d->builder, column, err);
        } else {
            r = arrow_builder_list_open(d->builder, column, err);
            if (r == 0 && s[i].form == EXAMPLE_SINGLE) {
                view one = view_of(s[i].p, s[i].n);
                if ((c->item == ARROW_UTF8 || c->item == ARROW_LARGE_UTF8) && !view_is_utf8(one)) misfit(d, i, c, NOT_UTF8);
                r = arrow_builder_text(d->builder, column, one, err);
            } else if (r == 0) {
                while ((r = add_item(d, i, column, &f, err)) == 1) {}
            }
            if (r == 0) r = arrow_builder_list_close(d->builder, column, err);
        }
        if (r < 0) return r;
    }
    return 0;
}

static int fill(example_decoder *d, int64_t column, shoal_error *err)
{
    const out_column *c = &d->c->column[column];
    const example_slot *s = d->slots + c->key * SLOTS;
    arrow_node *node = arrow_builder_column(d->builder, column);
    if (c->is_list || arrow_node_width(node) + (size_t)node->is_text == 0) return fill_any(d, column, s, err);
    return c->kind == EXAMPLE_FLOAT ? fill_floats(d, c, node, s, err) : c->kind == EXAMPLE_BYTES ? fill_text(d, c, node, s, err)
                                                                                             : fill_integers(d, c, node, s, err);
}

/* ---- tiles -------------------------------------------------------------------------------------------------------------- */

static int bad_record(const example_decoder *d, const record_block *in, size_t i, shoal_error *err)
{
    return error_set(err, SHOAL_DATA, "%s: record %llu%s%s%s", in->path, (unsigned long long)in->record[i].index, d->what,
                     d->what[0] == ',' ? "; " : "", d->what[0] == ',' ? d->c->advice : "");
}

static int decode_tile(example_decoder *d, const record_block *in, size_t first, shoal_error *err)
{
    size_t n = in->n - first < TILE_ROWS ? in->n - first : TILE_ROWS;
    int r = 0;
    d->rows = n;
    for (size_t i = 0; i < d->rows; i++) {
        shoal_error why;
        view unknown;
        r = example_scan(&d->scanner, record_block_view(in, first + i), d->slots + i, SLOTS, &unknown, &why);
        if (r == 0 && !unknown.p) continue;
        d->rows = i;
        if (r < 0) snprintf(d->what, sizeof d->what, ": %.100s", why.message);
        else snprintf(d->what, sizeof d->what, ", feature '%.*s': %s", unknown.n < 60 ? (int)unknown.n : 60, unknown.p, d->c->unknown);
    }
    for (size_t k = 0; k < d->c->n_columns; k++)
        if ((r = fill(d, (int64_t)k, err)) < 0) return r;
    return d->rows < n ? bad_record(d, in, first + d->rows, err) : 0;
}

int example_decode(example_decoder *d, const record_block *in, struct ArrowArray *out, shoal_error *err)
{
    int r = 0;
    d->all = in->n;
    for (size_t first = 0; r == 0 && first < in->n; first += TILE_ROWS) r = decode_tile(d, in, first, err);
    if (r == 0) r = arrow_builder_finish(d->builder, out, err);
    if (r < 0) {
        arrow_builder_clear(d->builder);
        return r;
    }
    out->length = (int64_t)in->n; /* also when there are no columns */
    return 0;
}
