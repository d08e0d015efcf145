/* arrow_plain.c: copies of arrays in the plain types (arrow_schema_plain). A column grows by ranges of rows of the array
 * that is copied; of a dictionary or a list view the ranges come in any order, one a row. */
#include "table/arrow_column.h"

#include <string.h>

#include "base/mem.h"

#define DAY_MS 86400000
#define TOO_MUCH "one column holds more than 2 GiB"

void arrow_column_release(arrow_column *c)
{
    buf_release(&c->valid);
    buf_release(&c->values);
    buf_release(&c->bytes);
    for (int64_t i = 0; c->child && i < c->n_children; i++) arrow_column_release(&c->child[i]);
    mem_free(c->child);
    c->child = NULL;
}

int arrow_column_init(arrow_column *c, const struct ArrowSchema *s, shoal_error *err)
{
    static const char zero[8];
    memset(c, 0, sizeof *c);
    c->type = arrow_type_of(s);
    if (c->type == ARROW_OTHER) return 0;
    int r = buf_append(&c->values, zero, (size_t)arrow_offset_bytes(c->type), err);
    if (r < 0 || s->n_children == 0) return r;
    if (!(c->child = mem_calloc((size_t)s->n_children, sizeof *c->child))) return error_nomem(err, (size_t)s->n_children * sizeof *c->child, "columns");
    c->n_children = s->n_children;
    for (int64_t i = 0; r == 0 && i < s->n_children; i++) r = arrow_column_init(&c->child[i], s->children[i], err);
    return r;
}

/* ---- growing ------------------------------------------------------------------------------------------------------ */

int arrow_add_bits(buf *b, int64_t rows, const uint8_t *from, int64_t offset, int64_t n, int64_t *zeros, shoal_error *err)
{
    size_t bytes = (size_t)(rows + n + 7) / 8;
    if (n == 0) return 0;
    int r = bytes > b->len ? buf_reserve(b, bytes - b->len, err) : 0;
    if (r < 0) return r;
    memset(b->data + b->len, 0, bytes - b->len);
    b->len = bytes;
    for (int64_t i = 0; i < n;) {
        int64_t to = rows + i, at = offset + i;
        if ((to & 7) == 0 && (at & 7) == 0 && n - i >= 8) {
            uint8_t byte = from ? from[at >> 3] : 0xff;
            b->data[to >> 3] = byte;
            *zeros += 8 - __builtin_popcount(byte);
            i += 8;
            continue;
        }
        if (!from || (from[at >> 3] >> (at & 7) & 1)) b->data[to >> 3] |= (uint8_t)(1u << (to & 7));
        else ++*zeros;
        i++;
    }
    return 0;
}

int arrow_column_add_end(arrow_column *c, int64_t end, shoal_error *err)
{
    if (arrow_offset_bytes(c->type) == 8) return buf_append(&c->values, &end, 8, err);
    int32_t narrow = (int32_t)end;
    if (end > INT32_MAX) return error_set(err, SHOAL_DATA, TOO_MUCH);
    return buf_append(&c->values, &narrow, 4, err);
}

int64_t arrow_column_end(const arrow_column *c) { return arrow_type_is_text(c->type) ? (int64_t)c->bytes.len : c->child[0].rows; }

/* A row that is null in an encoding whose nulls have no values of their own. */
static int add_null(arrow_column *c, shoal_error *err)
{
    static const char zero[16];
    static const uint8_t unset = 0;
    int64_t zeros = 0;
    int r = 0;
    if (c->type == ARROW_OTHER || c->type == ARROW_NULL) zeros = 1;
    else r = arrow_add_bits(&c->valid, c->rows, &unset, 0, 1, &zeros, err);
    if (r == 0 && c->type == ARROW_BOOL) r = arrow_add_bits(&c->values, c->rows, &unset, 0, 1, &(int64_t){0}, err);
    if (r == 0) r = buf_append(&c->values, zero, (size_t)arrow_value_bytes(c->type), err);
    if (r == 0 && arrow_offset_bytes(c->type) > 0) r = arrow_column_add_end(c, arrow_column_end(c), err);
    for (int64_t i = 0; r == 0 && c->type == ARROW_STRUCT && i < c->n_children; i++) r = add_null(&c->child[i], err);
    c->rows++;
    c->nulls += zeros;
    return r;
}

