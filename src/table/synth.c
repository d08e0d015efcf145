/* synth.c: shoal_synth. Workers make blocks of rows, each into a queue of its own; the writer takes one from each in turn,
 * so that the order of rows does not depend on how many there are. Sorted by label, the rows are made twice: once those
 * without a click are kept, once those with. */
#include <stdio.h>
#include <string.h>

#include "base/host.h"
#include "base/mem.h"
#include "base/option.h"
#include "base/thread.h"
#include "table/synth.h"
#include "table/table.h"

#define WORKERS_MAX 64
#define QUEUE_BLOCKS 4
#define ROWS 1000000 /* when --rows says nothing */

typedef struct worker {
    const synth_model *model;
    uint64_t rows, skip, first, stride; /* blocks first, first + stride, ... of `rows` rows behind `skip` */
    int only;                     /* a label to keep, or -1 */
    int counting;                 /* whether `best` takes the rows */
    arrow_builder *builder;
    synth_best best;
    queue *blocks;
    task *thread;
    int result;
    shoal_error error;
} worker;

static int add_row(arrow_builder *b, const synth_model *m, const synth_row *row, shoal_error *err)
{
    int r = arrow_builder_i64(b, 0, row->label, err);
    for (int j = 0; r == 0 && j < m->numeric; j++)
        r = row->missing[j] ? arrow_builder_null(b, 1 + j, err) : arrow_builder_f64(b, 1 + j, (double)row->number[j], err);
    for (int f = 0; r == 0 && f < m->categorical; f++) {
        char text[8];
        synth_key_text(m, f, row->key[f], text);
        r = arrow_builder_text(b, 1 + m->numeric + f, view_of(text, sizeof text), err);
    }
    return r;
}

static int make_block(worker *w, uint64_t begin, uint64_t end, struct ArrowArray *out)
{
    int r = 0;
    for (uint64_t i = begin; r == 0 && i < end; i++) {
        synth_row row;
        synth_row_make(w->model, w->skip + i, &row);
        if (w->counting) synth_best_add(&w->best, &row);
        if (w->only < 0 || w->only == row.label) r = add_row(w->builder, w->model, &row, &w->error);
    }
    return r < 0 ? r : arrow_builder_finish(w->builder, out, &w->error);
}

static void work(void *ctx)
{
    worker *w = ctx;
    int r = 0;
    for (uint64_t block = w->first; r == 0 && block * TABLE_BATCH_ROWS < w->rows; block += w->stride) {
        uint64_t begin = block * TABLE_BATCH_ROWS, end = begin + TABLE_BATCH_ROWS < w->rows ? begin + TABLE_BATCH_ROWS : w->rows;
        struct ArrowArray *a = mem_alloc(sizeof *a);
        r = a ? make_block(w, begin, end, a) : error_nomem(&w->error, sizeof *a, "a batch");
        if (r == 0 && queue_push(w->blocks, a) == 0) continue;
        if (r == 0) a->release(a);
        mem_free(a);
        if (r == 0) break; /* the writer gave up */
    }
    w->result = r;
    queue_close(w->blocks);
}

static int make_schema(const synth_model *m, struct ArrowSchema *out, shoal_error *err)
{
    char name[16];
    int r = arrow_schema_struct(out, 1 + m->numeric + m->categorical, err);
    if (r == 0) r = arrow_schema_set(out->children[0], "label", "c", 0, err);
    for (int j = 0; r == 0 && j < m->numeric; j++) {
        snprintf(name, sizeof name, "n%d", j);
        r = arrow_schema_set(out->children[1 + j], name, "f", 1, err);
    }
    for (int f = 0; r == 0 && f < m->categorical; f++) {
        snprintf(name, sizeof name, "c%d", f);
        r = arrow_schema_set(out->children[1 + m->numeric + f], name, "u", 0, err);
    }
    return r;
}

static void workers_stop(worker *w, int n)
{
    void *item;
    for (int i = 0; i < n; i++) {
        if (!w[i].blocks) continue;
        queue_close(w[i].blocks);
        while (queue_pop(w[i].blocks, &item)) {
            struct ArrowArray *a = item;
            a->release(a);
            mem_free(a);
        }
        task_join(w[i].thread);
        w[i].thread = NULL;
        queue_free(w[i].blocks);
        w[i].blocks = NULL;
        arrow_builder_free(w[i].builder);
        w[i].builder = NULL;
    }
}

static int take_blocks(worker *w, int n, sink *s, const shoal_host *host, uint64_t *done, uint64_t rows, shoal_error *err)
{
    void *item;
    int r = 0;
    uint64_t last = clock_ns();
    for (int i = 0; r == 0 && queue_pop(w[i].blocks, &item); i = (i + 1) % n) {
        struct ArrowArray *a = item;
        if (host_interrupted(host)) r = error_set(err, SHOAL_INTERRUPTED, "interrupted: nothing was left under the output's name");
        if (r == 0 && a->length > 0) r = sink_write(s, a, err);
        *done += (uint64_t)a->length;
        a->release(a);
        mem_free(a);
        if (clock_ns() - last > 1000000000u) {
            last = clock_ns();
            host_progress(host, "%llu of %llu rows", (unsigned long long)*done, (unsigned long long)rows);
        }
    }
    return r;
}

