#include "features/pack.h"

#include <string.h>

#include "base/mem.h"
#include "storage/file.h"

static const char MAGIC[8] = "SHOALPK1", MAGIC_END[8] = "SHOALPKE";

#define HEADER_BYTES 24
#define BLOCK_OVERHEAD 16 /* counts and checksum */
#define FOOTER_TAIL 48    /* n_blocks, rows, digest, checksum, magic */
#define STRIDE_MAX (1u << 20)

typedef struct shape {
    uint32_t stride, n_lists, n_weighted;
} shape;

/* ---- writing ---- */

struct pack_writer {
    file_writer *file;
    shape shape;
    int started;        /* the header is written: lists are known */
    raw_block pending;  /* fewer than PACK_BLOCK_ROWS rows */
    buf offsets;        /* u64 each */
    uint64_t rows, at;
    digest *digest;
    buf block;
};

static void writer_free(pack_writer *w)
{
    raw_block_release(&w->pending);
    buf_release(&w->offsets);
    buf_release(&w->block);
    digest_free(w->digest);
    mem_free(w);
}

static int stride_check(uint32_t stride)
{
    return stride >= 8 && stride <= STRIDE_MAX && stride % 8 == 0;
}

int pack_create(const char *path, uint32_t stride, pack_writer **out, shoal_error *err)
{
    *out = NULL;
    if (!stride_check(stride))
        return error_set(err, SHOAL_INTERNAL, "pack: stride %u", stride);
    pack_writer *w = mem_calloc(1, sizeof *w);
    if (!w)
        return error_nomem(err, sizeof *w, "a pack");
    w->shape.stride = stride;
    w->digest = digest_new();
    int rc = w->digest ? file_create(path, 1, &w->file, err) : error_nomem(err, 0, "a digest");
    if (rc) {
        writer_free(w);
        return rc;
    }
    *out = w;
    return 0;
}

void pack_abort(pack_writer *w)
{
    if (!w)
        return;
    file_abort(w->file);
    writer_free(w);
}

static int write_header(pack_writer *w, shoal_error *err)
{
    uint8_t h[HEADER_BYTES];
    const uint32_t v[4] = {w->shape.stride, PACK_BLOCK_ROWS, w->shape.n_lists, w->shape.n_weighted};
    memcpy(h, MAGIC, 8);
    memcpy(h + 8, v, sizeof v);
    w->started = 1;
    w->at = HEADER_BYTES;
    return file_write(w->file, h, sizeof h, err);
}

static uint32_t get_u32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint64_t get_u64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint8_t *row_lists(const shape *s, uint8_t *records, size_t row)
{
    return records + (row + 1) * s->stride - 8 * (size_t)s->n_lists;
}

/* Where the heap of row `row` begins. */
static uint64_t heap_begin(const shape *s, const raw_block *b, uint32_t row)
{
    if (row == b->rows || s->n_lists == 0)
        return b->heap.len;
    return get_u32(row_lists(s, b->records.data, row));
}

/* Adds `delta` to the list offsets of n rows. */
static void shift_lists(const shape *s, uint8_t *records, uint32_t n, uint32_t delta)
{
    for (uint32_t i = 0; i < n && s->n_lists; i++) {
        uint8_t *p = row_lists(s, records, i);
        for (uint32_t k = 0; k < s->n_lists; k++, p += 8) {
            uint32_t offset = get_u32(p) + delta;
            memcpy(p, &offset, sizeof offset);
        }
    }
}

