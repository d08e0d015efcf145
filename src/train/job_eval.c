/* job_eval.c: `shoal eval MODEL SRC...`: the quality of a model on labelled rows. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/option.h"
#include "storage/file.h"
#include "train/human.h"
#include "train/metrics.h"
#include "train/scoring.h"

static int add_rows(void *ctx, const struct ArrowArray *from, const float *logit, const float *label, const float *weight,
                    size_t n, shoal_error *err)
{
    (void)from;
    return metrics_add(ctx, logit, label, weight, n, err);
}

static int put_number(buf *b, const char *name, double v, shoal_error *err)
{
    int rc = buf_printf(b, err, ",\"%s\":", name);
    return rc ? rc : buf_put_f64(b, v, err);
}

static int as_json(const scoring *s, const char *path, const metrics_result *r, double seconds, buf *b, shoal_error *err)
{
    const char *name = model_name(s->file.model);
    int rc = buf_puts(b, "{\"model\":", err);
    if (rc == 0) rc = buf_put_json(b, name, strlen(name), err);
    if (rc == 0) rc = buf_puts(b, ",\"path\":", err);
    if (rc == 0) rc = buf_put_json(b, path, strlen(path), err);
    if (rc == 0) rc = buf_printf(b, err, ",\"rows\":%llu", (unsigned long long)r->rows);
    if (rc == 0) rc = put_number(b, "weight", r->weight, err);
    if (rc == 0) rc = put_number(b, "auc", r->auc, err);
    if (rc == 0) rc = put_number(b, "logloss", r->logloss, err);
    if (rc == 0) rc = put_number(b, "calibration", r->calibration, err);
    if (rc == 0) rc = put_number(b, "mean_prediction", r->mean_prediction, err);
    if (rc == 0) rc = put_number(b, "mean_label", r->mean_label, err);
    if (rc == 0) rc = put_number(b, "seconds", seconds, err);
    if (rc == 0) rc = buf_printf(b, err, ",\"kernels\":\"%s\"}\n", s->kernels->name);
    return rc;
}

static int put_line(buf *b, const char *name, double v, const char *remark, shoal_error *err)
{
    if (isnan(v)) return buf_printf(b, err, "%-16s -           %s\n", name, remark);
    return buf_printf(b, err, "%-16s %-11.6f %s\n", name, v, remark);
}

static int as_text(const scoring *s, const char *path, const metrics_result *r, double seconds, buf *b, shoal_error *err)
{
    char rate[HUMAN_BYTES];
    const char *one_class = isnan(r->auc) ? "only one class is in the data" : "1 is best, 0.5 is chance";
    int rc = buf_printf(b, err, "%-16s %s (%s)\n", "model", model_name(s->file.model), path);
    if (rc == 0) rc = buf_printf(b, err, "%-16s %llu\n", "rows", (unsigned long long)r->rows);
    if (rc == 0) rc = put_line(b, "auc", r->auc, one_class, err);
    if (rc == 0) rc = put_line(b, "log loss", r->logloss, "0 is best", err);
    if (rc == 0) rc = put_line(b, "calibration", r->calibration, "mean prediction / mean label; 1 is best", err);
    if (rc == 0) rc = put_line(b, "mean prediction", r->mean_prediction, "", err);
    if (rc == 0) rc = put_line(b, "mean label", r->mean_label, "", err);
    if (rc == 0)
        rc = buf_printf(b, err, "%-16s %.2f s, %s rows/s, %s kernels\n", "time", seconds,
                        human_count((double)r->rows / seconds, rate), s->kernels->name);
    return rc;
}

/* Where scores may be spilled. */
static const char *spill_dir(const shoal_options *o)
{
    const char *dir = option_str(o, "spool-dir");
    return dir && *dir ? dir : file_temporary_dir();
}

SHOAL_API int shoal_eval(const shoal_options *o, const shoal_host *host, shoal_error *err)
{
    const char *const *args;
    size_t n = option_args(o, &args);
    scoring s = {0};
    metrics *m = NULL;
    metrics_result result;
    buf text = BUF_INIT;
    if (n < 1) return error_set(err, SHOAL_USAGE, "no model: shoal eval MODEL SRC...");
    int rc = scoring_open(o, host, NULL, args[0], args + 1, n - 1, 1, NULL, 0, &s, err);
    if (rc == 0) rc = metrics_new((size_t)option_i64(o, "memory"), spill_dir(o), &m, err);
    if (rc) goto out;
    score_sink add = {m, add_rows};
    rc = score_table(s.file.model, s.file.weights, s.kernels, s.table, 1, s.threads, host, &add, err);
    if (rc == 0) rc = scoring_finish(&s, err);
    if (rc == 0) rc = metrics_finish(m, &result, err);
    if (rc == 0 && result.rows == 0) rc = error_set(err, SHOAL_DATA, "the source has no rows: there is nothing to evaluate");
    if (rc) goto out;
    double seconds = scoring_seconds(&s);
    rc = option_flag(o, "json") ? as_json(&s, args[0], &result, seconds, &text, err)
                                : as_text(&s, args[0], &result, seconds, &text, err);
    if (rc == 0) rc = host_out(host, (const char *)text.data, text.len, err);
out:
    metrics_free(m);
    buf_release(&text);
    scoring_release(&s);
    return rc;
}
