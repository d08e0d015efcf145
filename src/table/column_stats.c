#include "table/column_stats.h"

#include <string.h>

#include "base/mem.h"
#include "table/arrow_bits.h"

typedef struct column {
    const struct ArrowSchema *field; /* in the copy of the schema */
    enum arrow_type leaf;
    uint64_t nulls, values;
    int64_t low, high;
    double low_real, high_real;
    buf low_text, high_text;
    uint64_t low_key, high_key; /* of the texts: text_key */
    int has_range;
} column;

struct column_stats {
    struct ArrowSchema schema;
    column *column;
};

int column_stats_new(const struct ArrowSchema *schema, column_stats **out, shoal_error *err)
{
    *out = NULL;
    column_stats *s = mem_calloc(1, sizeof *s);
    if (!s) return error_nomem(err, sizeof *s, "statistics of columns");
    int r = arrow_schema_copy(schema, &s->schema, err);
    if (r == 0 && !(s->column = mem_calloc((size_t)schema->n_children + 1, sizeof *s->column)))
        r = error_nomem(err, (size_t)schema->n_children * sizeof *s->column, "statistics of columns");
    for (int64_t i = 0; r == 0 && i < schema->n_children; i++) {
        const struct ArrowSchema *leaf = s->column[i].field = s->schema.children[i];
        while (arrow_type_is_list(arrow_type_of(leaf))) leaf = leaf->children[0];
        s->column[i].leaf = arrow_type_of(leaf);
    }
    if (r < 0) {
        column_stats_free(s);
        return r;
    }
    *out = s;
    return 0;
}

void column_stats_free(column_stats *s)
{
    if (!s) return;
    for (int64_t i = 0; s->column && i < s->schema.n_children; i++) {
        buf_release(&s->column[i].low_text);
        buf_release(&s->column[i].high_text);
    }
    mem_free(s->column);
    if (s->schema.release) s->schema.release(&s->schema);
    mem_free(s);
}

/* ---- ranges of values: [begin, end) of an array without nulls -------------------------------------------------- */

static void widen(column *c, int64_t low, int64_t high)
{
    if (!c->has_range || low < c->low) c->low = low;
    if (!c->has_range || high > c->high) c->high = high;
    c->has_range = 1;
}

#define RANGE_OF(name, type)                                                                  \
    static void name(column *c, const struct ArrowArray *a, int64_t begin, int64_t end)       \
    {                                                                                         \
        const char *p = (const char *)a->buffers[1] + a->offset * (int64_t)sizeof(type);      \
        type low = LOAD(type, p, begin), high = low;                                          \
        for (int64_t i = begin + 1; i < end; i++) {                                           \
            type v = LOAD(type, p, i);                                                        \
            low = v < low ? v : low;                                                          \
            high = v > high ? v : high;                                                       \
        }                                                                                     \
        widen(c, (int64_t)low, (int64_t)high);                                                \
    }
RANGE_OF(range_i8, int8_t)
RANGE_OF(range_u8, uint8_t)
RANGE_OF(range_i16, int16_t)
RANGE_OF(range_u16, uint16_t)
RANGE_OF(range_i32, int32_t)
RANGE_OF(range_u32, uint32_t)
RANGE_OF(range_i64, int64_t)

static void range_bool(column *c, const struct ArrowArray *a, int64_t begin, int64_t end)
{
    for (int64_t i = begin; i < end; i++) {
        int64_t v = arrow_i64(ARROW_BOOL, a, i);
        widen(c, v, v);
    }
}

/* Comparisons with NaN are false: it changes nothing. */
#define RANGE_OF_REAL(name, type)                                                             \
    static void name(column *c, const struct ArrowArray *a, int64_t begin, int64_t end)       \
    {                                                                                         \
        const char *p = (const char *)a->buffers[1] + a->offset * (int64_t)sizeof(type);      \
        while (begin < end && LOAD(type, p, begin) != LOAD(type, p, begin)) begin++;          \
        if (begin == end) return;                                                             \
        type low = LOAD(type, p, begin), high = low;                                          \
        for (int64_t i = begin + 1; i < end; i++) {                                           \
            type v = LOAD(type, p, i);                                                        \
            low = v < low ? v : low;                                                          \
            high = v > high ? v : high;                                                       \
        }                                                                                     \
        if (!c->has_range || (double)low < c->low_real) c->low_real = (double)low;            \
        if (!c->has_range || (double)high > c->high_real) c->high_real = (double)high;        \
        c->has_range = 1;                                                                     \
    }
