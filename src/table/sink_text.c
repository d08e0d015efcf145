/* sink_text.c: rows as CSV (RFC 4180, header first, lines end in \n) or as one JSON object a line. */
#include <string.h>

#include "base/host.h"
#include "base/mem.h"
#include "storage/file.h"
#include "table/cell_text.h"
#include "table/writer.h"

#define FLUSH_BYTES (256u << 10)

typedef struct text_out {
    const shoal_host *host; /* to it when there is no file */
    file_writer *file;
    const struct ArrowSchema *schema; /* the sink's */
    int csv;
    buf b;
} text_out;

static int flush(text_out *w, shoal_error *err)
{
    int r = w->file ? file_write(w->file, w->b.data, w->b.len, err) : host_out(w->host, (const char *)w->b.data, w->b.len, err);
    buf_clear(&w->b);
    return r;
}

static void text_free(text_out *w)
{
    buf_release(&w->b);
    mem_free(w);
}

static void text_abort(void *ctx)
{
    text_out *w = ctx;
    if (!w) return;
    file_abort(w->file);
    text_free(w);
}

static int put_header(text_out *w, shoal_error *err)
{
    int r = 0;
    for (int64_t i = 0; r == 0 && i < w->schema->n_children; i++) {
        const char *name = w->schema->children[i]->name;
        if (i > 0) r = buf_putc(&w->b, ',', err);
        int quote = strpbrk(name, ",\"\r\n") != NULL || !*name || name[0] == ' ' || name[strlen(name) - 1] == ' ';
        if (r == 0 && quote) r = buf_putc(&w->b, '"', err);
        for (; r == 0 && *name; name++) {
            if (*name == '"') r = buf_putc(&w->b, '"', err);
            if (r == 0) r = buf_putc(&w->b, *name, err);
        }
        if (r == 0 && quote) r = buf_putc(&w->b, '"', err);
    }
    return r < 0 ? r : buf_putc(&w->b, '\n', err);
}

static int text_open(const sink_spec *spec, const struct ArrowSchema *schema, const char *path, int csv, void **out, shoal_error *err)
{
    *out = NULL;
    int r = arrow_check_columns(schema, "written", err);
    if (r < 0) return r;
    text_out *w = mem_calloc(1, sizeof *w);
    if (!w) return error_nomem(err, sizeof *w, "a writer");
    w->host = spec->host;
    w->schema = schema;
    w->csv = csv;
    r = path ? file_create(path, 0, &w->file, err) : 0;
    if (r == 0 && csv) r = put_header(w, err);
    if (r < 0) {
        text_abort(w);
        return r;
    }
    *out = w;
    return 0;
}

static int csv_open(const sink_spec *spec, const struct ArrowSchema *schema, const char *path, void **w, shoal_error *err)
{
    return text_open(spec, schema, path, 1, w, err);
}

static int jsonl_open(const sink_spec *spec, const struct ArrowSchema *schema, const char *path, void **w, shoal_error *err)
{
    return text_open(spec, schema, path, 0, w, err);
}

static int text_write(void *ctx, const struct ArrowArray *batch, uint64_t row, shoal_error *err)
{
    text_out *w = ctx;
    int r = 0;
    (void)row;
    for (int64_t i = 0; r == 0 && i < batch->length; i++) {
        if (w->csv) {
            for (int64_t k = 0; r == 0 && k < w->schema->n_children; k++) {
                if (k > 0) r = buf_putc(&w->b, ',', err);
                if (r == 0) r = cell_put_csv(&w->b, w->schema->children[k], batch->children[k], i, err);
            }
            if (r == 0) r = buf_putc(&w->b, '\n', err);
        } else {
            r = cell_put_json_row(&w->b, w->schema, batch, i, err);
        }
        if (r == 0 && w->b.len >= FLUSH_BYTES) r = flush(w, err);
    }
    return r;
}

static uint64_t text_bytes(const void *ctx)
{
    const text_out *w = ctx;
    return (w->file ? file_written(w->file) : 0) + w->b.len;
}

static int text_commit(void *ctx, shoal_error *err)
{
    text_out *w = ctx;
    int r = flush(w, err);
    if (r < 0) {
        text_abort(w);
        return r;
    }
    if (w->file) r = file_commit(w->file, err);
    text_free(w);
    return r;
}

/* Rows of CSV: ends of lines outside quotes, without the header. */
static int text_verify(const char *path, int csv, uint64_t *rows, shoal_error *err)
{
    file_reader *f;
    char *block = mem_alloc(FLUSH_BYTES);
    int quoted = 0;
    *rows = 0;
    if (!block) return error_nomem(err, FLUSH_BYTES, "reading back");
    int r = file_open(path, &f, err);
    if (r < 0) {
        mem_free(block);
        return r;
    }
    int64_t n;
    while ((n = file_read(f, block, FLUSH_BYTES, err)) > 0)
        for (int64_t i = 0; i < n; i++) {
            if (csv && block[i] == '"') quoted = !quoted;
            else if (block[i] == '\n' && !quoted) ++*rows;
        }
    file_close(f);
    mem_free(block);
    if (csv && *rows > 0) --*rows;
    return (int)n;
}

static int csv_verify(const char *path, uint64_t *rows, shoal_error *err) { return text_verify(path, 1, rows, err); }
static int jsonl_verify(const char *path, uint64_t *rows, shoal_error *err) { return text_verify(path, 0, rows, err); }

const writer_ops WRITER_CSV = {"csv", csv_open, text_write, text_bytes, text_commit, text_abort, csv_verify};
const writer_ops WRITER_JSONL = {"jsonl", jsonl_open, text_write, text_bytes, text_commit, text_abort, jsonl_verify};
