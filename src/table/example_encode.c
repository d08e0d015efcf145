#include "table/example_encode.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "records/example.h"
#include "records/tfrecord.h"

#define ONE_BYTE 0x80u      /* lengths below take one byte of a varint */
#define KEY_MAX 96u         /* longer keys are written the long way */
#define HEAD_BYTES (KEY_MAX + 16u)
#define CHUNK 16u           /* heads are copied by so many bytes: room behind what is written */
#define VARINT_MAX 10u
#define FIELD_MAX 6u        /* tag and length of a field below 4 GiB */
#define ROOM_OF_LENGTH 2u   /* guess: records have 128 to 16383 bytes */

/*  0a ENTRY | 0a k KEY | 12 VALUE | kind LIST | 0a n ...: what stands in front of n bytes of value */
typedef struct out_column {
    view key;
    enum arrow_type type, inner, item; /* item: of a list, else the type itself; inner: of a list of lists, its lists */
    enum example_kind kind;
    int is_list;
    int is_lists; /* a list of lists */
    uint32_t head_n, head_chunks; /* 0: the key is too long for a head */
    uint8_t head[HEAD_BYTES];
} out_column;

struct example_encoder {
    out_column *column;
    int64_t n_columns;
    size_t fixed; /* bytes of a record at most, but for text and lists */
    int has_lists;
};

/* What is being written. */
typedef struct pen {
    buf *out;
    uint8_t *p;   /* where the next byte goes, behind out->len */
    uint8_t *end; /* of the memory, less what a record may need without asking; may lie before p */
    size_t fixed;
    uint64_t row;
    buf lists, features; /* of the record: the entries of its feature lists; the Features of the one at hand */
} pen;

static int column_set(out_column *c, const struct ArrowSchema *field, shoal_error *err)
{
    char name[120];
    c->key = view_of(field->name, strlen(field->name));
    c->type = arrow_type_of(field);
    c->is_list = arrow_type_is_list(c->type);
    const struct ArrowSchema *item = c->is_list ? field->children[0] : field;
    c->is_lists = c->is_list && arrow_type_is_list(arrow_type_of(item));
    c->item = arrow_type_of(c->is_lists ? item->children[0] : item);
    c->inner = arrow_type_of(item);
    c->kind = arrow_type_is_text(c->item) ? EXAMPLE_BYTES : arrow_type_is_float(c->item) ? EXAMPLE_FLOAT : EXAMPLE_INT64;
    switch (c->item) {
    case ARROW_OTHER:
    case ARROW_STRUCT:
    case ARROW_MAP:
    case ARROW_DURATION:
    case ARROW_DECIMAL128:
    case ARROW_LIST:
    case ARROW_LARGE_LIST:
        return error_set(err, SHOAL_DATA, "column '%s' has the type %s, which TFRecord cannot hold; leave it out or cast it by --sql, as CAST(x AS DOUBLE)",
                         field->name, arrow_type_name(field, name, sizeof name));
    default: break;
    }
    if (c->key.n > KEY_MAX) return 0;
    uint8_t *p = c->head;
    *p++ = 1 << 3 | 2;
    *p++ = 0;
    *p++ = 1 << 3 | 2;
    *p++ = (uint8_t)c->key.n;
    if (c->key.n > 0) memcpy(p, c->key.p, c->key.n);
    p += c->key.n;
    *p++ = 2 << 3 | 2;
    *p++ = 0;
    *p++ = (uint8_t)(c->kind << 3 | 2);
    *p++ = 0;
    *p++ = 1 << 3 | 2;
    *p++ = 0;
    c->head_n = (uint32_t)(p - c->head);
    c->head_chunks = (c->head_n + CHUNK - 1) / CHUNK;
    return 0;
}

