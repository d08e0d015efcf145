#include "records/inflate.h"

#include <string.h>

#include "base/mem.h"
#include "records/inflate_private.h"
#include "records/tfrecord.h"

#define INPUT_BYTES (256u << 10)
#define KNOWN_BYTES 4096u /* of a file, by which its container is known */

void *inflate_alloc(void *ctx, unsigned count, unsigned size)
{
    (void)ctx;
    return mem_alloc((size_t)count * size);
}

void inflate_free(void *ctx, void *p)
{
    (void)ctx;
    mem_free(p);
}

/* Each byte once, whichever way it is read. */
static void digest_bytes(inflater *z, uint64_t offset, const uint8_t *p, size_t n)
{
    if (!z->digest || offset + n <= z->digested) return;
    const size_t skip = offset < z->digested ? (size_t)(z->digested - offset) : 0;
    digest_update(z->digest, p + skip, n - skip);
    z->digested = offset + n;
}

/* The next bytes of the file, up to n. */
static int64_t read_file(inflater *z, void *p, size_t n, shoal_error *err)
{
    const uint64_t start = clocks_start(z->clocks);
    int64_t got;
    if (z->by_offset) {
        const uint64_t left = file_size(z->file) - z->in_end;
        got = (int64_t)(left < n ? left : n);
        const int r = file_pread(z->file, z->in_end, p, (size_t)got, err);
        if (r < 0) return r;
    } else if ((got = file_read(z->file, p, n, err)) < 0) {
        return got;
    }
    clocks_stop(z->clocks, CLOCK_STORAGE, start);
    digest_bytes(z, z->in_end, p, (size_t)got);
    z->in_end += (uint64_t)got;
    z->at_end = got == 0;
    return got;
}

/* Reads behind what is there. */
static int fill_more(inflater *z, shoal_error *err)
{
    const int64_t n = read_file(z, z->in + z->end, INPUT_BYTES - z->end, err);
    if (n < 0) return (int)n;
    z->end += (size_t)n;
    return 0;
}

/* Reads more when nothing is left. */
static int fill(inflater *z, shoal_error *err)
{
    if (z->begin < z->end || z->at_end) return 0;
    z->begin = z->end = 0;
    return fill_more(z, err);
}

/* Whether the bytes at p inflate to the head of a record: the header of zlib alone is two bytes with little to tell. */
static int inflates_to_record(const uint8_t *p, size_t n)
{
    uint8_t head[TFRECORD_HEADER_BYTES];
    z_stream z = {.zalloc = inflate_alloc, .zfree = inflate_free, .next_in = (uint8_t *)p, .avail_in = (uInt)n, .next_out = head, .avail_out = sizeof head};
    if (inflateInit(&z) != Z_OK) return 0;
    inflate(&z, Z_NO_FLUSH);
    inflateEnd(&z);
    return z.avail_out == 0 && tfrecord_header_is_sound(head);
}

/* A plain record may have a length that reads like the magic number of gzip or zlib; its checksum tells. */
static enum container container_of(const uint8_t *p, size_t n)
{
    if (n >= TFRECORD_HEADER_BYTES && tfrecord_header_is_sound(p)) return CONTAINER_PLAIN;
    if (n >= 3 && p[0] == 0x1f && p[1] == 0x8b && p[2] == 8) return CONTAINER_GZIP;
    return n > 0 && (p[0] & 0x0f) == 8 && inflates_to_record(p, n) ? CONTAINER_ZLIB : CONTAINER_PLAIN;
}

int inflater_stream_new(inflater *z, shoal_error *err)
{
    if (z->container == CONTAINER_PLAIN) return 0;
    z->z.zalloc = inflate_alloc;
    z->z.zfree = inflate_free;
    int bits = z->raw ? -15 : z->container == CONTAINER_GZIP ? 15 + 16 : 15;
    if (inflateInit2(&z->z, bits) != Z_OK) return error_nomem(err, 0, "inflating");
    z->stream_made = 1;
    return 0;
}

static int make(file_reader *file, inflater **out, shoal_error *err)
{
    inflater *z = mem_calloc(1, sizeof *z);
    *out = z;
    if (!z) {
        file_close(file);
        return error_nomem(err, sizeof *z, "a reader");
    }
    z->file = file;
    z->in = mem_alloc(INPUT_BYTES);
    return z->in ? 0 : error_nomem(err, INPUT_BYTES, "a reader's buffer");
}

static int made(inflater **out, int r)
{
    if (r < 0) {
        inflater_free(*out);
        *out = NULL;
    }
    return r;
}

