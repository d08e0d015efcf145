/* table_sql.c: queries over sources that DuckDB does not read itself. It pulls their batches from a stream, which can be read
 * once; for a query that reads them more often they are first put into a table of its own, which goes to the folder for
 * temporary files when it outgrows the memory. */
#include <string.h>

#include "base/mem.h"
#include "storage/file.h"
#include "table/duck_view.h"
#include "table/stamps.h"

/* A source as a stream. */
typedef struct feed {
    source from;
    struct ArrowArrayStream stream;
    int schemas; /* how often the schema was asked for: once for each place of a query that reads the stream, and then some */
    shoal_error error;
} feed;

typedef struct sql_source {
    duck db;
    duck_rows rows;
    feed in;
    const char *what;
} sql_source;

static void feed_release(feed *f)
{
    if (f->from.free) f->from.free(f->from.ctx);
    if (f->from.schema.release) f->from.schema.release(&f->from.schema);
}

static void schema_lent(struct ArrowSchema *schema) { schema->release = NULL; }

/* The schema is lent, as duckdb_arrow_scan does not release what it gets here. */
static int feed_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    feed *f = stream->private_data;
    f->schemas++;
    *out = f->from.schema;
    out->release = schema_lent;
    return 0;
}

static int feed_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    feed *f = stream->private_data;
    memset(out, 0, sizeof *out);
    int r = f->from.next(f->from.ctx, out, &f->error);
    if (r == 1 && duck_check_batch(&f->from.schema, out, &f->error) < 0) {
        out->release(out);
        r = f->error.code;
    }
    if (r <= 0) memset(out, 0, sizeof *out);
    return r < 0 ? 5 : 0; /* EIO */
}

static const char *feed_error(struct ArrowArrayStream *stream) { return ((feed *)stream->private_data)->error.message; }
static void feed_stop(struct ArrowArrayStream *stream) { stream->release = NULL; }

/* The source's own error, when there is one, is the better one. */
static int feed_code(const feed *f, int r, shoal_error *err)
{
    if (r >= 0 || f->error.code == 0) return r;
    if (err) *err = f->error;
    return f->error.code;
}

/* DuckDB takes durations as INTERVAL, which counts microseconds: finer ones it would cut. */
static int is_interval(const struct ArrowSchema *field)
{
    return arrow_type_of(field) == ARROW_DURATION && field->format[2] != 'n';
}

/* Makes the stream a table of DuckDB called `name`. */
static int feed_start(feed *f, duck *d, const char *name, const char *what, shoal_error *err)
{
    char type[160];
    f->stream = (struct ArrowArrayStream){feed_schema, feed_next, feed_error, feed_stop, f};
    for (int64_t i = 0; i < f->from.schema.n_children; i++)
        if (arrow_is_refused(f->from.schema.children[i]) && !is_interval(f->from.schema.children[i]))
            return error_set(err, SHOAL_DATA, "%s: column '%s' has the type %s, which cannot be queried; leave it out of the stream", what,
                             f->from.schema.children[i]->name, arrow_type_name(f->from.schema.children[i], type, sizeof type));
    int r = duck_check_names(&f->from.schema, what, err);
    if (r < 0) return r;
    if (duckdb_arrow_scan(d->connection, name, (duckdb_arrow_stream)&f->stream) == DuckDBSuccess) return 0;
    return error_set(err, SHOAL_DATA, "%s: DuckDB does not take the source's columns", what);
}

/* ---- a query over a source ------------------------------------------------------------------------------------------- */

/* DuckDB's scan of a stream leaves filters and the choice of columns to whoever makes the stream, and ours makes all rows
 * and all columns. So neither may reach the scan: a LIMIT that never ends stops filters, and columns are not pruned. */
#define NO_PRUNING "SET disabled_optimizers='unused_columns';"
#define ALL_ROWS "SELECT * FROM shoal_stream LIMIT 9223372036854775807"

static int make_src(sql_source *s, const char *where, int keep, shoal_error *err)
{
    static const char *const MAKE[2][2] = {
        {NO_PRUNING "CREATE TEMP VIEW src AS " ALL_ROWS, NO_PRUNING "CREATE TEMP VIEW shoal_rows AS " ALL_ROWS},
        {"DROP VIEW src; CREATE TEMP TABLE src AS " ALL_ROWS, "DROP VIEW src; DROP VIEW shoal_rows; CREATE TEMP TABLE shoal_rows AS " ALL_ROWS},
    };
    int r = duck_run(&s->db, MAKE[keep][where != NULL], s->what, err);
    return r == 0 && where ? duck_view_where(&s->db, "src", "shoal_rows", where, err) : r;
}

