/* example_read.c: the reading half of example.h. */
#include <string.h>

#include "records/example.h"

#define WIRE_VARINT 0u
#define WIRE_FIXED64 1u
#define WIRE_BYTES 2u
#define WIRE_FIXED32 5u
#define TAG(field, wire) ((field) << 3 | (wire))

const char *example_kind_name(enum example_kind k)
{
    static const char *const NAME[] = {"nothing", "bytes", "float", "int64"};
    return NAME[k];
}

static int damaged(shoal_error *err, const char *what)
{
    return error_set(err, SHOAL_DATA, "no tf.train.Example: %s", what);
}

/* 0, or -1 when the view ends inside the number or it has more than ten bytes. */
static int varint_long(view *v, uint64_t *out)
{
    uint64_t x = 0;
    size_t limit = v->n < 10 ? v->n : 10;
    for (size_t i = 0; i < limit; i++) {
        uint8_t b = (uint8_t)v->p[i];
        x |= (uint64_t)(b & 0x7f) << 7 * i;
        if (!(b & 0x80)) {
            v->p += i + 1;
            v->n -= i + 1;
            *out = x;
            return 0;
        }
    }
    return -1;
}

/* Nearly all tags and lengths have one byte. */
static inline int varint(view *v, uint64_t *out)
{
    if (v->n == 0 || (uint8_t)*v->p >= 0x80) return varint_long(v, out);
    *out = (uint8_t)*v->p;
    v->p++;
    v->n--;
    return 0;
}

static inline int take(view *v, uint64_t n, view *out)
{
    if (n > v->n) return -1;
    *out = view_of(v->p, (size_t)n);
    v->p += n;
    v->n -= (size_t)n;
    return 0;
}

/* One field: its tag and, for everything but a varint, its bytes. Varints leave their bytes in `bytes` too. */
static inline __attribute__((always_inline)) int field(view *v, uint64_t *tag, view *bytes)
{
    uint64_t n;
    if (v->n >= 2 && ((uint8_t)v->p[0] & 0x87) == WIRE_BYTES && (uint8_t)v->p[0] >= 8 && (uint8_t)v->p[1] < 0x80 && (uint8_t)v->p[1] <= v->n - 2) {
        *tag = (uint8_t)v->p[0];
        *bytes = view_of(v->p + 2, (uint8_t)v->p[1]);
        v->n -= 2 + bytes->n;
        v->p += 2 + bytes->n;
        return 0;
    }
    if (varint(v, tag) < 0 || *tag > UINT32_MAX || *tag < 8) return -1;
    switch (*tag & 7) {
    case WIRE_VARINT:
        bytes->p = v->p;
        if (varint(v, &n) < 0) return -1;
        bytes->n = (size_t)(v->p - bytes->p);
        return 0;
    case WIRE_FIXED64: return take(v, 8, bytes);
    case WIRE_BYTES: return varint(v, &n) < 0 ? -1 : take(v, n, bytes);
    case WIRE_FIXED32: return take(v, 4, bytes);
    default: return -1;
    }
}

void example_start(example_cursor *c, view record)
{
    c->rest = record;
    c->features = view_of(record.p, 0);
    c->top = 1;
}

void sequence_start(example_cursor *c, view record)
{
    example_start(c, record);
    c->top = 2;
}

int sequence_has_lists(view record)
{
    example_cursor c;
    view rest = record, bytes, entry;
    uint64_t tag;
    if (record.n == 0 || (field(&rest, &tag, &bytes) == 0 && rest.n == 0 && tag == TAG(1u, WIRE_BYTES))) return 0; /* the rule: no more than features */
    sequence_start(&c, record);
    return example_next_entry(&c, &entry, NULL) == 1;
}

int sequence_next(view *list, example_feature *f, shoal_error *err)
{
    while (list->n > 0) {
        view bytes;
        uint64_t tag;
        if (field(list, &tag, &bytes) < 0) return damaged(err, "a feature list is cut or broken");
        if (tag != TAG(1u, WIRE_BYTES)) continue;
        int r = example_open(bytes, f, err);
        return r < 0 ? r : 1;
    }
    return 0;
}

/* A Feature may hold several lists: lists of one kind are joined, one of another kind replaces what was before it. The
 * body starts at the first list that counts. */
int example_open(view v, example_feature *f, shoal_error *err)
{
    f->key = view_of(v.p, 0);
    f->kind = EXAMPLE_NONE;
    f->body = f->list = f->packed = view_of(v.p, 0);
    while (v.n > 0) {
        view start = v, bytes;
        uint64_t tag;
        if (field(&v, &tag, &bytes) < 0) return damaged(err, "a feature's value is cut or broken");
        if ((tag & 7) != WIRE_BYTES || tag >> 3 > EXAMPLE_INT64) continue;
        enum example_kind kind = (enum example_kind)(tag >> 3);
        if (kind != f->kind) f->body = start;
        f->kind = kind;
    }
    return 0;
}

