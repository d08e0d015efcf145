/* sample.c: see sample.h. */
#include "features/sample.h"

#include <string.h>

#include "base/rng.h"
#include "features/features_private.h"

#define HEAP_SLACK (1u << 20) /* garbage that is not worth a tidying */

void raw_sample_init(raw_sample *s, const features *f, uint32_t max, uint64_t seed)
{
    memset(s, 0, sizeof *s);
    s->layout = features_raw_layout(f);
    s->key = rng_key(seed, RNG_SAMPLE, 0, 0);
    s->max = max;
    raw_block_init(&s->rows);
}

void raw_sample_release(raw_sample *s)
{
    raw_block_release(&s->rows);
}

static uint8_t *lists_of(const raw_sample *s, uint8_t *record)
{
    return record + s->layout.stride - 8 * (size_t)s->layout.n_lists;
}

/* The piece of the heap that a record's lists take, back to back. */
static uint64_t piece_of(const raw_sample *s, const uint8_t *lists, uint32_t *begin)
{
    uint64_t bytes = 0;
    *begin = 0;
    for (uint32_t k = 0; k < s->layout.n_lists; k++) {
        uint32_t ref[2];
        memcpy(ref, lists + 8 * (size_t)k, sizeof ref);
        if (k == 0)
            *begin = ref[0];
        if (ref[1] != RAW_LIST_MISSING)
            bytes += raw_piece_bytes(ref[1], k < s->layout.n_weighted);
    }
    return bytes;
}

/* Appends the piece of a record, which is moved to its place already, from the heap that it came with. */
static int take_piece(const raw_sample *s, uint8_t *record, const uint8_t *from, buf *heap, shoal_error *err)
{
    uint32_t begin;
    uint8_t *lists = lists_of(s, record);
    const uint64_t bytes = piece_of(s, lists, &begin);
    if (heap->len + bytes > RAW_HEAP_MAX)
        return error_set(err, SHOAL_NOMEM, "the lists of the sample take more than 4 GiB; take fewer --rows");
    const uint32_t to = (uint32_t)heap->len;
    for (uint32_t k = 0; k < s->layout.n_lists; k++) {
        uint32_t at;
        memcpy(&at, lists + 8 * (size_t)k, sizeof at);
        at = at - begin + to;
        memcpy(lists + 8 * (size_t)k, &at, sizeof at);
    }
    return bytes ? buf_append(heap, from + begin, bytes, err) : 0;
}

/* Rows that were replaced left their pieces behind. */
static int tidy(raw_sample *s, shoal_error *err)
{
    buf heap = BUF_INIT;
    int rc = 0;
    for (uint32_t i = 0; i < s->rows.rows && !rc; i++)
        rc = take_piece(s, s->rows.records.data + (size_t)i * s->layout.stride, s->rows.heap.data, &heap, err);
    buf_release(&s->rows.heap);
    s->rows.heap = heap;
    return rc;
}

static int put_row(raw_sample *s, uint32_t slot, const uint8_t *record, const uint8_t *heap, shoal_error *err)
{
    uint32_t begin;
    const size_t stride = s->layout.stride;
    int rc = 0;
    if (slot == s->rows.rows) {
        rc = buf_append(&s->rows.records, record, stride, err);
        s->rows.rows += rc == 0;
    } else {
        uint8_t *old = s->rows.records.data + slot * stride;
        s->live -= piece_of(s, lists_of(s, old), &begin);
        memcpy(old, record, stride);
    }
    if (rc)
        return rc;
    uint8_t *mine = s->rows.records.data + slot * stride;
    s->live += piece_of(s, lists_of(s, mine), &begin);
    rc = take_piece(s, mine, heap, &s->rows.heap, err);
    return !rc && s->rows.heap.len > 2 * s->live + HEAP_SLACK ? tidy(s, err) : rc;
}

int raw_sample_add(raw_sample *s, const raw_block *from, shoal_error *err)
{
    int rc = 0;
    for (uint32_t i = 0; i < from->rows && !rc; i++, s->seen++) {
        const uint64_t slot = s->seen < s->max ? s->seen : rng_below(s->key, s->seen, s->seen + 1);
        if (slot < s->max)
            rc = put_row(s, (uint32_t)slot, from->records.data + (size_t)i * s->layout.stride, from->heap.data, err);
    }
    return rc;
}