int example_encoder_new(const struct ArrowSchema *schema, example_encoder **out, shoal_error *err)
{
    *out = NULL;
    example_encoder *e = mem_calloc(1, sizeof *e);
    if (!e) return error_nomem(err, sizeof *e, "a writer");
    int r = 0;
    e->n_columns = schema->n_children;
    e->column = mem_calloc((size_t)schema->n_children + 1, sizeof *e->column);
    if (!e->column) r = error_nomem(err, (size_t)schema->n_children * sizeof *e->column, "columns");
    e->fixed = TFRECORD_HEADER_BYTES + FIELD_MAX + TFRECORD_FOOTER_BYTES + CHUNK;
    for (int64_t i = 0; r == 0 && i < schema->n_children; i++) {
        r = column_set(&e->column[i], schema->children[i], err);
        e->has_lists |= e->column[i].is_lists;
        e->fixed += e->column[i].key.n + 5 * FIELD_MAX + VARINT_MAX;
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

/* ---- bytes -------------------------------------------------------------------------------------------------------------- */

static inline size_t varint_size(uint64_t v) { return ((size_t)(63 - __builtin_clzll(v | 1)) * 9 + 73) / 64; }
static inline size_t field_size(size_t n) { return 1 + varint_size(n) + n; }

static inline uint8_t *varint_put(uint8_t *p, uint64_t v)
{
    while (v >= ONE_BYTE) *p++ = (uint8_t)(v | ONE_BYTE), v >>= 7;
    *p++ = (uint8_t)v;
    return p;
}

static uint8_t *field_put(uint8_t *p, unsigned field, size_t n)
{
    *p++ = (uint8_t)(field << 3 | 2);
    return varint_put(p, n);
}

/* Short texts are the rule. */
static inline void bytes_put(uint8_t *to, const char *from, size_t n)
{
    if (n > 16) {
        memcpy(to, from, n);
    } else if (n >= 8) {
        memcpy(to, from, 8);
        memcpy(to + n - 8, from + n - 8, 8);
    } else if (n >= 4) {
        memcpy(to, from, 4);
        memcpy(to + n - 4, from + n - 4, 4);
    } else {
        for (size_t i = 0; i < n; i++) to[i] = (uint8_t)from[i];
    }
}

/* Everything in front of the list's content of `list` bytes. */
static uint8_t *heads_put(uint8_t *p, const out_column *c, size_t list)
{
    size_t value = field_size(list), entry = field_size(c->key.n) + field_size(value);
    p = field_put(p, 1, entry);
    p = field_put(p, 1, c->key.n);
    if (c->key.n > 0) memcpy(p, c->key.p, c->key.n);
    p = field_put(p + c->key.n, 2, value);
    return field_put(p, (unsigned)c->kind, list);
}

/* Everything in front of one value, or one packed run, of n bytes. */
static inline uint8_t *head_put(uint8_t *p, const out_column *c, size_t n)
{
    size_t entry = c->head_n + n - 2;
    if (entry >= ONE_BYTE || c->head_n == 0) return field_put(heads_put(p, c, field_size(n)), 1, n);
    for (uint32_t i = 0; i < c->head_chunks; i++) memcpy(p + CHUNK * i, c->head + CHUNK * i, CHUNK);
    p[1] = (uint8_t)entry;
    p += c->head_n;
    p[-5] = (uint8_t)(n + 4);
    p[-3] = (uint8_t)(n + 2);
    p[-1] = (uint8_t)n;
    return p;
}

/* Room for n more bytes on top of what the rest of the record may need. */
static inline int room(pen *w, size_t n, shoal_error *err)
{
    if (w->end - w->p >= (ptrdiff_t)n) return 0;
    size_t at = (size_t)(w->p - w->out->data), len = w->out->len;
    w->out->len = at;
    int r = buf_reserve(w->out, n + w->fixed, err);
    w->out->len = len;
    w->p = w->out->data + at;
    w->end = w->out->data + w->out->cap - w->fixed;
    return r;
}

/* ---- values ------------------------------------------------------------------------------------------------------------- */

static inline int is_null(const struct ArrowArray *a, int64_t i)
{
    if (a->null_count == 0 || !a->buffers[0]) return 0;
    i += a->offset;
    return !(((const uint8_t *)a->buffers[0])[i >> 3] >> (i & 7) & 1);
}

static int refuse_float(const pen *w, const out_column *c, double x, shoal_error *err)
{
    int n = (int)c->key.n;
    return error_set(err, SHOAL_DATA, "column '%.*s', row %" PRIu64 ": %.17g has no exact float32, and TFRecord holds no float64; round it by --sql 'SELECT * REPLACE (CAST(\"%.*s\" AS FLOAT) AS \"%.*s\") FROM src'",
                     n, c->key.p, w->row, x, n, c->key.p, n, c->key.p);
}

static int refuse_integer(const pen *w, const out_column *c, uint64_t x, shoal_error *err)
{
    return error_set(err, SHOAL_DATA, "column '%.*s', row %" PRIu64 ": %" PRIu64 " is above the int64 that TFRecord holds; cast it to VARCHAR by --sql",
                     (int)c->key.n, c->key.p, w->row, x);
}

static inline int read_float(const pen *w, const out_column *c, const struct ArrowArray *a, int64_t i, float *out, shoal_error *err)
{
    if (c->item == ARROW_F32) {
        memcpy(out, (const char *)a->buffers[1] + 4 * (i + a->offset), 4);
        return 0;
    }
    double x = arrow_f64(c->item, a, i);
    *out = (float)x;
    return (double)*out != x && x == x ? refuse_float(w, c, x, err) : 0;
}

static inline int read_integer(const pen *w, const out_column *c, const struct ArrowArray *a, int64_t i, uint64_t *out, shoal_error *err)
{
    if (c->item == ARROW_I64) {
        memcpy(out, (const char *)a->buffers[1] + 8 * (i + a->offset), 8);
        return 0;
    }
    *out = (uint64_t)arrow_i64(c->item, a, i);
    return c->item == ARROW_U64 && *out > INT64_MAX ? refuse_integer(w, c, *out, err) : 0;
}

static inline view read_text(const out_column *c, const struct ArrowArray *a, int64_t i)
{
    int32_t at[2];
    if (c->item != ARROW_UTF8 && c->item != ARROW_BINARY) return arrow_text(c->item, a, i);
    memcpy(at, (const char *)a->buffers[1] + 4 * (i + a->offset), sizeof at);
    return view_of(at[0] == at[1] ? "" : (const char *)a->buffers[2] + at[0], (size_t)(at[1] - at[0]));
}

/* Bytes of the items as they stand in the list, without the head of a packed run; checks them too. */
static int list_size(const pen *w, const out_column *c, const struct ArrowArray *items, int64_t begin, int64_t end, size_t *out, shoal_error *err)
{
    int r = 0;
    float real;
    uint64_t whole;
    *out = 0;
    for (int64_t i = begin; r == 0 && i < end; i++) {
        if (arrow_is_null(items, i))
            return error_set(err, SHOAL_DATA, "column '%.*s', row %" PRIu64 ": a list with a null inside, which TFRecord cannot hold; filter it by --sql, as list_filter(x, v -> v IS NOT NULL)",
                             (int)c->key.n, c->key.p, w->row);
        if (c->kind == EXAMPLE_BYTES) *out += field_size(read_text(c, items, i).n);
        else if (c->kind == EXAMPLE_FLOAT) r = read_float(w, c, items, i, &real, err), *out += 4;
        else if ((r = read_integer(w, c, items, i, &whole, err)) == 0) *out += varint_size(whole);
    }
    return r;
}

/* The items as list_size counted them, from p on; returns what is behind them. */
static uint8_t *put_items(const pen *w, const out_column *c, const struct ArrowArray *items, int64_t begin, int64_t end, uint8_t *p)
{
    for (int64_t i = begin; i < end; i++) {
        float real;
        uint64_t whole;
        if (c->kind == EXAMPLE_BYTES) {
            view v = read_text(c, items, i);
            p = field_put(p, 1, v.n);
            bytes_put(p, v.p, v.n);
            p += v.n;
        } else if (c->kind == EXAMPLE_FLOAT) {
            read_float(w, c, items, i, &real, NULL);
            memcpy(p, &real, 4);
            p += 4;
        } else {
            read_integer(w, c, items, i, &whole, NULL);
            p = varint_put(p, whole);
        }
    }
    return p;
}

static int put_list(pen *w, const out_column *c, const struct ArrowArray *a, int64_t row, shoal_error *err)
{
    int64_t begin, end;
    size_t n;
    const struct ArrowArray *items = a->children[0];
    arrow_list(c->type, a, row, &begin, &end);
    int r = list_size(w, c, items, begin, end, &n, err);
    if (r == 0) r = room(w, n, err);
    if (r < 0) return r;
    uint8_t *p = c->kind == EXAMPLE_BYTES || begin == end ? heads_put(w->p, c, n) : head_put(w->p, c, n);
    w->p = put_items(w, c, items, begin, end, p);
    return 0;
}

/* One Feature of a feature list; a null is one without a kind. */
static int put_feature(pen *w, const out_column *c, const struct ArrowArray *inner, int64_t i, shoal_error *err)
{
    int64_t begin, end;
    size_t n;
    if (arrow_is_null(inner, i)) return buf_append(&w->features, "\x0a\0", 2, err);
    arrow_list(c->inner, inner, i, &begin, &end);
    int r = list_size(w, c, inner->children[0], begin, end, &n, err);
    if (r < 0) return r;
    int is_packed = c->kind != EXAMPLE_BYTES && n > 0;
    size_t list = is_packed ? field_size(n) : n, feature = field_size(list);
    if ((r = buf_reserve(&w->features, field_size(feature) + CHUNK, err)) < 0) return r;
    uint8_t *p = field_put(w->features.data + w->features.len, 1, feature);
    p = field_put(p, (unsigned)c->kind, list);
    if (is_packed) p = field_put(p, 1, n);
    put_items(w, c, inner->children[0], begin, end, p);
    w->features.len += field_size(feature);
    return 0;
}

/* An entry of FeatureLists. */
static int put_feature_list(pen *w, const out_column *c, const struct ArrowArray *a, int64_t row, shoal_error *err)
{
    int64_t begin, end;
    int r = 0;
    arrow_list(c->type, a, row, &begin, &end);
    buf_clear(&w->features);
    for (int64_t i = begin; r == 0 && i < end; i++) r = put_feature(w, c, a->children[0], i, err);
    size_t entry = field_size(c->key.n) + field_size(w->features.len);
    if (r == 0) r = buf_reserve(&w->lists, field_size(entry), err);
    if (r < 0) return r;
    uint8_t *p = field_put(w->lists.data + w->lists.len, 1, entry);
    p = field_put(p, 1, c->key.n);
    if (c->key.n > 0) memcpy(p, c->key.p, c->key.n);
    p = field_put(p + c->key.n, 2, w->features.len);
    if (w->features.len > 0) memcpy(p, w->features.data, w->features.len);
    w->lists.len += field_size(entry);
    return 0;
}

/* FeatureLists, behind the context. */
static uint8_t *lists_put(const pen *w, uint8_t *p)
{
    p = field_put(p, 2, w->lists.len);
    if (w->lists.len > 0) memcpy(p, w->lists.data, w->lists.len);
    return p + w->lists.len;
}

static inline int put_value(pen *w, const out_column *c, const struct ArrowArray *a, int64_t row, shoal_error *err)
{
    float real;
    uint64_t whole;
    int r;
    if (c->is_list) return put_list(w, c, a, row, err);
    if (c->kind == EXAMPLE_FLOAT) {
        if ((r = read_float(w, c, a, row, &real, err)) < 0) return r;
        w->p = head_put(w->p, c, sizeof real);
        memcpy(w->p, &real, sizeof real);
        w->p += sizeof real;
    } else if (c->kind == EXAMPLE_INT64) {
        if ((r = read_integer(w, c, a, row, &whole, err)) < 0) return r;
        w->p = varint_put(head_put(w->p, c, varint_size(whole)), whole);
    } else {
        view v = read_text(c, a, row);
        if ((r = room(w, v.n, err)) < 0) return r;
        w->p = head_put(w->p, c, v.n);
        bytes_put(w->p, v.p, v.n);
        w->p += v.n;
    }
    return 0;
}

/* ---- records ------------------------------------------------------------------------------------------------------------ */

/* The frame around the Features message that starts `lead` bytes behind out->len. */
static int put_frame(pen *w, size_t lead, int has_lists, shoal_error *err)
{
    size_t start = w->out->len, body = (size_t)(w->p - w->out->data) - start - lead, behind = has_lists ? field_size(w->lists.len) : 0;
    int r = room(w, behind, err);
    if (r < 0) return r;
    size_t head = TFRECORD_HEADER_BYTES + 1 + varint_size(body);
    if (body + behind + FIELD_MAX > TFRECORD_BYTES_MAX)
        return error_set(err, SHOAL_DATA, "record %llu has %zu bytes; a TFRecord holds at most 2 GiB", (unsigned long long)w->row, body + behind);
    uint8_t *frame = w->out->data + start;
    if (head != lead) memmove(frame + head, frame + lead, body);
    field_put(frame + TFRECORD_HEADER_BYTES, 1, body);
    if (has_lists) lists_put(w, frame + head + body);
    size_t data = head - TFRECORD_HEADER_BYTES + body + behind;
    tfrecord_seal(frame, data);
    w->out->len += tfrecord_framed(data);
    return 0;
}

int example_encode(const example_encoder *e, const struct ArrowArray *batch, int64_t begin, int64_t end, uint64_t row, buf *out,
                   shoal_error *err)
{
    const size_t lead = TFRECORD_HEADER_BYTES + 1 + ROOM_OF_LENGTH;
    pen w = {.out = out, .fixed = e->fixed};
    int r = 0;
    for (int64_t i = begin; r == 0 && i < end; i++) {
        w.row = row + (uint64_t)i;
        if ((r = buf_reserve(out, e->fixed, err)) < 0) break;
        w.p = out->data + out->len + lead;
        w.end = out->data + out->cap - e->fixed;
        for (int64_t k = 0; r == 0 && k < e->n_columns; k++) {
            const struct ArrowArray *a = batch->children[k];
            const out_column *c = &e->column[k];
            if (c->type == ARROW_NULL || is_null(a, i)) continue;
            r = c->is_lists ? put_feature_list(&w, c, a, i, err) : put_value(&w, c, a, i, err);
        }
        if (r == 0) r = put_frame(&w, lead, e->has_lists, err);
        buf_clear(&w.lists);
    }
    buf_release(&w.lists);
    buf_release(&w.features);
    return r;
}
