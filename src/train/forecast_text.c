/* forecast_text.c: a forecast for people and for programs, and whether it fits. */
#include <string.h>

#include "train/forecast.h"
#include "train/human.h"
#include "train/manifest.h"

int forecast_fits(const forecast *f, shoal_error *err)
{
    char need[HUMAN_BYTES], have[HUMAN_BYTES];
    if (f->memory_bytes.least > (double)f->memory_free)
        return error_set(err, SHOAL_NOMEM,
                         "this run cannot fit: it needs %s of memory at least, and %s are free; hash the largest vocabularies "
                         "(%s%s%s), lower --embedding-dim, or give it more memory",
                         human_bytes(f->memory_bytes.least, need), human_bytes((double)f->memory_free, have), f->largest[0],
                         f->largest[1][0] ? ", " : "", f->largest[1]);
    if (f->spool_bytes > (double)f->spool_free)
        return error_set(err, SHOAL_STORAGE, "this run cannot fit: its spool takes %s, and %s are free there; choose another "
                         "--spool-dir, or --drop columns", human_bytes(f->spool_bytes, need),
                         human_bytes((double)f->spool_free, have));
    if (f->out_bytes > (double)f->out_free)
        return error_set(err, SHOAL_STORAGE, "this run cannot fit: its model and checkpoints take %s, and %s are free there; "
                         "choose another --out, or a smaller model", human_bytes(f->out_bytes, need),
                         human_bytes((double)f->out_free, have));
    return 0;
}

static int put_range(buf *b, const char *name, const forecast_range *r, char *(*text)(double, char *), shoal_error *err)
{
    char low[HUMAN_BYTES], middle[HUMAN_BYTES], high[HUMAN_BYTES];
    if (r->least >= r->most)
        return buf_printf(b, err, "%-12s %s\n", name, text(r->expected, middle));
    return buf_printf(b, err, "%-12s about %s; at least %s, at most %s\n", name, text(r->expected, middle), text(r->least, low),
                      text(r->most, high));
}

static int put_source(buf *b, const char *name, const table_size *t, shoal_error *err)
{
    char rows[HUMAN_BYTES], bytes[HUMAN_BYTES], all[HUMAN_BYTES];
    return buf_printf(b, err, "%-12s %s%s rows, %s of %s in %zu file%s\n", name, t->exact ? "" : "about ",
                      human_count((double)t->rows, rows), human_bytes((double)t->read_bytes, bytes),
                      human_bytes((double)t->bytes, all), t->files, t->files == 1 ? "" : "s");
}

static int put_time(buf *b, const forecast *f, shoal_error *err)
{
    if (f->train_rate <= 0) return buf_printf(b, err, "time         not tried: it cannot fit\n");
    char total[HUMAN_BYTES], read[HUMAN_BYTES], train[HUMAN_BYTES], valid[HUMAN_BYTES], rate[2][HUMAN_BYTES];
    return buf_printf(b, err, "%-12s about %s: reading %s, training %s, validating %s (%s and %s rows/s, %d threads)\n", "time",
                      human_clock(f->read_seconds + f->train_seconds + f->valid_seconds, total), human_clock(f->read_seconds, read),
                      human_clock(f->train_seconds, train), human_clock(f->valid_seconds, valid), human_count(f->read_rate, rate[0]),
                      human_count(f->train_rate, rate[1]), f->threads);
}

int forecast_text(const forecast *f, buf *out, shoal_error *err)
{
    char one[HUMAN_BYTES], two[HUMAN_BYTES];
    int rc = put_source(out, "training", &f->train, err);
    if (rc == 0 && f->valid.files) rc = put_source(out, "validation", &f->valid, err);
    if (rc == 0)
        rc = buf_printf(out, err, "%-12s %llu of %llu; sizes below are from %s%s rows\n", "columns", (unsigned long long)f->columns_used,
                        (unsigned long long)f->columns, f->whole ? "all " : "the first ", human_count((double)f->sample_rows, one));
    if (rc == 0) rc = put_range(out, "table rows", &f->ids, human_count, err);
    if (rc == 0) rc = put_range(out, "model", &f->model_bytes, human_bytes, err);
    if (rc == 0) rc = put_range(out, "checkpoint", &f->checkpoint_bytes, human_bytes, err);
    if (rc == 0) rc = put_range(out, "memory", &f->memory_bytes, human_bytes, err);
    if (rc == 0)
        rc = buf_printf(out, err, "%-12s %s of memory, %s on the spool's disk\n", "free", human_bytes((double)f->memory_free, one),
                        human_bytes((double)f->spool_free, two));
    if (rc == 0) rc = buf_printf(out, err, "%-12s %s\n", "spool", human_bytes(f->spool_bytes, one));
    if (rc == 0)
        rc = buf_printf(out, err, "%-12s %llu epochs of %llu steps of %llu rows\n", "steps", (unsigned long long)f->epochs,
                        (unsigned long long)f->steps, (unsigned long long)f->batch);
    return rc == 0 ? put_time(out, f, err) : rc;
}

/* ---- for programs ------------------------------------------------------------------------------------------------------ */

static json_t *source_json(const table_size *t)
{
    if (t->files == 0) return json_null();
    return json_pack("{s:I, s:b, s:I, s:I, s:I}", "rows", (json_int_t)t->rows, "exact", t->exact, "files", (json_int_t)t->files,
                     "bytes", (json_int_t)t->bytes, "read_bytes", (json_int_t)t->read_bytes);
}

static json_t *range_json(const forecast_range *r)
{
    return json_pack("{s:I, s:I, s:I}", "least", (json_int_t)r->least, "expected", (json_int_t)r->expected, "most",
                     (json_int_t)r->most);
}

json_t *forecast_json(const forecast *f)
{
    return json_pack("{s:o, s:o, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:{s:f, s:f}, "
                     "s:{s:f, s:f, s:f}}",
                     "train", source_json(&f->train), "valid", source_json(&f->valid), "columns", (json_int_t)f->columns,
                     "columns_used", (json_int_t)f->columns_used, "sample_rows", (json_int_t)f->sample_rows, "table_rows",
                     range_json(&f->ids), "model_bytes", range_json(&f->model_bytes), "checkpoint_bytes",
                     range_json(&f->checkpoint_bytes), "memory_bytes", range_json(&f->memory_bytes), "spool_bytes",
                     (json_int_t)f->spool_bytes, "memory_free", (json_int_t)f->memory_free, "spool_free",
                     (json_int_t)f->spool_free, "out_free", (json_int_t)f->out_free, "epochs", (json_int_t)f->epochs, "steps",
                     (json_int_t)f->steps, "batch", (json_int_t)f->batch, "threads", f->threads, "rows_per_second", "reading",
                     f->read_rate, "training", f->train_rate, "seconds", "reading", f->read_seconds, "training",
                     f->train_seconds, "validating", f->valid_seconds);
}
