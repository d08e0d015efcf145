/* tfrecord_read.c: the reading half of tfrecord.h. */
#include <string.h>

#include "base/mem.h"
#include "records/crc32c.h"
#include "records/tfrecord_private.h"

#define WINDOW_BYTES (256u << 10)

static uint32_t u32_of(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint64_t tfrecord_length(const uint8_t *p) { return u32_of(p) | (uint64_t)u32_of(p + 4) << 32; }

int tfrecord_header_is_sound(const uint8_t *p) { return u32_of(p + 8) == crc32c_mask(crc32c(0, p, 8)); }

/* `at` NULL: from the beginning, and the container is what the file says. */
static int open_reader(const char *path, enum container c, const index_block *at, tfrecord_reader **out, shoal_error *err)
{
    *out = NULL;
    tfrecord_reader *t = mem_calloc(1, sizeof *t);
    if (!t) return error_nomem(err, sizeof *t, "a record reader");
    file_reader *file;
    int r = file_open(path, &file, err);
    if (r == 0) r = at ? inflater_new_at(file, c, at->offset, at->offset, &t->bytes, err) : inflater_new(file, &t->bytes, err);
    if (r == 0) inflater_by_members(t->bytes, 0);
    if (r == 0 && !(t->window = mem_alloc(WINDOW_BYTES))) r = error_nomem(err, WINDOW_BYTES, "a record reader");
    if (r != 0) {
        tfrecord_close(t);
        return r;
    }
    t->cap = WINDOW_BYTES;
    *out = t;
    return 0;
}

int tfrecord_open(const char *path, tfrecord_reader **out, shoal_error *err)
{
    return open_reader(path, CONTAINER_PLAIN, NULL, out, err);
}

static int damaged_at(const char *path, int inflated, uint64_t index, uint64_t offset, shoal_error *err, const char *what)
{
    return error_set(err, SHOAL_DATA, "%s: record %llu at byte %llu%s: %s", path, (unsigned long long)index,
                     (unsigned long long)offset, inflated ? " of the inflated file" : "", what);
}

int tfrecord_damaged(const tfrecord_reader *t, shoal_error *err, const char *what)
{
    return damaged_at(inflater_path(t->bytes), inflater_container(t->bytes) != CONTAINER_PLAIN, t->index, t->offset, err, what);
}

int tfrecord_open_at(const char *path, enum container c, const index_block *at, tfrecord_reader **out, shoal_error *err)
{
    int r = open_reader(path, c, at, out, err);
    if (r < 0) return r;
    (*out)->index = at->record;
    (*out)->offset = at->offset + at->skip;
    (*out)->skip = at->skip;
    return 0;
}

void tfrecord_inflate_by(tfrecord_reader *t, int threads) { inflater_by_members(t->bytes, threads); }

int tfrecord_note_index(tfrecord_reader *t, record_index *x, shoal_error *err)
{
    t->keep = x;
    x->container = inflater_container(t->bytes);
    return inflater_track(t->bytes, err);
}

void tfrecord_measure(tfrecord_reader *t, clocks *c) { inflater_measure(t->bytes, c); }
enum container tfrecord_container(const tfrecord_reader *t) { return inflater_container(t->bytes); }

/* Notes where the record that starts at `offset` can be read from, when that is far enough from the last such place. */
static int keep_block(tfrecord_reader *t, shoal_error *err)
{
    record_index *x = t->keep;
    const index_block *last = x->n_blocks > 0 ? &x->block[x->n_blocks - 1] : NULL;
    x->records = t->index + 1;
    if (x->container == CONTAINER_PLAIN) {
        if (last && t->offset - last->offset < INDEX_BLOCK_BYTES) return 0;
        return record_index_add_block(x, t->offset, t->index, 0, err);
    }
    while (inflater_take_start(t->bytes, t->offset, &t->member)) {}
    if (last && t->member.file == last->offset) return 0;
    return record_index_add_block(x, t->member.file, t->index, t->offset - t->member.data, err);
}

void tfrecord_close(tfrecord_reader *t)
{
    if (!t) return;
    inflater_free(t->bytes);
    mem_free(t->window);
    mem_free(t);
}

uint64_t tfrecord_index(const tfrecord_reader *t) { return t->index; }
uint64_t tfrecord_offset(const tfrecord_reader *t) { return t->offset; }
uint64_t tfrecord_framed(uint64_t n) { return TFRECORD_HEADER_BYTES + n + TFRECORD_FOOTER_BYTES; }

/* Makes room behind `end`. Memory follows the bytes that are really there, not the length that a header claims. */
static int make_room(tfrecord_reader *t, size_t need, shoal_error *err)
{
    size_t have = t->end - t->begin;
    if (t->begin > 0) {
        memmove(t->window, t->window + t->begin, have);
        t->begin = 0;
        t->end = have;
    }
    if (t->end < t->cap) return 0;
    size_t cap = t->cap * 2 < need ? t->cap * 2 : need;
    uint8_t *p = mem_realloc(t->window, cap);
    if (!p) return error_nomem(err, cap, "a record");
    t->window = p;
    t->cap = cap;
    return 0;
}

/* What is in front of damage is used up before the damage counts. */
static int note_damage(tfrecord_reader *t, shoal_error *why, int code, shoal_error *err)
{
    if (code == SHOAL_DATA && t->quarantine) {
        t->broken_error = *why;
        t->broken = t->at_end = 1;
        return 0;
    }
    if (err) *err = *why;
    return code;
}

/* Bytes in front of the first record of a block belong to one that started before. */
static int skip_bytes(tfrecord_reader *t, shoal_error *err)
{
    while (t->skip > 0) {
        int64_t got = inflater_read(t->bytes, t->window, t->skip < t->cap ? (size_t)t->skip : t->cap, err);
        if (got < 0) return (int)got;
        if (got == 0) return tfrecord_damaged(t, err, "the file ends in front of it: it was cut, or its index is not its own");
        t->skip -= (uint64_t)got;
    }
    return 0;
}

int tfrecord_want(tfrecord_reader *t, size_t n, shoal_error *err)
{
    int r = skip_bytes(t, err);
    while (r == 0 && t->end - t->begin < n && !t->at_end) {
        if (t->begin + n > t->cap && (r = make_room(t, n, err)) < 0) return r;
        shoal_error why;
        int64_t got = inflater_read(t->bytes, t->window + t->end, t->cap - t->end, &why);
        if (got < 0) return note_damage(t, &why, (int)got, err);
        t->end += (size_t)got;
        t->at_end = got == 0;
    }
    return r;
}

int tfrecord_data_error(const char *path, int inflated, uint64_t index, uint64_t offset, shoal_error *err)
{
    return damaged_at(path, inflated, index, offset, err, "the checksum of its data is wrong: the file is damaged; make or copy it anew");
}

int tfrecord_data_is_sound(view data)
{
    return u32_of((const uint8_t *)data.p + data.n) == crc32c_mask(crc32c(0, data.p, data.n));
}

int tfrecord_take(tfrecord_reader *t, size_t whole, view *data)
{
    const uint8_t *p = t->window + t->begin;
    *data = view_of((const char *)p + TFRECORD_HEADER_BYTES, whole - TFRECORD_HEADER_BYTES - TFRECORD_FOOTER_BYTES);
    t->begin += whole;
    t->offset += whole;
    t->last = whole;
    t->index++;
    return 1;
}

int tfrecord_frame_at(tfrecord_reader *t, size_t *whole, shoal_error *err)
{
    int r = tfrecord_want(t, TFRECORD_HEADER_BYTES, err);
    if (r < 0) return r;
    size_t have = t->end - t->begin;
    if (have == 0) return 0;
    if (have < TFRECORD_HEADER_BYTES) return tfrecord_damaged(t, err, "the file ends inside its header: it was cut; make or copy it anew");
    const uint8_t *p = t->window + t->begin;
    uint64_t length = tfrecord_length(p);
    if (!tfrecord_header_is_sound(p))
        return tfrecord_damaged(t, err, t->index == 0 ? "no TFRecord: the checksum of the length is wrong; if it is another format, say --format"
                                                      : "the checksum of its length is wrong: the file is damaged; make or copy it anew");
    if (length > TFRECORD_BYTES_MAX) return tfrecord_damaged(t, err, "it claims more than 2 GiB: no record that shoal reads is that large");
    *whole = (size_t)tfrecord_framed(length);
    if ((r = tfrecord_want(t, *whole, err)) < 0) return r;
    if (t->end - t->begin < *whole) return tfrecord_damaged(t, err, "the file ends inside its data: it was cut; make or copy it anew");
    return 1;
}

int tfrecord_next(tfrecord_reader *t, view *data, shoal_error *err)
{
    uint64_t offset = t->offset;
    int r = tfrecord_next_unchecked(t, data, err);
    if (r != 1 || t->quarantine || tfrecord_data_is_sound(*data)) return r;
    return tfrecord_data_error(inflater_path(t->bytes), inflater_container(t->bytes) != CONTAINER_PLAIN, --t->index, offset, err);
}

int tfrecord_next_unchecked(tfrecord_reader *t, view *data, shoal_error *err)
{
    size_t whole;
    if (t->quarantine) return tfrecord_next_sound(t, data, err);
    int r = tfrecord_frame_at(t, &whole, err);
    if (r == 0 && t->keep) t->keep->digest = inflater_digest(t->bytes);
    if (r == 1 && t->keep) r = keep_block(t, err) < 0 ? SHOAL_NOMEM : 1;
    return r == 1 ? tfrecord_take(t, whole, data) : r;
}
