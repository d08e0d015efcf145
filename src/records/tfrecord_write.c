/* tfrecord_write.c: the writing half of tfrecord.h. Gzip members are independent, so that they can be found again and
 * inflated apart. */
#include <libdeflate.h>
#include <string.h>

#include "base/mem.h"
#include "records/crc32c.h"
#include "records/tfrecord.h"

#define MEMBER_BYTES (1u << 20)
#define GZIP_LEVEL 5

struct tfrecord_writer {
    file_writer *file;
    struct libdeflate_compressor *gzip; /* NULL: plain */
    buf frames;                         /* not yet written */
    buf member;
    uint64_t count;
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

int tfrecord_create(const char *path, int replace, enum tfrecord_compression c, tfrecord_writer **out, shoal_error *err)
{
    *out = NULL;
    tfrecord_writer *w = mem_calloc(1, sizeof *w);
    if (!w) return error_nomem(err, sizeof *w, "a record writer");
    int r = file_create(path, replace, &w->file, err);
    if (r == 0 && c == TFRECORD_GZIP && !(w->gzip = libdeflate_alloc_compressor(GZIP_LEVEL)))
        r = error_nomem(err, 0, "a compressor");
    if (r != 0) {
        tfrecord_abort(w);
        return r;
    }
    *out = w;
    return 0;
}

static void writer_free(tfrecord_writer *w)
{
    libdeflate_free_compressor(w->gzip);
    buf_release(&w->frames);
    buf_release(&w->member);
    mem_free(w);
}

void tfrecord_abort(tfrecord_writer *w)
{
    if (!w) return;
    file_abort(w->file);
    writer_free(w);
}

static int write_frames(tfrecord_writer *w, shoal_error *err)
{
    int r = 0;
    if (w->frames.len == 0) return 0;
    if (!w->gzip) {
        r = file_write(w->file, w->frames.data, w->frames.len, err);
    } else {
        size_t bound = libdeflate_gzip_compress_bound(w->gzip, w->frames.len);
        buf_clear(&w->member);
        if ((r = buf_reserve(&w->member, bound, err)) < 0) return r;
        size_t n = libdeflate_gzip_compress(w->gzip, w->frames.data, w->frames.len, w->member.data, bound);
        if (n == 0) return error_set(err, SHOAL_INTERNAL, "gzip: the compressor failed within its own bound");
        r = file_write(w->file, w->member.data, n, err);
    }
    buf_clear(&w->frames);
    return r;
}

int tfrecord_write(tfrecord_writer *w, const void *p, size_t n, shoal_error *err)
{
    if (n > TFRECORD_BYTES_MAX)
        return error_set(err, SHOAL_DATA, "record %llu has %zu bytes; a TFRecord holds at most 2 GiB", (unsigned long long)w->count, n);
    int r = tfrecord_frame(&w->frames, p, n, err);
    if (r < 0) return r;
    w->count++;
    return w->frames.len >= MEMBER_BYTES ? write_frames(w, err) : 0;
}

uint64_t tfrecord_written(const tfrecord_writer *w) { return file_written(w->file) + w->frames.len; }
uint64_t tfrecord_count(const tfrecord_writer *w) { return w->count; }

int tfrecord_commit(tfrecord_writer *w, shoal_error *err)
{
    int r = write_frames(w, err);
    if (r < 0) {
        tfrecord_abort(w);
        return r;
    }
    r = file_commit(w->file, err);
    writer_free(w);
    return r;
}
