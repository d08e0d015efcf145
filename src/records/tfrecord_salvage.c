/* tfrecord_salvage.c: reading on behind damage (tfrecord.h). What is passed over goes into the quarantine, byte for byte.
 *
 * A record whose length is sound and whose data is not is passed over whole when another record, or the end, follows it. Any
 * other damage ends at the next place where both checksums of a record are right. */
#include <string.h>

#include "base/mem.h"
#include "records/tfrecord_private.h"

#define PASS_BYTES ((size_t)1 << 20) /* of damage that is held before it is handed on */

int tfrecord_tolerate(tfrecord_reader *t, quarantine *q, shoal_error *err)
{
    t->quarantine = q;
    return inflater_tolerate(t->bytes, err);
}

static int inflated(const tfrecord_reader *t) { return inflater_container(t->bytes) != CONTAINER_PLAIN; }

/* The first n bytes of the window are lost. */
static int pass(tfrecord_reader *t, size_t n, shoal_error *err)
{
    int r = quarantine_add(t->quarantine, t->window + t->begin, n, err);
    t->begin += n;
    t->offset += n;
    return r;
}

/* Whether a sound record starts `skip` bytes from here. */
static int sound_at(tfrecord_reader *t, size_t skip, shoal_error *err)
{
    int r = tfrecord_want(t, skip + TFRECORD_HEADER_BYTES, err);
    const uint8_t *p = t->window + t->begin + skip;
    if (r < 0 || t->end - t->begin < skip + TFRECORD_HEADER_BYTES) return r;
    uint64_t length = tfrecord_length(p);
    if (length > TFRECORD_BYTES_MAX || !tfrecord_header_is_sound(p)) return 0;
    size_t whole = skip + (size_t)tfrecord_framed(length);
    if ((r = tfrecord_want(t, whole, err)) < 0 || t->end - t->begin < whole) return r;
    p = t->window + t->begin + skip;
    return tfrecord_data_is_sound(view_of((const char *)p + TFRECORD_HEADER_BYTES, (size_t)length));
}

/* Bytes of the record at the front when its frame is right and something sound, or the end, is behind it; else 0. */
static int64_t framed_alone(tfrecord_reader *t, shoal_error *err)
{
    size_t whole;
    shoal_error why;
    int r = tfrecord_frame_at(t, &whole, &why);
    if (r == SHOAL_DATA) return 0;
    if (r < 0) {
        if (err) *err = why;
        return r;
    }
    r = sound_at(t, whole, err);
    if (r < 0) return r;
    return r == 1 || t->end - t->begin == whole ? (int64_t)whole : 0;
}

/* Passes over bytes until a sound record is at the front, or nothing is. */
static int pass_to_sound(tfrecord_reader *t, shoal_error *err)
{
    int64_t whole = framed_alone(t, err);
    if (whole != 0) return whole < 0 ? (int)whole : pass(t, (size_t)whole, err);
    for (size_t skip = 1;; skip++) {
        int r = sound_at(t, skip, err);
        if (r < 0) return r;
        if (r == 1) return pass(t, skip, err);
        if (t->at_end && t->end - t->begin <= skip + TFRECORD_HEADER_BYTES) return pass(t, t->end - t->begin, err);
        if (skip == PASS_BYTES) {
            if ((r = pass(t, skip, err)) < 0) return r;
            skip = 0;
        }
    }
}

static int open_place(const tfrecord_reader *t, uint64_t offset, int is_inflated, const char *reason, shoal_error *err)
{
    quarantine_place place = {inflater_path(t->bytes), offset, is_inflated, t->index, reason};
    return quarantine_open(t->quarantine, &place, err);
}

static int close_place(tfrecord_reader *t, int r, shoal_error *err)
{
    int closed = quarantine_close(t->quarantine, r < 0 ? NULL : err);
    t->index++;
    return r < 0 ? r : closed;
}

/* Messages name the file and the place, which a report has apart. */
static const char *reason_of(const char *message)
{
    const char *at = strstr(message, " at byte "), *colon = at ? strstr(at, ": ") : NULL;
    return colon ? colon + 2 : message;
}

/* Bytes of a member or stream that cannot be inflated. */
static int pass_member(tfrecord_reader *t, uint64_t from, uint64_t to, shoal_error *err)
{
    file_reader *f = inflater_file(t->bytes);
    uint8_t *piece = mem_alloc(PASS_BYTES);
    int r = open_place(t, from, 0, t->broken_error.message, err);
    if (r == 0 && !piece) r = error_nomem(err, PASS_BYTES, "damaged bytes");
    while (r == 0 && from < to) {
        size_t n = to - from < PASS_BYTES ? (size_t)(to - from) : PASS_BYTES;
        r = file_pread(f, from, piece, n, err);
        if (r == 0) r = quarantine_add(t->quarantine, piece, n, err);
        from += n;
    }
    mem_free(piece);
    return close_place(t, r, err);
}

/* The window is used up, and what comes next cannot be inflated. */
static int go_on_behind(tfrecord_reader *t, shoal_error *err)
{
    uint64_t from, to;
    if (file_size(inflater_file(t->bytes)) == UINT64_MAX) { /* a pipe: what was read is gone */
        if (err) *err = t->broken_error;
        return SHOAL_DATA;
    }
    int r = inflater_resync(t->bytes, &from, &to, err);
    if (r < 0) return r;
    if ((r = pass_member(t, from, to, err)) < 0) return r;
    t->broken = t->at_end = 0;
    t->offset = inflater_data(t->bytes);
    return 0;
}

int tfrecord_next_sound(tfrecord_reader *t, view *data, shoal_error *err)
{
    for (;;) {
        size_t whole;
        shoal_error why;
        uint64_t offset = t->offset;
        int r = tfrecord_frame_at(t, &whole, &why);
        if (r == 0 && !t->broken) return 0;
        if (r == 0) {
            if ((r = go_on_behind(t, err)) < 0) return r;
            continue;
        }
        if (r == 1) {
            if (tfrecord_data_is_sound(view_of((const char *)t->window + t->begin + TFRECORD_HEADER_BYTES, whole - TFRECORD_HEADER_BYTES - TFRECORD_FOOTER_BYTES)))
                return tfrecord_take(t, whole, data);
            r = tfrecord_data_error(inflater_path(t->bytes), inflated(t), t->index, offset, &why);
        }
        if (r != SHOAL_DATA) {
            if (err) *err = why;
            return r;
        }
        if (inflater_container(t->bytes) == CONTAINER_ZLIB && !t->broken) {
            /* its only checksum is at its end: nothing behind damage is believed */
            t->broken = 1;
            t->broken_error = why;
            t->begin = t->end;
            continue;
        }
        r = open_place(t, offset, inflated(t), reason_of(t->broken ? t->broken_error.message : why.message), err);
        if (r == 0) r = pass_to_sound(t, err);
        if ((r = close_place(t, r, err)) < 0) return r;
    }
}

int tfrecord_reject(tfrecord_reader *t, const char *reason, shoal_error *err)
{
    const uint8_t *data = t->window + t->begin; /* what was given out last ends here */
    size_t whole = t->last;
    quarantine_place place = {inflater_path(t->bytes), t->offset - whole, inflated(t), t->index - 1, reason};
    int r = quarantine_open(t->quarantine, &place, err);
    if (r == 0) r = quarantine_add(t->quarantine, data - whole, whole, err);
    int closed = quarantine_close(t->quarantine, r < 0 ? NULL : err);
    return r < 0 ? r : closed;
}
