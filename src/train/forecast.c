/* forecast.c: see forecast.h. How vocabularies grow is taken from two samples: between the first quarter of the sample and
 * all of it the number of entries rose by a power of the rows (Heaps' law), and so it is taken to go on. */
#include "train/forecast.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "train/feeder.h"
#include "train/human.h"
#include "train/optim.h"
#include "train/setup.h"
#include "train/step.h"
#include "train/trainer.h"

#define SAMPLE_ROWS 131072
#define QUARTER_ROWS (SAMPLE_ROWS / 4) /* the rows that guessing looks at, so that both samples are guessed alike */
#define TRY_NS 1000000000ull           /* of steps */
#define STEPS_MIN 3
#define TRY_EPOCHS 4 /* over the sample at most */
#define IDS_MAX 4294967295.0
#define ENTRY_BYTES 48     /* of a vocabulary's entry in memory: text, offset, hash table */
#define ENTRY_FILE_BYTES 20
#define FORWARD_SHARE 3.0  /* a step is one forward pass and two of its size backward */
#define VALIDATION_WORDS 16 /* bytes of score, label and weight that a validation row leaves for the exact AUC */

typedef struct attempt {
    const shoal_options *options;
    dataset_request request;
    ancestor *from; /* NULL: a new model */
    pool *pool;
    const kernels *kernels;
    dataset data;
    model *model;
    weights *weights;
    plan plan;
    optim optim;
    uint32_t *quarter; /* table rows of each feature in the first quarter; n_quarter of them */
    uint32_t n_quarter;
    uint64_t quarter_rows;
    double pack_bytes; /* of a row, in the spool */
} attempt;

static void attempt_release(attempt *a)
{
    weights_free(a->weights);
    model_free(a->model);
    dataset_release(&a->data);
    pool_free(a->pool);
    ancestor_free(a->from);
    mem_free(a->quarter);
}

/* Table rows of its own. */
static uint32_t entries_of(const features *f, uint32_t number)
{
    if (f->feature[number].encoding == ENCODE_SHARED)
        return 0;
    for (uint32_t i = 0; i < f->n_fields; i++)
        if (f->field[i].feature == (int32_t)number)
            return f->field[i].rows;
    return 0;
}

/* Reads the first `rows` rows as training would. */
static int read_rows(attempt *a, uint64_t rows, double *seconds, shoal_error *err)
{
    uint64_t start = clock_ns();
    a->request.sample_rows = rows;
    dataset_release(&a->data);
    int rc = dataset_open(&a->request, 0, a->pool, NULL, &a->data, err);
    *seconds = (double)(clock_ns() - start) * 1e-9;
    return rc;
}

static int read_quarter(attempt *a, shoal_error *err)
{
    double seconds;
    shoal_host silent = {0}; /* the features are told once, with the whole sample */
    const shoal_host *host = a->request.host;
    a->request.host = &silent;
    int rc = read_rows(a, QUARTER_ROWS, &seconds, err);
    a->request.host = host;
    if (rc < 0)
        return rc;
    const features *f = a->data.features;
    a->quarter = mem_calloc((size_t)f->n_features + 1, sizeof *a->quarter);
    if (!a->quarter)
        return error_nomem(err, f->n_features * sizeof *a->quarter, "the sample's vocabularies");
    a->n_quarter = f->n_features;
    a->quarter_rows = pack_rows(a->data.train);
    for (uint32_t i = 0; i < f->n_features; i++)
        a->quarter[i] = entries_of(f, i);
    return 0;
}

/* Before anything is read: pipes and streams are refused, and what is missing is missed. */
static int measure_first(const attempt *a, forecast *out, shoal_error *err)
{
    const dataset_request *q = &a->request;
    table_spec spec;
    int rc = table_spec_from(q->options, q->train, q->n_train, -1, &spec, err);
    spec.host = q->host;
    return rc == 0 ? table_measure(&spec, &out->train, err) : rc;
}

