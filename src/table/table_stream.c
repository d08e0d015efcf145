/* table_stream.c: a caller's ArrowArrayStream as a source. Nothing in it is trusted: every batch is checked. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "table/source.h"

typedef struct stream_source {
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    uint64_t batch;
} stream_source;

static int stream_error(stream_source *s, int code, const char *what, shoal_error *err)
{
    const char *why = s->stream.get_last_error ? s->stream.get_last_error(&s->stream) : NULL;
    return error_set(err, SHOAL_DATA, "the Arrow stream: %s: %s", what, why && *why ? why : strerror(code > 0 ? code : 5));
}

/* A struct array may itself start at an offset; its children then do. */
static void push_offset_down(struct ArrowArray *a)
{
    for (int64_t i = 0; i < a->n_children; i++) {
        struct ArrowArray *child = a->children[i];
        if (child->length != a->length && child->null_count > 0) child->null_count = -1;
        child->offset += a->offset;
        child->length = a->length;
    }
    a->offset = 0;
}

static int stream_next(void *ctx, struct ArrowArray *out, shoal_error *err)
{
    stream_source *s = ctx;
    memset(out, 0, sizeof *out);
    int code = s->stream.get_next(&s->stream, out);
    if (code != 0) {
        if (out->release) out->release(out);
        return stream_error(s, code, "reading a batch failed", err);
    }
    if (!out->release) return 0;
    s->batch++;
    int r = arrow_array_check(&s->schema, out, err);
    for (int64_t i = 0; r == 0 && out->null_count != 0 && i < out->length; i++)
        if (arrow_is_null(out, i)) r = error_set(err, SHOAL_DATA, "row %lld of the batch is null as a whole", (long long)i);
    if (r < 0) {
        out->release(out);
        return error_where(err, r, "the Arrow stream, batch %llu", (unsigned long long)s->batch - 1);
    }
    push_offset_down(out);
    return 1;
}

static const char *stream_row_name(void *ctx, uint64_t row, char *out, size_t n)
{
    (void)ctx;
    snprintf(out, n, "row %llu of the stream", (unsigned long long)row);
    return out;
}

static void stream_free(void *ctx)
{
    stream_source *s = ctx;
    if (s->schema.release) s->schema.release(&s->schema);
    if (s->stream.release) s->stream.release(&s->stream);
    mem_free(s);
}

static int schema_check(const struct ArrowSchema *s, int depth, shoal_error *err)
{
    if (!s || !s->release || !s->format || s->n_children < 0 || (s->n_children > 0 && !s->children) || depth > 16)
        return error_set(err, SHOAL_DATA, "the Arrow stream: its schema is broken");
    if (depth == 1 && (!s->name || !*s->name || !view_is_utf8(view_of(s->name, strlen(s->name)))))
        return error_set(err, SHOAL_DATA, "the Arrow stream: a column has no name in UTF-8");
    int r = 0;
    for (int64_t i = 0; r == 0 && i < s->n_children; i++) r = schema_check(s->children[i], depth + 1, err);
    return r;
}

int source_stream(struct ArrowArrayStream *stream, source *out, shoal_error *err)
{
    memset(out, 0, sizeof *out);
    stream_source *s = mem_calloc(1, sizeof *s);
    if (!s) {
        if (stream->release) stream->release(stream);
        return error_nomem(err, sizeof *s, "a stream");
    }
    s->stream = *stream;
    stream->release = NULL;
    int r = 0;
    if (!s->stream.release || !s->stream.get_schema || !s->stream.get_next)
        r = error_set(err, SHOAL_USAGE, "the Arrow stream was released or used up before");
    int code = r == 0 ? s->stream.get_schema(&s->stream, &s->schema) : 0;
    if (code != 0) r = stream_error(s, code, "its schema cannot be had", err);
    if (r == 0) r = schema_check(&s->schema, 0, err);
    if (r == 0 && strcmp(s->schema.format, "+s") != 0)
        r = error_set(err, SHOAL_DATA, "the Arrow stream: its batches are no structs of columns (format '%s')", s->schema.format);
    if (r == 0) r = arrow_schema_copy(&s->schema, &out->schema, err);
    if (r < 0) {
        stream_free(s);
        return r;
    }
    out->ctx = s;
    out->next = stream_next;
    out->row_name = stream_row_name;
    out->free = stream_free;
    return 0;
}
