/* table_stream.c: a caller's ArrowArrayStream as a source. Nothing in it is trusted: every batch is checked. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "table/source.h"

typedef struct stream_source {
    struct ArrowArrayStream stream;
    struct ArrowSchema schema; /* a copy in which extension types have formats of ours */
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

/* Columns of nulls have no buffers, by which arrow_is_null knows them. */
static void drop_null_buffers(const struct ArrowSchema *s, struct ArrowArray *a)
{
    enum arrow_type t = arrow_type_of(s);
    if (t == ARROW_OTHER) return; /* unchecked */
    if (t == ARROW_NULL) a->n_buffers = 0;
    for (int64_t i = 0; i < a->n_children; i++) drop_null_buffers(s->children[i], a->children[i]);
    if (s->dictionary) drop_null_buffers(s->dictionary, a->dictionary);
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
    drop_null_buffers(&s->schema, out);
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
    return r == 0 && s->dictionary ? schema_check(s->dictionary, depth + 2, err) : r;
}

/* The value of a key of a schema's metadata: i32 number of pairs, each i32 length, key, i32 length, value. */
static view metadata_of(const struct ArrowSchema *s, const char *key)
{
    const char *p = s->metadata;
    int32_t pairs = 0, n[2];
    if (p) memcpy(&pairs, p, 4), p += 4;
    for (; pairs > 0; pairs--) {
        view part[2];
        for (int i = 0; i < 2; i++) {
            memcpy(&n[i], p, 4);
            if (n[i] < 0) return view_of(NULL, 0);
            part[i] = view_of(p + 4, (size_t)n[i]);
            p += 4 + n[i];
        }
        if (view_eq(part[0], key)) return part[1];
    }
    return view_of(NULL, 0);
}

/* An extension type is more than its storage: only those whose meaning is known may pass. */
static int note_extensions(const struct ArrowSchema *theirs, struct ArrowSchema *ours, shoal_error *err)
{
    view name = metadata_of(theirs, "ARROW:extension:name");
    char format[80];
    int r = 0;
    if (name.n > 0 && view_eq(name, "arrow.uuid") && strcmp(theirs->format, "w:16") == 0) r = arrow_schema_set_format(ours, ":uuid", err);
    else if (name.n > 0 && !view_eq(name, "arrow.json")) {
        snprintf(format, sizeof format, ":extension %.*s", name.n < 60 ? (int)name.n : 60, name.p);
        r = arrow_schema_set_format(ours, format, err);
    }
    for (int64_t i = 0; r == 0 && i < theirs->n_children; i++) r = note_extensions(theirs->children[i], ours->children[i], err);
    if (r == 0 && theirs->dictionary) r = note_extensions(theirs->dictionary, ours->dictionary, err);
    return r;
}

static int take_schema(stream_source *s, shoal_error *err)
{
    struct ArrowSchema theirs = {0};
    int code = s->stream.get_schema(&s->stream, &theirs);
    if (code != 0) return stream_error(s, code, "its schema cannot be had", err);
    int r = schema_check(&theirs, 0, err);
    if (r == 0 && strcmp(theirs.format, "+s") != 0)
        r = error_set(err, SHOAL_DATA, "the Arrow stream: its batches are no structs of columns (format '%s')", theirs.format);
    if (r == 0) r = arrow_schema_copy(&theirs, &s->schema, err);
    if (r == 0) r = note_extensions(&theirs, &s->schema, err);
    if (theirs.release) theirs.release(&theirs);
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
    if (r == 0) r = take_schema(s, err);
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