static int add_view(arrow_column *c, view v, shoal_error *err)
{
    int r = buf_append(&c->bytes, v.p, v.n, err);
    return r < 0 ? r : arrow_column_add_end(c, (int64_t)c->bytes.len, err);
}

/* Text and lists: the ends, and then what they speak of as one range. */
static int add_ranges(arrow_column *c, const struct ArrowSchema *s, const struct ArrowArray *a, int64_t from, int64_t n, shoal_error *err)
{
    int width = (int)arrow_offset_bytes(c->type);
    enum arrow_type wide = width == 8 ? ARROW_LARGE_LIST : ARROW_LIST;
    int64_t begin, end, first, unused, before = arrow_column_end(c);
    if (n == 0) return 0;
    arrow_list(wide, a, from, &first, &unused);
    arrow_list(wide, a, from + n - 1, &unused, &end);
    if (width == 4 && before + end - first > INT32_MAX) return error_set(err, SHOAL_DATA, TOO_MUCH);
    int r = buf_reserve(&c->values, (size_t)(n * width), err);
    if (r < 0) return r;
    uint8_t *to = c->values.data + c->values.len;
    for (int64_t i = 0; i < n; i++, to += width) {
        int64_t e;
        arrow_list(wide, a, from + i, &begin, &e);
        e += before - first;
        memcpy(to, &e, (size_t)width); /* little endian: the low bytes are the narrow value */
    }
    c->values.len += (size_t)(n * width);
    if (end == first) return 0;
    if (arrow_type_is_text(c->type)) return buf_append(&c->bytes, (const char *)a->buffers[2] + first, (size_t)(end - first), err);
    return arrow_column_add(&c->child[0], s->children[0], a->children[0], first, end - first, err);
}

/* ---- numbers that become wider ------------------------------------------------------------------------------------- */

/* IEEE 754 binary16: 1 bit sign, 5 exponent, 10 fraction. Every value of it is a float32, NaN's payload too. */
static uint32_t f32_of_f16(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 1023;
    if (exponent == 31) return sign | 0x7f800000u | fraction << 13;
    if (exponent > 0) return sign | (exponent + 112) << 23 | fraction << 13;
    if (fraction == 0) return sign;
    for (exponent = 113; !(fraction & 1024); exponent--) fraction <<= 1;
    return sign | exponent << 23 | (fraction & 1023) << 13;
}

static int too_large(const struct ArrowSchema *s, shoal_error *err)
{
    char name[96];
    return error_set(err, SHOAL_DATA, "column '%s': a value of type %s has more than 38 digits, which decimal does not hold; cast it to VARCHAR by --sql",
                     s->name, arrow_type_name(s, name, sizeof name));
}

static int add_wide(arrow_column *c, enum arrow_type t, const struct ArrowSchema *s, const char *p, shoal_error *err)
{
    static const unsigned __int128 LIMIT = (unsigned __int128)10000000000000000000ull * 10000000000000000000ull; /* 10^38 */
    __int128 v = 0;
    uint64_t high[2];
    memcpy(&v, p, t == ARROW_DECIMAL32 ? 4 : t == ARROW_DECIMAL64 ? 8 : 16);
    if (t == ARROW_DECIMAL32) v = (int32_t)v;
    if (t == ARROW_DECIMAL64) v = (int64_t)v;
    unsigned __int128 size = v < 0 && t != ARROW_UHUGEINT ? -(unsigned __int128)v : (unsigned __int128)v;
    if (t == ARROW_DECIMAL256) {
        uint64_t sign = v < 0 ? UINT64_MAX : 0;
        memcpy(high, p + 16, 16);
        if (high[0] != sign || high[1] != sign) return too_large(s, err);
    }
    return size >= LIMIT ? too_large(s, err) : buf_append(&c->values, &v, 16, err);
}