RANGE_OF_REAL(range_f32, float)
RANGE_OF_REAL(range_f64, double)

/* The first eight bytes as a number: texts with different keys compare as their keys do. `readable`: bytes from p on, v's and
 * those behind it. */
static inline uint64_t text_key(const char *p, size_t n, int64_t readable)
{
    uint64_t key = 0;
    if (n == 0) return 0;
    if (readable >= 8) memcpy(&key, p, 8);
    else memcpy(&key, p, n);
    return __builtin_bswap64(key & low_bits(8 * (int64_t)(n < 8 ? n : 8)));
}

static int text_compare(view a, const buf *b)
{
    size_t n = a.n < b->len ? a.n : b->len;
    int c = n > 0 ? memcmp(a.p, b->data, n) : 0;
    return c != 0 ? c : a.n < b->len ? -1 : a.n > b->len;
}

static int text_set(buf *b, uint64_t *key, view v, uint64_t key_of_v, shoal_error *err)
{
    buf_clear(b);
    *key = key_of_v;
    return buf_append(b, v.p, v.n, err);
}

static int widen_text(column *c, view v, uint64_t key, shoal_error *err)
{
    int r = 0;
    if (!c->has_range || text_compare(v, &c->low_text) < 0) r = text_set(&c->low_text, &c->low_key, v, key, err);
    if (r == 0 && (!c->has_range || text_compare(v, &c->high_text) > 0)) r = text_set(&c->high_text, &c->high_key, v, key, err);
    c->has_range = 1;
    return r;
}

/* Of 64 rows from `first` on. */
static int range_text(column *c, const struct ArrowArray *a, int64_t first, uint64_t rows, shoal_error *err)
{
    const int is_wide = arrow_offset_bytes(c->leaf) == 8;
    const char *offsets = a->buffers[1], *bytes = a->buffers[2];
    const int64_t last = a->offset + a->length, total = is_wide ? LOAD(int64_t, offsets, last) : LOAD(int32_t, offsets, last);
    c->values += (uint64_t)__builtin_popcountll(rows);
    EACH_BIT(i, rows)
    {
        const int64_t k = first + a->offset + (int64_t)i;
        const int64_t at = is_wide ? LOAD(int64_t, offsets, k) : LOAD(int32_t, offsets, k);
        const view v = view_of(bytes ? bytes + at : "", (size_t)((is_wide ? LOAD(int64_t, offsets, k + 1) : LOAD(int32_t, offsets, k + 1)) - at));
        const uint64_t key = text_key(v.p, v.n, total - at);
        if (c->has_range && key > c->low_key && key < c->high_key) continue;
        const int r = widen_text(c, v, key, err);
        if (r < 0) return r;
    }
    return 0;
}

static void add_range(column *c, const struct ArrowArray *a, int64_t begin, int64_t end)
{
    c->values += (uint64_t)(end - begin);
    if (begin == end) return;
    switch (c->leaf) {
    case ARROW_BOOL: range_bool(c, a, begin, end); return;
    case ARROW_I8: range_i8(c, a, begin, end); return;
    case ARROW_U8: range_u8(c, a, begin, end); return;
    case ARROW_I16: range_i16(c, a, begin, end); return;
    case ARROW_U16: range_u16(c, a, begin, end); return;
    case ARROW_I32:
    case ARROW_DATE32: range_i32(c, a, begin, end); return;
    case ARROW_U32: range_u32(c, a, begin, end); return;
    case ARROW_I64:
    case ARROW_U64: /* a file holds none above 2^63 - 1 */
    case ARROW_TIMESTAMP:
    case ARROW_TIME: range_i64(c, a, begin, end); return;
    case ARROW_F32: range_f32(c, a, begin, end); return;
    case ARROW_F64: range_f64(c, a, begin, end); return;
    default: return;
    }
}

/* ---- rows ---------------------------------------------------------------------------------------------------------------- */

static int add_rows(column *c, const struct ArrowSchema *field, const struct ArrowArray *a, int64_t begin, int64_t end, shoal_error *err);