/* Appends rows [begin, begin + n) of `from` to `to`. */
static int rows_append(const shape *s, const raw_block *from, uint32_t begin, uint32_t n, raw_block *to,
                       shoal_error *err)
{
    const uint64_t h0 = heap_begin(s, from, begin), h1 = heap_begin(s, from, begin + n);
    const size_t at = to->records.len;
    if (h1 < h0 || h1 > from->heap.len)
        return error_set(err, SHOAL_INTERNAL, "pack: the heap of rows is not in order");
    if (to->heap.len + (h1 - h0) > RAW_HEAP_MAX)
        return error_set(err, SHOAL_DATA, "lists of more than 4 GiB in %u rows", PACK_BLOCK_ROWS);
    int rc = buf_append(&to->records, from->records.data + (size_t)begin * s->stride, (size_t)n * s->stride, err);
    if (!rc && h1 > h0)
        rc = buf_append(&to->heap, from->heap.data + h0, h1 - h0, err);
    if (rc)
        return rc;
    shift_lists(s, to->records.data + at, n, (uint32_t)(to->heap.len - (h1 - h0) - h0));
    to->rows += n;
    return 0;
}

static int write_block(pack_writer *w, shoal_error *err)
{
    raw_block *b = &w->pending;
    const uint32_t counts[2] = {b->rows, (uint32_t)b->heap.len};
    buf_clear(&w->block);
    int rc = buf_append(&w->block, counts, sizeof counts, err);
    if (!rc)
        rc = buf_append(&w->block, b->records.data, b->records.len, err);
    if (!rc && b->heap.len)
        rc = buf_append(&w->block, b->heap.data, b->heap.len, err);
    if (rc)
        return rc;
    const uint64_t sum = hash64(w->block.data, w->block.len, 0);
    rc = buf_append(&w->block, &sum, sizeof sum, err);
    if (!rc)
        rc = buf_append(&w->offsets, &w->at, sizeof w->at, err);
    if (!rc)
        rc = file_write(w->file, w->block.data, w->block.len, err);
    if (rc)
        return rc;
    digest_update(w->digest, &sum, sizeof sum);
    w->at += w->block.len;
    w->rows += b->rows;
    raw_block_clear(b);
    return 0;
}

int pack_add(pack_writer *w, const raw_block *rows, shoal_error *err)
{
    int rc = 0;
    if (rows->rows == 0)
        return 0;
    if (!w->started) {
        w->shape.n_lists = rows->n_lists;
        w->shape.n_weighted = rows->n_weighted;
        rc = write_header(w, err);
    }
    if (rows->n_lists != w->shape.n_lists || rows->n_weighted != w->shape.n_weighted ||
        rows->records.len != (size_t)rows->rows * w->shape.stride || 8 + 8 * rows->n_lists > w->shape.stride)
        return error_set(err, SHOAL_INTERNAL, "pack: rows of another layout");
    for (uint32_t at = 0; at < rows->rows && !rc;) {
        uint32_t room = PACK_BLOCK_ROWS - w->pending.rows, left = rows->rows - at;
        uint32_t n = left < room ? left : room;
        rc = rows_append(&w->shape, rows, at, n, &w->pending, err);
        at += n;
        if (!rc && w->pending.rows == PACK_BLOCK_ROWS)
            rc = write_block(w, err);
    }
    return rc;
}

static int write_footer(pack_writer *w, shoal_error *err)
{
    const uint64_t n_blocks = w->offsets.len / sizeof(uint64_t);
    const hash128 d = digest_value(w->digest);
    const uint64_t tail[4] = {n_blocks, w->rows, d.lo, d.hi};
    int rc = buf_append(&w->offsets, tail, sizeof tail, err);
    if (rc)
        return rc;
    const uint64_t sum = hash64(w->offsets.data, w->offsets.len, 0);
    rc = buf_append(&w->offsets, &sum, sizeof sum, err);
    if (!rc)
        rc = buf_append(&w->offsets, MAGIC_END, sizeof MAGIC_END, err);
    return rc ? rc : file_write(w->file, w->offsets.data, w->offsets.len, err);
}

int pack_commit(pack_writer *w, shoal_error *err)
{
    int rc = w->started ? 0 : write_header(w, err);
    if (!rc && w->pending.rows)
        rc = write_block(w, err);
    if (!rc)
        rc = write_footer(w, err);
    if (rc) {
        pack_abort(w);
        return rc;
    }
    rc = file_commit(w->file, err);
    writer_free(w);
    return rc;
}

