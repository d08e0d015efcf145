/* eval_report.c: see eval_report.h. */
#include "train/eval_report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "train/human.h"

#define NAME_COLUMNS 32 /* of a value in the table */

/* ---- JSON ---------------------------------------------------------------------------------------------------------------- */

static int put_text(buf *b, const char *name, const char *text, size_t n, shoal_error *err)
{
    int rc = buf_printf(b, err, "\"%s\":", name);
    return rc ? rc : buf_put_json(b, text, n, err);
}

static int put_number(buf *b, const char *name, double v, shoal_error *err)
{
    int rc = buf_printf(b, err, ",\"%s\":", name);
    return rc ? rc : buf_put_f64(b, v, err);
}

static int put_quality(buf *b, const metrics_result *r, shoal_error *err)
{
    int rc = buf_printf(b, err, ",\"rows\":%llu", (unsigned long long)r->rows);
    if (rc == 0) rc = put_number(b, "weight", r->weight, err);
    if (rc == 0) rc = put_number(b, "auc", r->auc, err);
    if (rc == 0) rc = put_number(b, "logloss", r->logloss, err);
    if (rc == 0) rc = put_number(b, "calibration", r->calibration, err);
    if (rc == 0) rc = put_number(b, "mean_prediction", r->mean_prediction, err);
    return rc ? rc : put_number(b, "mean_label", r->mean_label, err);
}

static int put_slices(buf *b, const char *column, const slices_result *s, shoal_error *err)
{
    int rc = buf_puts(b, "{", err);
    if (rc == 0) rc = put_text(b, "column", column, strlen(column), err);
    if (rc == 0)
        rc = buf_printf(b, err, ",\"values\":%llu,\"other_values\":%llu,\"other_rows\":%llu,\"slices\":[", (unsigned long long)s->values,
                        (unsigned long long)s->other_values, (unsigned long long)s->other_rows);
    for (size_t i = 0; i < s->n && rc == 0; i++) {
        const view name = s->slice[i].name;
        rc = buf_puts(b, i ? ",{" : "{", err);
        if (rc == 0) rc = name.n ? put_text(b, "value", name.p, name.n, err) : buf_puts(b, "\"value\":null", err);
        if (rc == 0) rc = put_quality(b, &s->slice[i].quality, err);
        if (rc == 0) rc = buf_puts(b, "}", err);
    }
    return rc ? rc : buf_puts(b, "]}", err);
}

int eval_report_json(const eval_report *r, buf *b, shoal_error *err)
{
    int rc = buf_puts(b, "{", err);
    if (rc == 0) rc = put_text(b, "model", r->model, strlen(r->model), err);
    if (rc == 0) rc = buf_puts(b, ",", err);
    if (rc == 0) rc = put_text(b, "path", r->path, strlen(r->path), err);
    if (rc == 0) rc = put_quality(b, &r->all, err);
    if (rc == 0 && r->group_by) rc = put_number(b, "gauc", r->all.gauc, err);
    if (rc == 0 && r->group_by)
        rc = buf_printf(b, err, ",\"groups\":%llu,\"groups_mixed\":%llu", (unsigned long long)r->all.groups,
                        (unsigned long long)r->all.groups_mixed);
    if (rc == 0) rc = put_number(b, "seconds", r->seconds, err);
    if (rc == 0) rc = buf_printf(b, err, ",\"kernels\":\"%s\"", r->kernels);
    for (size_t i = 0; i < r->n_slices && rc == 0; i++) {
        rc = buf_puts(b, i ? "," : ",\"slices\":[", err);
        if (rc == 0) rc = put_slices(b, r->column[i], &r->slices[i], err);
    }
    return rc ? rc : buf_puts(b, r->n_slices ? "]}\n" : "}\n", err);
}

/* ---- text ---------------------------------------------------------------------------------------------------------------- */

static int put_line(buf *b, const char *name, double v, const char *remark, shoal_error *err)
{
    if (isnan(v)) return buf_printf(b, err, "%-16s -           %s\n", name, remark);
    return buf_printf(b, err, "%-16s %-11.6f %s\n", name, v, remark);
}

