/* cell.h: one column of a batch, read in hot loops: pointers resolved once, offsets of batch and column applied, so
 * that cell i is row i of the batch (or element i of a list's child). Arrays were checked before
 * (arrow_array_check). */
#ifndef FEATURES_CELL_H
#define FEATURES_CELL_H

#include <string.h>

#include "table/arrow.h"

typedef struct column {
    int64_t index; /* of the struct's children */
    enum arrow_type type;
    enum arrow_type item; /* of a list */
    int decimals;         /* of a decimal */
    const char *name;     /* the feature's */
} column_ref;

typedef struct cells {
    enum arrow_type type;
    int decimals;
    int64_t offset;
    const uint8_t *valid; /* NULL: all */
    const void *value;    /* values, or offsets of text and lists */
    const char *text;
} cells;

#define CELL_SCRATCH 24 /* bytes of the longest decimal number */

static inline cells cells_of(const struct ArrowArray *a, enum arrow_type type, int decimals, int64_t base)
{
    cells c = {type, decimals, base + a->offset, NULL, NULL, NULL};
    if (type == ARROW_NULL)
        return c;
    c.valid = a->null_count == 0 ? NULL : a->buffers[0];
    c.value = a->n_buffers > 1 ? a->buffers[1] : NULL;
    c.text = a->n_buffers > 2 ? a->buffers[2] : NULL;
    return c;
}
static inline cells cells_open(const column_ref *c, const struct ArrowArray *batch)
{
    return cells_of(batch->children[c->index], c->type, c->decimals, batch->offset);
}
static inline cells cells_items(const column_ref *c, const struct ArrowArray *batch)
{
    return cells_of(batch->children[c->index]->children[0], c->item, 0, 0);
}

static inline int cell_bit(const void *bits, int64_t i)
{
    return ((const uint8_t *)bits)[i >> 3] >> (i & 7) & 1;
}
static inline int cell_null(const cells *c, int64_t i)
{
    return c->type == ARROW_NULL || (c->valid && !cell_bit(c->valid, i + c->offset));
}
static inline view cell_text(const cells *c, int64_t i)
{
    i += c->offset;
    if (c->type == ARROW_UTF8 || c->type == ARROW_BINARY) {
        const int32_t *o = c->value;
        return view_of(c->text + o[i], (size_t)(o[i + 1] - o[i]));
    }
    const int64_t *o = c->value;
    return view_of(c->text + o[i], (size_t)(o[i + 1] - o[i]));
}
static inline void cell_range(const cells *c, int64_t i, int64_t *begin, int64_t *end)
{
    i += c->offset;
    if (c->type == ARROW_LIST) {
        *begin = ((const int32_t *)c->value)[i];
        *end = ((const int32_t *)c->value)[i + 1];
    } else if (c->type == ARROW_LARGE_LIST) {
        *begin = ((const int64_t *)c->value)[i];
        *end = ((const int64_t *)c->value)[i + 1];
    } else { /* a single value is a list of one */
        *begin = i - c->offset;
        *end = *begin + 1;
    }
}
/* Integers, bool and dates; an unsigned 64-bit value comes as its bits. */
static inline int64_t cell_i64(const cells *c, int64_t i)
{
    i += c->offset;
    switch (c->type) {
    case ARROW_BOOL: return cell_bit(c->value, i);
    case ARROW_I8: return ((const int8_t *)c->value)[i];
    case ARROW_U8: return ((const uint8_t *)c->value)[i];
    case ARROW_I16: return ((const int16_t *)c->value)[i];
    case ARROW_U16: return ((const uint16_t *)c->value)[i];
    case ARROW_I32: case ARROW_DATE32: return ((const int32_t *)c->value)[i];
    case ARROW_U32: return ((const uint32_t *)c->value)[i];
    default: return ((const int64_t *)c->value)[i];
    }
}
static inline double cell_decimal(const cells *c, int64_t i)
{
    __int128 v;
    memcpy(&v, (const char *)c->value + (i + c->offset) * 16, sizeof v);
    double x = (double)v, power = 1;
    for (int d = c->decimals < 0 ? -c->decimals : c->decimals; d > 0; d--)
        power *= 10;
    return c->decimals < 0 ? x * power : x / power;
}
/* The first of the cells [i, end) of whole numbers that holds v, or end. */
static inline int64_t cell_next(const cells *c, int64_t i, int64_t end, int64_t v)
{
    if (c->type == ARROW_I32 && !c->valid) {
        const int32_t *p = (const int32_t *)c->value + c->offset;
        while (i < end && p[i] != v)
            i++;
        return i;
    }
    while (i < end && (cell_null(c, i) || cell_i64(c, i) != v))
        i++;
    return i;
}
/* Numbers; text is not one. */
static inline double cell_f64(const cells *c, int64_t i)
{
    switch (c->type) {
    case ARROW_F32: return ((const float *)c->value)[i + c->offset];
    case ARROW_F64: return ((const double *)c->value)[i + c->offset];
    case ARROW_U64: return (double)(uint64_t)cell_i64(c, i);
    case ARROW_DECIMAL128: return cell_decimal(c, i);
    default: return (double)cell_i64(c, i);
    }
}

static inline view cell_decimal_text(uint64_t magnitude, int negative, char *scratch)
{
    char *end = scratch + CELL_SCRATCH, *p = end;
    do {
        *--p = (char)('0' + magnitude % 10);
        magnitude /= 10;
    } while (magnitude);
    if (negative)
        *--p = '-';
    return view_of(p, (size_t)(end - p));
}

static inline view cell_integer_text(int64_t v, char *scratch)
{
    return cell_decimal_text(v < 0 ? 0 - (uint64_t)v : (uint64_t)v, v < 0, scratch);
}

/* The bytes whose hash is the key: text as it is, whole numbers in decimal, so that 7 and "7" are one category. Nothing
 * (n = 0) for missing: null, NaN, empty text. 0, or SHOAL_DATA for a number that is not whole. */
static inline int cell_category(const cells *c, int64_t i, char *scratch, view *out)
{
    *out = view_of(NULL, 0);
    if (cell_null(c, i))
        return 0;
    switch (c->type) {
    case ARROW_UTF8: case ARROW_LARGE_UTF8: case ARROW_BINARY: case ARROW_LARGE_BINARY:
        *out = cell_text(c, i);
        return 0;
    case ARROW_F32: case ARROW_F64: {
        double x = cell_f64(c, i);
        if (x != x)
            return 0;
        if (!(x >= -0x1p53 && x <= 0x1p53) || x != (double)(int64_t)x)
            return SHOAL_DATA;
        *out = cell_integer_text((int64_t)x, scratch);
        return 0;
    }
    case ARROW_U64:
        *out = cell_decimal_text((uint64_t)cell_i64(c, i), 0, scratch);
        return 0;
    default:
        *out = cell_integer_text(cell_i64(c, i), scratch);
        return 0;
    }
}

static inline int cell_type_is_category(enum arrow_type t)
{
    return arrow_type_is_text(t) || arrow_type_is_int(t) || arrow_type_is_float(t) || t == ARROW_BOOL ||
           t == ARROW_DATE32 || t == ARROW_NULL;
}
static inline int cell_type_is_number(enum arrow_type t)
{
    return arrow_type_is_int(t) || arrow_type_is_float(t) || t == ARROW_BOOL || t == ARROW_DECIMAL128 ||
           arrow_type_is_text(t) || t == ARROW_NULL;
}

#endif
