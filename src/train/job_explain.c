/* job_explain.c: `shoal explain MODEL SRC...`: what a model leans on, by a sample of labelled rows. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/option.h"
#include "train/gates_text.h"
#include "train/importance.h"
#include "train/scoring.h"

#define SAMPLE_ROWS 100000
#define NAME_COLUMNS 32

typedef struct explanation {
    const scoring *scoring;
    const char *path;
    const raw_sample *rows;
    uint64_t seed;
    metrics_result base;
    importance *field; /* most important first */
    size_t n;
    const gates *gates;
    double *gate_means;
} explanation;

/* ---- rows ---------------------------------------------------------------------------------------------------------------- */

static int add_batch(scoring *s, const binding *b, const struct ArrowArray *rows, raw_block *raw, raw_sample *out, shoal_error *err)
{
    char where[512];
    int64_t bad = -1;
    raw_block_clear(raw);
    int rc = binding_extract(b, rows, 0, rows->length, raw, &bad, err);
    if (rc == 0) return raw_sample_add(out, raw, err);
    if (bad >= 0) error_where(err, rc, "%s", table_row_name(s->table, out->seen + (uint64_t)bad, where, sizeof where));
    return rc;
}

static int read_sample(scoring *s, const shoal_host *host, raw_sample *out, shoal_error *err)
{
    binding *b = NULL;
    raw_block raw;
    struct ArrowArray rows;
    raw_block_init(&raw);
    int rc = binding_new(s->file.features, table_schema(s->table), 1, &b, err);
    while (rc == 0 && (rc = table_next(s->table, &rows, err)) > 0) {
        rc = add_batch(s, b, &rows, &raw, out, err);
        rows.release(&rows);
        host_progress(host, "reading  %llu rows", (unsigned long long)out->seen);
        if (rc == 0 && host_interrupted(host)) rc = error_set(err, SHOAL_INTERRUPTED, "interrupted after %llu rows", (unsigned long long)out->seen);
    }
    if (rc == 0) rc = scoring_finish(s, err);
    if (rc == 0 && out->seen == 0) rc = error_set(err, SHOAL_DATA, "the source has no rows: there is nothing to explain by");
    raw_block_release(&raw);
    binding_free(b);
    return rc;
}

/* ---- results --------------------------------------------------------------------------------------------------------------- */

static int more_important_first(const void *a, const void *b)
{
    const importance *x = a, *y = b;
    if (x->quality.logloss != y->quality.logloss) return x->quality.logloss < y->quality.logloss ? 1 : -1;
    return strcmp(x->feature->name, y->feature->name);
}

static int put_text(buf *b, const char *before, const char *name, const char *text, shoal_error *err)
{
    int rc = buf_printf(b, err, "%s\"%s\":", before, name);
    return rc ? rc : buf_put_json(b, text, strlen(text), err);
}

static int put_number(buf *b, const char *name, double v, shoal_error *err)
{
    int rc = buf_printf(b, err, ",\"%s\":", name);
    return rc ? rc : buf_put_f64(b, v, err);
}

/* "column", or of a cross "columns". */
static int put_columns(buf *b, const feature *f, shoal_error *err)
{
    int rc = f->n_columns == 1 ? 0 : buf_puts(b, ",\"columns\":[", err);
    if (f->n_columns == 1) return put_text(b, ",", "column", f->column->name, err);
    for (uint32_t k = 0; k < f->n_columns && rc == 0; k++) {
        if (k) rc = buf_puts(b, ",", err);
        if (rc == 0) rc = buf_put_json(b, f->column[k].name, strlen(f->column[k].name), err);
    }
    return rc ? rc : buf_puts(b, "]", err);
}

static int as_json(const explanation *e, buf *b, shoal_error *err)
{
    int rc = put_text(b, "{", "model", model_name(e->scoring->file.model), err);
    if (rc == 0) rc = put_text(b, ",", "path", e->path, err);
    if (rc == 0)
        rc = buf_printf(b, err, ",\"rows\":%llu,\"sample_rows\":%u,\"seed\":%llu", (unsigned long long)e->rows->seen, e->rows->rows.rows,
                        (unsigned long long)e->seed);
    if (rc == 0) rc = put_number(b, "auc", e->base.auc, err);
    if (rc == 0) rc = put_number(b, "logloss", e->base.logloss, err);
    if (rc == 0) rc = put_number(b, "seconds", scoring_seconds(e->scoring), err);
    if (rc == 0) rc = buf_printf(b, err, ",\"kernels\":\"%s\",\"features\":[", e->scoring->kernels->name);
    for (size_t i = 0; i < e->n && rc == 0; i++) {
        const importance *x = &e->field[i];
        rc = put_text(b, i ? ",{" : "{", "feature", x->feature->name, err);
        if (rc == 0) rc = put_columns(b, x->feature, err);
        if (rc == 0) rc = put_number(b, "logloss_rise", x->quality.logloss - e->base.logloss, err);
        if (rc == 0) rc = put_number(b, "auc_fall", e->base.auc - x->quality.auc, err);
        if (rc == 0) rc = buf_puts(b, "}", err);
    }
    if (rc == 0) rc = buf_puts(b, "],\"gates\":", err);
    if (rc == 0) rc = gates_json(e->gates, e->gate_means, b, err);
    return rc ? rc : buf_puts(b, "}\n", err);
}