static int put_gauc(buf *b, const eval_report *r, shoal_error *err)
{
    char remark[160];
    snprintf(remark, sizeof remark, "within %llu of %llu groups of %.60s: those of both classes", (unsigned long long)r->all.groups_mixed,
             (unsigned long long)r->all.groups, r->group_by);
    return put_line(b, "gauc", r->all.gauc, remark, err);
}

static int put_cell(buf *b, double v, shoal_error *err)
{
    return isnan(v) ? buf_printf(b, err, "%12s", "-") : buf_printf(b, err, "%12.6f", v);
}

/* Control characters and long values would break the table; the JSON has them whole. */
static int put_name(buf *b, view name, shoal_error *err)
{
    char text[NAME_COLUMNS + 1];
    size_t n = 0;
    if (name.n == 0) return buf_printf(b, err, "%-*s", NAME_COLUMNS, "(missing)");
    for (; n < name.n && n < NAME_COLUMNS; n++) text[n] = (unsigned char)name.p[n] < ' ' || name.p[n] == 127 ? '?' : name.p[n];
    while (n < name.n && n > 0 && (name.p[n] & 0xC0) == 0x80) n--; /* no half of a UTF-8 letter */
    text[n] = 0;
    return buf_printf(b, err, "%-*s", NAME_COLUMNS, text);
}

static int put_table(buf *b, const char *column, const slices_result *s, shoal_error *err)
{
    int rc = buf_printf(b, err, "\n%-*.*s%12s%12s%12s%12s%12s\n", NAME_COLUMNS, NAME_COLUMNS, column, "rows", "auc", "log loss", "calibration",
                        "mean label");
    for (size_t i = 0; i < s->n && rc == 0; i++) {
        const metrics_result *q = &s->slice[i].quality;
        rc = put_name(b, s->slice[i].name, err);
        if (rc == 0) rc = buf_printf(b, err, "%12llu", (unsigned long long)q->rows);
        if (rc == 0) rc = put_cell(b, q->auc, err);
        if (rc == 0) rc = put_cell(b, q->logloss, err);
        if (rc == 0) rc = put_cell(b, q->calibration, err);
        if (rc == 0) rc = put_cell(b, q->mean_label, err);
        if (rc == 0) rc = buf_puts(b, "\n", err);
    }
    if (rc == 0 && s->other_values)
        rc = buf_printf(b, err, "%llu more values in %llu rows; --slice-values tells more of them apart\n", (unsigned long long)s->other_values,
                        (unsigned long long)s->other_rows);
    return rc;
}

int eval_report_text(const eval_report *r, buf *b, shoal_error *err)
{
    char rate[HUMAN_BYTES];
    const metrics_result *q = &r->all;
    const char *one_class = isnan(q->auc) ? "only one class is in the data" : "1 is best, 0.5 is chance";
    int rc = buf_printf(b, err, "%-16s %s (%s)\n", "model", r->model, r->path);
    if (rc == 0) rc = buf_printf(b, err, "%-16s %llu\n", "rows", (unsigned long long)q->rows);
    if (rc == 0) rc = put_line(b, "auc", q->auc, one_class, err);
    if (rc == 0 && r->group_by) rc = put_gauc(b, r, err);
    if (rc == 0) rc = put_line(b, "log loss", q->logloss, "0 is best", err);
    if (rc == 0) rc = put_line(b, "calibration", q->calibration, "mean prediction / mean label; 1 is best", err);
    if (rc == 0) rc = put_line(b, "mean prediction", q->mean_prediction, "", err);
    if (rc == 0) rc = put_line(b, "mean label", q->mean_label, "", err);
    if (rc == 0)
        rc = buf_printf(b, err, "%-16s %.2f s, %s rows/s, %s kernels\n", "time", r->seconds, human_count((double)q->rows / r->seconds, rate),
                        r->kernels);
    for (size_t i = 0; i < r->n_slices && rc == 0; i++) rc = put_table(b, r->column[i], &r->slices[i], err);
    return rc;
}
