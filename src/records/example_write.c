/* example_write.c: the writing half of example.h. Sizes are known before bytes are written, so every length takes as few
 * bytes as it can; room for the outermost one is left in front of the body. */
#include <string.h>

#include "records/example.h"

#define HEAD_BYTES 11u /* tag and length of the Features message */

static size_t varint_size(uint64_t v)
{
    size_t n = 1;
    while (v >= 0x80) v >>= 7, n++;
    return n;
}

static uint8_t *varint_put(uint8_t *p, uint64_t v)
{
    while (v >= 0x80) *p++ = (uint8_t)(v | 0x80), v >>= 7;
    *p++ = (uint8_t)v;
    return p;
}

static size_t field_size(size_t n) { return 1 + varint_size(n) + n; }

static uint8_t *head_put(uint8_t *p, unsigned field, size_t n)
{
    *p++ = (uint8_t)(field << 3 | 2);
    return varint_put(p, n);
}

void example_writer_init(example_writer *w) { buf_init(&w->body); }
void example_writer_release(example_writer *w) { buf_release(&w->body); }

int example_begin(example_writer *w, shoal_error *err)
{
    buf_clear(&w->body);
    int r = buf_reserve(&w->body, HEAD_BYTES, err);
    if (r == 0) w->body.len = HEAD_BYTES;
    return r;
}

/* Everything of a feature in front of its values, of which the list takes `list` bytes; returns where they go. */
static int put_head(example_writer *w, view key, enum example_kind kind, size_t list, uint8_t **at, shoal_error *err)
{
    size_t value = field_size(list), entry = field_size(key.n) + field_size(value), all = field_size(entry);
    int r = buf_reserve(&w->body, all, err);
    if (r < 0) return r;
    uint8_t *p = head_put(w->body.data + w->body.len, 1, entry);
    p = head_put(p, 1, key.n);
    if (key.n > 0) memcpy(p, key.p, key.n);
    p = head_put(p + key.n, 2, value);
    *at = head_put(p, (unsigned)kind, list);
    w->body.len += all;
    return 0;
}

int example_put_bytes(example_writer *w, view key, const view *v, size_t n, shoal_error *err)
{
    size_t list = 0;
    uint8_t *p;
    for (size_t i = 0; i < n; i++) list += field_size(v[i].n);
    int r = put_head(w, key, EXAMPLE_BYTES, list, &p, err);
    for (size_t i = 0; r == 0 && i < n; i++) {
        p = head_put(p, 1, v[i].n);
        if (v[i].n > 0) memcpy(p, v[i].p, v[i].n);
        p += v[i].n;
    }
    return r;
}

int example_put_f32(example_writer *w, view key, const float *v, size_t n, shoal_error *err)
{
    uint8_t *p;
    int r = put_head(w, key, EXAMPLE_FLOAT, n > 0 ? field_size(4 * n) : 0, &p, err);
    if (r == 0 && n > 0) memcpy(head_put(p, 1, 4 * n), v, 4 * n);
    return r;
}

int example_put_i64(example_writer *w, view key, const int64_t *v, size_t n, shoal_error *err)
{
    size_t packed = 0;
    uint8_t *p;
    for (size_t i = 0; i < n; i++) packed += varint_size((uint64_t)v[i]);
    int r = put_head(w, key, EXAMPLE_INT64, n > 0 ? field_size(packed) : 0, &p, err);
    if (r < 0 || n == 0) return r;
    p = head_put(p, 1, packed);
    for (size_t i = 0; i < n; i++) p = varint_put(p, (uint64_t)v[i]);
    return 0;
}

view example_end(example_writer *w)
{
    size_t body = w->body.len - HEAD_BYTES, head = 1 + varint_size(body);
    uint8_t *start = w->body.data + HEAD_BYTES - head;
    head_put(start, 1, body);
    return view_of((const char *)start, head + body);
}
