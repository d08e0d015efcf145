#include "table/csv_columns.h"

#include <string.h>

#include "base/mem.h"
#include "table/arrow_node.h"
#include "table/text_files.h"

#define SHORT_TEXT 16 /* bytes that are copied at once */
_Static_assert(TEXT_SLACK >= SHORT_TEXT, "a short text is read beyond its end");

struct csv_columns {
    const cell_target *target;
    size_t n;
    arrow_builder *builder;
    uint8_t *present; /* of each row of a column */
    size_t rows;      /* there is room for */
    buf room;         /* of a field with quotes inside */
};

/* The fields of one column. */
typedef struct fields {
    const char *text;
    const csv_cell *cell;
    size_t step, n;
    int is_utf8; /* known */
    uint8_t *present;
    buf *room;
} fields;

int csv_columns_new(const struct ArrowSchema *schema, const cell_target *target, csv_columns **out, shoal_error *err)
{
    csv_columns *c = *out = mem_calloc(1, sizeof *c);
    if (!c) return error_nomem(err, sizeof *c, "a batch builder");
    c->target = target;
    c->n = (size_t)schema->n_children;
    return arrow_builder_new(schema, &c->builder, err);
}

void csv_columns_free(csv_columns *c)
{
    if (!c) return;
    arrow_builder_free(c->builder);
    mem_free(c->present);
    buf_release(&c->room);
    mem_free(c);
}

/* The text of a field without what quotes do to it. */
static inline int field_text(const fields *f, const csv_cell *cell, view *out, shoal_error *err)
{
    const csv_field slow = {cell->at, cell->n & CSV_CELL_BYTES, 1, 1};
    *out = view_of(f->text + slow.at, slow.n);
    return cell->n & CSV_CELL_ESCAPED ? csv_field_text(view_of(f->text, slow.at + slow.n), &slow, f->room, out, err) : 0;
}

/* Each filler returns the rows that are filled, all unless a value is bad; or negative. */
static int64_t fill_text(const fields *f, arrow_node *node, shoal_error *err)
{
    size_t bytes = 0;
    for (size_t i = 0; i < f->n; i++) bytes += f->cell[i * f->step].n & CSV_CELL_BYTES;
    if (bytes > INT32_MAX) return error_set(err, SHOAL_DATA, "a batch holds more than 2 GiB of one column");
    int r = buf_reserve(&node->values, (f->n + 1) * sizeof(int32_t), err);
    if (r == 0) r = buf_reserve(&node->bytes, bytes + SHORT_TEXT, err);
    if (r < 0) return r;
    int32_t *offset = (int32_t *)(void *)node->values.data;
    uint8_t *to = node->bytes.data;
    for (size_t i = 0; i < f->n; i++) {
        const csv_cell *cell = &f->cell[i * f->step];
        view v;
        offset[i] = (int32_t)(to - node->bytes.data);
        f->present[i] = cell->n != 0;
        if ((r = field_text(f, cell, &v, err)) < 0) return r;
        if (!f->is_utf8 && !view_is_utf8(v)) return (int64_t)i;
        if (v.n <= SHORT_TEXT && !(cell->n & CSV_CELL_ESCAPED)) memcpy(to, v.p, SHORT_TEXT);
        else memcpy(to, v.p, v.n);
        to += v.n;
    }
    node->values.len = f->n * sizeof(int32_t);
    node->bytes.len = (size_t)(to - node->bytes.data);
    return (int64_t)f->n;
}

static int64_t fill_floats(const fields *f, const cell_target *t, arrow_node *node, shoal_error *err)
{
    const size_t width = arrow_node_width(node);
    int r = buf_reserve(&node->values, f->n * width, err);
    if (r < 0) return r;
    uint8_t *to = node->values.data;
    for (size_t i = 0; i < f->n; i++, to += width) {
        const csv_cell *cell = &f->cell[i * f->step];
        int64_t whole;
        double v = 0;
        view text;
        f->present[i] = cell->n != 0;
        if (cell->n != 0) {
            if ((r = field_text(f, cell, &text, err)) < 0) return r;
            if (!cell_value(t, text, &whole, &v)) return (int64_t)i;
        }
        const float narrow = (float)v;
        if (width == sizeof narrow) memcpy(to, &narrow, sizeof narrow);
        else memcpy(to, &v, sizeof v);
    }
    node->values.len = f->n * width;
    return (int64_t)f->n;
}

/* Whole numbers, dates and times; booleans are bits. */
static int64_t fill_wholes(const fields *f, const cell_target *t, arrow_node *node, shoal_error *err)
{
    const size_t width = arrow_node_width(node), bytes = width > 0 ? f->n * width : (f->n + 7) / 8;
    int r = buf_reserve(&node->values, bytes + sizeof(int64_t), err);
    if (r < 0) return r;
    uint8_t *to = node->values.data;
    if (width == 0) memset(to, 0, bytes);
    for (size_t i = 0; i < f->n; i++) {
        const csv_cell *cell = &f->cell[i * f->step];
        int64_t v = 0;
        double real;
        view text;
        f->present[i] = cell->n != 0;
        if (cell->n != 0) {
            if ((r = field_text(f, cell, &text, err)) < 0) return r;
            if (!cell_value(t, text, &v, &real)) return (int64_t)i;
        }
        if (width > 0) memcpy(to + i * width, &v, sizeof v); /* little endian: what is too much is written over by the next */
        else to[i >> 3] |= (uint8_t)((v != 0) << (i & 7));
    }
    node->values.len = bytes;
    return (int64_t)f->n;
}

static int64_t fill(const csv_columns *c, const fields *f, size_t column, shoal_error *err)
{
    const cell_target *t = &c->target[column];
    arrow_node *node = arrow_builder_column(c->builder, (int64_t)column);
    int64_t done = t->type == ARROW_UTF8 ? fill_text(f, node, err) : arrow_type_is_float(t->type) ? fill_floats(f, t, node, err) : fill_wholes(f, t, node, err);
    if (done < (int64_t)f->n) return done;
    const uint8_t *present = memchr(f->present, 0, f->n) ? f->present : NULL;
    const int r = arrow_node_rows(node, present, f->n, err);
    return r < 0 ? r : done;
}

static int room_for(csv_columns *c, size_t rows, shoal_error *err)
{
    if (rows <= c->rows) return 0;
    mem_free(c->present);
    c->rows = 0;
    if (!(c->present = mem_alloc(rows))) return error_nomem(err, rows, "a batch builder");
    c->rows = rows;
    return 0;
}

int csv_columns_fill(csv_columns *c, view text, const csv_block *b, size_t from, size_t n, struct ArrowArray *out, size_t *bad_row, size_t *bad_column,
                     shoal_error *err)
{
    size_t good = n;
    int r = room_for(c, n, err);
    for (size_t i = 0; r == 0 && i < c->n; i++) {
        const fields f = {text.p, b->cell + from * c->n + i, c->n, good, b->is_ascii, c->present, &c->room};
        const int64_t done = fill(c, &f, i, err);
        if (done < 0) r = (int)done;
        else if ((size_t)done < good) {
            good = (size_t)done;
            *bad_row = from + good;
            *bad_column = i;
        }
    }
    if (r == 0 && good == n) return arrow_builder_finish(c->builder, out, err);
    arrow_builder_clear(c->builder);
    return r < 0 ? r : SHOAL_DATA;
}
