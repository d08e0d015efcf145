/* sink_tfrecord.c: rows as tf.train.Example in TFRecord files, each with its index beside it. A null is a key that is left
 * out; what TFRecord cannot hold exactly is refused (docs/types.md). */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "records/example.h"
#include "records/tfrecord.h"
#include "table/column_stats.h"
#include "table/writer.h"

typedef struct out_column {
    view key;
    enum arrow_type type, item;
} out_column;

typedef struct tfrecord_out {
    char *path;
    int bare; /* no index beside it */
    tfrecord_writer *file;
    record_index index;
    column_stats *stats;
    example_writer example;
    out_column *columns;
    int64_t n_columns;
    void *values; /* of one list: views, floats or integers */
    size_t cap;   /* values */
} tfrecord_out;

static void out_free(tfrecord_out *w)
{
    example_writer_release(&w->example);
    record_index_release(&w->index);
    column_stats_free(w->stats);
    mem_free(w->path);
    mem_free(w->columns);
    mem_free(w->values);
    mem_free(w);
}

static void out_abort(void *ctx)
{
    tfrecord_out *w = ctx;
    if (!w) return;
    tfrecord_abort(w->file);
    out_free(w);
}

static int out_column_set(out_column *c, const struct ArrowSchema *field, shoal_error *err)
{
    char name[120];
    c->key = view_of(field->name, strlen(field->name));
    c->type = arrow_type_of(field);
    c->item = arrow_type_is_list(c->type) ? arrow_type_of(field->children[0]) : c->type;
    switch (c->item) {
    case ARROW_OTHER:
    case ARROW_STRUCT:
    case ARROW_MAP:
    case ARROW_DURATION:
    case ARROW_DECIMAL128:
    case ARROW_LIST:
    case ARROW_LARGE_LIST:
        return error_set(err, SHOAL_DATA, "column '%s' has the type %s, which TFRecord cannot hold; leave it out or cast it by --sql, as CAST(x AS DOUBLE)",
                         field->name, arrow_type_name(field, name, sizeof name));
    default: return 0;
    }
}

static int out_open(const sink_spec *spec, const struct ArrowSchema *schema, const char *path, void **out, shoal_error *err)
{
    tfrecord_out *w = mem_calloc(1, sizeof *w);
    *out = NULL;
    if (!w) return error_nomem(err, sizeof *w, "a writer");
    example_writer_init(&w->example);
    record_index_init(&w->index);
    w->n_columns = schema->n_children;
    w->bare = spec->bare;
    w->columns = mem_calloc((size_t)schema->n_children + 1, sizeof *w->columns);
    int r = w->columns ? 0 : error_nomem(err, (size_t)schema->n_children * sizeof *w->columns, "columns");
    for (int64_t i = 0; r == 0 && i < schema->n_children; i++) r = out_column_set(&w->columns[i], schema->children[i], err);
    if (r == 0 && !(w->path = mem_strdup(path))) r = error_nomem(err, strlen(path), "a path");
    if (r == 0) r = column_stats_new(schema, &w->stats, err);
    if (r == 0) r = tfrecord_create(path, 0, spec->compression, &w->file, err);
    if (r == 0) r = tfrecord_keep_index(w->file, &w->index, err);
    if (r < 0) {
        out_abort(w);
        return r;
    }
    *out = w;
    return 0;
}

static int reserve(tfrecord_out *w, size_t n, shoal_error *err)
{
    if (n <= w->cap) return 0;
    size_t cap = n < 64 ? 64 : 2 * n;
    void *p = mem_realloc(w->values, cap * sizeof(view));
    if (!p) return error_nomem(err, cap * sizeof(view), "a list");
    w->values = p;
    w->cap = cap;
    return 0;
}

