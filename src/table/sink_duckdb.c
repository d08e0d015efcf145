/* sink_duckdb.c: rows as Parquet. DuckDB writes in a thread of its own: COPY from a view over a stream that takes copies
 * of the batches out of a bounded queue, so nothing is held but a few batches and one row group. */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/thread.h"
#include "storage/file.h"
#include "table/duck_view.h"
#include "table/writer.h"

#define QUEUE_BATCHES 8

typedef struct parquet_out {
    duck db;
    char *path;
    const struct ArrowSchema *schema; /* the sink's */
    queue *batches;
    task *thread;
    struct ArrowArrayStream stream;
    buf sql;
    uint64_t bytes;
    int aborted; /* set before the queue is closed */
    int result;  /* of the thread, valid after it is joined */
    shoal_error error, stream_error;
} parquet_out;

static void schema_lent(struct ArrowSchema *schema) { schema->release = NULL; }

/* The schema is lent, as duckdb_arrow_scan does not release what it gets here. */
static int stream_schema(struct ArrowArrayStream *s, struct ArrowSchema *out)
{
    *out = *((parquet_out *)s->private_data)->schema;
    out->release = schema_lent;
    return 0;
}

static int stream_next(struct ArrowArrayStream *s, struct ArrowArray *out)
{
    parquet_out *w = s->private_data;
    void *item;
    memset(out, 0, sizeof *out);
    if (queue_pop(w->batches, &item)) {
        *out = *(struct ArrowArray *)item;
        mem_free(item);
        return 0;
    }
    if (!w->aborted) return 0;
    error_set(&w->stream_error, SHOAL_INTERRUPTED, "writing was given up");
    return ECANCELED;
}

static const char *stream_error(struct ArrowArrayStream *s) { return ((parquet_out *)s->private_data)->stream_error.message; }
static void stream_release(struct ArrowArrayStream *s) { s->release = NULL; }

static void run_copy(void *ctx)
{
    parquet_out *w = ctx;
    w->result = duck_run(&w->db, buf_str(&w->sql), w->path, &w->error);
    queue_close(w->batches); /* after an error: pushes fail, and write() learns of it */
}

static void drain(parquet_out *w)
{
    void *item;
    while (w->batches && queue_pop(w->batches, &item)) {
        struct ArrowArray *a = item;
        a->release(a);
        mem_free(a);
    }
}

static void parquet_free(parquet_out *w, int remove_file)
{
    if (w->batches) queue_close(w->batches);
    task_join(w->thread);
    drain(w);
    duck_close(&w->db);
    if (remove_file && w->path) file_remove_tree(w->path, NULL);
    queue_free(w->batches);
    buf_release(&w->sql);
    mem_free(w->path);
    mem_free(w);
}

static void parquet_abort(void *ctx)
{
    parquet_out *w = ctx;
    if (!w) return;
    w->aborted = 1;
    if (w->batches) {
        queue_close(w->batches);
        drain(w);
    }
    parquet_free(w, 1);
}

static int make_sql(parquet_out *w, shoal_error *err)
{
    int r = buf_puts(&w->sql, "COPY (SELECT * FROM batches) TO ", err);
    if (r == 0) r = duck_put_string(&w->sql, w->path, err);
    if (r == 0) r = buf_puts(&w->sql, " (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)", err);
    return r == 0 && !buf_str(&w->sql) ? error_nomem(err, w->sql.len, "a query") : r;
}

static int parquet_open(const sink_spec *spec, const struct ArrowSchema *schema, const char *path, void **out, shoal_error *err)
{
    (void)spec;
    *out = NULL;
    if (schema->n_children == 0) return error_set(err, SHOAL_DATA, "%s: Parquet needs at least one column, and the source has none", path);
    int r = arrow_check_columns(schema, "written", err);
    if (r == 0) r = duck_check_names(schema, path, err);
    if (r < 0) return r;
    parquet_out *w = mem_calloc(1, sizeof *w);
    if (!w) return error_nomem(err, sizeof *w, "a writer");
    w->schema = schema;
    w->stream = (struct ArrowArrayStream){stream_schema, stream_next, stream_error, stream_release, w};
    if (!(w->path = mem_sprintf("%s%s", *path == '~' ? "./" : "", path)) || !(w->batches = queue_new(QUEUE_BATCHES))) r = error_nomem(err, 0, "a writer");
    if (r == 0) r = duck_open(NULL, &w->db, err);
    if (r == 0 && duckdb_arrow_scan(w->db.connection, "batches", (duckdb_arrow_stream)&w->stream) != DuckDBSuccess)
        r = error_set(err, SHOAL_DATA, "%s: DuckDB does not take the source's columns", path);
    if (r == 0) r = make_sql(w, err);
    if (r == 0) r = task_start(&w->thread, run_copy, w, err);
    if (r < 0) {
        parquet_abort(w);
        return r;
    }
    *out = w;
    return 0;
}

static int parquet_write(void *ctx, const struct ArrowArray *batch, uint64_t row, shoal_error *err)
{
    parquet_out *w = ctx;
    (void)row;
    int r = duck_check_batch(w->schema, batch, err);
    struct ArrowArray *copy = r == 0 ? mem_alloc(sizeof *copy) : NULL;
    if (!copy) return r < 0 ? r : error_nomem(err, sizeof *copy, "a batch");
    r = arrow_array_copy(w->schema, batch, 0, batch->length, copy, err);
    if (r < 0) {
        mem_free(copy);
        return r;
    }
    w->bytes += arrow_array_bytes(w->schema, copy);
    if (queue_push(w->batches, copy) == 0) return 0;
    copy->release(copy);
    mem_free(copy);
    task_join(w->thread);
    w->thread = NULL;
    if (err) *err = w->error;
    return w->result < 0 ? w->result : error_set(err, SHOAL_INTERNAL, "%s: DuckDB stopped reading before the end", w->path);
}

static uint64_t parquet_bytes(const void *ctx) { return ((const parquet_out *)ctx)->bytes; }

static int parquet_commit(void *ctx, shoal_error *err)
{
    parquet_out *w = ctx;
    queue_close(w->batches);
    task_join(w->thread);
    w->thread = NULL;
    int r = w->result;
    if (r < 0 && err) *err = w->error;
    if (r == 0) r = file_sync(w->path, err);
    if (r < 0) parquet_abort(w);
    else parquet_free(w, 0);
    return r;
}

/* The footer is written last: when it is whole and its row groups add up, DuckDB finished the file. */
static int parquet_verify(const char *path, uint64_t *rows, shoal_error *err)
{
    duck d;
    buf sql = BUF_INIT;
    int64_t n = 0;
    int r = duck_open(NULL, &d, err);
    if (r < 0) return r;
    r = buf_puts(&sql, "SELECT sum(num_rows)::BIGINT FROM parquet_file_metadata(", err);
    if (r == 0) r = duck_put_files(&sql, (char *const *)&path, 1, err);
    if (r == 0) r = buf_puts(&sql, ")", err);
    if (r == 0) r = buf_str(&sql) ? duck_number(&d, buf_str(&sql), path, &n, err) : error_nomem(err, sql.len, "a query");
    buf_release(&sql);
    duck_close(&d);
    *rows = (uint64_t)n;
    return r;
}

const writer_ops WRITER_PARQUET = {"parquet", parquet_open, parquet_write, parquet_bytes, parquet_commit, parquet_abort, parquet_verify};
