#include "records/inflate_members.h"

#include <libdeflate.h>
#include <string.h>

#include "base/mem.h"
#include "base/stage.h"

#define READ_BYTES (256u << 10)
#define PACKED_MAX (4u << 20) /* of a piece that is tried */
#define DATA_MAX (8u << 20)   /* that it may inflate to */
#define MEMBER_END_BYTES 8u   /* checksum and number of the inflated bytes */
#define THREADS_MAX 16

static const uint8_t HEAD[MEMBER_HEAD_BYTES] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff};
#define HEAD_FIXED 8u /* in front of the byte that tells the level of compression */

struct members {
    file_reader *file;
    uint64_t at;  /* offset of what is read next */
    buf window;   /* read, and not yet in a piece; no head starts in its bytes [1, searched) */
    size_t searched;
    member *piece;
    size_t n;
    struct libdeflate_decompressor **inflate; /* one a thread */
    int threads;
    stage *stage;
    clocks *clocks;
};

int members_head_is(const uint8_t *p) { return memcmp(p, HEAD, HEAD_FIXED) == 0 && p[HEAD_FIXED + 1] == HEAD[HEAD_FIXED + 1]; }

/* The offset of the next head behind the first byte of the window; its length when there is none so far. */
static size_t find_head(members *m)
{
    const uint8_t *p = m->window.data;
    const size_t n = m->window.len;
    size_t at = m->searched > 0 ? m->searched : 1;
    while (at + MEMBER_HEAD_BYTES <= n) {
        const uint8_t *hit = memmem(p + at, n - at, HEAD, HEAD_FIXED);
        if (!hit || (size_t)(hit - p) + MEMBER_HEAD_BYTES > n) break;
        at = (size_t)(hit - p);
        if (members_head_is(hit)) return at;
        at++;
    }
    m->searched = n < MEMBER_HEAD_BYTES ? 0 : n - MEMBER_HEAD_BYTES + 1;
    return n;
}

static int read_more(members *m, shoal_error *err)
{
    const uint64_t left = file_size(m->file) - m->at, start = clocks_start(m->clocks);
    const size_t n = left < READ_BYTES ? (size_t)left : READ_BYTES;
    int r = buf_reserve(&m->window, n, err);
    if (r == 0) r = file_pread(m->file, m->at, m->window.data + m->window.len, n, err);
    if (r < 0) return r;
    m->window.len += n;
    m->at += n;
    clocks_stop(m->clocks, CLOCK_STORAGE, start);
    return 0;
}

/* Up to the next head, or what there is when none is near. */
static int members_make(void *ctx, void *item, shoal_error *err)
{
    members *m = ctx;
    member *p = item;
    size_t end;
    int r = 0;
    while ((end = find_head(m)) == m->window.len && end < PACKED_MAX && m->at < file_size(m->file))
        if ((r = read_more(m, err)) < 0) return r;
    buf_clear(&p->packed);
    if (end == 0) return 0;
    p->from = m->at - m->window.len;
    if ((r = buf_append(&p->packed, m->window.data, end, err)) < 0) return r;
    memmove(m->window.data, m->window.data + end, m->window.len - end);
    m->window.len -= end;
    m->searched = 0;
    return 1;
}

static size_t claimed_bytes(const buf *b)
{
    const uint8_t *p = b->data + b->len - 4;
    return (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24;
}

static int members_work(void *ctx, void *item, int thread, shoal_error *err)
{
    members *m = ctx;
    member *p = item;
    size_t used, got;
    p->whole = 0;
    buf_clear(&p->data);
    if (p->packed.len < MEMBER_HEAD_BYTES + MEMBER_END_BYTES || p->packed.len > PACKED_MAX) return 0;
    const size_t n = claimed_bytes(&p->packed);
    if (n > DATA_MAX) return 0;
    int r = buf_reserve(&p->data, n + 1, err);
    if (r < 0) return r;
    const uint64_t start = clocks_start(m->clocks);
    const enum libdeflate_result is = libdeflate_gzip_decompress_ex(m->inflate[thread], p->packed.data, p->packed.len, p->data.data, n, &used, &got);
    clocks_stop(m->clocks, CLOCK_INFLATE, start);
    p->whole = is == LIBDEFLATE_SUCCESS && used == p->packed.len && got == n;
    if (p->whole) p->data.len = n;
    return 0;
}

static int start(members *m, shoal_error *err)
{
    static const stage_ops OPS = {members_make, members_work};
    void *items[THREADS_MAX + 2];
    const size_t n_inflate = m->threads > 0 ? (size_t)m->threads : 1;
    m->n = m->threads > 0 ? n_inflate + 2 : 1;
    m->piece = mem_calloc(m->n, sizeof *m->piece);
    m->inflate = mem_calloc(n_inflate, sizeof *m->inflate);
    if (!m->piece || !m->inflate) return error_nomem(err, m->n * sizeof *m->piece, "inflating");
    for (size_t i = 0; i < n_inflate; i++)
        if (!(m->inflate[i] = libdeflate_alloc_decompressor())) return error_nomem(err, 0, "inflating");
    for (size_t i = 0; i < m->n; i++) items[i] = &m->piece[i];
    return stage_new(&OPS, m, m->threads, items, m->n, &m->stage, err);
}

int members_new(file_reader *file, uint64_t offset, int threads, clocks *c, members **out, shoal_error *err)
{
    members *m = mem_calloc(1, sizeof *m);
    *out = NULL;
    if (!m) return error_nomem(err, sizeof *m, "inflating");
    m->file = file;
    m->at = offset;
    m->clocks = c;
    m->threads = file_size(file) - offset <= READ_BYTES ? 0 : threads < THREADS_MAX ? threads : THREADS_MAX;
    int r = start(m, err);
    if (r < 0) members_free(m);
    else *out = m;
    return r;
}

void members_free(members *m)
{
    if (!m) return;
    stage_free(m->stage);
    for (size_t i = 0; m->piece && i < m->n; i++) {
        buf_release(&m->piece[i].packed);
        buf_release(&m->piece[i].data);
    }
    for (int i = 0; m->inflate && i < (m->threads > 0 ? m->threads : 1); i++) libdeflate_free_decompressor(m->inflate[i]);
    buf_release(&m->window);
    mem_free(m->piece);
    mem_free(m->inflate);
    mem_free(m);
}

int members_next(members *m, const member **out, shoal_error *err)
{
    void *item;
    int r = stage_next(m->stage, &item, err);
    *out = item;
    return r;
}
