/* job_eval.c: `shoal eval MODEL SRC...`: the quality of a model on labelled rows, within groups of them, and by slices. */
#include <string.h>

#include "base/mem.h"
#include "base/option.h"
#include "features/keys.h"
#include "storage/file.h"
#include "train/eval_report.h"
#include "train/scoring.h"

typedef struct eval_job {
    const shoal_options *o;
    scoring scoring;
    metrics *metrics;
    const char *group_by;
    column_keys *groups;       /* NULL: none */
    const char *const *column; /* of the slices */
    size_t n_slices;
    slices **slices;
    const char **keep; /* columns that the model may not have */
    uint64_t rows;
} eval_job;

static int group_keys(const eval_job *j, const struct ArrowArray *from, const uint64_t **key, shoal_error *err)
{
    int64_t bad;
    int rc = column_keys_take(j->groups, from, key, &bad, err);
    if (rc && bad >= 0) error_where(err, rc, "row %llu", (unsigned long long)(j->rows + (uint64_t)bad));
    return rc;
}

static int add_rows(void *ctx, const struct ArrowArray *from, const float *logit, const float *label, const float *weight,
                    size_t n, shoal_error *err)
{
    eval_job *j = ctx;
    const uint64_t *group = NULL;
    int rc = j->groups ? group_keys(j, from, &group, err) : 0;
    if (rc == 0) rc = metrics_add(j->metrics, logit, label, weight, group, n, err);
    for (size_t i = 0; i < j->n_slices && rc == 0; i++) rc = slices_add(j->slices[i], from, logit, label, weight, n, err);
    j->rows += n;
    return rc;
}

/* Where scores may be spilled. */
static const char *spill_dir(const shoal_options *o)
{
    const char *dir = option_str(o, "spool-dir");
    return dir && *dir ? dir : file_temporary_dir();
}

static int choose_columns(eval_job *j, size_t *n_keep, shoal_error *err)
{
    j->group_by = option_str(j->o, "group-by");
    j->n_slices = option_list(j->o, "slice", &j->column);
    j->keep = mem_calloc(j->n_slices + 1, sizeof *j->keep);
    if (!j->keep) return error_nomem(err, j->n_slices * sizeof *j->keep, "the list of columns");
    for (size_t i = 0; i < j->n_slices; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(j->column[i], j->column[k]) == 0)
                return error_set(err, SHOAL_USAGE, "--slice %s is given twice", j->column[i]);
    *n_keep = j->n_slices + (j->group_by != NULL);
    for (size_t i = 0; i < j->n_slices; i++) j->keep[i] = j->column[i];
    if (j->group_by) j->keep[j->n_slices] = j->group_by;
    return 0;
}

/* The memory for sorting is shared out evenly. */
static int make_measures(eval_job *j, shoal_error *err)
{
    const size_t memory = (size_t)option_i64(j->o, "memory") / (1 + j->n_slices);
    const struct ArrowSchema *schema = table_schema(j->scoring.table);
    const char *dir = spill_dir(j->o);
    j->slices = mem_calloc(j->n_slices + 1, sizeof *j->slices);
    if (!j->slices) return error_nomem(err, j->n_slices * sizeof *j->slices, "slices");
    int rc = metrics_new(memory, dir, j->group_by != NULL, &j->metrics, err);
    if (rc == 0 && j->group_by) rc = column_keys_new(j->group_by, schema, &j->groups, err);
    for (size_t i = 0; i < j->n_slices && rc == 0; i++)
        rc = slices_new(j->column[i], schema, memory, dir, (uint32_t)option_i64(j->o, "slice-values"), &j->slices[i], err);
    return rc;
}

static int report_all(eval_job *j, const char *path, const shoal_host *host, shoal_error *err)
{
    buf text = BUF_INIT;
    slices_result *found = mem_calloc(j->n_slices + 1, sizeof *found);
    int rc = found ? 0 : error_nomem(err, j->n_slices * sizeof *found, "slices");
    for (size_t i = 0; i < j->n_slices && rc == 0; i++) rc = slices_finish(j->slices[i], &found[i], err);
    eval_report r = {
        .model = model_name(j->scoring.file.model), .path = path, .kernels = j->scoring.kernels->name, .group_by = j->group_by,
        .column = j->column, .slices = found, .n_slices = j->n_slices,
    };
    if (rc == 0) rc = metrics_finish(j->metrics, &r.all, err);
    if (rc == 0 && r.all.rows == 0) rc = error_set(err, SHOAL_DATA, "the source has no rows: there is nothing to evaluate");
    r.seconds = scoring_seconds(&j->scoring);
    if (rc == 0) rc = option_flag(j->o, "json") ? eval_report_json(&r, &text, err) : eval_report_text(&r, &text, err);
    if (rc == 0) rc = host_out(host, (const char *)text.data, text.len, err);
    mem_free(found);
    buf_release(&text);
    return rc;
}

static void job_release(eval_job *j)
{
    for (size_t i = 0; j->slices && i < j->n_slices; i++) slices_free(j->slices[i]);
    mem_free(j->slices);
    column_keys_free(j->groups);
    metrics_free(j->metrics);
    mem_free(j->keep);
    scoring_release(&j->scoring);
}

SHOAL_API int shoal_eval(const shoal_options *o, const shoal_host *host, shoal_error *err)
{
    const char *const *args;
    size_t n = option_args(o, &args), n_keep = 0;
    eval_job j = {.o = o};
    if (n < 1) return error_set(err, SHOAL_USAGE, "no model: shoal eval MODEL SRC...");
    int rc = choose_columns(&j, &n_keep, err);
    if (rc == 0) rc = scoring_open(o, host, NULL, args[0], args + 1, n - 1, 1, j.keep, n_keep, &j.scoring, err);
    if (rc == 0) rc = make_measures(&j, err);
    if (rc == 0) {
        score_sink add = {&j, add_rows};
        const scoring *s = &j.scoring;
        rc = score_table(s->file.model, s->file.weights, s->kernels, s->table, 1, s->threads, host, &add, err);
    }
    if (rc == 0) rc = scoring_finish(&j.scoring, err);
    if (rc == 0) rc = report_all(&j, args[0], host, err);
    job_release(&j);
    return rc;
}
