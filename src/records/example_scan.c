#include "records/example_scan.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

#define ONE_BYTE 0x80u /* lengths below take one byte of a varint */
#define TAG_1 0x0au    /* field 1, with a length */
#define TAG_2 0x12u
#define SHORT_HEAD 6
#define SHORT_MAX 123u /* the largest n whose VALUE is below ONE_BYTE */
#define GUESSES 6 /* keys in a row that may be missing before the key is looked up */

/* A key as the entry starts on the wire: tag, length, bytes. Only keys below ONE_BYTE have one; others are looked up. */
typedef struct known {
    uint64_t first, mask; /* the first eight bytes, and which of them there are */
    const uint8_t *head;
    uint32_t head_n;
    uint8_t wanted;
    view key;
} known;

struct example_keys {
    known *known;
    size_t n;
    uint8_t *bytes;
    uint32_t *slots; /* open addressing: number + 1 */
    size_t n_slots;
};

void example_keys_free(example_keys *k)
{
    if (!k)
        return;
    mem_free(k->known);
    mem_free(k->bytes);
    mem_free(k->slots);
    mem_free(k);
}

static int keys_index(example_keys *k, shoal_error *err)
{
    size_t n = 16;
    while (n < 2 * k->n)
        n *= 2;
    k->slots = mem_calloc(n, sizeof *k->slots);
    if (!k->slots)
        return error_nomem(err, n * sizeof *k->slots, "an index of keys");
    k->n_slots = n;
    for (size_t i = 0; i < k->n; i++) {
        size_t h = (size_t)hash64(k->known[i].key.p, k->known[i].key.n, 0);
        while (k->slots[h & (n - 1)] != 0)
            h++;
        k->slots[h & (n - 1)] = (uint32_t)i + 1;
    }
    return 0;
}

int example_keys_new(const view *keys, const uint8_t *wanted, size_t n, example_keys **out, shoal_error *err)
{
    *out = NULL;
    size_t bytes = EXAMPLE_SLACK;
    for (size_t i = 0; i < n; i++)
        bytes += keys[i].n + 2;
    example_keys *k = mem_calloc(1, sizeof *k);
    if (!k)
        return error_nomem(err, sizeof *k, "keys");
    k->known = mem_calloc(n + 1, sizeof *k->known);
    k->bytes = mem_calloc(bytes, 1);
    int rc = k->known && k->bytes ? 0 : error_nomem(err, bytes + n * sizeof *k->known, "keys");
    uint8_t *at = k->bytes;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        known *e = &k->known[i];
        e->head = at;
        e->head_n = keys[i].n < ONE_BYTE ? (uint32_t)keys[i].n + 2 : 0;
        e->wanted = !wanted || wanted[i];
        at[0] = TAG_1;
        at[1] = (uint8_t)keys[i].n;
        if (keys[i].n > 0)
            memcpy(at + 2, keys[i].p, keys[i].n);
        e->key = view_of((const char *)at + 2, keys[i].n);
        e->mask = e->head_n < 8 ? ((uint64_t)1 << 8 * e->head_n) - 1 : UINT64_MAX;
        memcpy(&e->first, at, 8);
        e->first &= e->mask;
        at += keys[i].n + 2;
        k->n++;
    }
    if (rc == 0)
        rc = keys_index(k, err);
    if (rc < 0) {
        example_keys_free(k);
        return rc;
    }
    *out = k;
    return 0;
}

int64_t example_keys_find(const example_keys *k, view key)
{
    for (size_t h = (size_t)hash64(key.p, key.n, 0);; h++) {
        uint32_t slot = k->slots[h & (k->n_slots - 1)];
        if (slot == 0)
            return -1;
        const view *v = &k->known[slot - 1].key;
        if (v->n == key.n && (key.n == 0 || memcmp(v->p, key.p, key.n) == 0))
            return (int64_t)slot - 1;
    }
}

int example_scanner_init(example_scanner *s, const example_keys *keys, shoal_error *err)
{
    s->keys = keys;
    s->after = mem_alloc((keys->n + 1) * sizeof *s->after);
    if (!s->after)
        return error_nomem(err, (keys->n + 1) * sizeof *s->after, "the order of keys");
    for (size_t k = 0; k < keys->n; k++)
        s->after[k] = k + 1 < keys->n ? (uint32_t)k + 1 : 0;
    s->after[keys->n] = 0;
    return 0;
}

