/* arrow_array.c: checking arrays of others, and copying arrays. */
#include <string.h>

#include "base/mem.h"
#include "table/arrow.h"

#define DEPTH_MAX 16
#define ROWS_MAX (INT64_MAX / 64)

/* Bytes of one value in buffer 1, 0 where there is no such buffer or values are bits. */
static int64_t value_bytes(enum arrow_type t)
{
    switch (t) {
    case ARROW_I8:
    case ARROW_U8: return 1;
    case ARROW_I16:
    case ARROW_U16: return 2;
    case ARROW_I32:
    case ARROW_U32:
    case ARROW_F32:
    case ARROW_DATE32: return 4;
    case ARROW_I64:
    case ARROW_U64:
    case ARROW_F64:
    case ARROW_TIMESTAMP:
    case ARROW_TIME: return 8;
    case ARROW_DECIMAL128: return 16;
    default: return 0;
    }
}

static int offset_bytes(enum arrow_type t)
{
    if (t == ARROW_UTF8 || t == ARROW_BINARY || t == ARROW_LIST) return 4;
    if (t == ARROW_LARGE_UTF8 || t == ARROW_LARGE_BINARY || t == ARROW_LARGE_LIST) return 8;
    return 0;
}

static int64_t buffers_of(enum arrow_type t)
{
    if (t == ARROW_NULL) return 0;
    if (t == ARROW_STRUCT) return 1;
    return arrow_type_is_text(t) ? 3 : 2;
}

