#include "table/example_encode.h"

#include <string.h>

#include "base/mem.h"
#include "records/tfrecord.h"
#include "table/arrow_bits.h"
#include "table/example_cell.h"

#define TILE_ROWS 64        /* bits of a word; the records of 40 columns stay in the first caches */

struct example_encoder {
    example_cell *column;
    int64_t n_columns, n_lists; /* n_lists: columns of lists */
    int has_lists;
};

/* Rows that are written side by side, column by column: first how many bytes each cell takes, then all bytes to their places. A
 * row ends with at least 18 bytes of frame behind its features, so what is written too far by less goes under. */
typedef struct tile {
    const struct ArrowArray *batch;
    int64_t first;        /* row of the batch */
    size_t n;             /* rows that are sound so far */
    uint64_t row;         /* number of the first one, for messages */
    size_t context[TILE_ROWS], lists[TILE_ROWS]; /* bytes of the features of a row, of its feature lists */
    uint8_t *p[TILE_ROWS]; /* where the next entry goes */
    uint64_t *present;    /* of each column, a bit a row */
    size_t *list;         /* of each column of lists [TILE_ROWS] bytes of items, or of the entry of a feature list */
    buf entries;          /* those of feature lists, column by column */
    buf features;         /* the Features of the one at hand */
    int code;             /* of the row behind the sound ones, when it does not fit */
} tile;

int example_encoder_new(const struct ArrowSchema *schema, example_encoder **out, shoal_error *err)
{
    *out = NULL;
    example_encoder *e = mem_calloc(1, sizeof *e);
    if (!e) return error_nomem(err, sizeof *e, "a writer");
    int r = 0;
    e->n_columns = schema->n_children;
    e->column = mem_calloc((size_t)schema->n_children + 1, sizeof *e->column);
    if (!e->column) r = error_nomem(err, (size_t)schema->n_children * sizeof *e->column, "columns");
    for (int64_t i = 0; r == 0 && i < schema->n_children; i++) {
        r = example_cell_set(&e->column[i], schema->children[i], err);
        e->has_lists |= e->column[i].is_lists;
        e->n_lists += e->column[i].is_list;
    }
    if (r < 0) {
        example_encoder_free(e);
        return r;
    }
    *out = e;
    return 0;
}

void example_encoder_free(example_encoder *e)
{
    if (!e) return;
    mem_free(e->column);
    mem_free(e);
}

/* ---- how many bytes ------------------------------------------------------------------------------------------------------ */

#define WIDEN(type) for (size_t i = 0; i < n; i++) out[i] = (int64_t)LOAD(type, p, from + (int64_t)i)

static void load_integers(enum arrow_type t, const struct ArrowArray *a, int64_t first, size_t n, int64_t *out)
{
    const void *p = a->buffers[1];
    const int64_t from = first + a->offset;
    switch (t) {
    case ARROW_I8: WIDEN(int8_t); return;
    case ARROW_U8: WIDEN(uint8_t); return;
    case ARROW_I16: WIDEN(int16_t); return;
    case ARROW_U16: WIDEN(uint16_t); return;
    case ARROW_I32:
    case ARROW_DATE32: WIDEN(int32_t); return;
    case ARROW_U32: WIDEN(uint32_t); return;
    case ARROW_BOOL:
        for (size_t i = 0; i < n; i++) out[i] = arrow_i64(t, a, first + (int64_t)i);
        return;
    default: memcpy(out, (const char *)p + 8 * from, 8 * n); return;
    }
}

static void load_floats(enum arrow_type t, const struct ArrowArray *a, int64_t first, size_t n, float *out)
{
    const int64_t from = first + a->offset;
    if (t == ARROW_F32) memcpy(out, (const char *)a->buffers[1] + 4 * from, 4 * n);
    else for (size_t i = 0; i < n; i++) out[i] = (float)LOAD(double, a->buffers[1], from + (int64_t)i);
}

/* Row i does not fit: neither it nor those behind it count any more. */
static void misfit(tile *t, size_t i, int code)
{
    t->n = i;
    t->code = code;
}

