/* arrow_array.c: checking arrays of others, in every encoding that arrow.h names, and weighing arrays. */
#include <string.h>

#include "base/mem.h"
#include "table/arrow.h"

#define DEPTH_MAX 16
#define ROWS_MAX (INT64_MAX / 64)

static int is_view(enum arrow_type t) { return t == ARROW_UTF8_VIEW || t == ARROW_BINARY_VIEW; }
static int is_list_view(enum arrow_type t) { return t == ARROW_LIST_VIEW || t == ARROW_LARGE_LIST_VIEW; }

/* Of an array of a type; of text views at least as many. */
static int64_t buffers_of(enum arrow_type t)
{
    if (t == ARROW_NULL) return 0;
    if (t == ARROW_STRUCT || t == ARROW_FIXED_LIST) return 1;
    return arrow_type_is_text(t) || is_view(t) || is_list_view(t) ? 3 : 2;
}

/* Also of the sizes of list views. */
static int64_t offset_at(enum arrow_type t, const void *p, int64_t i)
{
    if (arrow_offset_bytes(t) == 8) {
        int64_t v;
        memcpy(&v, (const char *)p + 8 * i, 8);
        return v;
    }
    int32_t v;
    memcpy(&v, (const char *)p + 4 * i, 4);
    return v;
}

/* ---- checking ----------------------------------------------------------------------------------------------------- */

static int bad(shoal_error *err, const struct ArrowSchema *s, const char *what)
{
    return error_set(err, SHOAL_DATA, "Arrow column '%s': %s", s->name ? s->name : "", what);
}

/* Offsets rise from at least 0; *last is the end of the data that they reach. */
static int check_offsets(enum arrow_type t, const struct ArrowSchema *s, const struct ArrowArray *a, int64_t *last, shoal_error *err)
{
    *last = 0;
    if (a->length == 0) return 0;
    if (!a->buffers[1]) return bad(err, s, "its offsets are missing");
    int64_t before = offset_at(t, a->buffers[1], a->offset);
    if (before < 0) return bad(err, s, "an offset is negative");
    for (int64_t i = 1; i <= a->length; i++) {
        int64_t at = offset_at(t, a->buffers[1], a->offset + i);
        if (at < before) return bad(err, s, "its offsets do not rise");
        before = at;
    }
    *last = before;
    return 0;
}

static int not_utf8(const struct ArrowSchema *s, int64_t row, shoal_error *err)
{
    return error_set(err, SHOAL_DATA, "Arrow column '%s', row %lld of the batch: text that is not UTF-8; pass binary for bytes",
                     s->name ? s->name : "", (long long)row);
}

static int check_utf8(enum arrow_type t, const struct ArrowSchema *s, const struct ArrowArray *a, int64_t last, shoal_error *err)
{
    if (a->length == 0) return 0;
    int64_t first = offset_at(t, a->buffers[1], a->offset);
    const char *bytes = a->buffers[2];
    int whole = view_is_utf8(view_of(first == last ? "" : bytes + first, (size_t)(last - first)));
    for (int64_t i = 0; i < a->length; i++) {
        view v = arrow_text(t, a, i);
        int fine = whole ? v.n == 0 || ((uint8_t)v.p[0] & 0xc0) != 0x80 : arrow_is_null(a, i) || view_is_utf8(v);
        if (!fine) return not_utf8(s, i, err);
    }
    return 0;
}