/* `items` is the column itself for a scalar, the child for a list. */
static int put_values(tfrecord_out *w, const out_column *c, const struct ArrowArray *items, int64_t begin, int64_t end, uint64_t row, shoal_error *err)
{
    int key_n = (int)c->key.n;
    size_t n = (size_t)(end - begin);
    int r = reserve(w, n, err);
    if (r < 0) return r;
    for (int64_t i = begin; c->type != c->item && i < end; i++)
        if (arrow_is_null(items, i))
            return error_set(err, SHOAL_DATA, "column '%.*s', row %" PRIu64 ": a list with a null inside, which TFRecord cannot hold; filter it by --sql, as list_filter(x, v -> v IS NOT NULL)",
                             key_n, c->key.p, row);
    if (arrow_type_is_text(c->item)) {
        view *v = w->values;
        for (size_t i = 0; i < n; i++) v[i] = arrow_text(c->item, items, begin + (int64_t)i);
        return example_put_bytes(&w->example, c->key, v, n, err);
    }
    if (arrow_type_is_float(c->item)) {
        float *v = w->values;
        for (size_t i = 0; i < n; i++) {
            double x = arrow_f64(c->item, items, begin + (int64_t)i);
            v[i] = (float)x;
            if ((double)v[i] != x && x == x)
                return error_set(err, SHOAL_DATA, "column '%.*s', row %" PRIu64 ": %.17g has no exact float32, and TFRecord holds no float64; round it by --sql 'SELECT * REPLACE (CAST(\"%.*s\" AS FLOAT) AS \"%.*s\") FROM src'",
                                 key_n, c->key.p, row, x, key_n, c->key.p, key_n, c->key.p);
        }
        return example_put_f32(&w->example, c->key, v, n, err);
    }
    int64_t *v = w->values;
    for (size_t i = 0; i < n; i++) {
        v[i] = arrow_i64(c->item, items, begin + (int64_t)i);
        if (c->item == ARROW_U64 && v[i] < 0)
            return error_set(err, SHOAL_DATA, "column '%.*s', row %" PRIu64 ": %" PRIu64 " is above the int64 that TFRecord holds; cast it to VARCHAR by --sql",
                             key_n, c->key.p, row, (uint64_t)v[i]);
    }
    return example_put_i64(&w->example, c->key, v, n, err);
}

static int out_write(void *ctx, const struct ArrowArray *batch, uint64_t row, shoal_error *err)
{
    tfrecord_out *w = ctx;
    int r = column_stats_add(w->stats, batch, err);
    for (int64_t i = 0; r == 0 && i < batch->length; i++) {
        r = example_begin(&w->example, err);
        for (int64_t k = 0; r == 0 && k < w->n_columns; k++) {
            const out_column *c = &w->columns[k];
            const struct ArrowArray *a = batch->children[k];
            int64_t begin = i, end = i + 1;
            if (c->type == ARROW_NULL || arrow_is_null(a, i)) continue;
            int is_list = arrow_type_is_list(c->type);
            if (is_list) arrow_list(c->type, a, i, &begin, &end);
            r = put_values(w, c, is_list ? a->children[0] : a, begin, end, row + (uint64_t)i, err);
        }
        if (r < 0) break;
        view record = example_end(&w->example);
        r = tfrecord_write(w->file, record.p, record.n, err);
    }
    return r;
}

static uint64_t out_bytes(const void *ctx) { return tfrecord_written(((const tfrecord_out *)ctx)->file); }

static int out_commit(void *ctx, shoal_error *err)
{
    tfrecord_out *w = ctx;
    int r = tfrecord_commit(w->file, err);
    if (r == 0 && !w->bare) r = column_stats_finish(w->stats, &w->index, err);
    if (r == 0 && !w->bare) r = record_index_write(w->path, &w->index, err);
    out_free(w);
    return r;
}

static int out_verify(const char *path, uint64_t *rows, shoal_error *err)
{
    tfrecord_reader *t;
    view v;
    *rows = 0;
    int r = tfrecord_open(path, &t, err);
    if (r < 0) return r;
    while ((r = tfrecord_next(t, &v, err)) == 1) ++*rows;
    tfrecord_close(t);
    return r;
}

const writer_ops WRITER_TFRECORD = {"tfrecord", out_open, out_write, out_bytes, out_commit, out_abort, out_verify};