static int64_t offset_at(enum arrow_type t, const void *p, int64_t i)
{
    if (offset_bytes(t) == 8) {
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

static int check_utf8(enum arrow_type t, const struct ArrowSchema *s, const struct ArrowArray *a, int64_t last, shoal_error *err)
{
    if (a->length == 0) return 0;
    int64_t first = offset_at(t, a->buffers[1], a->offset);
    const char *bytes = a->buffers[2];
    int whole = view_is_utf8(view_of(first == last ? "" : bytes + first, (size_t)(last - first)));
    for (int64_t i = 0; i < a->length; i++) {
        view v = arrow_text(t, a, i);
        int fine = whole ? v.n == 0 || ((uint8_t)v.p[0] & 0xc0) != 0x80 : arrow_is_null(a, i) || view_is_utf8(v);
        if (!fine)
            return error_set(err, SHOAL_DATA, "Arrow column '%s', row %lld of the batch: text that is not UTF-8; pass binary for bytes",
                             s->name ? s->name : "", (long long)i);
    }
    return 0;
}

static int check_shape(enum arrow_type t, const struct ArrowSchema *s, const struct ArrowArray *a, shoal_error *err)
{
    if (!a->release) return bad(err, s, "its array was released");
    if (a->length < 0 || a->offset < 0 || a->length > ROWS_MAX || a->offset > ROWS_MAX) return bad(err, s, "its length or offset is out of range");
    if (a->null_count < -1 || a->null_count > a->length) return bad(err, s, "its count of nulls is out of range");
    if (a->n_children != s->n_children) return bad(err, s, "it has another number of children than its schema");
    if (a->n_children > 0 && !a->children) return bad(err, s, "its children are missing");
    if (t == ARROW_OTHER) return 0;
    if (a->n_buffers != buffers_of(t)) return bad(err, s, "its number of buffers does not fit its type");
    if (a->n_buffers > 0 && !a->buffers) return bad(err, s, "its buffers are missing");
    if (a->n_buffers > 0 && a->null_count > 0 && !a->buffers[0]) return bad(err, s, "it has nulls but no validity buffer");
    if ((value_bytes(t) > 0 || t == ARROW_BOOL) && a->length > 0 && !a->buffers[1]) return bad(err, s, "its values are missing");
    return 0;
}

static int check(const struct ArrowSchema *s, const struct ArrowArray *a, int depth, shoal_error *err)
{
    enum arrow_type t = arrow_type_of(s);
    if (depth > DEPTH_MAX) return bad(err, s, "it is nested too deeply");
    int r = check_shape(t, s, a, err);
    if (r < 0 || t == ARROW_OTHER) return r;
    int64_t last = 0;
    if (offset_bytes(t) > 0) {
        if ((r = check_offsets(t, s, a, &last, err)) < 0) return r;
        if (arrow_type_is_text(t) && last > 0 && !a->buffers[2]) return bad(err, s, "its bytes are missing");
        if ((t == ARROW_UTF8 || t == ARROW_LARGE_UTF8) && (r = check_utf8(t, s, a, last, err)) < 0) return r;
    }
    if (arrow_type_is_list(t) && s->n_children != 1) return bad(err, s, "a list needs one child");
    if (t == ARROW_STRUCT) last = a->offset + a->length;
    for (int64_t i = 0; i < s->n_children; i++) {
        if (!a->children[i]) return bad(err, s, "a child is missing");
        if (!s->children || !s->children[i]) return bad(err, s, "its schema lacks a child");
        if ((r = check(s->children[i], a->children[i], depth + 1, err)) < 0) return r;
        if (a->children[i]->length < last) return bad(err, s->children[i], "it is shorter than its parent says");
    }
    return 0;
}

int arrow_array_check(const struct ArrowSchema *schema, const struct ArrowArray *array, shoal_error *err)
{
    return check(schema, array, 0, err);
}

/* ---- copying ------------------------------------------------------------------------------------------------------ */

typedef struct copy_nodes { const void *buffers[3]; } copy_nodes;

static void copy_release(struct ArrowArray *a)
{
    copy_nodes *own = a->private_data;
    for (int64_t i = 0; a->children && i < a->n_children; i++) {
        if (a->children[i] && a->children[i]->release) a->children[i]->release(a->children[i]);
        mem_free(a->children[i]);
    }
    for (int i = 0; own && i < 3; i++) mem_free((void *)own->buffers[i]);
    mem_free(own);
    mem_free(a->children);
    memset(a, 0, sizeof *a);
}

static void *copied(const void *from, size_t n)
{
    void *p = mem_alloc(n > 0 ? n : 1);
    if (p && n > 0) memcpy(p, from, n);
    return p;
}

/* Bits [offset, offset + n) to the front of a new buffer. */
static void *copied_bits(const uint8_t *from, int64_t offset, int64_t n)
{
    uint8_t *p = mem_calloc((size_t)(n + 7) / 8 + 1, 1);
    if (p && (offset & 7) == 0) memcpy(p, from + offset / 8, (size_t)(n + 7) / 8);
    else
        for (int64_t i = 0; p && i < n; i++)
            if (from[(offset + i) >> 3] >> ((offset + i) & 7) & 1) p[i >> 3] |= (uint8_t)(1u << (i & 7));
    return p;
}

/* Offsets that start at 0, and the bytes or range that they speak of. */
static void *copied_offsets(enum arrow_type t, const struct ArrowArray *a, int64_t from, int64_t n, int64_t *begin, int64_t *end)
{
    int width = offset_bytes(t);
    *begin = n > 0 ? offset_at(t, a->buffers[1], from) : 0;
    *end = n > 0 ? offset_at(t, a->buffers[1], from + n) : 0;
    char *p = mem_calloc((size_t)n + 1, (size_t)width);
    for (int64_t i = 0; p && n > 0 && i <= n; i++) {
        int64_t v = offset_at(t, a->buffers[1], from + i) - *begin;
        int32_t v32 = (int32_t)v;
        memcpy(p + i * width, width == 8 ? (const void *)&v : (const void *)&v32, (size_t)width);
    }
    return p;
}

static int copy(const struct ArrowSchema *s, const struct ArrowArray *in, int64_t from, int64_t n, struct ArrowArray *out, shoal_error *err)
{
    enum arrow_type t = arrow_type_of(s);
    memset(out, 0, sizeof *out);
    out->release = copy_release;
    copy_nodes *own = out->private_data = mem_calloc(1, sizeof *own);
    if (!own) goto nomem;
    char name[96];
    if (t == ARROW_OTHER)
        return error_set(err, SHOAL_DATA, "column '%s' has the type %s, which cannot be written; leave it out or cast it by --sql",
                         s->name, arrow_type_name(s, name, sizeof name));
    out->buffers = own->buffers;
    out->n_buffers = buffers_of(t);
    out->length = n;
    int64_t at = in->offset + from, begin = at, end = at + n;
    if (out->n_buffers > 0 && in->null_count != 0 && in->buffers[0]) {
        if (!(own->buffers[0] = copied_bits(in->buffers[0], at, n))) goto nomem;
        out->null_count = -1;
    }
    if (t == ARROW_NULL) out->null_count = n;
    if (t == ARROW_BOOL) own->buffers[1] = n > 0 ? copied_bits(in->buffers[1], at, n) : copied(NULL, 0);
    else if (value_bytes(t) > 0) own->buffers[1] = copied(n > 0 ? (const char *)in->buffers[1] + at * value_bytes(t) : NULL, (size_t)(n * value_bytes(t)));
    else if (offset_bytes(t) > 0) own->buffers[1] = copied_offsets(t, in, at, n, &begin, &end);
    if (out->n_buffers > 1 && !own->buffers[1]) goto nomem;
    if (out->n_buffers > 2 && !(own->buffers[2] = copied(end > begin ? (const char *)in->buffers[2] + begin : NULL, (size_t)(end - begin)))) goto nomem;
    if (s->n_children > 0 && !(out->children = mem_calloc((size_t)s->n_children, sizeof *out->children))) goto nomem;
    for (int64_t i = 0; i < s->n_children; i++) {
        if (!(out->children[i] = mem_calloc(1, sizeof **out->children))) goto nomem;
        out->n_children = i + 1;
        int r = copy(s->children[i], in->children[i], begin, end - begin, out->children[i], err);
        if (r < 0) return r;
    }
    return 0;
nomem:
    return error_nomem(err, (size_t)n * 16, "a copy of a batch");
}

int arrow_array_copy(const struct ArrowSchema *schema, const struct ArrowArray *in, struct ArrowArray *out, shoal_error *err)
{
    int r = copy(schema, in, 0, in->length, out, err);
    if (r < 0 && out->release) out->release(out);
    return r;
}

static uint64_t bytes_of(const struct ArrowSchema *s, const struct ArrowArray *a, int64_t from, int64_t n)
{
    enum arrow_type t = arrow_type_of(s);
    int64_t at = a->offset + from, begin = at, end = at + n;
    uint64_t total = (uint64_t)((n + 7) / 8 + n * value_bytes(t));
    if (n == 0 || t == ARROW_OTHER) return 0;
    if (offset_bytes(t) > 0) {
        begin = offset_at(t, a->buffers[1], at);
        end = offset_at(t, a->buffers[1], at + n);
        total += (uint64_t)(n * offset_bytes(t)) + (arrow_type_is_text(t) ? (uint64_t)(end - begin) : 0);
    }
    for (int64_t i = 0; i < s->n_children; i++) total += bytes_of(s->children[i], a->children[i], begin, end - begin);
    return total;
}

uint64_t arrow_array_bytes(const struct ArrowSchema *schema, const struct ArrowArray *a)
{
    return bytes_of(schema, a, 0, a->length);
}