/* A view lies within its buffer, whose size the last buffer holds. */
static int check_views(enum arrow_type t, const struct ArrowSchema *s, const struct ArrowArray *a, shoal_error *err)
{
    int64_t n_data = a->n_buffers - 3;
    const int64_t *sizes = a->buffers[a->n_buffers - 1];
    if (n_data > 0 && !sizes) return bad(err, s, "the sizes of its buffers are missing");
    for (int64_t i = 0; i < a->length; i++) {
        if (arrow_is_null(a, i)) continue;
        int32_t v[4];
        memcpy(v, (const char *)a->buffers[1] + 16 * (a->offset + i), 16);
        if (v[0] < 0) return bad(err, s, "the length of a view is negative");
        if (v[0] > ARROW_VIEW_INLINE) {
            int64_t size;
            if (v[2] < 0 || v[2] >= n_data || v[3] < 0) return bad(err, s, "a view names a buffer that is not there");
            memcpy(&size, (const char *)sizes + 8 * v[2], 8);
            if ((int64_t)v[3] + v[0] > size || !a->buffers[2 + v[2]]) return bad(err, s, "a view reaches behind its buffer");
        }
        if (t == ARROW_UTF8_VIEW && !view_is_utf8(arrow_text_view(a, i))) return not_utf8(s, i, err);
    }
    return 0;
}

static int check_list_views(enum arrow_type t, const struct ArrowSchema *s, const struct ArrowArray *a, shoal_error *err)
{
    if (a->length > 0 && (!a->buffers[1] || !a->buffers[2])) return bad(err, s, "its offsets are missing");
    for (int64_t i = 0; i < a->length; i++) {
        if (arrow_is_null(a, i)) continue;
        int64_t at = offset_at(t, a->buffers[1], a->offset + i), n = offset_at(t, a->buffers[2], a->offset + i);
        if (at < 0 || n < 0 || n > a->children[0]->length || at > a->children[0]->length - n) return bad(err, s, "a list reaches behind its items");
    }
    return 0;
}

static int check(const struct ArrowSchema *s, const struct ArrowArray *a, int depth, shoal_error *err);

static int check_dictionary(const struct ArrowSchema *s, const struct ArrowArray *a, int depth, shoal_error *err)
{
    enum arrow_type index = arrow_type_of_format(s->format);
    if (!arrow_type_is_int(index)) return bad(err, s, "the indices of a dictionary are no integers");
    if (!a->dictionary) return bad(err, s, "its dictionary is missing");
    if (a->n_buffers != 2 || !a->buffers || (a->length > 0 && !a->buffers[1])) return bad(err, s, "its values are missing");
    if (a->null_count > 0 && !a->buffers[0]) return bad(err, s, "it has nulls but no validity buffer");
    int r = check(s->dictionary, a->dictionary, depth + 1, err);
    for (int64_t i = 0; r == 0 && i < a->length; i++) {
        if (arrow_is_null(a, i)) continue;
        int64_t v = arrow_i64(index, a, i);
        if (v < 0 || v >= a->dictionary->length) r = bad(err, s, "an index is outside of the dictionary");
    }
    return r;
}

static int check_shape(enum arrow_type t, const struct ArrowSchema *s, const struct ArrowArray *a, shoal_error *err)
{
    if (!a->release) return bad(err, s, "its array was released");
    if (a->length < 0 || a->offset < 0 || a->length > ROWS_MAX || a->offset > ROWS_MAX) return bad(err, s, "its length or offset is out of range");
    if (a->null_count < -1 || a->null_count > a->length) return bad(err, s, "its count of nulls is out of range");
    if (a->n_children != s->n_children) return bad(err, s, "it has another number of children than its schema");
    if (a->n_children > 0 && (!a->children || !s->children)) return bad(err, s, "its children are missing");
    for (int64_t i = 0; i < a->n_children; i++)
        if (!a->children[i] || !s->children[i]) return bad(err, s, "a child is missing");
    if (t == ARROW_OTHER || t == ARROW_DICTIONARY) return 0;
    if (t == ARROW_NULL && a->n_buffers == 1) return 0; /* polars: a validity buffer, which says nothing */
    if (a->n_buffers != buffers_of(t) && !(is_view(t) && a->n_buffers > 3)) return bad(err, s, "its number of buffers does not fit its type");
    if (a->n_buffers > 0 && !a->buffers) return bad(err, s, "its buffers are missing");
    if (a->n_buffers > 0 && a->null_count > 0 && !a->buffers[0]) return bad(err, s, "it has nulls but no validity buffer");
    int has_values = arrow_value_bytes(t) > 0 || t == ARROW_BOOL || (t == ARROW_FIXED_BINARY && arrow_fixed_size(s) > 0);
    if (has_values && a->length > 0 && !a->buffers[1]) return bad(err, s, "its values are missing");
    if ((arrow_type_is_list(t) || is_list_view(t) || t == ARROW_FIXED_LIST || t == ARROW_MAP) && s->n_children != 1)
        return bad(err, s, "a list needs one child");
    if (t == ARROW_MAP && (s->children[0]->n_children != 2 || arrow_type_of(s->children[0]) != ARROW_STRUCT)) return bad(err, s, "a map needs keys and values");
    return 0;
}