/* ---- reading ---- */

struct pack {
    char *path;
    file_reader *file;
    shape shape;
    uint64_t rows;
    uint32_t n_blocks;
    uint64_t *offset; /* [n_blocks + 1]; the last is the footer's */
    hash128 digest;
};

static int damaged(const pack *p, const char *what, shoal_error *err)
{
    return error_set(err, SHOAL_DATA, "%s: not a whole pack: %s; delete it and run again", p->path, what);
}

static int read_header(pack *p, uint64_t size, shoal_error *err)
{
    uint8_t h[HEADER_BYTES];
    if (size < HEADER_BYTES + FOOTER_TAIL)
        return damaged(p, "too short", err);
    int rc = file_pread(p->file, 0, h, sizeof h, err);
    if (rc)
        return rc;
    if (memcmp(h, MAGIC, 8))
        return damaged(p, "its first bytes are not SHOALPK1", err);
    p->shape = (shape){get_u32(h + 8), get_u32(h + 16), get_u32(h + 20)};
    if (!stride_check(p->shape.stride) || p->shape.n_lists > (p->shape.stride - 8) / 8 ||
        p->shape.n_weighted > p->shape.n_lists || get_u32(h + 12) != PACK_BLOCK_ROWS)
        return damaged(p, "bad header", err);
    return 0;
}

/* Blocks follow each other without gaps, each at least as long as its rows. */
static int check_offsets(const pack *p, uint64_t footer, shoal_error *err)
{
    uint64_t at = HEADER_BYTES;
    for (uint32_t i = 0; i < p->n_blocks; i++) {
        const uint64_t records = (uint64_t)pack_block_row_count(p, i) * p->shape.stride;
        const uint64_t end = i + 1 < p->n_blocks ? p->offset[i + 1] : footer;
        if (p->offset[i] != at || end < at || end > footer || end - at < records + BLOCK_OVERHEAD ||
            end - at - records - BLOCK_OVERHEAD > RAW_HEAP_MAX)
            return damaged(p, "bad block offsets", err);
        at = end;
    }
    return at == footer ? 0 : damaged(p, "bad block offsets", err);
}

static int read_footer(pack *p, uint64_t size, shoal_error *err)
{
    uint8_t tail[FOOTER_TAIL];
    int rc = file_pread(p->file, size - FOOTER_TAIL, tail, FOOTER_TAIL, err);
    if (rc)
        return rc;
    const uint64_t n = get_u64(tail);
    p->rows = get_u64(tail + 8);
    p->digest = (hash128){get_u64(tail + 16), get_u64(tail + 24)};
    if (memcmp(tail + 40, MAGIC_END, 8))
        return damaged(p, "its end is missing", err);
    if (n > UINT32_MAX - 1 || n > (size - HEADER_BYTES - FOOTER_TAIL) / 8 || p->rows > n * PACK_BLOCK_ROWS ||
        (n && p->rows <= (n - 1) * PACK_BLOCK_ROWS))
        return damaged(p, "bad counts", err);
    const uint64_t footer = size - FOOTER_TAIL - 8 * n;
    const size_t bytes = 8 * (size_t)n + 32;
    p->n_blocks = (uint32_t)n;
    p->offset = mem_alloc(bytes + 8);
    if (!p->offset)
        return error_nomem(err, bytes, "a pack's offsets");
    if ((rc = file_pread(p->file, footer, p->offset, bytes, err)))
        return rc;
    if (hash64(p->offset, bytes, 0) != get_u64(tail + 32))
        return damaged(p, "the checksum of its end is wrong", err);
    p->offset[n] = footer;
    return check_offsets(p, footer, err);
}

int pack_open(const char *path, pack **out, shoal_error *err)
{
    *out = NULL;
    pack *p = mem_calloc(1, sizeof *p);
    if (!p)
        return error_nomem(err, sizeof *p, "a pack");
    int rc = 0;
    p->path = mem_strdup(path);
    if (!p->path)
        rc = error_nomem(err, strlen(path), "a path");
    if (!rc)
        rc = file_open(path, &p->file, err);
    if (!rc)
        rc = read_header(p, file_size(p->file), err);
    if (!rc)
        rc = read_footer(p, file_size(p->file), err);
    if (rc) {
        pack_close(p);
        return rc;
    }
    *out = p;
    return 0;
}

