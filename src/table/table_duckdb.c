/* table_duckdb.c: Parquet, CSV and JSON lines, and queries over any source, by DuckDB. Rows stream through one
 * connection of one thread, so that their order is the files' and memory does not grow. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "storage/file.h"
#include "table/duck.h"
#include "table/source.h"

#define WHAT_MAX 300
#define SNIFF_BYTES (64u << 10)

typedef struct duckdb_source {
    duck db;
    duck_rows rows;
    char **files;
    size_t n_files;
    enum table_format format;
    int has_sql;
    char what[WHAT_MAX]; /* opens messages */
    uint64_t *file_rows; /* Parquet, on demand: rows of each file */
    /* a query over another source */
    source inner;
    struct ArrowArrayStream stream;
    int scanned; /* the inner source came to its end once */
    shoal_error inner_error;
} duckdb_source;

static void duckdb_free_source(void *ctx)
{
    duckdb_source *s = ctx;
    duck_rows_release(&s->rows);
    duck_close(&s->db);
    file_list_free(s->files, s->n_files);
    mem_free(s->file_rows);
    if (s->inner.free) s->inner.free(s->inner.ctx);
    if (s->inner.schema.release) s->inner.schema.release(&s->inner.schema);
    mem_free(s);
}

static int duckdb_next(void *ctx, struct ArrowArray *out, shoal_error *err)
{
    duckdb_source *s = ctx;
    int r = duck_rows_next(&s->rows, s->what, out, err);
    if (r < 0 && s->inner_error.code != 0) {
        if (err) *err = s->inner_error;
        return s->inner_error.code;
    }
    return r;
}

/* ---- which file a row is in ------------------------------------------------------------------------------------------ */

