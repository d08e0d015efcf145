/* scoring.c: see scoring.h. */
#include "train/scoring.h"

#include <string.h>

#include "base/mem.h"
#include "base/option.h"

static int has(const char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0) return 1;
    return 0;
}

int scoring_keeps_all(const char *const *keep, size_t n_keep) { return n_keep == 1 && strcmp(keep[0], "*") == 0; }

static int choose_columns(scoring *s, int with_label, const char *const *keep, size_t n_keep, shoal_error *err)
{
    const char **needed = NULL;
    size_t n = 0;
    int rc = features_columns(s->file.features, with_label, &needed, &n, err);
    if (rc) return rc;
    if (scoring_keeps_all(keep, n_keep)) {
        mem_free(needed);
        return 0;
    }
    s->columns = mem_calloc(n + n_keep + 1, sizeof *s->columns);
    if (!s->columns) {
        mem_free(needed);
        return error_nomem(err, (n + n_keep) * sizeof *s->columns, "the list of columns");
    }
    for (size_t i = 0; i < n; i++) s->columns[s->n_columns++] = needed[i];
    for (size_t i = 0; i < n_keep; i++)
        if (!has(s->columns, s->n_columns, keep[i])) s->columns[s->n_columns++] = keep[i];
    mem_free(needed);
    return 0;
}

/* The label and weight columns of the model, unless the options name others. */
static int rename_label(const shoal_options *o, features *f, shoal_error *err)
{
    const char *const option[] = {option_str(o, "label"), option_str(o, "weight")};
    char **const column[] = {&f->label, &f->weight};
    for (int i = 0; i < 2; i++) {
        if (!option[i]) continue;
        char *copy = mem_strdup(option[i]);
        if (!copy) return error_nomem(err, strlen(option[i]), "a column's name");
        mem_free(*column[i]);
        *column[i] = copy;
    }
    if (!f->label) return error_set(err, SHOAL_USAGE, "the model does not name a label column; name it by --label");
    return 0;
}

int scoring_open(const shoal_options *o, const shoal_host *host, const char *output, const char *model_path, const char *const *paths, size_t n_paths,
                 int with_label, const char *const *keep, size_t n_keep, scoring *out, shoal_error *err)
{
    table_spec spec = {0};
    memset(out, 0, sizeof *out);
    out->start_ns = clock_ns();
    int rc = table_quarantine(o, output, host, &out->quarantine, err);
    if (rc == 0) rc = modelfile_load(model_path, &out->file, err);
    if (rc == 0 && with_label) rc = rename_label(o, out->file.features, err);
    if (rc == 0) rc = choose_columns(out, with_label, keep, n_keep, err);
    if (rc == 0) rc = kernels_get(option_str(o, "kernels"), &out->kernels, err);
    if (rc == 0)
        rc = pool_new(option_threads(o), kernels_thread_start, &out->threads, err);
    if (rc == 0) rc = table_spec_from(o, paths, n_paths, 0, &spec, err);
    if (rc == 0 && n_paths == 0 && !spec.stream)
        rc = with_label ? error_set(err, SHOAL_USAGE, "eval: no rows to measure are given: shoal eval MODEL SRC...")
                        : error_set(err, SHOAL_USAGE, "predict: the rows to score or the output is missing: shoal predict MODEL SRC... DST");
    char **wishes = NULL;
    size_t n_wishes = 0;
    if (rc == 0) rc = features_wishes(out->file.features, &wishes, &n_wishes, err);
    if (rc == 0) {
        spec.columns = out->columns;
        spec.n_columns = out->n_columns;
        spec.quarantine = out->quarantine;
        spec.host = host;
        spec.wishes = (const char *const *)wishes;
        spec.n_wishes = n_wishes;
        rc = table_open(&spec, &out->table, err);
    }
    features_wishes_free(wishes, n_wishes);
    if (rc) scoring_release(out);
    return rc;
}

int scoring_finish(scoring *s, shoal_error *err) { return s->quarantine ? quarantine_finish(s->quarantine, err) : 0; }

void scoring_release(scoring *s)
{
    table_free(s->table);
    quarantine_free(s->quarantine);
    pool_free(s->threads);
    modelfile_release(&s->file);
    mem_free(s->columns);
    memset(s, 0, sizeof *s);
}

double scoring_seconds(const scoring *s) { return (double)(clock_ns() - s->start_ns) * 1e-9; }
