/* record_index_code.c: the bytes of an index, both ways (docs/tfrecord.md). Every count is checked against the bytes that
 * are left before anything is allocated for it. */
#include <string.h>

#include "base/mem.h"
#include "records/record_index.h"

#define MAGIC "SHOALIDX"
#define VERSION 1u
#define HEAD_BYTES 72u
#define SUM_BYTES 8u
#define FEATURE_BYTES_MIN 6u /* two empty texts, flags, nulls, values, range */
#define BLOCK_BYTES_MIN 3u
#define FEATURES_MAX 100000u

/* ---- writing --------------------------------------------------------------------------------------------------------- */

static int put_u32(buf *b, uint32_t v, shoal_error *err)
{
    uint8_t p[4];
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> 8 * i);
    return buf_append(b, p, 4, err);
}

static int put_u64(buf *b, uint64_t v, shoal_error *err)
{
    int r = put_u32(b, (uint32_t)v, err);
    return r < 0 ? r : put_u32(b, (uint32_t)(v >> 32), err);
}

static int put_varint(buf *b, uint64_t v, shoal_error *err)
{
    uint8_t p[10];
    size_t n = 0;
    for (; v >= 0x80; v >>= 7) p[n++] = (uint8_t)(v | 0x80);
    p[n++] = (uint8_t)v;
    return buf_append(b, p, n, err);
}

static int put_text(buf *b, const char *p, size_t n, shoal_error *err)
{
    int r = put_varint(b, n, err);
    return r < 0 ? r : buf_append(b, p, n, err);
}

static int put_bound(buf *b, enum index_range range, const index_bound *v, shoal_error *err)
{
    uint64_t bits;
    switch (range) {
    case INDEX_RANGE_I64: return put_u64(b, (uint64_t)v->i64, err);
    case INDEX_RANGE_F64: memcpy(&bits, &v->f64, 8); return put_u64(b, bits, err);
    case INDEX_RANGE_TEXT: return put_text(b, v->text, v->text_n, err);
    default: return 0;
    }
}

static int put_feature(buf *b, const index_feature *f, shoal_error *err)
{
    int r = put_text(b, f->name, strlen(f->name), err);
    if (r == 0) r = put_text(b, f->type, strlen(f->type), err);
    if (r == 0) r = put_varint(b, f->nullable ? 1 : 0, err);
    if (r == 0) r = put_varint(b, f->nulls, err);
    if (r == 0) r = put_varint(b, f->values, err);
    if (r == 0) r = put_varint(b, f->range, err);
    if (r == 0) r = put_bound(b, f->range, &f->low, err);
    return r < 0 ? r : put_bound(b, f->range, &f->high, err);
}

static int put_block(buf *b, const index_block *at, const index_block *before, shoal_error *err)
{
    int r = put_varint(b, at->offset - before->offset, err);
    if (r == 0) r = put_varint(b, at->record - before->record, err);
    return r < 0 ? r : put_varint(b, at->skip, err);
}

int record_index_encode(const record_index *x, buf *b, shoal_error *err)
{
    static const index_block zero;
    size_t start = b->len;
    int r = buf_append(b, MAGIC, 8, err);
    if (r == 0) r = put_u32(b, VERSION, err);
    if (r == 0) r = put_u32(b, x->container, err);
    if (r == 0) r = put_u32(b, x->type, err);
    if (r == 0) r = put_u32(b, (uint32_t)x->n_features, err);
    if (r == 0) r = put_u64(b, x->bytes, err);
    if (r == 0) r = put_u64(b, x->records, err);
    if (r == 0) r = put_u64(b, x->n_blocks, err);
    if (r == 0) r = put_u64(b, x->sample, err);
    if (r == 0) r = put_u64(b, x->digest.lo, err);
    if (r == 0) r = put_u64(b, x->digest.hi, err);
    for (size_t i = 0; r == 0 && i < x->n_features; i++) r = put_feature(b, &x->feature[i], err);
    for (size_t i = 0; r == 0 && i < x->n_blocks; i++) r = put_block(b, &x->block[i], i > 0 ? &x->block[i - 1] : &zero, err);
    return r < 0 ? r : put_u64(b, hash64(b->data + start, b->len - start, 0), err);
}

/* ---- reading --------------------------------------------------------------------------------------------------------- */

typedef struct cursor { const uint8_t *p, *end; int bad; } cursor;

static uint64_t take_fixed(cursor *c, size_t n)
{
    uint64_t v = 0;
    if ((size_t)(c->end - c->p) < n) {
        c->bad = 1;
        return 0;
    }
    for (size_t i = 0; i < n; i++) v |= (uint64_t)c->p[i] << 8 * i;
    c->p += n;
    return v;
}

static uint64_t take_varint(cursor *c)
{
    uint64_t v = 0;
    for (int shift = 0; shift < 64 && c->p < c->end; shift += 7) {
        uint8_t byte = *c->p++;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) return v;
    }
    c->bad = 1;
    return 0;
}

static view take_text(cursor *c)
{
    uint64_t n = take_varint(c);
    if (c->bad || n > (uint64_t)(c->end - c->p)) {
        c->bad = 1;
        return view_of("", 0);
    }
    view v = view_of((const char *)c->p, (size_t)n);
    c->p += n;
    return v;
}

