#include "table/text_stage.h"

#include <string.h>

#include "base/clocks.h"
#include "base/mem.h"

#define PIECE_BYTES (1u << 20)
#define BATCHES_FIRST 8

int text_stage_init(text_stage *s, char **files, size_t n, const table_spec *spec, shoal_error *err)
{
    memset(s, 0, sizeof *s);
    s->n_threads = spec->threads < TEXT_THREADS_MAX ? spec->threads : TEXT_THREADS_MAX;
    s->threads = s->n_threads > 0 ? s->n_threads : 1;
    s->clocks = spec->clocks;
    int r = text_files_init(&s->text, files, n, err);
    s->text.clocks = spec->clocks;
    return r < 0 ? r : text_places_init(&s->places, n, err);
}

static void drop_batches(text_piece *p)
{
    for (; p->given < p->n_batches; p->given++)
        if (p->batch[p->given].release) p->batch[p->given].release(&p->batch[p->given]);
    p->given = p->n_batches = 0;
}

void text_stage_release(text_stage *s)
{
    stage_free(s->stage);
    for (size_t i = 0; i < s->n_pieces; i++) {
        drop_batches(&s->pieces[i]);
        mem_free(s->pieces[i].batch);
        mem_free(s->pieces[i].text);
    }
    mem_free(s->pieces);
    text_places_release(&s->places);
    text_files_release(&s->text);
}

int text_piece_add(text_piece *p, struct ArrowArray **batch, shoal_error *err)
{
    if (p->n_batches == p->cap_batches) {
        const size_t cap = p->cap_batches ? 2 * p->cap_batches : BATCHES_FIRST;
        struct ArrowArray *grown = mem_realloc(p->batch, cap * sizeof *grown);
        if (!grown) return error_nomem(err, cap * sizeof *grown, "batches");
        p->batch = grown;
        p->cap_batches = cap;
    }
    *batch = memset(&p->batch[p->n_batches++], 0, sizeof **batch);
    return 0;
}

/* ---- reading --------------------------------------------------------------------------------------------------------------- */

/* Opens the next file with something in it: 1, or 0 at the end. */
static int open_file(text_stage *s, shoal_error *err)
{
    int r;
    while ((r = text_files_open(&s->text, err)) > 0) {
        s->fresh = 1;
        if ((r = s->ops->begin(s->ctx, &s->text, err)) != 0) return r;
        if ((r = text_files_close(&s->text, err)) < 0) return r;
    }
    return r;
}

/* The bytes of the window that become a piece: whole rows, or what is left of the file; 0 at its end. */
static int next_bytes(text_stage *s, size_t *n, shoal_error *err)
{
    text_files *t = &s->text;
    size_t want = PIECE_BYTES;
    for (;; want = 2 * text_files_view(t).n) {
        while (!t->at_end && text_files_view(t).n < want) {
            const int r = text_files_more(t, err);
            if (r < 0) return r;
        }
        view text = text_files_view(t);
        *n = text.n;
        if (t->at_end && text.n <= want) return 0;
        if (text.n > want) text.n = want;
        if ((*n = s->ops->cut(s->ctx, text)) > 0) return 0;
    }
}

static int make_piece(void *ctx, void *item, shoal_error *err)
{
    text_stage *s = ctx;
    text_piece *p = item;
    size_t n = 0;
    drop_batches(p);
    p->n = p->lines = 0;
    p->too_long = p->is_bad = 0;
    for (int r; n == 0;) {
        if (s->ended) return 0;
        if (!s->text.bytes && (r = open_file(s, err)) <= 0) return r;
        p->file = s->text.file;
        r = next_bytes(s, &n, err);
        if (r < 0 && s->text.too_long) {
            s->ended = p->too_long = 1;
            break;
        }
        if (r == 0 && n == 0) r = text_files_close(&s->text, err);
        if (r < 0) return r;
    }
    p->is_first = s->fresh;
    p->line = s->text.line;
    s->fresh = 0;
    p->n = n;
    const int r = n > 0 ? text_files_hand(&s->text, n, &p->text, &p->cap, err) : 0;
    return r < 0 ? r : 1;
}

static int parse_piece(void *ctx, void *item, int thread, shoal_error *err)
{
    text_stage *s = ctx;
    text_piece *p = item;
    const uint64_t start = clocks_start(s->clocks);
    const int r = p->n > 0 ? s->ops->parse(s->ctx, p, thread, err) : 0;
    clocks_stop(s->clocks, CLOCK_PARSE, start);
    return r;
}

/* Two pieces more than threads: one with whoever takes them, one to be filled meanwhile. */
int text_stage_start(text_stage *s, const text_ops *ops, void *ctx, shoal_error *err)
{
    static const stage_ops OPS = {make_piece, parse_piece};
    void *items[TEXT_THREADS_MAX + 2];
    const size_t n = s->n_threads > 0 ? (size_t)s->n_threads + 2 : 1;
    s->ops = ops;
    s->ctx = ctx;
    s->fresh = s->text.bytes != NULL;
    if (!(s->pieces = mem_calloc(n, sizeof *s->pieces))) return error_nomem(err, n * sizeof *s->pieces, "blocks of text");
    s->n_pieces = n;
    for (size_t i = 0; i < n; i++) items[i] = &s->pieces[i];
    return stage_new(&OPS, s, s->n_threads, items, n, &s->stage, err);
}

/* ---- handing over ---------------------------------------------------------------------------------------------------------- */

static int explain(text_stage *s, const text_piece *p, shoal_error *err)
{
    if (!p->too_long) return s->ops->explain(s->ctx, p, s->line, err);
    return error_set(err, SHOAL_DATA, "%s: line %llu is longer than 256 MiB: no row that shoal reads is that long", text_files_name(&s->text, p->file),
                     (unsigned long long)s->line + 1);
}

int text_stage_next(text_stage *s, struct ArrowArray *out, shoal_error *err)
{
    for (;;) {
        text_piece *p = s->current;
        if (p && p->given < p->n_batches) {
            *out = p->batch[p->given++];
            text_places_note(&s->places, p->file, (uint64_t)out->length);
            return 1;
        }
        if (p && (p->is_bad || p->too_long)) return explain(s, p, err);
        if (p) s->line += p->lines;
        s->current = NULL; /* the stage has it back */
        void *item;
        const int r = stage_next(s->stage, &item, err);
        if (r <= 0) return r;
        s->current = item;
        if (s->current->is_first) s->line = s->current->line;
    }
}