static void measure_floats(tile *t, const example_cell *c, const struct ArrowArray *a, uint64_t rows, shoal_error *err)
{
    const size_t n = cell_size(c, 4);
    int r = 0;
    EACH_BIT(i, rows)
    {
        if (c->item == ARROW_F64 && (r = example_cell_check_float(t->row + i, c, arrow_f64(ARROW_F64, a, t->first + (int64_t)i), err)) < 0)
            return misfit(t, i, r);
        t->context[i] += n;
    }
}

static void measure_integers(tile *t, const example_cell *c, const struct ArrowArray *a, uint64_t rows, shoal_error *err)
{
    int64_t v[TILE_ROWS];
    load_integers(c->item, a, t->first, t->n, v);
    EACH_BIT(i, rows)
    {
        if (c->item == ARROW_U64 && v[i] < 0) return misfit(t, i, example_cell_refuse_integer(t->row + i, c, (uint64_t)v[i], err));
        t->context[i] += cell_size(c, varint_size((uint64_t)v[i]));
    }
}

static void measure_text(tile *t, const example_cell *c, const struct ArrowArray *a, uint64_t rows)
{
    const char *offsets = (const char *)a->buffers[1];
    const int64_t from = t->first + a->offset;
    if (arrow_offset_bytes(c->item) == 4)
        EACH_BIT(i, rows) t->context[i] += cell_size(c, (size_t)(LOAD(int32_t, offsets, from + (int64_t)i + 1) - LOAD(int32_t, offsets, from + (int64_t)i)));
    else
        EACH_BIT(i, rows) t->context[i] += cell_size(c, arrow_text(c->item, a, t->first + (int64_t)i).n);
}

static void measure_lists(tile *t, const example_cell *c, const struct ArrowArray *a, uint64_t rows, size_t *bytes, shoal_error *err)
{
    EACH_BIT(i, rows)
    {
        int64_t begin, end;
        arrow_list(c->type, a, t->first + (int64_t)i, &begin, &end);
        int r = example_cell_list_size(t->row + i, c, a->children[0], begin, end, &bytes[i], err);
        if (r < 0) return misfit(t, i, r);
        size_t n = bytes[i], list = c->kind == EXAMPLE_BYTES || begin == end ? n : field_size(n);
        t->context[i] += field_size(field_size(c->key.n) + field_size(field_size(list)));
    }
}

/* One Feature of a feature list; a null is one without a kind. */
static int put_feature(tile *t, uint64_t row, const example_cell *c, const struct ArrowArray *inner, int64_t i, shoal_error *err)
{
    int64_t begin, end;
    size_t n;
    if (arrow_is_null(inner, i)) return buf_append(&t->features, "\x0a\0", 2, err);
    arrow_list(c->inner, inner, i, &begin, &end);
    int r = example_cell_list_size(row, c, inner->children[0], begin, end, &n, err);
    if (r < 0) return r;
    int is_packed = c->kind != EXAMPLE_BYTES && n > 0;
    size_t list = is_packed ? field_size(n) : n, feature = field_size(list);
    if ((r = buf_reserve(&t->features, field_size(feature), err)) < 0) return r;
    uint8_t *p = field_put(t->features.data + t->features.len, 1, feature);
    p = field_put(p, (unsigned)c->kind, list);
    if (is_packed) p = field_put(p, 1, n);
    example_cell_put_items(c, inner->children[0], begin, end, p);
    t->features.len += field_size(feature);
    return 0;
}

/* An entry of FeatureLists, kept until the place of its record is known. */
static int put_feature_list(tile *t, size_t i, const example_cell *c, const struct ArrowArray *a, size_t *bytes, shoal_error *err)
{
    int64_t begin, end;
    int r = 0;
    arrow_list(c->type, a, t->first + (int64_t)i, &begin, &end);
    buf_clear(&t->features);
    for (int64_t k = begin; r == 0 && k < end; k++) r = put_feature(t, t->row + i, c, a->children[0], k, err);
    size_t entry = field_size(c->key.n) + field_size(t->features.len);
    if (r == 0) r = buf_reserve(&t->entries, field_size(entry), err);
    if (r < 0) return r;
    uint8_t *p = field_put(t->entries.data + t->entries.len, 1, entry);
    p = field_put(p, 1, c->key.n);
    if (c->key.n > 0) memcpy(p, c->key.p, c->key.n);
    p = field_put(p + c->key.n, 2, t->features.len);
    if (t->features.len > 0) memcpy(p, t->features.data, t->features.len);
    *bytes = field_size(entry);
    t->lists[i] += *bytes;
    t->entries.len += *bytes;
    return 0;
}

