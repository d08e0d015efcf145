/* partition_source.c: batches of files with the columns of their folders behind them. */
#include <string.h>

#include "base/mem.h"
#include "table/partition.h"

typedef struct partitioned {
    source inner;
    partitions p;
    struct ArrowSchema own; /* of the partitions alone */
    arrow_builder *builder;
} partitioned;

static void partitioned_free(void *ctx)
{
    partitioned *s = ctx;
    if (s->inner.free) s->inner.free(s->inner.ctx);
    if (s->inner.schema.release) s->inner.schema.release(&s->inner.schema);
    if (s->own.release) s->own.release(&s->own);
    arrow_builder_free(s->builder);
    partitions_release(&s->p);
    mem_free(s);
}

static int constant_column(partitioned *s, size_t k, size_t file, int64_t rows, shoal_error *err)
{
    const partition_key *key = &s->p.key[k];
    const char *text = key->value[file];
    int64_t number = text && key->type != ARROW_UTF8 ? partition_number(key, file) : 0;
    int r = 0;
    for (int64_t i = 0; r == 0 && i < rows; i++)
        r = !text ? arrow_builder_null(s->builder, (int64_t)k, err)
            : key->type == ARROW_UTF8 ? arrow_builder_text(s->builder, (int64_t)k, view_of(text, strlen(text)), err)
                                      : arrow_builder_i64(s->builder, (int64_t)k, number, err);
    return r;
}

static int partitioned_next(void *ctx, struct ArrowArray *out, shoal_error *err)
{
    partitioned *s = ctx;
    struct ArrowArray left;
    int r = s->inner.next(s->inner.ctx, &left, err);
    if (r <= 0) return r;
    r = 0;
    size_t file = s->inner.file(s->inner.ctx);
    for (size_t k = 0; r == 0 && k < s->p.n_keys; k++) r = constant_column(s, k, file, left.length, err);
    return arrow_join_built(&left, s->builder, r, out, err);
}

static const char *partitioned_row_name(void *ctx, uint64_t row, char *out, size_t n)
{
    partitioned *s = ctx;
    return s->inner.row_name(s->inner.ctx, row, out, n);
}

static int make_schemas(partitioned *s, struct ArrowSchema *out, shoal_error *err)
{
    const struct ArrowSchema *inner = &s->inner.schema;
    int r = arrow_schema_struct(&s->own, (int64_t)s->p.n_keys, err);
    for (size_t k = 0; r == 0 && k < s->p.n_keys; k++) {
        const partition_key *key = &s->p.key[k];
        if (arrow_find(inner, key->name) >= 0)
            return error_set(err, SHOAL_DATA, "column '%s' is in the files and in the names of their folders; rename the folders, or the column", key->name);
        r = arrow_schema_set(s->own.children[k], key->name, key->type == ARROW_I64 ? "l" : key->type == ARROW_DATE32 ? "tdD" : "u", 1, err);
    }
    if (r == 0) r = arrow_schema_struct(out, inner->n_children + (int64_t)s->p.n_keys, err);
    for (int64_t i = 0; r == 0 && i < out->n_children; i++)
        r = arrow_schema_copy(i < inner->n_children ? inner->children[i] : s->own.children[i - inner->n_children], out->children[i], err);
    return r;
}

int source_partitioned(source *inner, partitions *p, source *out, shoal_error *err)
{
    memset(out, 0, sizeof *out);
    partitioned *s = mem_calloc(1, sizeof *s);
    if (!s) {
        inner->free(inner->ctx);
        inner->schema.release(&inner->schema);
        partitions_release(p);
        return error_nomem(err, sizeof *s, "a source");
    }
    s->inner = *inner;
    s->p = *p;
    memset(p, 0, sizeof *p);
    int r = make_schemas(s, &out->schema, err);
    if (r == 0) r = arrow_builder_new(&s->own, &s->builder, err);
    if (r < 0) {
        if (out->schema.release) out->schema.release(&out->schema);
        partitioned_free(s);
        return r;
    }
    out->ctx = s;
    out->next = partitioned_next;
    out->row_name = partitioned_row_name;
    out->free = partitioned_free;
    out->skipped = s->inner.skipped;
    return 0;
}