/* What is in the array itself; *last is the number of rows that its children must have. */
static int check_content(enum arrow_type t, const struct ArrowSchema *s, const struct ArrowArray *a, int64_t *last, shoal_error *err)
{
    int r = 0;
    if (is_view(t)) return check_views(t, s, a, err);
    if (is_list_view(t)) return check_list_views(t, s, a, err);
    if (t == ARROW_STRUCT) *last = a->offset + a->length;
    if (t == ARROW_FIXED_LIST) {
        int64_t size = arrow_fixed_size(s);
        if (size > 0 && a->offset + a->length > ROWS_MAX / size) return bad(err, s, "its length or offset is out of range");
        *last = (a->offset + a->length) * size;
    }
    if (arrow_offset_bytes(t) == 0) return 0;
    if ((r = check_offsets(t, s, a, last, err)) < 0) return r;
    if (arrow_type_is_text(t) && *last > 0 && !a->buffers[2]) return bad(err, s, "its bytes are missing");
    if (t == ARROW_UTF8 || t == ARROW_LARGE_UTF8) r = check_utf8(t, s, a, *last, err);
    return r;
}

static int check(const struct ArrowSchema *s, const struct ArrowArray *a, int depth, shoal_error *err)
{
    enum arrow_type t = arrow_type_of(s);
    if (depth > DEPTH_MAX) return bad(err, s, "it is nested too deeply");
    int r = check_shape(t, s, a, err);
    if (r < 0 || t == ARROW_OTHER) return r;
    if (t == ARROW_DICTIONARY) return check_dictionary(s, a, depth, err);
    int64_t last = 0;
    if ((r = check_content(t, s, a, &last, err)) < 0) return r;
    for (int64_t i = 0; i < s->n_children; i++) {
        if ((r = check(s->children[i], a->children[i], depth + 1, err)) < 0) return r;
        if (a->children[i]->length < last) return bad(err, s->children[i], "it is shorter than its parent says");
    }
    return 0;
}

int arrow_array_check(const struct ArrowSchema *schema, const struct ArrowArray *array, shoal_error *err)
{
    return check(schema, array, 0, err);
}

/* ---- weighing ----------------------------------------------------------------------------------------------------- */

static uint64_t bytes_of(const struct ArrowSchema *s, const struct ArrowArray *a, int64_t from, int64_t n)
{
    enum arrow_type t = arrow_type_of(s);
    int64_t at = a->offset + from, begin = at, end = at + n;
    uint64_t total = (uint64_t)((n + 7) / 8 + n * arrow_value_bytes(t));
    if (n == 0 || t == ARROW_OTHER || t >= ARROW_DICTIONARY) return 0;
    if (arrow_offset_bytes(t) > 0) {
        begin = offset_at(t, a->buffers[1], at);
        end = offset_at(t, a->buffers[1], at + n);
        total += (uint64_t)(n * arrow_offset_bytes(t)) + (arrow_type_is_text(t) ? (uint64_t)(end - begin) : 0);
    }
    for (int64_t i = 0; i < s->n_children; i++) total += bytes_of(s->children[i], a->children[i], begin, end - begin);
    return total;
}

uint64_t arrow_array_bytes(const struct ArrowSchema *schema, const struct ArrowArray *a)
{
    return bytes_of(schema, a, 0, a->length);
}