void pack_close(pack *p)
{
    if (!p)
        return;
    if (p->file)
        file_close(p->file);
    mem_free(p->path);
    mem_free(p->offset);
    mem_free(p);
}

uint64_t pack_rows(const pack *p) { return p->rows; }
uint32_t pack_blocks(const pack *p) { return p->n_blocks; }
uint32_t pack_stride(const pack *p) { return p->shape.stride; }
hash128 pack_digest(const pack *p) { return p->digest; }

uint32_t pack_block_row_count(const pack *p, uint32_t block)
{
    return block + 1 < p->n_blocks ? PACK_BLOCK_ROWS : (uint32_t)(p->rows - (uint64_t)block * PACK_BLOCK_ROWS);
}

uint64_t pack_block_bytes(const pack *p, uint32_t block)
{
    return p->offset[block + 1] - p->offset[block];
}

/* Pieces follow each other and end with the heap. */
static int check_lists(const pack *p, uint8_t *records, uint32_t rows, uint64_t heap, shoal_error *err)
{
    uint64_t at = 0;
    for (uint32_t i = 0; i < rows && p->shape.n_lists; i++) {
        const uint8_t *r = row_lists(&p->shape, records, i);
        for (uint32_t k = 0; k < p->shape.n_lists; k++, r += 8) {
            const uint32_t length = get_u32(r + 4);
            if (get_u32(r) != at || (length != RAW_LIST_MISSING && length > FEATURE_LIST_MAX))
                return damaged(p, "bad list", err);
            if (length == RAW_LIST_MISSING)
                continue;
            at += (uint64_t)length * 8 + (k < p->shape.n_weighted ? ((uint64_t)length * 4 + 7) / 8 * 8 : 0);
            if (at > heap)
                return damaged(p, "bad list", err);
        }
    }
    return at == heap ? 0 : damaged(p, "bad heap", err);
}

/* The block is read behind out's records, checked there, its heap moved over, and the counts before it closed up. */
int pack_read(const pack *p, uint32_t block, raw_block *out, shoal_error *err)
{
    if (block >= p->n_blocks)
        return error_set(err, SHOAL_INTERNAL, "pack: block %u of %u", block, p->n_blocks);
    const uint64_t bytes = pack_block_bytes(p, block);
    const uint32_t rows = pack_block_row_count(p, block);
    const size_t records = (size_t)rows * p->shape.stride, heap = bytes - BLOCK_OVERHEAD - records;
    if (out->heap.len + heap > RAW_HEAP_MAX)
        return error_set(err, SHOAL_DATA, "%s: lists of more than 4 GiB in the blocks of one mix", p->path);
    int rc = buf_reserve(&out->records, bytes, err);
    if (rc)
        return rc;
    uint8_t *b = out->records.data + out->records.len;
    if ((rc = file_pread(p->file, p->offset[block], b, bytes, err)))
        return rc;
    if (hash64(b, bytes - 8, 0) != get_u64(b + bytes - 8))
        return damaged(p, "the checksum of a block is wrong", err);
    if (get_u32(b) != rows || get_u32(b + 4) != heap)
        return damaged(p, "bad block", err);
    if ((rc = check_lists(p, b + 8, rows, heap, err)))
        return rc;
    const uint32_t shift = (uint32_t)out->heap.len;
    if (heap && (rc = buf_append(&out->heap, b + 8 + records, heap, err)))
        return rc;
    memmove(b, b + 8, records);
    shift_lists(&p->shape, b, rows, shift);
    out->records.len += records;
    out->rows += rows;
    out->n_lists = p->shape.n_lists;
    out->n_weighted = p->shape.n_weighted;
    return 0;
}