int example_entry(view v, view *key, view *value, shoal_error *err)
{
    int values = 0;
    *key = *value = view_of(v.p, 0);
    while (v.n > 0) {
        view bytes;
        uint64_t tag;
        if (field(&v, &tag, &bytes) < 0) return damaged(err, "an entry of the features is cut or broken");
        if (tag == TAG(1u, WIRE_BYTES)) *key = bytes;
        if (tag == TAG(2u, WIRE_BYTES)) *value = bytes, values++;
    }
    return values > 1 ? damaged(err, "an entry of the features has two values") : 0;
}

int example_next_entry(example_cursor *c, view *entry, shoal_error *err)
{
    for (;;) {
        view *v = c->features.n > 0 ? &c->features : &c->rest;
        if (v->n == 0) return 0;
        view bytes;
        uint64_t tag;
        if (field(v, &tag, &bytes) < 0) return damaged(err, "a field's length is wrong or its type unknown");
        if (tag != TAG(v == &c->rest ? c->top : 1u, WIRE_BYTES)) continue;
        if (v == &c->rest) {
            c->features = bytes;
            continue;
        }
        *entry = bytes;
        return 1;
    }
}

int example_next(example_cursor *c, example_feature *f, shoal_error *err)
{
    view entry, key, value;
    int r = example_next_entry(c, &entry, err);
    if (r <= 0) return r;
    if ((r = example_entry(entry, &key, &value, err)) == 0) r = example_open(value, f, err);
    f->key = key;
    return r < 0 ? r : 1;
}

/* Opens the next list of the feature's kind; 0 when there is none. */
static int next_list(example_feature *f, shoal_error *err)
{
    while (f->body.n > 0) {
        view bytes;
        uint64_t tag;
        if (field(&f->body, &tag, &bytes) < 0) return damaged(err, "a feature's value is cut or broken");
        if (tag != TAG((uint64_t)f->kind, WIRE_BYTES)) continue;
        f->list = bytes;
        return 1;
    }
    return 0;
}

/* The next value field of the open list, whatever its wire type among the two that the kind allows. */
static int next_value(example_feature *f, uint64_t single, uint64_t *tag, view *bytes, shoal_error *err)
{
    for (;;) {
        if (f->list.n == 0) {
            int r = next_list(f, err);
            if (r <= 0) return r;
            continue;
        }
        if (field(&f->list, tag, bytes) < 0) return damaged(err, "a list of values is cut or broken");
        if (*tag == TAG(1u, single) || *tag == TAG(1u, WIRE_BYTES)) return 1;
        if (*tag >> 3 == 1) return damaged(err, "a value has the wrong wire type");
    }
}

int example_bytes(example_feature *f, view *v, shoal_error *err)
{
    uint64_t tag;
    return next_value(f, WIRE_BYTES, &tag, v, err);
}

int example_f32(example_feature *f, float *v, shoal_error *err)
{
    while (f->packed.n == 0) {
        uint64_t tag;
        int r = next_value(f, WIRE_FIXED32, &tag, &f->packed, err);
        if (r <= 0) return r;
        if (f->packed.n % 4 != 0) return damaged(err, "a list of floats is cut");
    }
    memcpy(v, f->packed.p, 4);
    f->packed.p += 4;
    f->packed.n -= 4;
    return 1;
}

int example_i64(example_feature *f, int64_t *v, shoal_error *err)
{
    while (f->packed.n == 0) {
        uint64_t tag;
        int r = next_value(f, WIRE_VARINT, &tag, &f->packed, err);
        if (r <= 0) return r;
    }
    uint64_t x;
    if (varint(&f->packed, &x) < 0) return damaged(err, "a list of integers is cut");
    *v = (int64_t)x;
    return 1;
}

static int check_values(example_feature *f, shoal_error *err)
{
    view text;
    float real;
    int64_t whole;
    int r;
    while ((r = f->kind == EXAMPLE_BYTES ? example_bytes(f, &text, err) : f->kind == EXAMPLE_FLOAT ? example_f32(f, &real, err) :
                f->kind == EXAMPLE_INT64 ? example_i64(f, &whole, err) : 0) == 1) {}
    return r;
}

int example_check(view record, shoal_error *err)
{
    example_cursor c;
    example_feature f;
    view entry, key, list;
    int r;
    example_start(&c, record);
    while ((r = example_next(&c, &f, err)) == 1)
        if ((r = check_values(&f, err)) < 0) return r;
    if (r < 0) return r;
    sequence_start(&c, record);
    while ((r = example_next_entry(&c, &entry, err)) == 1) {
        if ((r = example_entry(entry, &key, &list, err)) < 0) return r;
        while ((r = sequence_next(&list, &f, err)) == 1)
            if ((r = check_values(&f, err)) < 0) return r;
        if (r < 0) return r;
    }
    return r;
}