static int measure_sources(const attempt *a, forecast *out, shoal_error *err)
{
    const dataset_request *q = &a->request;
    const char **names = NULL;
    size_t n = 0;
    table_spec spec;
    table *t = NULL;
    int rc = table_spec_from(q->options, q->train, q->n_train, -1, &spec, err);
    spec.host = q->host;
    if (rc == 0)
        rc = table_open(&spec, &t, err);
    if (rc == 0)
        out->columns = (uint64_t)table_schema(t)->n_children;
    table_free(t);
    if (rc == 0)
        rc = features_columns(a->data.features, 1, &names, &n, err);
    spec.columns = names;
    spec.n_columns = n;
    out->columns_used = n;
    if (rc == 0)
        rc = table_measure(&spec, &out->train, err);
    if (rc == 0 && q->n_valid > 0)
        rc = table_spec_valid(q->options, q->valid, q->n_valid, -1, &spec, err);
    if (rc == 0 && q->n_valid > 0) {
        spec.columns = names;
        spec.n_columns = n;
        rc = table_measure(&spec, &out->valid, err);
    }
    mem_free(names);
    return rc;
}

/* ---- how vocabularies grow ------------------------------------------------------------------------------------------- */

static void note_largest(forecast *out, double sizes[3], const char *name, double size)
{
    char text[HUMAN_BYTES];
    for (int i = 0; i < 3; i++)
        if (size > sizes[i]) {
            for (int k = 2; k > i; k--) {
                sizes[k] = sizes[k - 1];
                memcpy(out->largest[k], out->largest[k - 1], sizeof out->largest[k]);
            }
            sizes[i] = size;
            snprintf(out->largest[i], sizeof out->largest[i], "%.60s (%s)", name, human_count(size, text));
            return;
        }
}

static void grow_feature(const attempt *a, uint32_t i, double rows, double sampled, forecast *out, double sizes[3])
{
    const feature *f = &a->data.features->feature[i];
    double now = entries_of(a->data.features, i), fixed = 1.0 + f->n_oov, most = now, expected = now, values = 0;
    if (f->kind == FEATURE_CATEGORICAL && f->encoding == ENCODE_VOCABULARY && !out->whole) {
        for (uint32_t k = i; k != FEATURE_NONE; k = a->data.features->feature[k].next_sharer) /* keys of a row take 8 bytes each */
            values += rows * (a->data.features->feature[k].is_list ? fmax(1, a->pack_bytes / 8) : 1);
        double entries = fmax(0, now - fixed), limit = values / fmax(1, (double)f->min_count);
        if (f->max_size)
            limit = fmin(limit, f->max_size);
        double before = i < a->n_quarter ? fmax(0, a->quarter[i] - fixed) : 0, power = 1;
        if (before > 0 && sampled > (double)a->quarter_rows)
            power = fmin(1, fmax(0, log(entries / before) / log(sampled / (double)a->quarter_rows)));
        most = fixed + fmax(entries, limit);
        expected = entries > 0 ? fixed + fmax(entries, fmin(limit, entries * pow(rows / sampled, power))) : now;
    }
    out->ids.least += now;
    out->ids.expected += expected;
    out->ids.most += most;
    if (f->kind == FEATURE_CATEGORICAL && f->encoding != ENCODE_SHARED)
        note_largest(out, sizes, f->name, expected);
}

static void grow(const attempt *a, forecast *out)
{
    double sizes[3] = {0}, sampled = (double)out->sample_rows, rows = fmax((double)out->train.rows, sampled);
    for (uint32_t i = 0; i < a->data.features->n_features; i++)
        grow_feature(a, i, rows, sampled, out, sizes);
    out->ids.most = fmin(out->ids.most, IDS_MAX);
}

/* ---- trying the steps -------------------------------------------------------------------------------------------------- */

