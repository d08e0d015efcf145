/* table_sort.c: the rows of a source sorted so that those of one partition are together. Each row gets a number that no other one
 * has, its own or, when they are mixed, chance's (table_shuffle.c), and DuckDB sorts by the partitions and it, with its folder for temporary files when the
 * memory does not hold them. */
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "table/duck.h"
#include "table/partition.h"

#define NUMBER "shoal: row"

typedef struct numbered {
    source inner;
    struct ArrowSchema own; /* of the number alone */
    arrow_builder *builder;
    uint64_t rows, key;
    int mixed;
} numbered;

static void numbered_free(void *ctx)
{
    numbered *s = ctx;
    s->inner.free(s->inner.ctx);
    if (s->inner.schema.release) s->inner.schema.release(&s->inner.schema);
    if (s->own.release) s->own.release(&s->own);
    arrow_builder_free(s->builder);
    mem_free(s);
}

/* Draw i under a key differs from every other draw (rng.h: a bijection of i), so the order is one alone. */
static int numbered_next(void *ctx, struct ArrowArray *out, shoal_error *err)
{
    numbered *s = ctx;
    struct ArrowArray left;
    int r = s->inner.next(s->inner.ctx, &left, err);
    if (r <= 0) return r;
    r = 0;
    for (int64_t i = 0; r == 0 && i < left.length; i++, s->rows++)
        r = arrow_builder_i64(s->builder, 0, (int64_t)(s->mixed ? rng_u64(s->key, s->rows) : s->rows), err);
    return arrow_join_built(&left, s->builder, r, out, err);
}

static const char *numbered_row_name(void *ctx, uint64_t row, char *out, size_t n)
{
    numbered *s = ctx;
    return s->inner.row_name(s->inner.ctx, row, out, n);
}

/* Takes `inner` over in any case. */
static int source_numbered(source *inner, const table_spec *spec, source *out, shoal_error *err)
{
    memset(out, 0, sizeof *out);
    numbered *s = mem_calloc(1, sizeof *s);
    if (!s) {
        inner->schema.release(&inner->schema);
        inner->free(inner->ctx);
        return error_nomem(err, sizeof *s, "a source");
    }
    s->inner = *inner;
    s->mixed = spec->shuffle;
    s->key = rng_key(spec->seed, RNG_ROWS, 0, 0);
    int64_t n = inner->schema.n_children;
    int r = arrow_schema_struct(&s->own, 1, err);
    if (r == 0) r = arrow_schema_set(s->own.children[0], NUMBER, "l", 0, err);
    if (r == 0) r = arrow_builder_new(&s->own, &s->builder, err);
    if (r == 0) r = arrow_schema_struct(&out->schema, n + 1, err);
    for (int64_t i = 0; r == 0 && i <= n; i++) r = arrow_schema_copy(i < n ? inner->schema.children[i] : s->own.children[0], out->schema.children[i], err);
    if (r < 0) {
        if (out->schema.release) out->schema.release(&out->schema);
        numbered_free(s);
        return r;
    }
    out->ctx = s;
    out->next = numbered_next;
    out->row_name = numbered_row_name;
    out->free = numbered_free;
    return 0;
}

int source_sorted(source *inner, const table_spec *spec, source *out, shoal_error *err)
{
    source with_number;
    buf sql = BUF_INIT;
    memset(out, 0, sizeof *out);
    int r = source_numbered(inner, spec, &with_number, err);
    if (r < 0) return r;
    r = buf_puts(&sql, "SELECT * EXCLUDE (\"" NUMBER "\") FROM src ORDER BY ", err);
    for (size_t i = 0; r == 0 && i < spec->n_together; i++) {
        int64_t c = partition_column(&with_number.schema, spec->together[i], err);
        r = c < 0 ? (int)c : duck_put_name(&sql, spec->together[i], err);
        if (r == 0) r = buf_putc(&sql, ',', err);
    }
    if (r == 0) r = buf_puts(&sql, "\"" NUMBER "\"", err);
    if (r == 0 && !buf_str(&sql)) r = error_nomem(err, sql.len, "a query");
    if (r < 0) {
        with_number.schema.release(&with_number.schema);
        with_number.free(with_number.ctx);
    } else {
        const table_spec sort = {.sql = buf_str(&sql), .memory = spec->memory / 4 * 3, .host = spec->host}; /* the rest: what reads and writes */
        r = source_sql(&with_number, &sort, NULL, out, err);
    }
    buf_release(&sql);
    return r;
}
