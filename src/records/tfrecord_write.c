/* tfrecord_write.c: the writing half of tfrecord.h. Gzip members are independent, and a full flush cuts a zlib stream
 * likewise, so that both can be read on from there. */
#include <libdeflate.h>
#include <string.h>
#include <zlib.h>

#include "base/mem.h"
#include "records/crc32c.h"
#include "records/tfrecord.h"

#define MEMBER_BYTES (1u << 20)
#define LEVEL 5
#define FLUSH_BYTES 64u /* what deflate adds to its bound for the end of a block and of the stream */

struct tfrecord_writer {
    file_writer *file;
    enum container container;
    struct libdeflate_compressor *gzip;
    z_stream zlib;
    int zlib_made;
    buf frames; /* not yet written */
    buf packed;
    uint64_t count, framed; /* records; those that were there before `frames` */
    record_index *keep;     /* the caller's, or NULL */
    digest *digest;
};

static void u32_put(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> 8 * i);
}

int tfrecord_frame(buf *b, const void *p, size_t n, shoal_error *err)
{
    int r = buf_reserve(b, n + 16, err);
    if (r < 0) return r;
    uint8_t *at = b->data + b->len;
    u32_put(at, (uint32_t)n);
    u32_put(at + 4, (uint32_t)((uint64_t)n >> 32));
    u32_put(at + 8, crc32c_mask(crc32c(0, at, 8)));
    if (n > 0) memcpy(at + 12, p, n);
    u32_put(at + 12 + n, crc32c_mask(crc32c(0, p, n)));
    b->len += n + 16;
    return 0;
}

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

static int compressor_new(tfrecord_writer *w, shoal_error *err)
{
    if (w->container == CONTAINER_GZIP && !(w->gzip = libdeflate_alloc_compressor(LEVEL))) return error_nomem(err, 0, "a compressor");
    if (w->container != CONTAINER_ZLIB) return 0;
    w->zlib.zalloc = zlib_alloc;
    w->zlib.zfree = zlib_free;
    if (deflateInit(&w->zlib, LEVEL) != Z_OK) return error_nomem(err, 0, "a compressor");
    w->zlib_made = 1;
    return 0;
}

int tfrecord_create(const char *path, int replace, enum container c, tfrecord_writer **out, shoal_error *err)
{
    *out = NULL;
    tfrecord_writer *w = mem_calloc(1, sizeof *w);
    if (!w) return error_nomem(err, sizeof *w, "a record writer");
    w->container = c;
    int r = file_create(path, replace, &w->file, err);
    if (r == 0) r = compressor_new(w, err);
    if (r != 0) {
        tfrecord_abort(w);
        return r;
    }
    *out = w;
    return 0;
}

int tfrecord_keep_index(tfrecord_writer *w, record_index *x, shoal_error *err)
{
    if (!(w->digest = digest_new())) return error_nomem(err, 0, "a digest");
    w->keep = x;
    x->container = w->container;
    return 0;
}

static void writer_free(tfrecord_writer *w)
{
    libdeflate_free_compressor(w->gzip);
    if (w->zlib_made) deflateEnd(&w->zlib);
    buf_release(&w->frames);
    buf_release(&w->packed);
    digest_free(w->digest);
    mem_free(w);
}

void tfrecord_abort(tfrecord_writer *w)
{
    if (!w) return;
    file_abort(w->file);
    writer_free(w);
}

static int put(tfrecord_writer *w, const uint8_t *p, size_t n, shoal_error *err)
{
    if (w->digest) digest_update(w->digest, p, n);
    return file_write(w->file, p, n, err);
}

static int put_gzip(tfrecord_writer *w, shoal_error *err)
{
    size_t bound = libdeflate_gzip_compress_bound(w->gzip, w->frames.len);
    int r = buf_reserve(&w->packed, bound, err);
    if (r < 0) return r;
    size_t n = libdeflate_gzip_compress(w->gzip, w->frames.data, w->frames.len, w->packed.data, bound);
    if (n == 0) return error_set(err, SHOAL_INTERNAL, "gzip: the compressor failed within its own bound");
    return put(w, w->packed.data, n, err);
}

static int put_zlib(tfrecord_writer *w, int flush, shoal_error *err)
{
    size_t bound = deflateBound(&w->zlib, w->frames.len) + FLUSH_BYTES;
    int r = buf_reserve(&w->packed, bound, err);
    if (r < 0) return r;
    w->zlib.next_in = w->frames.data;
    w->zlib.avail_in = (uInt)w->frames.len;
    w->zlib.next_out = w->packed.data;
    w->zlib.avail_out = (uInt)bound;
    int code = deflate(&w->zlib, flush);
    if (code != (flush == Z_FINISH ? Z_STREAM_END : Z_OK) || w->zlib.avail_in > 0 || w->zlib.avail_out == 0)
        return error_set(err, SHOAL_INTERNAL, "zlib: the compressor failed within its own bound");
    return put(w, w->packed.data, bound - w->zlib.avail_out, err);
}

static int write_frames(tfrecord_writer *w, shoal_error *err)
{
    int r = 0;
    if (w->frames.len == 0) return 0;
    if (w->keep && w->container != CONTAINER_PLAIN) r = record_index_add_block(w->keep, file_written(w->file), w->framed, 0, err);
    buf_clear(&w->packed);
    if (r == 0) {
        if (w->container == CONTAINER_GZIP) r = put_gzip(w, err);
        else if (w->container == CONTAINER_ZLIB) r = put_zlib(w, Z_FULL_FLUSH, err);
        else r = put(w, w->frames.data, w->frames.len, err);
    }
    w->framed = w->count;
    buf_clear(&w->frames);
    return r;
}

static int keep_block(tfrecord_writer *w, shoal_error *err)
{
    record_index *x = w->keep;
    uint64_t at = tfrecord_written(w);
    if (x->n_blocks > 0 && at - x->block[x->n_blocks - 1].offset < INDEX_BLOCK_BYTES) return 0;
    return record_index_add_block(x, at, w->count, 0, err);
}

int tfrecord_write(tfrecord_writer *w, const void *p, size_t n, shoal_error *err)
{
    if (n > TFRECORD_BYTES_MAX)
        return error_set(err, SHOAL_DATA, "record %llu has %zu bytes; a TFRecord holds at most 2 GiB", (unsigned long long)w->count, n);
    int r = w->keep && w->container == CONTAINER_PLAIN ? keep_block(w, err) : 0;
    if (r == 0) r = tfrecord_frame(&w->frames, p, n, err);
    if (r < 0) return r;
    w->count++;
    return w->frames.len >= MEMBER_BYTES ? write_frames(w, err) : 0;
}

uint64_t tfrecord_written(const tfrecord_writer *w) { return file_written(w->file) + w->frames.len; }
uint64_t tfrecord_count(const tfrecord_writer *w) { return w->count; }

static int finish(tfrecord_writer *w, shoal_error *err)
{
    int r = write_frames(w, err);
    if (r == 0 && w->container == CONTAINER_ZLIB && w->count > 0) r = put_zlib(w, Z_FINISH, err);
    if (r == 0 && w->keep) {
        w->keep->records = w->count;
        w->keep->digest = digest_value(w->digest);
    }
    return r;
}

int tfrecord_commit(tfrecord_writer *w, shoal_error *err)
{
    int r = finish(w, err);
    if (r < 0) {
        tfrecord_abort(w);
        return r;
    }
    r = file_commit(w->file, err);
    writer_free(w);
    return r;
}