static int add_uuid(arrow_column *c, const uint8_t *p, shoal_error *err)
{
    char text[40];
    size_t n = 0;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text[n++] = '-';
        text[n++] = "0123456789abcdef"[p[i] >> 4];
        text[n++] = "0123456789abcdef"[p[i] & 15];
    }
    return add_view(c, view_of(text, n), err);
}

static int add_date(arrow_column *c, const struct ArrowSchema *s, int64_t ms, shoal_error *err)
{
    int64_t day = ms / DAY_MS;
    int32_t narrow = (int32_t)day;
    if (ms % DAY_MS != 0 || narrow != day)
        return error_set(err, SHOAL_DATA, "column '%s': the date64 %lld is no whole day; pass a timestamp instead", s->name, (long long)ms);
    return buf_append(&c->values, &narrow, 4, err);
}

/* One value that is not null, of an encoding whose values are converted one by one. `i` counts from the array's start. */
static int add_converted(arrow_column *c, enum arrow_type t, const struct ArrowSchema *s, const struct ArrowArray *a, int64_t i, shoal_error *err)
{
    int64_t size = t == ARROW_FIXED_BINARY ? arrow_fixed_size(s) : arrow_value_bytes(t), v = 0;
    const char *p = size > 0 ? (const char *)a->buffers[1] + (i + a->offset) * size : "";
    switch (t) {
    case ARROW_F16: {
        uint16_t h;
        memcpy(&h, p, 2);
        uint32_t f = f32_of_f16(h);
        return buf_append(&c->values, &f, 4, err);
    }
    case ARROW_UTF8_VIEW:
    case ARROW_BINARY_VIEW: return add_view(c, arrow_text_view(a, i), err);
    case ARROW_FIXED_BINARY: return add_view(c, view_of(p, (size_t)size), err);
    case ARROW_UUID: return add_uuid(c, (const uint8_t *)p, err);
    case ARROW_DATE64: memcpy(&v, p, 8); return add_date(c, s, v, err);
    case ARROW_TIME32: {
        int32_t time;
        memcpy(&time, p, 4);
        v = (int64_t)time * (s->format[2] == 's' ? 1000000 : 1000);
        return buf_append(&c->values, &v, 8, err);
    }
    default: return add_wide(c, t, s, p, err);
    }
}

/* ---- rows ------------------------------------------------------------------------------------------------------------ */

/* Encodings that go row by row. */
static int add_encoded(arrow_column *c, enum arrow_type t, const struct ArrowSchema *s, const struct ArrowArray *a, int64_t from, int64_t n, shoal_error *err)
{
    int64_t zeros = 0;
    int r = 0, wide = t == ARROW_LARGE_LIST_VIEW;
    for (int64_t i = from; r == 0 && i < from + n; i++) {
        if (arrow_is_null(a, i)) {
            r = add_null(c, err);
        } else if (t == ARROW_DICTIONARY) {
            r = arrow_column_add(c, s->dictionary, a->dictionary, arrow_i64(arrow_type_of_format(s->format), a, i), 1, err);
        } else if (t == ARROW_LIST_VIEW || wide) {
            int64_t at = 0, size = 0;
            memcpy(&at, (const char *)a->buffers[1] + (i + a->offset) * (wide ? 8 : 4), wide ? 8 : 4);
            memcpy(&size, (const char *)a->buffers[2] + (i + a->offset) * (wide ? 8 : 4), wide ? 8 : 4);
            r = arrow_column_add(&c->child[0], s->children[0], a->children[0], at, size, err);
            if (r == 0) r = arrow_column_add_end(c, c->child[0].rows, err);
            if (r == 0) r = arrow_add_bits(&c->valid, c->rows++, NULL, 0, 1, &zeros, err);
        } else if (t == ARROW_FIXED_LIST) {
            int64_t size = arrow_fixed_size(s);
            r = arrow_column_add(&c->child[0], s->children[0], a->children[0], (i + a->offset) * size, size, err);
            if (r == 0) r = arrow_column_add_end(c, c->child[0].rows, err);
            if (r == 0) r = arrow_add_bits(&c->valid, c->rows++, NULL, 0, 1, &zeros, err);
        } else {
            r = add_converted(c, t, s, a, i, err);
            if (r == 0) r = arrow_add_bits(&c->valid, c->rows++, NULL, 0, 1, &zeros, err);
        }
    }
    return r;
}