static int try_steps(attempt *a, forecast *out, shoal_error *err)
{
    stepper *s = NULL;
    feeder *f = NULL;
    raw_ref *refs = mem_calloc(plan_step_rows_max(&a->plan), sizeof *refs);
    uint64_t steps = plan_steps(&a->plan), done = 0, rows = 0, start = 0;
    int rc = refs ? 0 : error_nomem(err, plan_step_rows_max(&a->plan) * sizeof *refs, "the rows of a step");
    if (rc == 0)
        rc = stepper_new(a->model, a->weights, a->kernels, a->pool, &a->plan, &a->optim, NULL, &s, err);
    while (rc == 0 && (done < STEPS_MIN || (done < TRY_EPOCHS * steps && clock_ns() - start < TRY_NS))) {
        step_result result;
        uint32_t n;
        if (done % steps == 0) {
            feeder_free(f);
            f = NULL;
            rc = feeder_new(a->data.train, &a->plan, done / steps, 0, steps, NULL, &f, err);
        }
        if (rc == 0)
            rc = feeder_next(f, refs, &n, err);
        if (rc == 0)
            rc = stepper_run(s, refs, n, done / steps, done % steps, done, &result, err);
        if (rc == 0)
            rows += done ? n : 0; /* the first step warms up */
        if (done++ == 0)
            start = clock_ns();
    }
    if (rc == SHOAL_DIVERGED)
        rc = 0; /* the run's own affair; the time is known */
    double seconds = (double)(clock_ns() - start) * 1e-9;
    out->train_rate = rows && seconds > 0 ? (double)rows / seconds : 0;
    feeder_free(f);
    stepper_free(s);
    mem_free(refs);
    return rc;
}

/* The model as the sample has it; its weights are made and moved only when they fit. */
static int make_model(attempt *a, shoal_error *err)
{
    const shoal_options *o = a->options;
    int rc = kernels_get(option_str(o, "kernels"), &a->kernels, err);
    if (rc == 0)
        rc = setup_model(o, a->from, a->data.features, &a->model, err);
    if (rc < 0)
        return rc;
    setup_plan(o, a->data.train, &a->plan);
    return optim_from(o, plan_steps(&a->plan) * (uint64_t)option_i64(o, "epochs"), &a->optim, err);
}

static int slots_of(const attempt *a)
{
    return optim_slots(&a->optim, a->model);
}

static int try_model(attempt *a, forecast *out, shoal_error *err)
{
    double rate = fmin(0.99, fmax(0.01, a->data.base_rate)); /* the sample's label may be constant */
    int rc = weights_new(a->model, slots_of(a), &a->weights, err);
    if (rc == 0)
        rc = weights_init_values(a->weights, (uint64_t)option_i64(a->options, "seed"), rate, a->pool, err);
    return rc == 0 ? try_steps(a, out, err) : rc;
}

/* ---- what follows ------------------------------------------------------------------------------------------------------ */

static double table_floats(const model *m)
{
    double n = 0;
    for (size_t t = 0; t < model_tables(m); t++)
        n += model_table_cols(m, t);
    return n;
}

static forecast_range of_ids(const forecast *f, double fixed, double per_id)
{
    return (forecast_range){fixed + f->ids.least * per_id, fixed + f->ids.expected * per_id, fixed + f->ids.most * per_id};
}

static void follow_sizes(const attempt *a, forecast *out)
{
    const double cols = table_floats(a->model), dense = (double)model_dense_size(a->model), aux = (double)model_aux_size(a->model);
    const double copies = 1 + slots_of(a), rows = (double)out->train.rows;
    const double windows = FEEDER_WINDOWS * (double)PLAN_WINDOW_BYTES;
    out->model_bytes = of_ids(out, 4 * (dense + aux), 4 * cols + ENTRY_FILE_BYTES);
    out->checkpoint_bytes = of_ids(out, 4 * (dense * copies + aux), 4 * cols * copies);
    out->spool_bytes = a->pack_bytes * (rows + (double)out->valid.rows);
    /* What this process took so far holds the sample's windows, and its weights once they were tried. */
    double sample_windows = fmin(windows, FEEDER_WINDOWS * a->pack_bytes * (double)out->sample_rows);
    double more = fmin(windows, FEEDER_WINDOWS * a->pack_bytes * rows) - sample_windows;
    double sorting = out->valid.files ? fmin((double)a->request.memory, VALIDATION_WORDS * (double)out->valid.rows) : 0;
    double held = 4 * copies * (a->weights ? cols * out->ids.least : dense);
    double base = (double)mem_peak_rss() + fmax(0, more) + sorting + (a->weights ? -held : held);
    out->memory_bytes = of_ids(out, base, 4 * cols * copies + ENTRY_BYTES);
    out->memory_bytes.least = base + 4 * cols * copies * out->ids.least;
    double keep = (double)option_i64(a->options, "checkpoint-keep") + (out->valid.files ? 1 : 0) + 1; /* the best; the next */
    out->out_bytes = out->model_bytes.least + keep * out->checkpoint_bytes.least;
}

