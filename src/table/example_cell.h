/* example_cell.h: inside table/: one cell of a record that is encoded: the bytes in front of its values, known but for lengths
 * once its column is, and those of the values of a list. */
#ifndef TABLE_EXAMPLE_CELL_H
#define TABLE_EXAMPLE_CELL_H

#include <string.h>

#include "records/example.h"
#include "table/arrow.h"

#define ONE_BYTE 0x80u      /* lengths below take one byte of a varint */
#define KEY_MAX 96u         /* longer keys are written the long way */
#define HEAD_BYTES (KEY_MAX + 16u)
#define CHUNK 16u           /* heads and texts are copied by so many bytes: room behind what is written */

/*  0a ENTRY | 0a k KEY | 12 VALUE | kind LIST | 0a n ...: what stands in front of n bytes of value */
typedef struct example_cell {
    view key;
    enum arrow_type type, inner, item; /* item: of a list, else the type itself; inner: of a list of lists, its lists */
    enum example_kind kind;
    int is_list;
    int is_lists; /* a list of lists */
    uint32_t head_n, head_chunks; /* 0: the key is too long for a head */
    uint8_t head[HEAD_BYTES];
} example_cell;

/* DATA when TFRecord holds no such column. The schema must outlive it. */
int example_cell_set(example_cell *c, const struct ArrowSchema *field, shoal_error *err);
/* Bytes of the items as they stand in the list, without the head of a packed run; checks them too. `row` is for messages. */
int example_cell_list_size(uint64_t row, const example_cell *c, const struct ArrowArray *items, int64_t begin, int64_t end, size_t *out,
                           shoal_error *err);
/* The items that were counted so, from p on; returns what is behind them. */
uint8_t *example_cell_put_items(const example_cell *c, const struct ArrowArray *items, int64_t begin, int64_t end, uint8_t *p);
/* Everything in front of the list's content of `list` bytes. */
uint8_t *example_cell_put_heads(uint8_t *p, const example_cell *c, size_t list);
/* Of a cell with one value, or one packed run, of n bytes, by the long way. */
size_t example_cell_long_size(const example_cell *c, size_t n);
/* DATA naming the value. */
int example_cell_check_float(uint64_t row, const example_cell *c, double x, shoal_error *err);
int example_cell_refuse_integer(uint64_t row, const example_cell *c, uint64_t x, shoal_error *err);

static inline size_t varint_size(uint64_t v) { return ((size_t)(63 - __builtin_clzll(v | 1)) * 9 + 73) / 64; }
static inline size_t field_size(size_t n) { return 1 + varint_size(n) + n; }

static inline uint8_t *varint_put(uint8_t *p, uint64_t v)
{
    while (v >= ONE_BYTE) *p++ = (uint8_t)(v | ONE_BYTE), v >>= 7;
    *p++ = (uint8_t)v;
    return p;
}

/* The same by one store of eight bytes, whatever the length. */
static inline uint8_t *varint_store(uint8_t *p, uint64_t v)
{
    if (v >> 56) return varint_put(p, v);
    size_t n = varint_size(v);
    uint64_t x = (v & 0x000000000fffffff) | (v & 0x00fffffff0000000) << 4;
    x = (x & 0x00003fff00003fff) | (x & 0x0fffc0000fffc000) << 2;
    x = (x & 0x007f007f007f007f) | (x & 0x3f803f803f803f80) << 1;
    x |= 0x8080808080808080 & (((uint64_t)1 << 8 * (n - 1)) - 1);
    memcpy(p, &x, sizeof x);
    return p + n;
}

static inline uint8_t *field_put(uint8_t *p, unsigned field, size_t n)
{
    *p++ = (uint8_t)(field << 3 | 2);
    return varint_put(p, n);
}

/* Short texts are the rule; `safe`: of the source so many bytes may be read. */
static inline void text_put(uint8_t *to, const char *from, size_t n, size_t safe)
{
    if (n <= CHUNK && safe >= CHUNK) memcpy(to, from, CHUNK);
    else if (n > 0) memcpy(to, from, n);
}

/* Everything in front of one value, or one packed run, of n bytes. */
static inline uint8_t *head_put(uint8_t *p, const example_cell *c, size_t n)
{
    size_t entry = c->head_n + n - 2;
    if (entry >= ONE_BYTE || c->head_n == 0) return field_put(example_cell_put_heads(p, c, field_size(n)), 1, n);
    for (uint32_t i = 0; i < c->head_chunks; i++) memcpy(p + CHUNK * i, c->head + CHUNK * i, CHUNK);
    p[1] = (uint8_t)entry;
    p += c->head_n;
    p[-5] = (uint8_t)(n + 4);
    p[-3] = (uint8_t)(n + 2);
    p[-1] = (uint8_t)n;
    return p;
}

/* Of a cell with one value, or one packed run, of n bytes. */
static inline size_t cell_size(const example_cell *c, size_t n)
{
    return c->head_n + n - 2 < ONE_BYTE && c->head_n > 0 ? c->head_n + n : example_cell_long_size(c, n);
}

#endif