/* Rows [begin, end) without a null among them, of numbers or lists. */
static int add_whole(column *c, const struct ArrowSchema *field, enum arrow_type t, const struct ArrowArray *a, int64_t begin, int64_t end, shoal_error *err)
{
    if (begin == end) return 0;
    if (!arrow_type_is_list(t)) {
        add_range(c, a, begin, end);
        return 0;
    }
    int64_t first, last, unused;
    arrow_list(t, a, begin, &first, &unused);
    arrow_list(t, a, end - 1, &unused, &last);
    return add_rows(c, field->children[0], a->children[0], first, last, err);
}

static int add_rows(column *c, const struct ArrowSchema *field, const struct ArrowArray *a, int64_t begin, int64_t end, shoal_error *err)
{
    const enum arrow_type t = arrow_type_of(field);
    int r = 0;
    if (t == ARROW_NULL || begin == end) return 0;
    if (!arrow_type_is_text(t) && (a->null_count == 0 || !a->buffers[0])) return add_whole(c, field, t, a, begin, end, err);
    for (int64_t first = begin; r == 0 && first < end; first += 64) {
        uint64_t rows = arrow_present(a, first, end - first < 64 ? end - first : 64);
        if (arrow_type_is_text(t)) {
            r = range_text(c, a, first, rows, err);
            continue;
        }
        while (r == 0 && rows != 0) {
            const int64_t from = __builtin_ctzll(rows), left = (int64_t)(~(rows >> from) == 0 ? 64 : __builtin_ctzll(~(rows >> from)));
            r = add_whole(c, field, t, a, first + from, first + from + left, err);
            rows &= ~(low_bits(left) << from);
        }
    }
    return r;
}

static uint64_t count_nulls(enum arrow_type t, const struct ArrowArray *a)
{
    uint64_t n = (uint64_t)a->length;
    if (t == ARROW_NULL) return n;
    if (a->null_count == 0 || !a->buffers[0]) return 0;
    for (int64_t i = 0; i < a->length; i += 64) n -= (uint64_t)__builtin_popcountll(arrow_present(a, i, a->length - i < 64 ? a->length - i : 64));
    return n;
}

int column_stats_add(column_stats *s, const struct ArrowArray *batch, int64_t begin, int64_t end, shoal_error *err)
{
    int r = 0;
    for (int64_t i = begin; r == 0 && i < end; i++) {
        column *c = &s->column[i];
        c->nulls += count_nulls(arrow_type_of(c->field), batch->children[i]);
        r = add_rows(c, c->field, batch->children[i], 0, batch->length, err);
    }
    return r;
}

/* ---- the end -------------------------------------------------------------------------------------------------------------- */

static int bound_text(index_bound *b, const buf *text, shoal_error *err)
{
    b->text = mem_strndup((const char *)text->data, text->len);
    b->text_n = text->len;
    return b->text ? 0 : error_nomem(err, text->len, "a text");
}

static int set_range(const column *c, index_feature *f, shoal_error *err)
{
    if (!c->has_range) return 0;
    if (arrow_type_is_text(c->leaf)) {
        if (c->low_text.len > INDEX_TEXT_MAX || c->high_text.len > INDEX_TEXT_MAX) return 0;
        f->range = INDEX_RANGE_TEXT;
        int r = bound_text(&f->low, &c->low_text, err);
        return r < 0 ? r : bound_text(&f->high, &c->high_text, err);
    }
    f->range = arrow_type_is_float(c->leaf) ? INDEX_RANGE_F64 : INDEX_RANGE_I64;
    f->low = (index_bound){.i64 = c->low, .f64 = c->low_real};
    f->high = (index_bound){.i64 = c->high, .f64 = c->high_real};
    return 0;
}

int column_stats_finish(const column_stats *s, record_index *x, shoal_error *err)
{
    char type[160];
    int r = record_index_set_features(x, (size_t)s->schema.n_children, err);
    for (int64_t i = 0; r == 0 && i < s->schema.n_children; i++) {
        const column *c = &s->column[i];
        index_feature *f = &x->feature[i];
        f->name = mem_strdup(c->field->name);
        f->type = mem_strdup(arrow_type_name(c->field, type, sizeof type));
        if (!f->name || !f->type) return error_nomem(err, 0, "a feature of an index");
        if (arrow_type_is_list(arrow_type_of(c->field)) && arrow_type_is_list(arrow_type_of(c->field->children[0]))) x->type = RECORD_SEQUENCE;
        f->nullable = (c->field->flags & ARROW_FLAG_NULLABLE) != 0;
        f->nulls = c->nulls;
        f->values = c->values;
        r = set_range(c, f, err);
    }
    return r;
}