int inflater_new(file_reader *file, inflater **out, shoal_error *err)
{
    int r = make(file, out, err);
    inflater *z = *out;
    while (r == 0 && z->end < KNOWN_BYTES && !z->at_end) r = fill_more(z, err); /* a pipe may give a byte at a time */
    if (r == 0) z->container = container_of(z->in, z->end);
    if (r == 0) r = inflater_stream_new(z, err);
    return made(out, r);
}

int inflater_new_at(file_reader *file, enum container c, uint64_t offset, uint64_t data, inflater **out, shoal_error *err)
{
    int r = make(file, out, err);
    inflater *z = *out;
    if (r == 0 && (file_size(file) == UINT64_MAX || offset > file_size(file)))
        r = error_set(err, SHOAL_DATA, "%s: there is no byte %llu to read on from: the file was cut or is a pipe", file_path(file),
                      (unsigned long long)offset);
    if (r == 0) {
        z->by_offset = 1;
        z->container = c;
        z->in_end = offset;
        z->data = data;
        z->raw = c == CONTAINER_ZLIB && offset > 0;
        r = inflater_stream_new(z, err);
    }
    return made(out, r);
}

void inflater_free(inflater *z)
{
    if (!z) return;
    members_free(z->members);
    if (z->stream_made) inflateEnd(&z->z);
    buf_release(&z->starts);
    digest_free(z->digest);
    mem_free(z->in);
    file_close(z->file);
    mem_free(z);
}

enum container inflater_container(const inflater *z) { return z->container; }
file_reader *inflater_file(const inflater *z) { return z->file; }
const char *inflater_path(const inflater *z) { return file_path(z->file); }

int inflater_track(inflater *z, shoal_error *err)
{
    if (!(z->digest = digest_new())) return error_nomem(err, 0, "a digest");
    digest_bytes(z, 0, z->in, z->end);
    return 0;
}

hash128 inflater_digest(const inflater *z) { return digest_value(z->digest); }

int inflater_take_start(inflater *z, uint64_t data, inflate_start *out)
{
    if (z->taken == z->starts.len) return 0;
    inflate_start next;
    memcpy(&next, z->starts.data + z->taken, sizeof next);
    if (next.data > data) return 0;
    *out = next;
    z->taken += sizeof next;
    if (z->taken == z->starts.len) {
        buf_clear(&z->starts);
        z->taken = 0;
    }
    return 1;
}

void inflater_measure(inflater *z, clocks *c) { z->clocks = c; }

static int64_t read_plain(inflater *z, void *p, size_t n, shoal_error *err)
{
    if (z->begin == z->end && !z->at_end && n >= INPUT_BYTES) return read_file(z, p, n, err);
    int r = fill(z, err);
    if (r < 0) return r;
    size_t have = z->end - z->begin;
    if (have > n) have = n;
    memcpy(p, z->in + z->begin, have);
    z->begin += have;
    return (int64_t)have;
}

static int zlib_error(inflater *z, int code, shoal_error *err)
{
    if (code == Z_MEM_ERROR) return error_nomem(err, 0, "inflating");
    const char *why = z->z.msg ? z->z.msg : "no compressed data";
    if (z->container == CONTAINER_ZLIB)
        return error_set(err, SHOAL_DATA, "%s: the zlib stream is damaged (%s): make or copy the file anew", inflater_path(z), why);
    return error_set(err, SHOAL_DATA, "%s: gzip member %llu is damaged (%s): make or copy the file anew", inflater_path(z),
                     (unsigned long long)z->member, why);
}

static int cut_error(inflater *z, shoal_error *err)
{
    if (z->container == CONTAINER_ZLIB)
        return error_set(err, SHOAL_DATA, "%s: the file ends inside the zlib stream: it was cut; make or copy it anew", inflater_path(z));
    return error_set(err, SHOAL_DATA, "%s: the file ends inside gzip member %llu: it was cut; make or copy it anew", inflater_path(z),
                     (unsigned long long)z->member);
}

/* A member or the stream begins with the next byte. */
static int open_member(inflater *z, shoal_error *err)
{
    z->member_at = z->in_end - (z->end - z->begin);
    if (z->container == CONTAINER_ZLIB && z->member > 0) {
        if (z->raw) { /* the checksum of the stream, of which the beginning was not read */
            z->begin = z->end;
            return 0;
        }
        return error_set(err, SHOAL_DATA, "%s: bytes behind the end of its zlib stream: make or copy the file anew", inflater_path(z));
    }
    if (z->tolerates && z->container == CONTAINER_GZIP && file_size(z->file) != UINT64_MAX) {
        int code, ended, r = inflater_try_member(z, &code, &ended, err);
        if (r < 0) return r;
        if (ended) return cut_error(z, err);
        if (code != Z_STREAM_END) return zlib_error(z, code, err);
    }
    z->member_open = 1;
    inflate_start start = {z->member_at, z->data};
    return z->digest ? buf_append(&z->starts, &start, sizeof start, err) : 0;
}