static int reads_often(sql_source *s, const char *sql)
{
    s->in.schemas = 0;
    duck_understands(&s->db, "SELECT * FROM src");
    int once = s->in.schemas;
    s->in.schemas = 0;
    duck_understands(&s->db, sql);
    return s->in.schemas > once;
}

static void sql_free(void *ctx)
{
    sql_source *s = ctx;
    duck_rows_release(&s->rows);
    duck_close(&s->db);
    feed_release(&s->in);
    mem_free(s);
}

static int sql_next(void *ctx, struct ArrowArray *out, shoal_error *err)
{
    sql_source *s = ctx;
    return feed_code(&s->in, duck_rows_next(&s->rows, s->what, out, err), err);
}

int source_sql(source *inner, const table_spec *spec, const char *where, source *out, shoal_error *err)
{
    memset(out, 0, sizeof *out);
    sql_source *s = mem_calloc(1, sizeof *s);
    const char *sql = spec->sql ? spec->sql : "SELECT * FROM src";
    if (!s) {
        inner->schema.release(&inner->schema);
        inner->free(inner->ctx);
        return error_nomem(err, sizeof *s, "a source");
    }
    s->in.from = *inner;
    s->what = spec->sql ? "--sql" : "--where";
    int r = duck_open(spec->host, &s->db, err);
    if (r == 0) r = duck_memory(&s->db, spec->memory, err);
    if (r == 0) r = feed_start(&s->in, &s->db, "shoal_stream", s->what, err);
    if (r == 0) r = duck_view_tables(&s->db, spec, err);
    if (r == 0) r = make_src(s, where, 0, err);
    if (r == 0 && reads_often(s, sql)) r = make_src(s, where, 1, err);
    if (r == 0) r = duck_rows_start(&s->db, sql, 1, s->what, &s->rows, err);
    r = feed_code(&s->in, r, err);
    if (r == 0) r = duck_rows_columns(&s->rows, s->what, SHOAL_USAGE, &out->schema, err);
    if (r < 0) {
        sql_free(s);
        return r;
    }
    out->ctx = s;
    out->next = sql_next;
    out->row_name = source_row_of_query;
    out->free = sql_free;
    return 0;
}

/* ---- further tables -------------------------------------------------------------------------------------------------- */

static int keep_table(duck *d, source *from, const char *name, const char *what, shoal_error *err)
{
    feed f = {.from = *from};
    buf b = BUF_INIT;
    int r = feed_start(&f, d, "shoal_side", what, err);
    if (r == 0) r = buf_puts(&b, "CREATE TEMP TABLE ", err);
    if (r == 0) r = duck_put_name(&b, name, err);
    if (r == 0) r = buf_puts(&b, " AS SELECT * FROM shoal_side; DROP VIEW shoal_side", err);
    if (r == 0) r = buf_str(&b) ? duck_run(d, buf_str(&b), what, err) : error_nomem(err, b.len, "a query");
    r = feed_code(&f, r, err);
    buf_release(&b);
    feed_release(&f);
    return r;
}

static int side_table(duck *d, const char *item, const table_spec *spec, shoal_error *err)
{
    const char *path = table_side_path(item);
    char **files = NULL, *name = NULL;
    size_t n = 0;
    enum table_format format = FORMAT_GUESS;
    partitions p = {0};
    if (!path || path == item + 1 || !*path || strcmp(path, "-") == 0)
        return error_set(err, SHOAL_USAGE, "--table '%s': expected NAME=SRC, a name for --sql and files, a folder or a pattern", item);
    table_spec side = {.paths = &path, .n_paths = 1, .threads = spec->threads, .tolerate = spec->tolerate, .quarantine = spec->quarantine};
    if (!(name = mem_strndup(item, (size_t)(path - item) - 1))) return error_nomem(err, strlen(item), "a name");
    int r = table_files(&side, &files, &n, err);
    if (r == 0 && spec->stamps) r = stamps_add(spec->stamps, files, n, err);
    if (r == 0) r = format_of_files(files, n, &format, err);
    if (r == 0 && format_is_ducks(format)) {
        r = partitions_of(files, n, &p, err);
        if (r == 0) r = duck_view_files(d, name, files, n, &p, path, err);
    } else if (r == 0) {
        source from;
        r = source_open(&side, &from, err);
        if (r == 0) r = keep_table(d, &from, name, path, err);
    }
    partitions_release(&p);
    file_list_free(files, n);
    mem_free(name);
    return r;
}

int duck_view_tables(duck *d, const table_spec *spec, shoal_error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < spec->n_tables; i++) r = side_table(d, spec->tables[i], spec, err);
    return r;
}