static int count_parquet(duckdb_source *s)
{
    duck d;
    s->file_rows = mem_calloc(s->n_files + 1, sizeof *s->file_rows);
    if (!s->file_rows || duck_open(&d, NULL) < 0) return -1;
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

static const char *duckdb_row_name(void *ctx, uint64_t row, char *out, size_t n)
{
    duckdb_source *s = ctx;
    uint64_t at = row;
    if (s->has_sql) {
        snprintf(out, n, "row %llu of the query", (unsigned long long)row);
        return out;
    }
    if (s->n_files == 1) {
        snprintf(out, n, "%s row %llu", path_base(s->files[0]), (unsigned long long)row);
        return out;
    }
    if (s->format == FORMAT_PARQUET && (s->file_rows || count_parquet(s) == 0))
        for (size_t i = 0; i < s->n_files; at -= s->file_rows[i++])
            if (at < s->file_rows[i]) {
                snprintf(out, n, "%s row %llu", path_base(s->files[i]), (unsigned long long)at);
                return out;
            }
    snprintf(out, n, "row %llu of %s and the files after it", (unsigned long long)row, path_base(s->files[0]));
    return out;
}

/* ---- the view `src` ---------------------------------------------------------------------------------------------------- */

/* The delimiter of a CSV file, from its first line: the candidate that is there most often outside quotes. Said to
 * DuckDB, so that one broken row is an error at that row, and not another guess at the delimiter. */
static int sniff_delimiter(const char *path, char *out, shoal_error *err)
{
    static const char CANDIDATE[] = ",\t;|";
    size_t count[sizeof CANDIDATE - 1] = {0}, best = 0;
    enum container packed;
    int quoted = 0;
    *out = ',';
    format_of_path(path, &packed);
    if (packed != CONTAINER_PLAIN || strcmp(path, "-") == 0) return 0;
    char *head = mem_alloc(SNIFF_BYTES);
    if (!head) return error_nomem(err, SNIFF_BYTES, "the head of a file");
    file_reader *f = NULL;
    int r = file_open(path, &f, err);
    int64_t n = r == 0 ? file_read(f, head, SNIFF_BYTES, err) : r;
    file_close(f);
    for (int64_t i = 0; i < n && (quoted || head[i] != '\n'); i++) {
        const char *at = head[i] ? strchr(CANDIDATE, head[i]) : NULL;
        if (head[i] == '"') quoted = !quoted;
        else if (at && !quoted) count[at - CANDIDATE]++;
    }
    for (size_t i = 1; i < sizeof count / sizeof count[0]; i++)
        if (count[i] > count[best]) best = i;
    if (count[best] > 0) *out = CANDIDATE[best];
    mem_free(head);
    return n < 0 ? (int)n : 0;
}

/* DuckDB gives up on a file whose first rows differ in their number of fields, without saying where. This does. */
static int csv_misfit(const duckdb_source *s, char delimiter, shoal_error *err)
{
    for (size_t i = 0; i < s->n_files; i++) {
        uint64_t line = 1, start = 1, fields = 1, first = 0;
        int quoted = 0, some = 0;
        char *block = mem_alloc(SNIFF_BYTES);
        file_reader *f = NULL;
        int64_t n = block && strcmp(s->files[i], "-") != 0 ? file_open(s->files[i], &f, NULL) : -1;
        while (n >= 0 && (n = file_read(f, block, SNIFF_BYTES, NULL)) > 0)
            for (int64_t k = 0; k < n; k++) {
                char c = block[k];
                if (c == '"') quoted = !quoted;
                line += c == '\n';
                fields += c == delimiter && !quoted;
                if (c != '\n' || quoted) {
                    some |= c != '\r' && c != '\n';
                    continue;
                }
                if (first == 0) first = fields;
                if (some && fields != first) {
                    file_close(f);
                    mem_free(block);
                    return error_set(err, SHOAL_DATA, "%s: line %llu has %llu fields, but line 1 has %llu", s->files[i], (unsigned long long)start,
                                     (unsigned long long)fields, (unsigned long long)first);
                }
                fields = 1;
                some = 0;
                start = line;
            }
        file_close(f);
        mem_free(block);
    }
    return SHOAL_DATA;
}

static int has_partitions(const char *path)
{
    const char *equals = strchr(path, '=');
    return equals && strchr(equals, '/') && equals > path && equals[-1] != '/';
}

static int put_files(buf *b, char **files, size_t n, shoal_error *err)
{
    int r = buf_putc(b, '[', err);
    for (size_t i = 0; r == 0 && i < n; i++) {
        const char *path = strncmp(files[i], "file://", 7) == 0 ? files[i] + 7 : strcmp(files[i], "-") == 0 ? "/dev/stdin" : files[i];
        if (i > 0) r = buf_putc(b, ',', err);
        if (r == 0 && strpbrk(path, "*?[") && !strpbrk(path, "'")) {
            /* a file whose name has letters of globs: each is put in brackets, so that it means itself */
            if ((r = buf_putc(b, '\'', err)) < 0) break;
            for (; r == 0 && *path; path++) r = strchr("*?[", *path) ? buf_printf(b, err, "[%c]", *path) : buf_putc(b, *path, err);
            if (r == 0) r = buf_putc(b, '\'', err);
        } else if (r == 0) {
            r = duck_put_string(b, path, err);
        }
    }
    return r < 0 ? r : buf_putc(b, ']', err);
}

static int make_view(duckdb_source *s, shoal_error *err)
{
    buf b = BUF_INIT;
    char delimiter = ',';
    static const char *const READER[] = {[FORMAT_PARQUET] = "read_parquet", [FORMAT_CSV] = "read_csv", [FORMAT_JSONL] = "read_json"};
    int r = buf_printf(&b, err, "CREATE TEMP VIEW src AS SELECT * FROM %s(", READER[s->format]);
    if (r == 0) r = put_files(&b, s->files, s->n_files, err);
    if (r == 0) r = buf_printf(&b, err, ", hive_partitioning=%s", has_partitions(s->files[0]) ? "true" : "false");
    if (r == 0 && s->format == FORMAT_CSV) {
        r = sniff_delimiter(s->files[0], &delimiter, err);
        if (r == 0) r = buf_printf(&b, err, ", delim='%c', quote='\"', escape='\"', allow_quoted_nulls=false, comment='', skip=0, parallel=false, sample_size=20480", delimiter);
    }
    if (r == 0 && s->format == FORMAT_JSONL) r = buf_puts(&b, ", format='auto', sample_size=20480", err);
    if (r == 0) r = buf_puts(&b, ")", err);
    if (r == 0 && !buf_str(&b)) r = error_nomem(err, b.len, "a query");
    if (r == 0) r = duck_run(&s->db, buf_str(&b), s->what, err);
    if (r == SHOAL_DATA && s->format == FORMAT_CSV) csv_misfit(s, delimiter, err);
    buf_release(&b);
    return r;
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

static int finish(duckdb_source *s, int r, source *out, shoal_error *err)
{
    if (r == 0) r = arrow_schema_copy(&s->rows.schema, &out->schema, err);
    for (int64_t i = 0; r == 0 && i < out->schema.n_children; i++)
        if (arrow_find(&out->schema, out->schema.children[i]->name) != i)
            r = error_set(err, s->has_sql ? SHOAL_USAGE : SHOAL_DATA, "%s: two columns are named '%s'; name them apart with AS in --sql", s->what,
                          out->schema.children[i]->name);
    if (r < 0) {
        if (out->schema.release) out->schema.release(&out->schema);
        duckdb_free_source(s);
        return r;
    }
    out->ctx = s;
    out->next = duckdb_next;
    out->row_name = duckdb_row_name;
    out->free = duckdb_free_source;
    return 0;
}

int source_duckdb(char **files, size_t n, enum table_format format, const table_spec *spec, source *out, shoal_error *err)
{
    memset(out, 0, sizeof *out);
    duckdb_source *s = mem_calloc(1, sizeof *s);
    if (!s) {
        file_list_free(files, n);
        return error_nomem(err, sizeof *s, "a source");
    }
    s->files = files;
    s->n_files = n;
    s->format = format;
    snprintf(s->what, sizeof s->what, n > 1 ? "%s and %zu more" : "%s", files[0], n - 1);
    int r = duck_open(&s->db, err);
    if (r == 0) r = make_view(s, err);
    s->has_sql = spec->sql != NULL;
    if (r == 0 && spec->sql) snprintf(s->what, sizeof s->what, "--sql");
    if (r == 0) r = duck_rows_start(&s->db, spec->sql ? spec->sql : "SELECT * FROM src", s->has_sql, s->what, &s->rows, err);
    if (r == 0 && !spec->sql && spec->columns && spec->n_columns > 0) r = start_columns(s, spec, err);
    return finish(s, r, out, err);
}

/* ---- queries over other sources: DuckDB pulls from a stream ------------------------------------------------------------- */

/* DuckDB's scan of a stream leaves filters and the choice of columns to whoever makes the stream, and ours makes all rows
 * and all columns. So neither may reach the scan: a LIMIT that never ends stops filters, and columns are not pruned. */
static const char SRC_VIEW[] = "SET disabled_optimizers='unused_columns';"
                               "CREATE TEMP VIEW src AS SELECT * FROM shoal_stream LIMIT 9223372036854775807";

static void schema_lent(struct ArrowSchema *schema) { schema->release = NULL; }

/* The schema is lent, as duckdb_arrow_scan does not release what it gets here. */
static int inner_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    *out = ((duckdb_source *)stream->private_data)->inner.schema;
    out->release = schema_lent;
    return 0;
}

static int inner_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    duckdb_source *s = stream->private_data;
    memset(out, 0, sizeof *out);
    if (s->scanned) {
        error_set(&s->inner_error, SHOAL_USAGE, "--sql: the query reads src more than once, which only Parquet, CSV and JSON sources "
                                                "can give; convert the source to Parquet first");
        return 5;
    }
    int r = s->inner.next(s->inner.ctx, out, &s->inner_error);
    s->scanned = r == 0;
    if (r <= 0) memset(out, 0, sizeof *out);
    return r < 0 ? 5 : 0;
}