static void follow_time(const attempt *a, forecast *out)
{
    const double rows = (double)out->train.rows, valid = (double)out->valid.rows;
    out->batch = a->plan.batch;
    out->steps = (out->train.rows + a->plan.batch - 1) / a->plan.batch;
    uint64_t wanted = (uint64_t)option_i64(a->options, "steps-per-epoch");
    if (wanted && wanted < out->steps)
        out->steps = wanted;
    out->epochs = (uint64_t)option_i64(a->options, "epochs");
    double trained = fmin(rows, (double)out->steps * (double)out->batch) * (double)out->epochs;
    out->read_seconds = out->read_rate > 0 ? (rows + valid) / out->read_rate : 0;
    out->train_seconds = out->train_rate > 0 ? trained / out->train_rate : 0;
    out->valid_seconds = out->train_rate > 0 ? valid * (double)out->epochs / (FORWARD_SHARE * out->train_rate) : 0;
}

static void follow_sample(attempt *a, double seconds, forecast *out)
{
    double bytes = 0;
    for (uint32_t b = 0; b < pack_blocks(a->data.train); b++)
        bytes += (double)pack_block_bytes(a->data.train, b);
    out->sample_rows = pack_rows(a->data.train);
    out->whole = out->sample_rows < SAMPLE_ROWS;
    if (out->whole) { /* with --sql, what it leaves */
        out->train.rows = out->sample_rows;
        out->train.exact = 1;
    }
    out->read_rate = seconds > 0 ? (double)out->sample_rows / seconds : 0;
    a->pack_bytes = bytes / (double)out->sample_rows;
    grow(a, out);
}

static int free_space(const attempt *a, forecast *out, shoal_error *err)
{
    const char *dir = option_str(a->options, "out"), *spool = option_str(a->options, "spool-dir");
    out->memory_free = mem_available();
    uint64_t used = mem_peak_rss(); /* ours, counted in memory_bytes */
    if (out->memory_free < UINT64_MAX - used)
        out->memory_free += used;
    int rc = file_space(dir ? dir : ".", &out->out_free, err);
    return rc == 0 ? file_space(spool ? spool : dir ? dir : ".", &out->spool_free, err) : rc;
}

int forecast_make(const shoal_options *o, const shoal_host *host, const char *scratch, forecast *out, shoal_error *err)
{
    attempt a = {.options = o};
    double seconds = 0;
    memset(out, 0, sizeof *out);
    out->threads = option_threads(o);
    int rc = ancestor_open(o, host, &a.from, err);
    if (rc == 0)
        rc = setup_request(o, host, a.from, &a.request, err);
    a.request.spool_dir = scratch;
    if (rc == 0)
        rc = measure_first(&a, out, err);
    if (rc == 0)
        rc = pool_new(out->threads, kernels_thread_start, &a.pool, err);
    if (rc == 0)
        rc = read_quarter(&a, err);
    if (rc == 0)
        rc = measure_sources(&a, out, err);
    if (rc == 0)
        rc = read_rows(&a, SAMPLE_ROWS, &seconds, err);
    if (rc < 0)
        goto out;
    follow_sample(&a, seconds, out);
    rc = make_model(&a, err);
    if (rc == 0)
        rc = free_space(&a, out, err);
    if (rc < 0)
        goto out;
    follow_sizes(&a, out);
    if (forecast_fits(out, NULL) == 0) {
        rc = try_model(&a, out, err);
        follow_sizes(&a, out);
    }
    follow_time(&a, out);
out:
    attempt_release(&a);
    if (rc == 0)
        rc = file_remove_tree(scratch, err);
    else
        file_remove_tree(scratch, NULL);
    return rc;
}