static int64_t read_stream(inflater *z, void *p, size_t n, shoal_error *err)
{
    if (z->container == CONTAINER_PLAIN) return read_plain(z, p, n, err);
    if (n > UINT32_MAX) n = UINT32_MAX;
    if (z->failed) return zlib_error(z, z->failed, err);
    z->z.next_out = p;
    z->z.avail_out = (uInt)n;
    while (z->z.avail_out == n) {
        int r = fill(z, err);
        if (r < 0) return r;
        int ended = z->begin == z->end;
        if (ended && !z->member_open) break;
        if (ended) return cut_error(z, err);
        if (!z->member_open && (r = open_member(z, err)) < 0) return r;
        if (!z->member_open) continue;
        z->z.next_in = z->in + z->begin;
        z->z.avail_in = (uInt)(z->end - z->begin);
        const uint64_t start = clocks_start(z->clocks);
        int code = inflate(&z->z, Z_NO_FLUSH);
        clocks_stop(z->clocks, CLOCK_INFLATE, start);
        if (code == Z_OK) z->used = z->in_end - z->z.avail_in;
        z->begin = z->end - z->z.avail_in;
        if (code == Z_STREAM_END) {
            z->member_open = 0;
            z->member++;
            inflateReset(&z->z);
        } else if (code != Z_OK && code != Z_BUF_ERROR) {
            if (!z->tolerates || z->z.avail_out == n) return zlib_error(z, code, err);
            z->failed = code;
        }
    }
    z->data += n - z->z.avail_out;
    return (int64_t)(n - z->z.avail_out);
}

/* ---- whole members ------------------------------------------------------------------------------------------------------ */

void inflater_by_members(inflater *z, int threads)
{
    z->wants_members = z->container == CONTAINER_GZIP && file_size(z->file) != UINT64_MAX;
    z->threads = threads;
}

static int start_members(inflater *z, shoal_error *err)
{
    uint8_t head[MEMBER_HEAD_BYTES];
    const uint64_t at = inflater_consumed(z), size = file_size(z->file);
    z->wants_members = 0;
    if (at > size || size - at < sizeof head) return 0;
    int r = file_pread(z->file, at, head, sizeof head, err);
    if (r < 0 || !members_head_is(head)) return r;
    inflater_go_to(z, at);
    return members_new(z->file, at, z->threads, z->clocks, &z->members, err);
}

static int take_member(inflater *z, shoal_error *err)
{
    const inflate_start start = {z->piece->from, z->data};
    z->given = 0;
    z->member_at = z->piece->from;
    z->in_end = z->piece->from + z->piece->packed.len;
    digest_bytes(z, z->member_at, z->piece->packed.data, z->piece->packed.len);
    return z->digest ? buf_append(&z->starts, &start, sizeof start, err) : 0;
}

/* 1 with bytes left in a piece; 0 when the stream reads the rest. */
static int next_member(inflater *z, shoal_error *err)
{
    int r = 1;
    while (r == 1 && (!z->piece || z->given == z->piece->data.len)) {
        z->member += z->piece != NULL;
        if ((r = members_next(z->members, &z->piece, err)) == 1 && !z->piece->whole) r = 0;
        if (r == 1 && take_member(z, err) < 0) r = SHOAL_NOMEM;
    }
    if (r == 1) return 1;
    members_free(z->members);
    z->members = NULL;
    inflater_go_to(z, z->in_end); /* the end of the last whole one */
    return r;
}

static int64_t read_members(inflater *z, void *p, size_t n, shoal_error *err)
{
    int r = next_member(z, err);
    if (r <= 0) return r;
    const size_t left = z->piece->data.len - z->given;
    if (n > left) n = left;
    memcpy(p, z->piece->data.data + z->given, n);
    z->given += n;
    z->data += n;
    return (int64_t)n;
}

/* ---- reading ------------------------------------------------------------------------------------------------------------ */

int64_t inflater_read(inflater *z, void *p, size_t n, shoal_error *err)
{
    int64_t got = z->wants_members ? start_members(z, err) : 0;
    if (got == 0 && z->members) got = read_members(z, p, n, err);
    return got == 0 && !z->members ? read_stream(z, p, n, err) : got;
}

uint64_t inflater_consumed(const inflater *z) { return z->in_end - (z->end - z->begin); }

