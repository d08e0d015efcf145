/* arrow_cell.c: reading cells (arrow.h). Loads go through memcpy, as callers' buffers need not be aligned. */
#include <string.h>

#include "table/arrow.h"

#define LOAD(type, buffer, at) __extension__({ type v_; memcpy(&v_, (const char *)(buffer) + (at) * (int64_t)sizeof v_, sizeof v_); v_; })

int arrow_is_null(const struct ArrowArray *a, int64_t row)
{
    if (a->n_buffers == 0) return 1; /* the null type */
    if (a->null_count == 0 || !a->buffers[0]) return 0;
    row += a->offset;
    return !(((const uint8_t *)a->buffers[0])[row >> 3] >> (row & 7) & 1);
}

int64_t arrow_i64(enum arrow_type t, const struct ArrowArray *a, int64_t row)
{
    const void *p = a->buffers[1];
    row += a->offset;
    switch (t) {
    case ARROW_BOOL: return ((const uint8_t *)p)[row >> 3] >> (row & 7) & 1;
    case ARROW_I8: return LOAD(int8_t, p, row);
    case ARROW_U8: return LOAD(uint8_t, p, row);
    case ARROW_I16: return LOAD(int16_t, p, row);
    case ARROW_U16: return LOAD(uint16_t, p, row);
    case ARROW_I32:
    case ARROW_DATE32: return LOAD(int32_t, p, row);
    case ARROW_U32: return LOAD(uint32_t, p, row);
    case ARROW_I64:
    case ARROW_U64:
    case ARROW_TIMESTAMP:
    case ARROW_TIME:
    case ARROW_DURATION: return LOAD(int64_t, p, row);
    default: return 0;
    }
}

double arrow_f64(enum arrow_type t, const struct ArrowArray *a, int64_t row)
{
    if (t == ARROW_F32) return (double)LOAD(float, a->buffers[1], row + a->offset);
    if (t == ARROW_F64) return LOAD(double, a->buffers[1], row + a->offset);
    if (t == ARROW_U64) return (double)(uint64_t)arrow_i64(t, a, row);
    return (double)arrow_i64(t, a, row);
}

view arrow_text(enum arrow_type t, const struct ArrowArray *a, int64_t row)
{
    int64_t begin, end;
    row += a->offset;
    if (t == ARROW_LARGE_UTF8 || t == ARROW_LARGE_BINARY) {
        begin = LOAD(int64_t, a->buffers[1], row);
        end = LOAD(int64_t, a->buffers[1], row + 1);
    } else {
        begin = LOAD(int32_t, a->buffers[1], row);
        end = LOAD(int32_t, a->buffers[1], row + 1);
    }
    return view_of(begin == end ? "" : (const char *)a->buffers[2] + begin, (size_t)(end - begin));
}

/* i32 length, then the bytes themselves when they are few, else i32 prefix, i32 number of the buffer, i32 offset in it. */
view arrow_text_view(const struct ArrowArray *a, int64_t row)
{
    const char *p = (const char *)a->buffers[1] + 16 * (row + a->offset);
    int32_t n = LOAD(int32_t, p, 0);
    if (n <= ARROW_VIEW_INLINE) return view_of(p + 4, (size_t)n);
    return view_of((const char *)a->buffers[2 + LOAD(int32_t, p, 2)] + LOAD(int32_t, p, 3), (size_t)n);
}

void arrow_list(enum arrow_type t, const struct ArrowArray *a, int64_t row, int64_t *begin, int64_t *end)
{
    row += a->offset;
    if (t == ARROW_LARGE_LIST) {
        *begin = LOAD(int64_t, a->buffers[1], row);
        *end = LOAD(int64_t, a->buffers[1], row + 1);
    } else {
        *begin = LOAD(int32_t, a->buffers[1], row);
        *end = LOAD(int32_t, a->buffers[1], row + 1);
    }
}
