/* job_predict.c: `shoal predict MODEL SRC... DST`: a probability for every row, beside the columns of --keep. The output
 * appears whole, with as many rows as the source has, or not at all. */
#include <string.h>

#include "base/mathx.h"
#include "base/mem.h"
#include "base/option.h"
#include "train/scoring.h"

/* The rows on their way to the sink: kept columns of the source batch, and the predictions behind them. */
typedef struct output {
    sink *sink;
    enum sink_place place; /* once it is committed */
    int64_t *source; /* column of the source for each kept one */
    size_t n_keep;
    struct ArrowArray **child;
    struct ArrowArray prediction;
    float *value;
    size_t cap;
    uint64_t rows;
} output;

/* The structures are the job's own; there is nothing to release. */
static void release_nothing(struct ArrowArray *a) { a->release = NULL; }

static float probability(float logit)
{
    double z = (double)logit, e = math_exp(z < 0 ? z : -z);
    return (float)(z < 0 ? e / (1 + e) : 1 / (1 + e));
}

static int write_rows(void *ctx, const struct ArrowArray *from, const float *logit, const float *label, const float *weight,
                      size_t n, shoal_error *err)
{
    output *x = ctx;
    size_t skip = (size_t)from->offset; /* of the struct; its children are addressed behind it */
    (void)label;
    (void)weight;
    if (skip + n > x->cap) {
        float *grown = mem_realloc(x->value, (skip + n) * sizeof *grown);
        if (!grown) return error_nomem(err, (skip + n) * sizeof *grown, "predictions");
        x->value = grown;
        x->cap = skip + n;
    }
    memset(x->value, 0, skip * sizeof *x->value);
    for (size_t i = 0; i < n; i++) x->value[skip + i] = probability(logit[i]);
    for (size_t i = 0; i < x->n_keep; i++) x->child[i] = from->children[x->source[i]];
    const void *values[2] = {NULL, x->value}, *none[1] = {NULL};
    x->prediction = (struct ArrowArray){.length = (int64_t)(skip + n), .n_buffers = 2, .buffers = values, .release = release_nothing};
    x->child[x->n_keep] = &x->prediction;
    struct ArrowArray rows = {.length = (int64_t)n, .offset = from->offset, .n_buffers = 1, .buffers = none,
                              .n_children = (int64_t)x->n_keep + 1, .children = x->child, .release = release_nothing};
    x->rows += n;
    return sink_write(x->sink, &rows, err);
}

static int check_keep(const char *const *keep, size_t n, const char *column, shoal_error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(keep[i], column) == 0)
            return error_set(err, SHOAL_USAGE, "--keep %s: that is the name of the column of predictions; give that another one "
                             "by --output-column", column);
        for (size_t j = 0; j < i; j++)
            if (strcmp(keep[i], keep[j]) == 0) return error_set(err, SHOAL_USAGE, "--keep %s is given twice", keep[i]);
    }
    return 0;
}

/* Every column of the source by name, for --keep '*'. */
static int all_columns(const struct ArrowSchema *source, const char ***names, size_t *n, shoal_error *err)
{
    *n = (size_t)source->n_children;
    *names = mem_calloc(*n + 1, sizeof **names);
    if (!*names) return error_nomem(err, *n * sizeof **names, "the columns to keep");
    for (size_t i = 0; i < *n; i++) (*names)[i] = source->children[i]->name;
    return 0;
}

/* Schema of the output, and where its columns lie in the source. */
static int bind_columns(const struct ArrowSchema *source, const char *const *keep, size_t n, const char *column, output *x,
                        struct ArrowSchema *out, shoal_error *err)
{
    int64_t *at = mem_calloc(n + 1, sizeof *at);
    x->n_keep = n;
    x->source = at;
    x->child = mem_calloc(n + 1, sizeof *x->child);
    int rc = at && x->child ? check_keep(keep, n, column, err) : error_nomem(err, n, "the columns to keep");
    if (rc == 0) rc = arrow_schema_struct(out, (int64_t)n + 1, err);
    if (rc) return rc;
    for (size_t i = 0; i < n && rc == 0; i++) {
        at[i] = arrow_find(source, keep[i]);
        CHECK(at[i] >= 0); /* it was asked of the source */
        rc = arrow_schema_copy(source->children[at[i]], out->children[i], err);
    }
    if (rc == 0) rc = arrow_schema_set(out->children[n], column, "f", 0, err);
    if (rc && out->release) out->release(out);
    return rc;
}

static int tell(const shoal_options *o, const shoal_host *host, const scoring *s, const char *dst, const output *x, shoal_error *err)
{
    double seconds = scoring_seconds(s);
    if (x->place == SINK_OUT) return 0; /* the rows went there */
    if (option_flag(o, "json")) return table_tell_json(dst, x->rows, seconds, s->quarantine, host, err);
    host_info(host, "%llu predictions written to %s in %.1f s", (unsigned long long)x->rows, dst, seconds);
    return 0;
}

static int commit(output *x, shoal_error *err)
{
    uint64_t written = 0;
    sink *done = x->sink;
    x->sink = NULL;
    x->place = sink_place_of(done);
    int rc = sink_commit(done, &written, err);
    if (rc == 0 && written != x->rows)
        rc = error_set(err, SHOAL_INTERNAL, "%llu rows were read back of %llu predictions", (unsigned long long)written,
                       (unsigned long long)x->rows);
    return rc;
}

SHOAL_API int shoal_predict(const shoal_options *o, const shoal_host *host, shoal_error *err)
{
    const char *const *args, *const *keep;
    size_t n = option_args(o, &args), n_keep = option_list(o, "keep", &keep);
    scoring s = {0};
    output x = {0};
    const char **all = NULL;
    struct ArrowSchema schema = {0};
    sink_spec spec;
    table_spec from;
    if (n < 2) return error_set(err, SHOAL_USAGE, "shoal predict needs a model and an output: shoal predict MODEL SRC... DST");
    const char *dst = args[n - 1], *column = option_str(o, "output-column");
    int rc = check_keep(keep, n_keep, column, err);
    if (rc == 0) rc = sink_spec_from(o, dst, host, &spec, err);
    if (rc == 0) rc = table_spec_from(o, args + 1, n - 2, -1, &from, err);
    if (rc == 0) rc = sink_refuse_source(&spec, &from, err);
    if (rc == 0) rc = scoring_open(o, host, dst, args[0], args + 1, n - 2, 0, keep, n_keep, &s, err);
    if (rc == 0 && scoring_keeps_all(keep, n_keep)) rc = all_columns(table_schema(s.table), &all, &n_keep, err);
    if (rc == 0) rc = bind_columns(table_schema(s.table), all ? all : keep, n_keep, column, &x, &schema, err);
    if (rc == 0) rc = sink_open(&spec, &schema, &x.sink, err);
    if (rc) goto out;
    score_sink write = {&x, write_rows};
    rc = score_table(s.file.model, s.file.weights, s.kernels, s.table, 0, s.threads, host, &write, err);
    if (rc == 0) rc = scoring_finish(&s, err);
    if (rc == 0) rc = commit(&x, err);
    if (rc == 0) rc = tell(o, host, &s, dst, &x, err);
out:
    sink_abort(x.sink);
    if (schema.release) schema.release(&schema);
    mem_free(all);
    mem_free(x.source);
    mem_free(x.child);
    mem_free(x.value);
    scoring_release(&s);
    return rc;
}