void example_scanner_release(example_scanner *s)
{
    mem_free(s->after);
    memset(s, 0, sizeof *s);
}

/* ---- the wire, in the shape that writers make ---- */

/* A length of one to three bytes, longer ones go the slow way; NULL when it is not one or what it counts is not there. */
static inline const uint8_t *length(const uint8_t *p, const uint8_t *end, size_t *n)
{
    if (end - p >= 1 && p[0] < ONE_BYTE) {
        *n = p[0];
        p += 1;
    } else if (end - p >= 2 && p[1] < ONE_BYTE) {
        *n = (p[0] & 0x7fu) | (size_t)p[1] << 7;
        p += 2;
    } else if (end - p >= 3 && p[2] < ONE_BYTE) {
        *n = (p[0] & 0x7fu) | (size_t)(p[1] & 0x7fu) << 7 | (size_t)p[2] << 14;
        p += 3;
    } else {
        return NULL;
    }
    return *n <= (size_t)(end - p) ? p : NULL;
}

/* Both sides are readable for EXAMPLE_SLACK bytes more than n. */
static inline int same(const uint8_t *a, const uint8_t *b, size_t n)
{
    uint64_t x, y;
    for (; n > 8; a += 8, b += 8, n -= 8) {
        memcpy(&x, a, 8);
        memcpy(&y, b, 8);
        if (x != y)
            return 0;
    }
    memcpy(&x, a, 8);
    memcpy(&y, b, 8);
    return n == 0 || (x ^ y) << (64 - 8 * n) == 0;
}

/* Sees through a Feature message whose parts fill each other exactly; anything else stays a message. */
static inline void see_through(const uint8_t *p, const uint8_t *end, example_slot *out)
{
    *out = (example_slot){(const char *)p, (uint32_t)(end - p), EXAMPLE_MESSAGE, EXAMPLE_NONE};
    if (p == end) {
        out->form = EXAMPLE_ABSENT;
        return;
    }
    size_t n;
    unsigned kind = *p >> 3;
    if ((*p & 7) != 2 || kind < EXAMPLE_BYTES || kind > EXAMPLE_INT64)
        return;
    const uint8_t *list = length(p + 1, end, &n);
    if (!list || list + n != end || n == 0 || *list != TAG_1)
        return;
    const uint8_t *value = length(list + 1, end, &n);
    if (!value || value + n != end || (kind != EXAMPLE_BYTES && n == 0))
        return;
    *out = (example_slot){(const char *)value, (uint32_t)n, kind == EXAMPLE_BYTES ? EXAMPLE_SINGLE : EXAMPLE_PACKED, (uint8_t)kind};
}

/* 12 VALUE | kind LIST | 0a n in front of the n bytes up to `end`, with lengths of one byte that fill each other: 1 with the slot. */
static inline int see_short(const uint8_t *p, const uint8_t *end, int wanted, example_slot *out)
{
    const uint64_t shape = 0x0a0200000412, lengths = 0x010001000100, kinds = 0xff0000;
    const size_t n = (size_t)(end - p) - SHORT_HEAD;
    uint64_t head;
    memcpy(&head, p, sizeof head);
    const unsigned tag = head >> 16 & 0xff, kind = tag >> 3;
    if (end - p < SHORT_HEAD || n > SHORT_MAX || ((head ^ (shape + n * lengths)) & 0xffffffffffff & ~kinds) != 0) return 0;
    if ((tag & 7) != 2 || kind < EXAMPLE_BYTES || kind > EXAMPLE_INT64 || (n == 0 && kind != EXAMPLE_BYTES)) return 0;
    if (wanted) *out = (example_slot){(const char *)p + SHORT_HEAD, (uint32_t)n, kind == EXAMPLE_BYTES ? EXAMPLE_SINGLE : EXAMPLE_PACKED, (uint8_t)kind};
    return 1;
}

/* ---- any shape ---- */