/* How long the cells of all columns are. Only what is wrong with the first such row counts, of its first such column. */
static void measure(const example_encoder *e, tile *t, shoal_error *err)
{
    size_t *list = t->list;
    for (int64_t k = 0; k < e->n_columns; k++) {
        const example_cell *c = &e->column[k];
        const struct ArrowArray *a = t->batch->children[k];
        const uint64_t rows = t->present[k] = c->type == ARROW_NULL || t->n == 0 ? 0 : arrow_present(a, t->first, (int64_t)t->n);
        if (c->is_lists) EACH_BIT(i, rows)
        {
            int r = i < t->n ? put_feature_list(t, i, c, a, &list[i], err) : 0;
            if (r < 0) misfit(t, i, r);
        }
        else if (c->is_list) measure_lists(t, c, a, rows, list, err);
        else if (rows == 0) continue;
        else if (c->kind == EXAMPLE_FLOAT) measure_floats(t, c, a, rows, err);
        else if (c->kind == EXAMPLE_INT64) measure_integers(t, c, a, rows, err);
        else measure_text(t, c, a, rows);
        if (c->is_list) list += TILE_ROWS;
    }
}

/* ---- to their places ------------------------------------------------------------------------------------------------------ */

static void fill_floats(tile *t, const example_cell *c, const struct ArrowArray *a, uint64_t rows)
{
    float v[TILE_ROWS];
    load_floats(c->item, a, t->first, t->n, v);
    EACH_BIT(i, rows)
    {
        uint8_t *p = head_put(t->p[i], c, sizeof *v);
        memcpy(p, &v[i], sizeof *v);
        t->p[i] = p + sizeof *v;
    }
}

static void fill_integers(tile *t, const example_cell *c, const struct ArrowArray *a, uint64_t rows)
{
    int64_t v[TILE_ROWS];
    load_integers(c->item, a, t->first, t->n, v);
    EACH_BIT(i, rows) t->p[i] = varint_store(head_put(t->p[i], c, varint_size((uint64_t)v[i])), (uint64_t)v[i]);
}

static void fill_text(tile *t, const example_cell *c, const struct ArrowArray *a, uint64_t rows)
{
    const int is_wide = arrow_offset_bytes(c->item) == 8;
    const int64_t from = t->first + a->offset, last = a->offset + a->length;
    const char *offsets = a->buffers[1], *bytes = a->buffers[2];
    const int64_t total = is_wide ? LOAD(int64_t, offsets, last) : LOAD(int32_t, offsets, last);
    EACH_BIT(i, rows)
    {
        const int64_t k = from + (int64_t)i;
        const int64_t at = is_wide ? LOAD(int64_t, offsets, k) : LOAD(int32_t, offsets, k);
        const size_t n = (size_t)((is_wide ? LOAD(int64_t, offsets, k + 1) : LOAD(int32_t, offsets, k + 1)) - at);
        uint8_t *p = head_put(t->p[i], c, n);
        text_put(p, n > 0 ? bytes + at : "", n, (size_t)(total - at));
        t->p[i] = p + n;
    }
}

static void fill_lists(tile *t, const example_cell *c, const struct ArrowArray *a, uint64_t rows, const size_t *bytes)
{
    EACH_BIT(i, rows)
    {
        int64_t begin, end;
        arrow_list(c->type, a, t->first + (int64_t)i, &begin, &end);
        uint8_t *p = c->kind == EXAMPLE_BYTES || begin == end ? example_cell_put_heads(t->p[i], c, bytes[i]) : head_put(t->p[i], c, bytes[i]);
        t->p[i] = example_cell_put_items(c, a->children[0], begin, end, p);
    }
}

