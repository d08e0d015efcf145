/* inflate_resync.c: reading on behind damage (inflate.h). */
#include <string.h>

#include "base/mem.h"
#include "records/inflate_private.h"
#include "records/tfrecord.h"

#define TRY_BYTES (64u << 10)
#define MARK_BYTES 4u /* by which the start of a member is looked for */

/* What the bytes at an offset inflate to, piece by piece. */
typedef struct trial {
    z_stream s;
    int code, ended, is_record; /* ended: the file did; is_record: it starts with the head of one */
} trial;

static int try_from(inflater *z, uint64_t offset, int record_is_enough, uint8_t *scratch, trial *t, shoal_error *err)
{
    uint8_t *in = scratch, *out = scratch + TRY_BYTES, head[TFRECORD_HEADER_BYTES];
    size_t have = 0;
    int r = 0;
    memset(t, 0, sizeof *t);
    t->s.zalloc = inflate_alloc;
    t->s.zfree = inflate_free;
    if (inflateInit2(&t->s, 15 + 16) != Z_OK) return error_nomem(err, 0, "inflating");
    while (r == 0 && t->code == Z_OK && !(record_is_enough && t->is_record)) {
        if (t->s.avail_in == 0) {
            uint64_t left = file_size(z->file) - offset;
            size_t n = left < TRY_BYTES ? (size_t)left : TRY_BYTES;
            t->ended = n == 0;
            if (n == 0 || (r = file_pread(z->file, offset, in, n, err)) < 0) break;
            offset += n;
            t->s.next_in = in;
            t->s.avail_in = (uInt)n;
        }
        t->s.next_out = out;
        t->s.avail_out = TRY_BYTES;
        t->code = inflate(&t->s, Z_NO_FLUSH);
        if (t->code == Z_BUF_ERROR) t->code = Z_OK;
        if (t->code == Z_MEM_ERROR) r = error_nomem(err, 0, "inflating");
        for (size_t i = 0; i < TRY_BYTES - t->s.avail_out && have < sizeof head; i++) head[have++] = out[i];
        t->is_record = have == sizeof head && tfrecord_header_is_sound(head);
    }
    inflateEnd(&t->s);
    return r;
}

int inflater_try_member(inflater *z, int *code, int *ended, shoal_error *err)
{
    trial t;
    uint8_t *scratch = mem_alloc(2 * TRY_BYTES);
    if (!scratch) return error_nomem(err, 2 * TRY_BYTES, "inflating");
    int r = try_from(z, z->member_at, 0, scratch, &t, err);
    mem_free(scratch);
    *code = t.code;
    *ended = t.ended;
    z->z.msg = t.s.msg;
    return r;
}

/* Whether what is at `offset` inflates: to a record, or, when `whole` counts, to its end with the right checksum. */
static int try_start(inflater *z, uint64_t offset, int whole, uint8_t *scratch, shoal_error *err)
{
    trial t;
    int r = try_from(z, offset, 1, scratch, &t, err);
    return r < 0 ? r : t.is_record || (whole && t.code == Z_STREAM_END);
}

/* The offset in p[0, n) of what may be the start of a gzip member; n when there is none. */
static size_t find_mark(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i + MARK_BYTES <= n; i++)
        if (p[i] == 0x1f && p[i + 1] == 0x8b && p[i + 2] == 8 && !(p[i + 3] & 0xe0)) return i;
    return n;
}

static int find_start(inflater *z, uint64_t at, int whole, uint8_t *scratch, uint64_t *out, shoal_error *err)
{
    uint64_t size = file_size(z->file);
    uint8_t *p = scratch + 2 * (size_t)TRY_BYTES;
    int found = 0;
    *out = size;
    while (found == 0 && at + MARK_BYTES <= size) {
        size_t n = size - at < TRY_BYTES ? (size_t)(size - at) : TRY_BYTES;
        if ((found = file_pread(z->file, at, p, n, err)) < 0) break;
        size_t i = find_mark(p, n);
        if (i < n && (found = try_start(z, at + i, whole, scratch, err)) == 1) *out = at + i;
        at += i < n ? i + 1 : n - (MARK_BYTES - 1);
    }
    return found;
}

void inflater_go_to(inflater *z, uint64_t offset)
{
    z->begin = z->end = 0;
    z->by_offset = 1;
    z->in_end = offset;
    z->at_end = z->failed = z->member_open = 0;
    inflateReset(&z->z);
}

int inflater_resync(inflater *z, uint64_t *from, uint64_t *to, shoal_error *err)
{
    *from = z->container == CONTAINER_GZIP ? z->member_at : z->used;
    *to = file_size(z->file);
    int found = 0;
    if (z->container == CONTAINER_GZIP) {
        uint8_t *scratch = mem_alloc(3 * TRY_BYTES);
        found = scratch ? find_start(z, *from + 1, 1, scratch, to, err) : error_nomem(err, 3 * TRY_BYTES, "inflating");
        mem_free(scratch);
    }
    if (found < 0) return found;
    inflater_go_to(z, *to);
    z->member++;
    return found;
}

uint64_t inflater_data(const inflater *z) { return z->data; }

/* A file whose head is damaged is what its other members say. */
int inflater_tolerate(inflater *z, shoal_error *err)
{
    uint64_t at;
    z->tolerates = 1;
    if (z->container != CONTAINER_PLAIN || file_size(z->file) == UINT64_MAX || z->end < TFRECORD_HEADER_BYTES || tfrecord_header_is_sound(z->in)) return 0;
    uint8_t *scratch = mem_alloc(3 * TRY_BYTES);
    if (!scratch) return error_nomem(err, 3 * TRY_BYTES, "inflating");
    z->container = CONTAINER_GZIP;
    int found = find_start(z, 0, 0, scratch, &at, err);
    mem_free(scratch);
    if (found <= 0) z->container = CONTAINER_PLAIN;
    return found < 0 ? found : inflater_stream_new(z, err);
}
