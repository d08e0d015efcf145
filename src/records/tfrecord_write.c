/* tfrecord_write.c: the writing half of tfrecord.h. Gzip members are independent, and a full flush cuts a zlib stream
 * likewise, so that both can be read on from there. */
#include <libdeflate.h>
#include <string.h>
#include <zlib.h>

#include "base/mem.h"
#include "records/crc32c.h"
#include "records/tfrecord.h"

#define MEMBER_BYTES (1u << 20)
#define MEMBERS 4u /* that are compressed at the same time */
#define LEVEL 5
#define FLUSH_BYTES 64u /* what deflate adds to its bound for the end of a block and of the stream */

struct tfrecord_writer {
    file_writer *file;
    enum container container;
    pool *threads;
    struct libdeflate_compressor *gzip[MEMBERS]; /* one a member */
    z_stream zlib;
    int zlib_made;
    buf frames;             /* not yet written */
    size_t n_cut, start[MEMBERS + 1]; /* members that are cut, where they and the open one start in `frames` */
    uint64_t first[MEMBERS + 1];      /* and their first records */
    buf packed[MEMBERS];
    uint64_t count; /* records */
    record_index *keep;     /* the caller's, or NULL */
    digest *digest;
};

static uint32_t u32_of(const uint8_t *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24; }

static void u32_put(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> 8 * i);
}

void tfrecord_seal(uint8_t *frame, size_t n)
{
    uint8_t *data = frame + TFRECORD_HEADER_BYTES;
    u32_put(frame, (uint32_t)n);
    u32_put(frame + 4, (uint32_t)((uint64_t)n >> 32));
    u32_put(frame + 8, crc32c_mask(crc32c(0, frame, 8)));
    u32_put(data + n, crc32c_mask(crc32c(0, data, n)));
}

int tfrecord_frame(buf *b, const void *p, size_t n, shoal_error *err)
{
    size_t whole = (size_t)tfrecord_framed(n);
    int r = buf_reserve(b, whole, err);
    if (r < 0) return r;
    if (n > 0) memcpy(b->data + b->len + TFRECORD_HEADER_BYTES, p, n);
    tfrecord_seal(b->data + b->len, n);
    b->len += whole;
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
    for (size_t i = 0; w->container == CONTAINER_GZIP && i < MEMBERS; i++)
        if (!(w->gzip[i] = libdeflate_alloc_compressor(LEVEL))) return error_nomem(err, 0, "a compressor");
    if (w->container != CONTAINER_ZLIB) return 0;
    w->zlib.zalloc = zlib_alloc;
    w->zlib.zfree = zlib_free;
    if (deflateInit(&w->zlib, LEVEL) != Z_OK) return error_nomem(err, 0, "a compressor");
    w->zlib_made = 1;
    return 0;
}