/* The features of all rows. */
static void fill(const example_encoder *e, tile *t)
{
    const size_t *list = t->list;
    for (int64_t k = 0; k < e->n_columns; k++) {
        const example_cell *c = &e->column[k];
        const struct ArrowArray *a = t->batch->children[k];
        const uint64_t rows = t->present[k];
        if (c->is_list && !c->is_lists) fill_lists(t, c, a, rows, list);
        else if (rows == 0 || c->is_lists) {}
        else if (c->kind == EXAMPLE_FLOAT) fill_floats(t, c, a, rows);
        else if (c->kind == EXAMPLE_INT64) fill_integers(t, c, a, rows);
        else fill_text(t, c, a, rows);
        if (c->is_list) list += TILE_ROWS;
    }
}

/* The feature lists behind them. */
static void fill_feature_lists(const example_encoder *e, tile *t)
{
    const size_t *list = t->list;
    const uint8_t *from = t->entries.data;
    for (size_t i = 0; i < t->n; i++) t->p[i] = field_put(t->p[i], 2, t->lists[i]);
    for (int64_t k = 0; k < e->n_columns; k++) {
        if (e->column[k].is_lists) EACH_BIT(i, t->present[k])
        {
            memcpy(t->p[i], from, list[i]);
            t->p[i] += list[i];
            from += list[i];
        }
        if (e->column[k].is_list) list += TILE_ROWS;
    }
}

/* ---- records ------------------------------------------------------------------------------------------------------------ */

/* Bytes of the record of a row, without its frame. */
static size_t record_size(const example_encoder *e, const tile *t, size_t i) { return field_size(t->context[i]) + (e->has_lists ? field_size(t->lists[i]) : 0); }

static int encode_tile(const example_encoder *e, tile *t, buf *out, shoal_error *err)
{
    size_t total = 0;
    memset(t->context, 0, sizeof t->context);
    memset(t->lists, 0, sizeof t->lists);
    buf_clear(&t->entries);
    measure(e, t, err);
    for (size_t i = 0; i < t->n; i++) {
        const size_t n = record_size(e, t, i);
        if (n > TFRECORD_BYTES_MAX)
            return error_set(err, SHOAL_DATA, "record %llu has %zu bytes; a TFRecord holds at most 2 GiB", (unsigned long long)(t->row + i), n);
        total += (size_t)tfrecord_framed(n);
    }
    if (t->code < 0) return t->code;
    int r = buf_reserve(out, total + CHUNK, err);
    if (r < 0) return r;
    uint8_t *frame = out->data + out->len;
    for (size_t i = 0; i < t->n; i++) {
        t->p[i] = field_put(frame + TFRECORD_HEADER_BYTES, 1, t->context[i]);
        frame += tfrecord_framed(record_size(e, t, i));
    }
    fill(e, t);
    if (e->has_lists) fill_feature_lists(e, t);
    frame = out->data + out->len;
    for (size_t i = 0; i < t->n; i++) {
        size_t n = record_size(e, t, i);
        field_put(frame + TFRECORD_HEADER_BYTES, 1, t->context[i]); /* once more: the row before may have been written too far */
        tfrecord_seal(frame, n);
        frame += tfrecord_framed(n);
    }
    out->len += total;
    return 0;
}

int example_encode(const example_encoder *e, const struct ArrowArray *batch, int64_t begin, int64_t end, uint64_t row, buf *out,
                   shoal_error *err)
{
    tile t = {.batch = batch};
    const size_t cells = (size_t)e->n_lists * TILE_ROWS + 1;
    t.present = mem_alloc(((size_t)e->n_columns + 1) * sizeof *t.present);
    t.list = mem_alloc(cells * sizeof *t.list);
    int r = t.present && t.list ? 0 : error_nomem(err, cells * sizeof *t.list, "records");
    for (t.first = begin; r == 0 && t.first < end; t.first += TILE_ROWS) {
        t.n = end - t.first < TILE_ROWS ? (size_t)(end - t.first) : TILE_ROWS;
        t.row = row + (uint64_t)t.first;
        r = encode_tile(e, &t, out, err);
    }
    mem_free(t.present);
    mem_free(t.list);
    buf_release(&t.entries);
    buf_release(&t.features);
    return r;
}
