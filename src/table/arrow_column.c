/* arrow_column.c: columns from columns, and as bytes (arrow_column.h); from arrays they grow in arrow_plain.c. */
#include "table/arrow_column.h"

#include <string.h>

#include "base/mem.h"

static int holds_nothing(const arrow_column *c) { return c->type == ARROW_OTHER || c->type == ARROW_NULL; }

void arrow_column_clear(arrow_column *c)
{
    buf_clear(&c->valid);
    if (c->values.len > 0) c->values.len = (size_t)arrow_offset_bytes(c->type);
    buf_clear(&c->bytes);
    c->rows = c->nulls = 0;
    for (int64_t i = 0; i < c->n_children; i++) arrow_column_clear(&c->child[i]);
}

uint64_t arrow_column_bytes(const arrow_column *c)
{
    uint64_t n = c->valid.len + c->values.len + c->bytes.len;
    for (int64_t i = 0; i < c->n_children; i++) n += arrow_column_bytes(&c->child[i]);
    return n;
}

/* ---- rows in any order ------------------------------------------------------------------------------------------------- */

#define PICK(type) for (int64_t i = 0; i < n; i++) ((type *)to)[i] = ((const type *)p)[row[i]]

static int pick_values(arrow_column *c, const arrow_column *from, const int64_t *row, int64_t n, shoal_error *err)
{
    const size_t width = (size_t)arrow_value_bytes(c->type);
    int r = width > 0 && n > 0 ? buf_reserve(&c->values, (size_t)n * width, err) : 0;
    if (r < 0 || width == 0 || n == 0) return r;
    void *to = c->values.data + c->values.len; /* values alone are in it: as aligned as the allocation */
    const void *p = from->values.data;
    if (width == 1) PICK(uint8_t);
    else if (width == 2) PICK(uint16_t);
    else if (width == 4) PICK(uint32_t);
    else if (width == 8) PICK(uint64_t);
    else for (int64_t i = 0; i < n; i++) memcpy((char *)to + (size_t)i * width, (const char *)p + (size_t)row[i] * width, width);
    c->values.len += (size_t)n * width;
    return 0;
}

static int pick_bits(buf *to, int64_t rows, const buf *from, const int64_t *row, int64_t n, int64_t *zeros, shoal_error *err)
{
    int r = 0;
    for (int64_t i = 0; r == 0 && i < n;) {
        uint8_t byte = 0;
        int64_t k = 0;
        for (; k < 8 && i + k < n; k++) byte |= (uint8_t)((from->data[row[i + k] >> 3] >> (row[i + k] & 7) & 1) << k);
        r = arrow_add_bits(to, rows + i, &byte, 0, k, zeros, err);
        i += k;
    }
    return r;
}

static inline int64_t end_in(const buf *values, int wide, int64_t i)
{
    return wide ? ((const int64_t *)(const void *)values->data)[i] : ((const int32_t *)(const void *)values->data)[i];
}

static int is_wide(const arrow_column *c) { return arrow_offset_bytes(c->type) == 8; }
static int64_t end_at(const arrow_column *c, int64_t i) { return end_in(&c->values, is_wide(c), i); }

/* Rows lie anywhere, and waiting for memory is most of the work: the texts of a chunk are asked for before the first is copied. */
#define CHUNK 128
#define SHORT 16 /* bytes that are copied at once, when so many are there */

static int pick_texts(arrow_column *c, const arrow_column *from, int wide, const int64_t *row, int64_t n, shoal_error *err)
{
    int64_t begin[CHUNK], length[CHUNK], sum = 0, end = (int64_t)c->bytes.len;
    for (int64_t i = 0; i < n; i++) {
        begin[i] = end_in(&from->values, wide, row[i]);
        length[i] = end_in(&from->values, wide, row[i] + 1) - begin[i];
        __builtin_prefetch(from->bytes.data + begin[i]);
        sum += length[i];
    }
    int r = buf_reserve(&c->bytes, (size_t)sum + SHORT, err);
    if (r == 0 && !wide && end + sum > INT32_MAX) r = arrow_column_add_end(c, end + sum, err);
    if (r < 0) return r;
    uint8_t *ends = c->values.data + c->values.len;
    for (int64_t i = 0; i < n; i++) {
        uint8_t *to = c->bytes.data + end;
        const size_t size = (size_t)length[i], at = (size_t)begin[i];
        if (size <= SHORT && at + SHORT <= from->bytes.len) memcpy(to, from->bytes.data + at, SHORT);
        else if (size > 0) memcpy(to, from->bytes.data + at, size);
        end += length[i];
        memcpy(ends + i * (wide ? 8 : 4), &end, wide ? 8 : 4); /* little endian: the low bytes are the narrow value */
    }
    c->bytes.len = (size_t)end;
    c->values.len += (size_t)(n * (wide ? 8 : 4));
    return 0;
}

static int pick_text(arrow_column *c, const arrow_column *from, const int64_t *row, int64_t n, shoal_error *err)
{
    const int wide = is_wide(c);
    const int64_t width = wide ? 8 : 4;
    int r = buf_reserve(&c->values, (size_t)(n * width), err);
    for (int64_t i = 0, next; r == 0 && i < n; i = next) {
        next = i + CHUNK < n ? i + CHUNK : n;
        for (int64_t k = next; k < next + CHUNK && k < n; k++) __builtin_prefetch(from->values.data + row[k] * width);
        r = wide ? pick_texts(c, from, 1, row + i, next - i, err) : pick_texts(c, from, 0, row + i, next - i, err);
    }
    return r;
}