/* All rows, or those of one label; *done counts the rows written. */
static int pass(const synth_model *m, const struct ArrowSchema *schema, uint64_t skip, uint64_t rows, int only, int n, sink *s, synth_best *best, const shoal_host *host,
                uint64_t *done, shoal_error *err)
{
    worker w[WORKERS_MAX] = {{0}};
    int r = 0;
    for (int i = 0; r == 0 && i < n; i++) {
        w[i] = (worker){.model = m, .rows = rows, .skip = skip, .first = (uint64_t)i, .stride = (uint64_t)n, .only = only, .counting = only != 1};
        r = synth_best_init(&w[i].best, err);
        if (r == 0) r = arrow_builder_new(schema, &w[i].builder, err);
        if (r == 0 && !(w[i].blocks = queue_new(QUEUE_BLOCKS))) r = error_nomem(err, 0, "a queue");
        if (r == 0) r = task_start(&w[i].thread, work, &w[i], err);
        if (r < 0) arrow_builder_free(w[i].builder), w[i].builder = NULL;
    }
    if (r == 0) r = take_blocks(w, n, s, host, done, rows, err);
    workers_stop(w, n);
    for (int i = 0; i < n; i++) {
        if (r == 0 && w[i].result < 0) {
            r = w[i].result;
            if (err) *err = w[i].error;
        }
        if (r == 0) synth_best_merge(best, &w[i].best);
        synth_best_release(&w[i].best);
    }
    return r;
}

static int say_json(const synth_best *best, const char *path, double auc, double logloss, const shoal_host *host, shoal_error *err)
{
    buf b = BUF_INIT;
    int r = buf_puts(&b, "{\"path\":", err);
    if (r == 0) r = buf_put_json(&b, path, strlen(path), err);
    if (r == 0) r = buf_printf(&b, err, ",\"rows\":%llu,\"clicks\":%llu,\"best_auc\":", (unsigned long long)best->rows, (unsigned long long)best->clicks);
    if (r == 0) r = buf_put_f64(&b, auc, err);
    if (r == 0) r = buf_puts(&b, ",\"best_logloss\":", err);
    if (r == 0) r = buf_put_f64(&b, logloss, err);
    if (r == 0) r = buf_puts(&b, "}\n", err);
    if (r == 0) r = host_out(host, (const char *)b.data, b.len, err);
    buf_release(&b);
    return r;
}

static int say(const synth_best *best, const char *path, enum sink_place place, int json, const shoal_host *host, shoal_error *err)
{
    double auc, logloss, rate = best->rows > 0 ? (double)best->clicks / (double)best->rows : 0;
    synth_best_value(best, &auc, &logloss);
    if (place == SINK_OUT) {
        host_info(host, "best possible AUC %.4f, log loss %.4f", auc, logloss);
        return 0;
    }
    if (json) return say_json(best, path, auc, logloss, host, err);
    return host_outf(host, err, "%s: %llu rows, %.2f %% clicks\nbest possible: AUC %.4f, log loss %.4f\n", path, (unsigned long long)best->rows,
                     100.0 * rate, auc, logloss);
}

static int generate(const shoal_options *o, const sink_spec *to, const shoal_host *host, synth_best *best, enum sink_place *place, shoal_error *err)
{
    uint64_t rows = option_is_set(o, "rows") ? (uint64_t)option_i64(o, "rows") : ROWS, skip = (uint64_t)option_i64(o, "skip"), done = 0;
    int threads = option_threads(o), n = threads > WORKERS_MAX ? WORKERS_MAX : threads, sorted = option_flag(o, "sort-by-label");
    struct ArrowSchema schema = {0};
    sink *s = NULL;
    synth_model *m = mem_alloc(sizeof *m);
    if (!m) return error_nomem(err, sizeof *m, "the planted model");
    synth_model_init(m, (uint64_t)option_i64(o, "seed"), (int)option_i64(o, "numeric"), (int)option_i64(o, "categorical"),
                     (uint64_t)option_i64(o, "cardinality"), option_f64(o, "skew"));
    int r = make_schema(m, &schema, err);
    if (r == 0) r = sink_open(to, &schema, &s, err);
    if (r == 0) r = pass(m, &schema, skip, rows, sorted ? 0 : -1, n, s, best, host, &done, err);
    if (r == 0 && sorted) r = pass(m, &schema, skip, rows, 1, n, s, best, host, &done, err);
    if (r == 0) *place = sink_place_of(s);
    if (r == 0) r = sink_commit(s, NULL, err);
    else sink_abort(s);
    mem_free(m);
    if (schema.release) schema.release(&schema);
    return r;
}

int shoal_synth(const shoal_options *o, const shoal_host *host, shoal_error *err)
{
    const char *const *args;
    sink_spec to;
    synth_best best;
    enum sink_place place = SINK_OUT;
    if (option_args(o, &args) != 1) return error_set(err, SHOAL_USAGE, "synth: give one destination");
    int r = sink_spec_from(o, args[0], host, &to, err);
    if (r == 0) r = synth_best_init(&best, err);
    if (r < 0) return r;
    r = generate(o, &to, host, &best, &place, err);
    if (r == 0) r = say(&best, args[0], place, option_flag(o, "json"), host, err);
    synth_best_release(&best);
    return r;
}