/* A text that serves as a string. */
static char *take_name(cursor *c, int *nomem)
{
    view v = take_text(c);
    if (v.n > 0 && (memchr(v.p, 0, v.n) || !view_is_utf8(v))) c->bad = 1;
    char *s = mem_strndup(v.p, v.n);
    *nomem |= !s;
    return s;
}

static void take_bound(cursor *c, enum index_range range, index_bound *out, int *nomem)
{
    uint64_t bits;
    view v;
    switch (range) {
    case INDEX_RANGE_I64: out->i64 = (int64_t)take_fixed(c, 8); break;
    case INDEX_RANGE_F64:
        bits = take_fixed(c, 8);
        memcpy(&out->f64, &bits, 8);
        break;
    case INDEX_RANGE_TEXT:
        v = take_text(c);
        c->bad |= v.n > INDEX_TEXT_MAX;
        out->text = mem_strndup(v.p, v.n);
        out->text_n = v.n;
        *nomem |= !out->text;
        break;
    default: break;
    }
}

static void take_feature(cursor *c, const record_index *x, index_feature *f, int *nomem)
{
    f->name = take_name(c, nomem);
    f->type = take_name(c, nomem);
    uint64_t flags = take_varint(c);
    f->nullable = (int)(flags & 1);
    f->nulls = take_varint(c);
    f->values = take_varint(c);
    uint64_t range = take_varint(c);
    if (flags > 1 || range > INDEX_RANGE_TEXT || f->nulls > x->records) c->bad = 1;
    if (c->bad) return;
    f->range = (enum index_range)range;
    take_bound(c, f->range, &f->low, nomem);
    take_bound(c, f->range, &f->high, nomem);
}

/* Blocks rise in the file and in records, from the first record on. */
static int take_blocks(cursor *c, record_index *x, uint64_t n, shoal_error *err)
{
    index_block at = {0, 0, 0};
    int r = 0;
    for (uint64_t i = 0; r == 0 && i < n && !c->bad; i++) {
        uint64_t bytes = take_varint(c), records = take_varint(c);
        if (bytes > x->bytes - at.offset || records > x->records - at.record || (i > 0 && (bytes == 0 || records == 0))) c->bad = 1;
        at.offset += bytes;
        at.record += records;
        at.skip = take_varint(c);
        if (at.record >= x->records || (i == 0 && at.record > 0)) c->bad = 1;
        r = record_index_add_block(x, at.offset, at.record, at.skip, err);
    }
    return r;
}

static int take_body(cursor *c, record_index *x, shoal_error *err)
{
    uint32_t container = (uint32_t)take_fixed(c, 4), type = (uint32_t)take_fixed(c, 4);
    uint64_t n_features = take_fixed(c, 4);
    x->bytes = take_fixed(c, 8);
    x->records = take_fixed(c, 8);
    uint64_t n_blocks = take_fixed(c, 8);
    x->sample = take_fixed(c, 8);
    x->digest.lo = take_fixed(c, 8);
    x->digest.hi = take_fixed(c, 8);
    uint64_t left = (uint64_t)(c->end - c->p);
    if (container > CONTAINER_ZLIB || type > RECORD_BYTES || n_features > FEATURES_MAX || n_features > left / FEATURE_BYTES_MIN || n_blocks > left / BLOCK_BYTES_MIN ||
        (n_blocks == 0) != (x->records == 0)) c->bad = 1;
    if (c->bad) return 0;
    x->container = (enum container)container;
    x->type = (enum record_type)type;
    int nomem = 0, r = record_index_set_features(x, (size_t)n_features, err);
    for (size_t i = 0; r == 0 && i < n_features && !c->bad && !nomem; i++) take_feature(c, x, &x->feature[i], &nomem);
    if (nomem) r = error_nomem(err, 0, "an index");
    if (r == 0 && !c->bad) r = take_blocks(c, x, n_blocks, err);
    c->bad |= c->p != c->end;
    return r;
}

int record_index_decode(const char *name, view bytes, record_index *out, shoal_error *err)
{
    const uint8_t *p = (const uint8_t *)bytes.p;
    record_index_init(out);
    if (bytes.n < HEAD_BYTES + SUM_BYTES || memcmp(p, MAGIC, 8) != 0)
        return error_set(err, SHOAL_DATA, "%s: no index of shoal, or one that was cut; make it anew by shoal index", name);
    cursor c = {p + 8, p + bytes.n - SUM_BYTES, 0}, sum = {c.end, c.end + SUM_BYTES, 0};
    uint64_t version = take_fixed(&c, 4);
    if (version > VERSION)
        return error_set(err, SHOAL_DATA, "%s: version %llu of the index is newer than this shoal reads (%u): use a newer shoal", name,
                         (unsigned long long)version, VERSION);
    int r = 0;
    if (version != VERSION || take_fixed(&sum, 8) != hash64(p, bytes.n - SUM_BYTES, 0)) c.bad = 1;
    if (!c.bad) r = take_body(&c, out, err);
    if (r == 0 && c.bad) r = error_set(err, SHOAL_DATA, "%s: the index is damaged; make it anew by shoal index", name);
    if (r < 0) record_index_release(out);
    return r;
}