/* The items of the rows are rows of the child. */
static int pick_lists(arrow_column *c, const arrow_column *from, const int64_t *row, int64_t n, shoal_error *err)
{
    int64_t items = 0, *item, at = 0, end = c->child[0].rows;
    for (int64_t i = 0; i < n; i++) items += end_at(from, row[i] + 1) - end_at(from, row[i]);
    if (!(item = mem_alloc((size_t)(items + 1) * sizeof *item))) return error_nomem(err, (size_t)items * sizeof *item, "items of lists");
    int r = 0;
    for (int64_t i = 0; r == 0 && i < n; i++) {
        for (int64_t k = end_at(from, row[i]); k < end_at(from, row[i] + 1); k++) item[at++] = k;
        r = arrow_column_add_end(c, end + at, err);
    }
    if (r == 0) r = arrow_column_pick(&c->child[0], &from->child[0], item, items, err);
    mem_free(item);
    return r;
}

int arrow_column_pick(arrow_column *c, const arrow_column *from, const int64_t *row, int64_t n, shoal_error *err)
{
    int64_t unused = 0;
    int r = 0;
    if (holds_nothing(c)) {
        c->rows += n;
        c->nulls += n;
        return 0;
    }
    if (c->type == ARROW_BOOL) r = pick_bits(&c->values, c->rows, &from->values, row, n, &unused, err);
    else if (arrow_type_is_text(c->type)) r = pick_text(c, from, row, n, err);
    else if (arrow_offset_bytes(c->type) > 0) r = pick_lists(c, from, row, n, err);
    else r = pick_values(c, from, row, n, err);
    for (int64_t i = 0; r == 0 && c->type == ARROW_STRUCT && i < c->n_children; i++) r = arrow_column_pick(&c->child[i], &from->child[i], row, n, err);
    if (r == 0) r = from->nulls == 0 ? arrow_add_bits(&c->valid, c->rows, NULL, 0, n, &c->nulls, err) : pick_bits(&c->valid, c->rows, &from->valid, row, n, &c->nulls, err);
    c->rows += n;
    return r;
}

/* ---- as bytes ------------------------------------------------------------------------------------------------------------ */

/* In front of the buffers and of the children. */
typedef struct head { uint64_t rows, valid, values, bytes; } head;

int arrow_column_save(const arrow_column *c, buf *out, shoal_error *err)
{
    const head h = {(uint64_t)c->rows, c->valid.len, c->values.len, c->bytes.len};
    int r = buf_append(out, &h, sizeof h, err);
    if (r == 0 && h.valid > 0) r = buf_append(out, c->valid.data, h.valid, err);
    if (r == 0 && h.values > 0) r = buf_append(out, c->values.data, h.values, err);
    if (r == 0 && h.bytes > 0) r = buf_append(out, c->bytes.data, h.bytes, err);
    for (int64_t i = 0; r == 0 && i < c->n_children; i++) r = arrow_column_save(&c->child[i], out, err);
    return r;
}

static const uint8_t *take(view *from, size_t n)
{
    CHECK(n <= from->n); /* this process wrote it */
    const uint8_t *p = (const uint8_t *)from->p;
    from->p += n;
    from->n -= n;
    return p;
}

/* The ends of so many rows, behind a zero, to be raised by where the column ends. */
static int load_ends(arrow_column *c, const uint8_t *p, int64_t rows, shoal_error *err)
{
    const int64_t width = arrow_offset_bytes(c->type), before = arrow_column_end(c);
    int r = buf_reserve(&c->values, (size_t)(rows * width), err);
    for (int64_t i = 1; r == 0 && i <= rows; i++) {
        int64_t end;
        int32_t narrow;
        memcpy(&narrow, p + i * width, sizeof narrow);
        end = narrow;
        if (width == 8) memcpy(&end, p + i * width, sizeof end);
        r = arrow_column_add_end(c, before + end, err);
    }
    return r;
}

int arrow_column_load(arrow_column *c, view *from, shoal_error *err)
{
    head h;
    int64_t unused = 0;
    int r = 0;
    memcpy(&h, take(from, sizeof h), sizeof h);
    const int64_t n = (int64_t)h.rows;
    const uint8_t *valid = take(from, h.valid), *values = take(from, h.values), *bytes = take(from, h.bytes);
    if (holds_nothing(c)) c->nulls += n;
    else r = arrow_add_bits(&c->valid, c->rows, valid, 0, n, &c->nulls, err);
    if (r == 0 && c->type == ARROW_BOOL) r = arrow_add_bits(&c->values, c->rows, values, 0, n, &unused, err);
    else if (r == 0 && arrow_offset_bytes(c->type) > 0) r = load_ends(c, values, n, err);
    else if (r == 0 && h.values > 0) r = buf_append(&c->values, values, h.values, err);
    if (r == 0 && h.bytes > 0) r = buf_append(&c->bytes, bytes, h.bytes, err);
    for (int64_t i = 0; r == 0 && i < c->n_children; i++) r = arrow_column_load(&c->child[i], from, err);
    c->rows += n;
    return r;
}