int arrow_column_add(arrow_column *c, const struct ArrowSchema *s, const struct ArrowArray *a, int64_t from, int64_t n, shoal_error *err)
{
    enum arrow_type t = arrow_type_of(s);
    int64_t at = a->offset + from, bytes = arrow_value_bytes(t), zeros = 0;
    int r = 0;
    if (c->type == ARROW_OTHER || t == ARROW_NULL) {
        c->rows += n;
        c->nulls += n;
        return 0;
    }
    if (t >= ARROW_DICTIONARY) return add_encoded(c, t, s, a, from, n, err);
    if (t == ARROW_BOOL) r = n > 0 ? arrow_add_bits(&c->values, c->rows, a->buffers[1], at, n, &zeros, err) : 0;
    else if (arrow_offset_bytes(t) > 0) r = add_ranges(c, s, a, from, n, err);
    else if (bytes > 0 && n > 0) r = buf_append(&c->values, (const char *)a->buffers[1] + at * bytes, (size_t)(n * bytes), err);
    for (int64_t i = 0; r == 0 && t == ARROW_STRUCT && i < c->n_children; i++) r = arrow_column_add(&c->child[i], s->children[i], a->children[i], at, n, err);
    if (r == 0) r = arrow_add_bits(&c->valid, c->rows, a->null_count != 0 ? a->buffers[0] : NULL, at, n, &c->nulls, err);
    c->rows += n;
    return r;
}

/* ---- handing over ----------------------------------------------------------------------------------------------------- */

int arrow_column_finish(arrow_column *c, struct ArrowArray *out, shoal_error *err)
{
    int r = buf_reserve(&c->values, 1, err); /* even of no rows there is a buffer */
    if (r == 0 && arrow_type_is_text(c->type)) r = buf_reserve(&c->bytes, 1, err);
    if (r == 0 && c->nulls == 0) buf_release(&c->valid);
    if (r == 0) r = arrow_array_own(out, &c->valid, &c->values, &c->bytes, c->n_children, err);
    if (r < 0) return r;
    out->length = c->rows;
    out->null_count = c->nulls;
    out->n_buffers = c->type == ARROW_OTHER || c->type == ARROW_NULL ? 0 : c->type == ARROW_STRUCT ? 1 : arrow_type_is_text(c->type) ? 3 : 2;
    for (int64_t i = 0; r == 0 && i < c->n_children; i++) r = arrow_column_finish(&c->child[i], out->children[i], err);
    return r;
}

int arrow_array_copy(const struct ArrowSchema *schema, const struct ArrowArray *in, int64_t from, int64_t n, struct ArrowArray *out,
                     shoal_error *err)
{
    struct ArrowSchema plain = {0};
    arrow_column c = {0};
    memset(out, 0, sizeof *out);
    int r = arrow_schema_plain(schema, &plain, err);
    if (r == 0) r = arrow_column_init(&c, &plain, err);
    if (r == 0) r = arrow_column_add(&c, schema, in, from, n, err);
    if (r == 0) r = arrow_column_finish(&c, out, err);
    if (r < 0 && out->release) out->release(out);
    arrow_column_release(&c);
    if (plain.release) plain.release(&plain);
    return r;
}
