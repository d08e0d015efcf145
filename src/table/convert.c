/* convert.c: shoal_convert: any source to any sink, in order. Reading runs in a thread of its own, a few batches ahead. */
#include <string.h>

#include "base/host.h"
#include "base/stage.h"
#include "base/thread.h"
#include "table/table.h"

#define AHEAD_BATCHES 8

static int read_batch(void *t, void *batch, shoal_error *err) { return table_next(t, batch, err); }

static int write_all(stage *batches, sink *s, const shoal_host *host, uint64_t *rows, shoal_error *err)
{
    void *item;
    int r;
    uint64_t start = clock_ns(), last = start, every = host && host->progress_every_ms > 0 ? (uint64_t)host->progress_every_ms * 1000000u : 1000000000u;
    while ((r = stage_next(batches, &item, err)) == 1) {
        struct ArrowArray *a = item;
        if (host_interrupted(host)) return error_set(err, SHOAL_INTERRUPTED, "interrupted: nothing was left under the output's name");
        if ((r = sink_write(s, a, err)) < 0) return r;
        *rows += (uint64_t)a->length;
        a->release(a);
        uint64_t now = clock_ns();
        if (now - last < every) continue;
        last = now;
        host_progress(host, "%llu rows, %.0f rows/s", (unsigned long long)*rows, (double)*rows / ((double)(now - start) * 1e-9));
    }
    return r;
}

static int pump(table *t, sink *s, const shoal_host *host, uint64_t *rows, shoal_error *err)
{
    static const stage_ops OPS = {read_batch, NULL};
    struct ArrowArray batch[AHEAD_BATCHES];
    void *items[AHEAD_BATCHES];
    stage *batches = NULL;
    for (int i = 0; i < AHEAD_BATCHES; i++) {
        batch[i].release = NULL;
        items[i] = &batch[i];
    }
    int r = stage_new(&OPS, t, 1, items, AHEAD_BATCHES, &batches, err);
    if (r == 0) r = write_all(batches, s, host, rows, err);
    stage_free(batches);
    for (int i = 0; i < AHEAD_BATCHES; i++)
        if (batch[i].release) batch[i].release(&batch[i]); /* read, and not written */
    return r;
}

static int put_damage(const quarantine *q, buf *b, shoal_error *err)
{
    quarantine_counts n = quarantine_count(q);
    return buf_printf(b, err, ",\"damage\":{\"places\":%llu,\"bytes\":%llu,\"missing_records\":%llu}", (unsigned long long)n.places,
                      (unsigned long long)n.bytes, (unsigned long long)n.missing);
}

int table_tell_json(const char *path, uint64_t rows, double seconds, const quarantine *q, const shoal_host *host, shoal_error *err)
{
    buf b = BUF_INIT;
    int r = buf_puts(&b, "{\"path\":", err);
    if (r == 0) r = buf_put_json(&b, path, strlen(path), err);
    if (r == 0) r = buf_printf(&b, err, ",\"rows\":%llu,\"seconds\":", (unsigned long long)rows);
    if (r == 0) r = buf_put_f64(&b, seconds, err);
    if (r == 0 && q) r = put_damage(q, &b, err);
    if (r == 0) r = buf_puts(&b, "}\n", err);
    if (r == 0) r = host_out(host, (const char *)b.data, b.len, err);
    buf_release(&b);
    return r;
}

/* Nothing where the rows themselves went to standard output. */
static int tell(const char *path, enum sink_place place, uint64_t rows, double seconds, const quarantine *q, int json, const shoal_host *host,
                shoal_error *err)
{
    if (place == SINK_OUT) return 0;
    if (json) return table_tell_json(path, rows, seconds, q, host, err);
    host_info(host, "%s: %llu rows in %.1f s (%.0f rows/s)%s", path, (unsigned long long)rows, seconds, (double)rows / (seconds > 1e-9 ? seconds : 1e-9),
              place == SINK_PIPE ? "" : ", read back and counted");
    return 0;
}

int shoal_convert(const shoal_options *o, const shoal_host *host, shoal_error *err)
{
    const char *const *args;
    size_t n = option_args(o, &args);
    table_spec from = {0};
    sink_spec to;
    table *t = NULL;
    sink *s = NULL;
    uint64_t rows = 0;
    if (n < 1) return error_set(err, SHOAL_USAGE, "convert: give one or more sources and a destination");
    uint64_t start = clock_ns();
    int r = sink_spec_from(o, args[n - 1], host, &to, err);
    if (r == 0) r = table_spec_from(o, args, n - 1, 0, &from, err);
    if (r == 0 && n < 2 && !from.stream) r = error_set(err, SHOAL_USAGE, "convert: only '%s' is given; name the sources and then the destination", args[0]);
    if (r == 0) r = sink_refuse_source(&to, &from, err);
    from.writes_records = 1;
    if (r == 0) r = table_quarantine(o, to.path, host, &from.quarantine, err);
    if (r == 0) {
        from.host = host;
        from.limit = (uint64_t)option_i64(o, "rows");
        from.together = to.partition_by;
        from.n_together = to.n_partition_by;
        from.shuffle = option_flag(o, "shuffle");
        from.seed = (uint64_t)option_i64(o, "seed");
        from.memory = (uint64_t)option_i64(o, "memory");
    }
    if (r == 0) r = table_open(&from, &t, err);
    else if (from.stream && from.stream->release) from.stream->release(from.stream);
    if (r == 0) r = sink_open(&to, table_schema(t), &s, err);
    if (r == 0 && !(option_is_set(o, "rows") && from.limit == 0)) r = pump(t, s, host, &rows, err);
    if (r == 0 && from.quarantine) r = quarantine_finish(from.quarantine, err);
    enum sink_place place = s ? sink_place_of(s) : SINK_OUT;
    if (r == 0) r = sink_commit(s, &rows, err);
    else sink_abort(s);
    table_free(t);
    if (r == 0) r = tell(to.path, place, rows, (double)(clock_ns() - start) * 1e-9, from.quarantine, option_flag(o, "json"), host, err);
    quarantine_free(from.quarantine);
    return r;
}