/* One entry with its own key, whatever it looks like; *last is the key before it and becomes this one. */
static int entry_slow(example_scanner *s, view entry, uint32_t *last, example_slot *slots, size_t stride, view *unknown, shoal_error *err)
{
    view key, value;
    int rc = example_entry(entry, &key, &value, err);
    if (rc < 0)
        return rc;
    int64_t k = example_keys_find(s->keys, key);
    if (k < 0) {
        example_feature f;
        rc = example_open(value, &f, err);
        if (rc == 0 && f.kind != EXAMPLE_NONE)
            *unknown = key;
        return rc;
    }
    if (s->keys->known[k].wanted)
        see_through((const uint8_t *)value.p, (const uint8_t *)value.p + value.n, &slots[(size_t)k * stride]);
    s->after[*last] = (uint32_t)k;
    *last = (uint32_t)k;
    return 0;
}

/* The entry [p, end) when it has the usual shape and its key is one of the next few that are expected. */
static inline int entry_guessed(const example_scanner *s, const uint8_t *p, const uint8_t *end, uint32_t *last, example_slot *slots, size_t stride)
{
    uint32_t k = s->after[*last];
    uint64_t first;
    memcpy(&first, p, sizeof first);
    for (int i = 0; i < GUESSES; i++, k = s->after[k]) {
        const known *guess = &s->keys->known[k];
        if (((first ^ guess->first) & guess->mask) != 0 || guess->head_n == 0 || (size_t)(end - p) <= guess->head_n)
            continue;
        if (guess->head_n > 8 && !same(p + 8, guess->head + 8, guess->head_n - 8))
            continue;
        size_t n;
        const uint8_t *value = p + guess->head_n;
        if (see_short(value, end, guess->wanted, &slots[k * stride])) {
            *last = k;
            return 1;
        }
        if (*value != TAG_2 || !(value = length(value + 1, end, &n)) || value + n != end)
            return 0;
        if (guess->wanted)
            see_through(value, end, &slots[k * stride]);
        *last = k;
        return 1;
    }
    return 0;
}

/* The entries of one Features message; *last goes on over the messages of a record. */
static int scan_features(example_scanner *s, view features, uint32_t *last, example_slot *slots, size_t stride, view *unknown,
                         shoal_error *err)
{
    const uint8_t *p = (const uint8_t *)features.p, *end = p + features.n, *entry;
    size_t n;
    while (p < end && *p == TAG_1 && (entry = length(p + 1, end, &n))) {
        if (!entry_guessed(s, entry, entry + n, last, slots, stride)) {
            int rc = entry_slow(s, view_of((const char *)entry, n), last, slots, stride, unknown, err);
            if (rc < 0)
                return rc;
        }
        p = entry + n;
    }
    /* Something that is no entry of the usual shape: the rest goes by the general cursor. */
    example_cursor c = {view_of(NULL, 0), view_of((const char *)p, (size_t)(end - p)), 1};
    view other;
    int rc;
    while ((rc = example_next_entry(&c, &other, err)) == 1)
        if ((rc = entry_slow(s, other, last, slots, stride, unknown, err)) < 0)
            return rc;
    return rc;
}

int example_scan(example_scanner *s, view record, example_slot *slots, size_t stride, view *unknown, shoal_error *err)
{
    size_t n;
    uint32_t last = (uint32_t)s->keys->n;
    *unknown = view_of(NULL, 0);
    for (size_t k = 0; k < s->keys->n; k++)
        slots[k * stride].form = EXAMPLE_ABSENT;
    const uint8_t *p = (const uint8_t *)record.p, *end = p + record.n, *q;
    if (s->keys->n > 0 && record.n > 0 && *p == TAG_1 && (q = length(p + 1, end, &n)) && q + n == end)
        return scan_features(s, view_of((const char *)q, n), &last, slots, stride, unknown, err);
    example_cursor c;
    view entry;
    int rc;
    example_start(&c, record);
    while ((rc = example_next_entry(&c, &entry, err)) == 1)
        if ((rc = entry_slow(s, entry, &last, slots, stride, unknown, err)) < 0)
            return rc;
    return rc;
}
