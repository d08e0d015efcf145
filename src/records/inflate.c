#include "records/inflate.h"

#include <string.h>
#include <zlib.h>

#include "base/mem.h"

#define INPUT_BYTES (256u << 10)

struct inflater {
    file_reader *file;
    uint8_t *in;
    size_t begin, end; /* of the bytes read and not used */
    int at_end;        /* of the file */
    int gzip, member_open, stream_made;
    uint64_t member;
    z_stream z;
};

static void *zlib_alloc(void *ctx, unsigned count, unsigned size)
{
    (void)ctx;
    return mem_alloc((size_t)count * size);
}

static void zlib_free(void *ctx, void *p)
{
    (void)ctx;
    mem_free(p);
}

/* Reads more when nothing is left. */
static int fill(inflater *z, shoal_error *err)
{
    if (z->begin < z->end || z->at_end) return 0;
    int64_t n = file_read(z->file, z->in, INPUT_BYTES, err);
    if (n < 0) return (int)n;
    z->begin = 0;
    z->end = (size_t)n;
    z->at_end = n == 0;
    return 0;
}

int inflater_new(file_reader *file, inflater **out, shoal_error *err)
{
    *out = NULL;
    inflater *z = mem_calloc(1, sizeof *z);
    if (!z) {
        file_close(file);
        return error_nomem(err, sizeof *z, "a reader");
    }
    z->file = file;
    int r = 0;
    z->in = mem_alloc(INPUT_BYTES);
    if (!z->in) r = error_nomem(err, INPUT_BYTES, "a reader's buffer");
    if (r == 0) r = fill(z, err);
    if (r == 0 && z->end >= 2 && z->in[0] == 0x1f && z->in[1] == 0x8b) {
        z->gzip = 1;
        z->z.zalloc = zlib_alloc;
        z->z.zfree = zlib_free;
        if (inflateInit2(&z->z, 15 + 16) != Z_OK) r = error_nomem(err, 0, "inflating");
        else z->stream_made = 1;
    }
    if (r != 0) {
        inflater_free(z);
        return r;
    }
    *out = z;
    return 0;
}

void inflater_free(inflater *z)
{
    if (!z) return;
    if (z->stream_made) inflateEnd(&z->z);
    mem_free(z->in);
    file_close(z->file);
    mem_free(z);
}

int inflater_is_gzip(const inflater *z) { return z->gzip; }
const char *inflater_path(const inflater *z) { return file_path(z->file); }

static int64_t read_plain(inflater *z, void *p, size_t n, shoal_error *err)
{
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
    return error_set(err, SHOAL_DATA, "%s: gzip member %llu is damaged (%s): make or copy the file anew", inflater_path(z),
                     (unsigned long long)z->member, z->z.msg ? z->z.msg : "no gzip data");
}

int64_t inflater_read(inflater *z, void *p, size_t n, shoal_error *err)
{
    if (!z->gzip) return read_plain(z, p, n, err);
    if (n > UINT32_MAX) n = UINT32_MAX;
    z->z.next_out = p;
    z->z.avail_out = (uInt)n;
    while (z->z.avail_out == n) {
        int r = fill(z, err);
        if (r < 0) return r;
        if (z->at_end && !z->member_open) break;
        if (z->at_end)
            return error_set(err, SHOAL_DATA, "%s: the file ends inside gzip member %llu: it was cut; make or copy it anew",
                             inflater_path(z), (unsigned long long)z->member);
        z->member_open = 1;
        z->z.next_in = z->in + z->begin;
        z->z.avail_in = (uInt)(z->end - z->begin);
        int code = inflate(&z->z, Z_NO_FLUSH);
        z->begin = z->end - z->z.avail_in;
        if (code == Z_STREAM_END) {
            z->member_open = 0;
            z->member++;
            inflateReset(&z->z);
        } else if (code != Z_OK && code != Z_BUF_ERROR) {
            return zlib_error(z, code, err);
        }
    }
    return (int64_t)(n - z->z.avail_out);
}