static int put_cell(buf *b, double v, shoal_error *err)
{
    return isnan(v) ? buf_printf(b, err, "%16s", "-") : buf_printf(b, err, "%16.6f", v);
}

static int as_text(const explanation *e, buf *b, shoal_error *err)
{
    int rc = buf_printf(b, err, "%-16s %s (%s)\n%-16s %u of %llu\n", "model", model_name(e->scoring->file.model), e->path, "rows",
                        e->rows->rows.rows, (unsigned long long)e->rows->seen);
    if (rc == 0 && !isnan(e->base.auc)) rc = buf_printf(b, err, "%-16s %.6f\n", "auc", e->base.auc);
    if (rc == 0) rc = buf_printf(b, err, "%-16s %.6f\n\n%-*s%16s%16s\n", "log loss", e->base.logloss, NAME_COLUMNS, "when permuted",
                                 "log loss rises", "auc falls");
    for (size_t i = 0; i < e->n && rc == 0; i++) {
        const importance *x = &e->field[i];
        rc = buf_printf(b, err, "%-*.*s", NAME_COLUMNS, NAME_COLUMNS, x->feature->name);
        if (rc == 0) rc = put_cell(b, x->quality.logloss - e->base.logloss, err);
        if (rc == 0) rc = put_cell(b, e->base.auc - x->quality.auc, err);
        if (rc == 0) rc = buf_puts(b, "\n", err);
    }
    return rc ? rc : gates_text(e->gates, e->gate_means, b, err);
}

/* ---- the job ---------------------------------------------------------------------------------------------------------------- */

static int explain(const shoal_options *o, const shoal_host *host, const scoring *s, const raw_sample *rows, const char *path, shoal_error *err)
{
    buf text = BUF_INIT;
    explanation e = {.scoring = s, .path = path, .rows = rows, .seed = (uint64_t)option_i64(o, "seed"), .n = s->file.features->n_features};
    gates *g = NULL;
    int rc = gates_new(s->file.model, &g, err);
    e.gates = g;
    e.field = mem_calloc(e.n, sizeof *e.field);
    e.gate_means = rc == 0 ? mem_calloc(gates_entries(g) + 1, sizeof *e.gate_means) : NULL;
    if (rc == 0 && (!e.field || !e.gate_means)) rc = error_nomem(err, e.n * sizeof *e.field, "importances");
    const importance_request q = {s->file.model, s->file.weights, s->kernels, s->threads, rows, e.seed, host, g, e.gate_means};
    if (rc == 0) rc = importance_measure(&q, &e.base, e.field, err);
    if (rc == 0) qsort(e.field, e.n, sizeof *e.field, more_important_first);
    if (rc == 0) rc = option_flag(o, "json") ? as_json(&e, &text, err) : as_text(&e, &text, err);
    if (rc == 0) rc = host_out(host, (const char *)text.data, text.len, err);
    mem_free(e.field);
    mem_free(e.gate_means);
    gates_free(g);
    buf_release(&text);
    return rc;
}

SHOAL_API int shoal_explain(const shoal_options *o, const shoal_host *host, shoal_error *err)
{
    const char *const *args;
    size_t n = option_args(o, &args);
    scoring s = {0};
    raw_sample rows = {0};
    if (n < 1) return error_set(err, SHOAL_USAGE, "no model: shoal explain MODEL SRC...");
    int64_t wanted = option_is_set(o, "rows") ? option_i64(o, "rows") : SAMPLE_ROWS;
    if (wanted < 1 || wanted > UINT32_MAX) return error_set(err, SHOAL_USAGE, "--rows is %lld, expected 1 to %u rows for the sample", (long long)wanted, UINT32_MAX);
    int rc = scoring_open(o, host, NULL, args[0], args + 1, n - 1, 1, NULL, 0, &s, err);
    if (rc) return rc;
    raw_sample_init(&rows, s.file.features, (uint32_t)wanted, (uint64_t)option_i64(o, "seed"));
    rc = read_sample(&s, host, &rows, err);
    if (rc == 0) rc = explain(o, host, &s, &rows, args[0], err);
    raw_sample_release(&rows);
    scoring_release(&s);
    return rc;
}