static const char *inner_error(struct ArrowArrayStream *stream) { return ((duckdb_source *)stream->private_data)->inner_error.message; }
static void inner_release(struct ArrowArrayStream *stream) { stream->release = NULL; }

/* DuckDB takes durations as INTERVAL, which counts microseconds: finer ones it would cut. */
static int is_interval(const struct ArrowSchema *field)
{
    return arrow_type_of(field) == ARROW_DURATION && field->format[2] != 'n';
}

int source_sql(source *inner, const char *sql, source *out, shoal_error *err)
{
    memset(out, 0, sizeof *out);
    duckdb_source *s = mem_calloc(1, sizeof *s);
    if (!s) {
        if (inner->schema.release) inner->schema.release(&inner->schema);
        inner->free(inner->ctx);
        return error_nomem(err, sizeof *s, "a source");
    }
    s->inner = *inner;
    s->has_sql = 1;
    snprintf(s->what, sizeof s->what, "--sql");
    s->stream = (struct ArrowArrayStream){inner_schema, inner_next, inner_error, inner_release, s};
    int r = 0;
    char name[160];
    for (int64_t i = 0; r == 0 && i < s->inner.schema.n_children; i++)
        if (arrow_is_refused(s->inner.schema.children[i]) && !is_interval(s->inner.schema.children[i]))
            r = error_set(err, SHOAL_DATA, "--sql: column '%s' has the type %s, which cannot be queried; leave it out of the stream",
                          s->inner.schema.children[i]->name, arrow_type_name(s->inner.schema.children[i], name, sizeof name));
    if (r == 0) r = duck_open(&s->db, err);
    if (r == 0 && duckdb_arrow_scan(s->db.connection, "shoal_stream", (duckdb_arrow_stream)&s->stream) != DuckDBSuccess)
        r = error_set(err, SHOAL_DATA, "--sql: DuckDB does not take the source's columns");
    if (r == 0) r = duck_run(&s->db, SRC_VIEW, s->what, err);
    if (r == 0) r = duck_rows_start(&s->db, sql, 1, s->what, &s->rows, err);
    if (r < 0 && s->inner_error.code != 0) {
        r = s->inner_error.code;
        if (err) *err = s->inner_error;
    }
    return finish(s, r, out, err);
}
