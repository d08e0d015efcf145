/* table_plain.c: a source over one whose columns come in encodings that are not plain (arrow.h): dictionaries, views, lists of
 * a fixed size. Batches are converted in slices of bounded size, as a caller may hand over a whole table as one. */
#include <string.h>

#include "base/mem.h"
#include "table/source.h"

#define SLICE_ROWS (8 * TABLE_BATCH_ROWS)

typedef struct plain_source {
    source inner;
    struct ArrowArray batch;
    int64_t at;    /* the next row of it */
    uint64_t rows; /* passed over or given out so far */
} plain_source;

/* What does not fit is tried in halves, so that a column over 2 GiB is split and an error names one row. */
static int convert(plain_source *s, int64_t n, struct ArrowArray *out, shoal_error *err)
{
    int r;
    while ((r = arrow_array_copy(&s->inner.schema, &s->batch, s->at, n, out, err)) == SHOAL_DATA && n > 1) n = (n + 1) / 2;
    if (r == SHOAL_DATA) {
        char row[200];
        error_where(err, r, "%s", s->inner.row_name(s->inner.ctx, s->rows, row, sizeof row));
    }
    return r;
}

static int plain_next(void *ctx, struct ArrowArray *out, shoal_error *err)
{
    plain_source *s = ctx;
    while (!s->batch.release || s->at == s->batch.length) {
        if (s->batch.release) s->batch.release(&s->batch);
        s->batch.release = NULL;
        s->at = 0;
        int r = s->inner.next(s->inner.ctx, &s->batch, err);
        if (r <= 0) {
            s->batch.release = NULL;
            return r;
        }
    }
    int64_t left = s->batch.length - s->at;
    int r = convert(s, left < SLICE_ROWS ? left : SLICE_ROWS, out, err);
    if (r < 0) return r;
    s->at += out->length;
    s->rows += (uint64_t)out->length;
    return 1;
}

static const char *plain_row_name(void *ctx, uint64_t row, char *out, size_t n)
{
    const plain_source *s = ctx;
    return s->inner.row_name(s->inner.ctx, row, out, n);
}

static void plain_free(void *ctx)
{
    plain_source *s = ctx;
    if (s->batch.release) s->batch.release(&s->batch);
    if (s->inner.schema.release) s->inner.schema.release(&s->inner.schema);
    s->inner.free(s->inner.ctx);
    mem_free(s);
}

int source_plain(source *s, shoal_error *err)
{
    if (arrow_schema_is_plain(&s->schema)) return 0;
    plain_source *p = mem_calloc(1, sizeof *p);
    if (!p) return error_nomem(err, sizeof *p, "a source");
    struct ArrowSchema schema;
    int r = arrow_schema_plain(&s->schema, &schema, err);
    if (r < 0) {
        mem_free(p);
        return r;
    }
    p->inner = *s;
    p->rows = s->skipped;
    *s = (source){p, schema, plain_next, plain_row_name, plain_free, s->skipped, NULL, s->is_measured};
    return 0;
}
