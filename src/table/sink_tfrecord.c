/* sink_tfrecord.c: rows as tf.train.Example in TFRecord files, each with its index beside it. Slices of a batch are encoded, and
 * its columns looked at for the index, side by side; then the slices go into the file in order. */
#include <string.h>

#include "base/mem.h"
#include "records/tfrecord.h"
#include "table/column_stats.h"
#include "table/example_encode.h"
#include "table/raw_records.h"
#include "table/writer.h"

#define SLICE_ROWS 256
#define SLICES 16        /* at a time, at most */
#define SLICES_A_THREAD 2 /* few, so that they are written out of the cache */
#define STATS_COLUMNS 16 /* in one item */

typedef struct tfrecord_out {
    char *path;
    int bare; /* no index beside it */
    pool *threads; /* NULL: none */
    tfrecord_writer *file;
    record_index index;
    column_stats *stats;
    example_encoder *encoder; /* NULL: records of bytes */
    const struct ArrowSchema *schema; /* the sink's */
    buf slice[SLICES];
    int64_t slices; /* at a time */
    /* what is being written */
    const struct ArrowArray *batch;
    int64_t begin, n_slices;
    uint64_t row;
    shoal_error error[SLICES];
} tfrecord_out;

static void out_free(tfrecord_out *w)
{
    example_encoder_free(w->encoder);
    record_index_release(&w->index);
    column_stats_free(w->stats);
    for (int i = 0; i < SLICES; i++) buf_release(&w->slice[i]);
    mem_free(w->path);
    mem_free(w);
}

static void out_abort(void *ctx)
{
    tfrecord_out *w = ctx;
    if (!w) return;
    tfrecord_abort(w->file);
    out_free(w);
}

static int out_open(const sink_spec *spec, const struct ArrowSchema *schema, const char *path, void **out, shoal_error *err)
{
    tfrecord_out *w = mem_calloc(1, sizeof *w);
    *out = NULL;
    if (!w) return error_nomem(err, sizeof *w, "a writer");
    record_index_init(&w->index);
    w->bare = spec->bare;
    w->threads = spec->pool;
    w->slices = w->threads ? SLICES_A_THREAD * (int64_t)pool_threads(w->threads) : 1;
    if (w->slices > SLICES) w->slices = SLICES;
    w->schema = schema;
    int r = spec->record_type == 1 + RECORD_BYTES ? raw_check(schema, err) : example_encoder_new(schema, &w->encoder, err);
    if (r == 0) r = record_type_check(spec->record_type, schema, err);
    if (r == 0 && !(w->path = mem_strdup(path))) r = error_nomem(err, strlen(path), "a path");
    if (r == 0) r = column_stats_new(schema, &w->stats, err);
    if (r == 0) r = tfrecord_create(path, 0, spec->compression, spec->pool, &w->file, err);
    if (r == 0) r = tfrecord_keep_index(w->file, &w->index, err);
    if (r < 0) {
        out_abort(w);
        return r;
    }
    *out = w;
    return 0;
}

/* Slices first, then pieces of the columns. */
static int out_item(void *ctx, size_t i, int thread)
{
    tfrecord_out *w = ctx;
    (void)thread;
    if ((int64_t)i >= w->n_slices) {
        int64_t first = ((int64_t)i - w->n_slices) * STATS_COLUMNS, n = w->batch->n_children - first;
        return column_stats_add(w->stats, w->batch, first, first + (n < STATS_COLUMNS ? n : STATS_COLUMNS), NULL);
    }
    int64_t begin = w->begin + (int64_t)i * SLICE_ROWS, left = w->batch->length - begin;
    const int64_t end = begin + (left < SLICE_ROWS ? left : SLICE_ROWS);
    buf_clear(&w->slice[i]);
    return w->encoder ? example_encode(w->encoder, w->batch, begin, end, w->row, &w->slice[i], &w->error[i])
                      : raw_encode(w->schema, w->batch, begin, end, w->row, &w->slice[i], &w->error[i]);
}

/* Up to SLICES slices from w->begin on; with the first of them the columns of the whole batch. */
static int out_slices(tfrecord_out *w, shoal_error *err)
{
    int64_t left = (w->batch->length - w->begin + SLICE_ROWS - 1) / SLICE_ROWS;
    w->n_slices = left < w->slices ? left : w->slices;
    int64_t columns = w->begin == 0 ? (w->batch->n_children + STATS_COLUMNS - 1) / STATS_COLUMNS : 0;
    size_t n = (size_t)(w->n_slices + columns);
    int r = 0;
    for (int64_t i = 0; i < w->n_slices; i++) w->error[i].code = 0;
    if (w->threads) r = pool_for(w->threads, n, out_item, w);
    for (size_t i = 0; r == 0 && !w->threads && i < n; i++) r = out_item(w, i, 0);
    for (int64_t i = 0; r < 0 && i < w->n_slices; i++)
        if (w->error[i].code < 0) {
            if (err) *err = w->error[i];
            return r;
        }
    if (r < 0) return error_nomem(err, 0, "statistics of columns");
    for (int64_t i = 0; r == 0 && i < w->n_slices; i++) r = tfrecord_write_framed(w->file, w->slice[i].data, w->slice[i].len, err);
    return r;
}

static int out_write(void *ctx, const struct ArrowArray *batch, uint64_t row, shoal_error *err)
{
    tfrecord_out *w = ctx;
    int r = 0;
    w->batch = batch;
    w->row = row;
    for (w->begin = 0; r == 0 && w->begin < batch->length; w->begin += w->slices * SLICE_ROWS) r = out_slices(w, err);
    return r;
}

static uint64_t out_bytes(const void *ctx) { return tfrecord_written(((const tfrecord_out *)ctx)->file); }

static int out_commit(void *ctx, shoal_error *err)
{
    tfrecord_out *w = ctx;
    int r = tfrecord_commit(w->file, err);
    if (r == 0 && !w->bare) r = column_stats_finish(w->stats, &w->index, err);
    if (r == 0 && !w->bare && !w->encoder) r = raw_index(&w->index, err);
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
