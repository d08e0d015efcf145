/* table_duckdb.c: Parquet by DuckDB, with queries over them. Rows stream through one connection of one
 * thread, so that their order is the files' and memory does not grow; of Parquet, whose columns can be read apart, through one
 * connection a thread. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "storage/file.h"
#include "table/duck_split.h"
#include "table/duck_view.h"

#define WHAT_MAX 300

typedef struct duckdb_source {
    duck db;
    duck_rows rows;
    duck_split *split; /* NULL: all columns come by `rows` */
    char **files;
    size_t n_files;
    int has_query; /* --sql or --where: rows are no longer the files' */
    char what[WHAT_MAX]; /* opens messages */
    uint64_t *file_rows; /* Parquet, on demand: rows of each file */
} duckdb_source;

static void duckdb_free_source(void *ctx)
{
    duckdb_source *s = ctx;
    duck_split_free(s->split);
    duck_rows_release(&s->rows);
    duck_close(&s->db);
    file_list_free(s->files, s->n_files);
    mem_free(s->file_rows);
    mem_free(s);
}

static int duckdb_next(void *ctx, struct ArrowArray *out, shoal_error *err)
{
    duckdb_source *s = ctx;
    return s->split ? duck_split_next(s->split, out, err) : duck_rows_next(&s->rows, s->what, out, err);
}

/* ---- which file a row is in ------------------------------------------------------------------------------------------ */

static int count_parquet(duckdb_source *s)
{
    duck d;
    s->file_rows = mem_calloc(s->n_files + 1, sizeof *s->file_rows);
    if (!s->file_rows || duck_open(NULL, &d, NULL) < 0) return -1;
    int r = 0;
    for (size_t i = 0; r == 0 && i < s->n_files; i++) {
        buf sql = BUF_INIT;
        int64_t n = 0;
        r = buf_puts(&sql, "SELECT num_rows FROM parquet_file_metadata(", NULL);
        if (r == 0) r = duck_put_string(&sql, s->files[i], NULL);
        if (r == 0) r = buf_puts(&sql, ")", NULL);
        if (r == 0) r = buf_str(&sql) ? duck_number(&d, buf_str(&sql), "", &n, NULL) : -1;
        s->file_rows[i] = (uint64_t)n;
        buf_release(&sql);
    }
    duck_close(&d);
    if (r < 0) {
        mem_free(s->file_rows);
        s->file_rows = NULL;
    }
    return r;
}

const char *source_row_of_query(void *ctx, uint64_t row, char *out, size_t n)
{
    (void)ctx;
    snprintf(out, n, "row %llu of the query", (unsigned long long)row);
    return out;
}

static const char *duckdb_row_name(void *ctx, uint64_t row, char *out, size_t n)
{
    duckdb_source *s = ctx;
    uint64_t at = row;
    if (s->has_query) return source_row_of_query(ctx, row, out, n);
    if (s->n_files == 1) {
        snprintf(out, n, "%s row %llu", path_base(s->files[0]), (unsigned long long)row);
        return out;
    }
    if (s->file_rows || count_parquet(s) == 0)
        for (size_t i = 0; i < s->n_files; at -= s->file_rows[i++])
            if (at < s->file_rows[i]) {
                snprintf(out, n, "%s row %llu", path_base(s->files[i]), (unsigned long long)at);
                return out;
            }
    snprintf(out, n, "row %llu of %s and the files after it", (unsigned long long)row, path_base(s->files[0]));
    return out;
}

static int start_columns(duckdb_source *s, const table_spec *spec, shoal_error *err)
{
    buf b = BUF_INIT;
    int r = buf_puts(&b, "SELECT ", err);
    for (size_t i = 0; r == 0 && i < spec->n_columns; i++) {
        if (arrow_find(&s->rows.schema, spec->columns[i]) < 0) {
            buf_release(&b); /* the table complains, with the names that there are */
            return 0;
        }
        if (i > 0) r = buf_putc(&b, ',', err);
        if (r == 0) r = duck_put_name(&b, spec->columns[i], err);
    }
    if (r == 0) r = buf_puts(&b, " FROM src", err);
    if (r == 0 && !buf_str(&b)) r = error_nomem(err, b.len, "a query");
    if (r == 0) {
        duck_rows_release(&s->rows);
        r = duck_rows_start(&s->db, buf_str(&b), 0, s->what, &s->rows, err);
    }
    buf_release(&b);
    return r;
}

/* The columns apart, instead of together. */
static int start_split(duckdb_source *s, const table_spec *spec, const struct ArrowSchema *columns, shoal_error *err)
{
    duck_rows_release(&s->rows);
    return duck_split_new(&s->db, columns, spec->threads, spec->clocks, s->what, &s->split, err);
}

/* The schema that DuckDB takes is the first file's. */
static int note_parquet(duckdb_source *s, struct ArrowSchema *own, shoal_error *err)
{
    buf b = BUF_INIT;
    int r = duck_put_files(&b, s->files, 1, err);
    if (r == 0) r = buf_str(&b) ? duck_note_parquet(&s->db, buf_str(&b), own, s->files[0], err) : error_nomem(err, b.len, "a query");
    buf_release(&b);
    return r;
}

int source_duckdb(char **files, size_t n, const table_spec *spec, const partitions *p, source *out, shoal_error *err)
{
    memset(out, 0, sizeof *out);
    duckdb_source *s = mem_calloc(1, sizeof *s);
    if (!s) {
        file_list_free(files, n);
        return error_nomem(err, sizeof *s, "a source");
    }
    s->files = files;
    s->n_files = n;
    s->has_query = spec->sql || spec->where;
    snprintf(s->what, sizeof s->what, n > 1 ? "%s and %zu more" : "%s", files[0], n - 1);
    int r = duck_open(spec->host, &s->db, err);
    if (r == 0) r = duck_memory(&s->db, spec->memory, err);
    if (r == 0) r = duck_view_files(&s->db, spec->where ? "shoal_rows" : "src", files, n, p, s->what, err);
    if (r == 0 && spec->where) r = duck_view_where(&s->db, "src", "shoal_rows", spec->where, err);
    if (r == 0) r = duck_view_tables(&s->db, spec, err);
    if (r == 0 && spec->sql) snprintf(s->what, sizeof s->what, "--sql");
    if (r == 0) r = duck_rows_start(&s->db, spec->sql ? spec->sql : "SELECT * FROM src", spec->sql != NULL, s->what, &s->rows, err);
    if (r == 0 && !spec->sql && spec->columns && spec->n_columns > 0) r = start_columns(s, spec, err);
    if (r == 0) r = duck_rows_columns(&s->rows, s->what, spec->sql ? SHOAL_USAGE : SHOAL_DATA, &out->schema, err);
    if (r == 0) r = note_parquet(s, spec->sql ? NULL : &out->schema, err);
    if (r == 0 && !s->has_query && spec->threads > 1 && out->schema.n_children > 1) r = start_split(s, spec, &out->schema, err);
    if (r < 0) {
        if (out->schema.release) out->schema.release(&out->schema);
        duckdb_free_source(s);
        return r;
    }
    out->ctx = s;
    out->is_measured = s->split != NULL;
    out->next = duckdb_next;
    out->row_name = duckdb_row_name;
    out->free = duckdb_free_source;
    return 0;
}