int tfrecord_create(const char *path, int replace, enum container c, pool *threads, tfrecord_writer **out, shoal_error *err)
{
    *out = NULL;
    tfrecord_writer *w = mem_calloc(1, sizeof *w);
    if (!w) return error_nomem(err, sizeof *w, "a record writer");
    w->container = c;
    w->threads = threads;
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
    for (size_t i = 0; i < MEMBERS; i++) {
        libdeflate_free_compressor(w->gzip[i]);
        buf_release(&w->packed[i]);
    }
    if (w->zlib_made) deflateEnd(&w->zlib);
    buf_release(&w->frames);
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

static int pack_member(void *ctx, size_t i, int thread)
{
    tfrecord_writer *w = ctx;
    (void)thread;
    size_t n = w->start[i + 1] - w->start[i], bound = libdeflate_gzip_compress_bound(w->gzip[i], n);
    buf_clear(&w->packed[i]);
    int r = buf_reserve(&w->packed[i], bound, NULL);
    if (r < 0) return r;
    w->packed[i].len = libdeflate_gzip_compress(w->gzip[i], w->frames.data + w->start[i], n, w->packed[i].data, bound);
    return w->packed[i].len == 0 ? SHOAL_INTERNAL : 0;
}

static int put_gzip(tfrecord_writer *w, shoal_error *err)
{
    int r = 0;
    if (w->threads) r = pool_for(w->threads, w->n_cut, pack_member, w);
    for (size_t i = 0; r == 0 && !w->threads && i < w->n_cut; i++) r = pack_member(w, i, 0);
    if (r == SHOAL_NOMEM) return error_nomem(err, MEMBER_BYTES, "a compressed member");
    if (r < 0) return error_set(err, r, "gzip: the compressor failed within its own bound");
    for (size_t i = 0; r == 0 && i < w->n_cut; i++) {
        if (w->keep) r = record_index_add_block(w->keep, file_written(w->file), w->first[i], 0, err);
        if (r == 0) r = put(w, w->packed[i].data, w->packed[i].len, err);
    }
    return r;
}

static int put_zlib(tfrecord_writer *w, int flush, shoal_error *err)
{
    buf_clear(&w->packed[0]);
    size_t bound = deflateBound(&w->zlib, w->frames.len) + FLUSH_BYTES;
    int r = buf_reserve(&w->packed[0], bound, err);
    if (r < 0) return r;
    w->zlib.next_in = w->frames.data;
    w->zlib.avail_in = (uInt)w->frames.len;
    w->zlib.next_out = w->packed[0].data;
    w->zlib.avail_out = (uInt)bound;
    int code = deflate(&w->zlib, flush);
    if (code != (flush == Z_FINISH ? Z_STREAM_END : Z_OK) || w->zlib.avail_in > 0 || w->zlib.avail_out == 0)
        return error_set(err, SHOAL_INTERNAL, "zlib: the compressor failed within its own bound");
    return put(w, w->packed[0].data, bound - w->zlib.avail_out, err);
}

/* Everything that stands in `frames`. */
static int write_frames(tfrecord_writer *w, shoal_error *err)
{
    int r = 0;
    if (w->frames.len == 0) return 0;
    if (w->start[w->n_cut] < w->frames.len) {
        w->start[++w->n_cut] = w->frames.len;
        w->first[w->n_cut] = w->count;
    }
    if (w->container == CONTAINER_GZIP) {
        r = put_gzip(w, err);
    } else if (w->container == CONTAINER_ZLIB) {
        if (w->keep) r = record_index_add_block(w->keep, file_written(w->file), w->first[0], 0, err);
        if (r == 0) r = put_zlib(w, Z_FULL_FLUSH, err);
    } else {
        r = put(w, w->frames.data, w->frames.len, err);
    }
    w->n_cut = w->start[0] = 0;
    w->first[0] = w->count;
    buf_clear(&w->frames);
    return r;
}

/* A record more stands in `frames`: cuts a member behind it, and writes, when there is enough. */
static int counted(tfrecord_writer *w, shoal_error *err)
{
    w->count++;
    if (w->frames.len - w->start[w->n_cut] < MEMBER_BYTES) return 0;
    w->start[++w->n_cut] = w->frames.len;
    w->first[w->n_cut] = w->count;
    return w->n_cut == (w->container == CONTAINER_GZIP ? MEMBERS : 1) ? write_frames(w, err) : 0;
}

/* The next record, of a plain file, will start at `at`. */
static int keep_block(tfrecord_writer *w, uint64_t at, shoal_error *err)
{
    record_index *x = w->keep;
    if (x->n_blocks > 0 && at - x->block[x->n_blocks - 1].offset < INDEX_BLOCK_BYTES) return 0;
    return record_index_add_block(x, at, w->count, 0, err);
}

int tfrecord_write(tfrecord_writer *w, const void *p, size_t n, shoal_error *err)
{
    if (n > TFRECORD_BYTES_MAX)
        return error_set(err, SHOAL_DATA, "record %llu has %zu bytes; a TFRecord holds at most 2 GiB", (unsigned long long)w->count, n);
    int r = w->keep && w->container == CONTAINER_PLAIN ? keep_block(w, tfrecord_written(w), err) : 0;
    if (r == 0) r = tfrecord_frame(&w->frames, p, n, err);
    if (r < 0) return r;
    return counted(w, err);
}

/* Of a plain file: without a copy. */
static int write_plain(tfrecord_writer *w, const uint8_t *p, size_t n, shoal_error *err)
{
    int r = write_frames(w, err);
    const uint64_t start = file_written(w->file);
    for (size_t at = 0; r == 0 && at < n; at += (size_t)tfrecord_framed(u32_of(p + at)), w->count++)
        if (w->keep) r = keep_block(w, start + at, err);
    w->first[0] = w->count;
    return r < 0 ? r : put(w, p, n, err);
}

int tfrecord_write_framed(tfrecord_writer *w, const uint8_t *p, size_t n, shoal_error *err)
{
    int r = 0;
    if (w->container == CONTAINER_PLAIN) return write_plain(w, p, n, err);
    for (size_t at = 0, whole; r == 0 && at < n; at += whole) {
        whole = (size_t)tfrecord_framed(u32_of(p + at)); /* sealed by us: below 2 GiB */
        r = buf_append(&w->frames, p + at, whole, err);
        if (r == 0) r = counted(w, err);
    }
    return r;
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
