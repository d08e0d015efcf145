#include "train/ingest.h"

#include <string.h>

#include "base/mem.h"
#include "features/keys.h"

#define SAMPLE_BATCHES 16
#define GROUP_MAX 16      /* batches that are extracted side by side */
#define QUEUE_BATCHES 32

/* ---- reading ahead ---- */

typedef struct ahead {
    table *table;
    queue *queue; /* of struct ArrowArray *, allocated */
    task *task;
    int code;
    shoal_error error;
} ahead;

static void batch_free(struct ArrowArray *a)
{
    if (a && a->release)
        a->release(a);
    mem_free(a);
}

static void ahead_main(void *ctx)
{
    ahead *a = ctx;
    for (;;) {
        struct ArrowArray *next = mem_calloc(1, sizeof *next);
        a->code = next ? table_next(a->table, next, &a->error) : error_nomem(&a->error, sizeof *next, "a batch");
        if (a->code <= 0 || queue_push(a->queue, next) < 0) {
            batch_free(next);
            break;
        }
    }
    queue_close(a->queue);
}

static int ahead_start(ahead *a, table *t, shoal_error *err)
{
    memset(a, 0, sizeof *a);
    a->table = t;
    a->queue = queue_new(QUEUE_BATCHES);
    if (!a->queue)
        return error_nomem(err, 0, "a queue");
    return task_start(&a->task, ahead_main, a, err);
}

/* Ends the reading thread, wherever it is; a->code and a->error are final after it. */
static void ahead_stop(ahead *a)
{
    void *item;
    if (!a->queue)
        return;
    queue_close(a->queue);
    while (queue_pop(a->queue, &item))
        batch_free(item);
    task_join(a->task);
    queue_free(a->queue);
    a->queue = NULL;
}

/* ---- one pass ---- */

typedef struct pass {
    const dataset_request *request;
    const features *features;
    table *table;
    const char *label;  /* of the source in progress lines */
    binding *binding;
    pool *pool;
    report *report;
    scan *scan;         /* NULL: no statistics */
    pack_writer *pack;
    column_keys *keys;  /* of the groups, which go to a pack of their own; NULL: none */
    pack_writer *groups;
    uint64_t rows;
    ahead ahead;
    struct ArrowArray *sample[SAMPLE_BATCHES]; /* read before the pass began */
    size_t n_sample, sample_at;
    /* the group at hand */
    struct ArrowArray *batch[GROUP_MAX];
    raw_block raw[GROUP_MAX];
    int64_t bad_row[GROUP_MAX];
    shoal_error error[GROUP_MAX];
} pass;

static void pass_init(pass *p, const dataset_request *q, pool *threads, report *r, const char *label)
{
    memset(p, 0, sizeof *p);
    p->request = q;
    p->pool = threads;
    p->report = r;
    p->label = label;
    for (int i = 0; i < GROUP_MAX; i++)
        raw_block_init(&p->raw[i]);
}

static void pass_release(pass *p)
{
    ahead_stop(&p->ahead);
    for (size_t i = p->sample_at; i < p->n_sample; i++)
        batch_free(p->sample[i]);
    for (int i = 0; i < GROUP_MAX; i++) {
        batch_free(p->batch[i]);
        raw_block_release(&p->raw[i]);
    }
    binding_free(p->binding);
    scan_free(p->scan);
    pack_abort(p->pack);
    pack_abort(p->groups);
    column_keys_free(p->keys);
    table_free(p->table);
}

static int extract_item(void *ctx, size_t i, int thread)
{
    pass *p = ctx;
    (void)thread;
    p->raw[i].rows = 0;
    buf_clear(&p->raw[i].records);
    buf_clear(&p->raw[i].heap);
    return binding_extract(p->binding, p->batch[i], 0, p->batch[i]->length, &p->raw[i], &p->bad_row[i], &p->error[i]);
}

/* The next batches in order: what was sampled first, then the reading thread's. 0: the end. */
static size_t pass_take(pass *p)
{
    size_t n = 0;
    void *item;
    const uint64_t start = clock_ns();
    while (n < GROUP_MAX && p->sample_at < p->n_sample)
        p->batch[n++] = p->sample[p->sample_at++];
    while (n < GROUP_MAX && queue_pop(p->ahead.queue, &item))
        p->batch[n++] = item;
    clocks_stop(report_clocks(p->report), CLOCK_ROWS, start);
    return n;
}

static int pass_bad_row(pass *p, size_t i, int rc, shoal_error *err)
{
    char where[512];
    uint64_t row = p->rows;
    for (size_t b = 0; b < i; b++)
        row += (uint64_t)p->batch[b]->length;
    if (err)
        *err = p->error[i];
    if (rc != SHOAL_DATA || p->bad_row[i] < 0)
        return rc;
    ahead_stop(&p->ahead); /* the table is ours again */
    return error_where(err, rc, "%s", table_row_name(p->table, row + (uint64_t)p->bad_row[i], where, sizeof where));
}

static int pass_keys(pass *p, size_t i, shoal_error *err)
{
    const uint64_t *keys;
    int rc = column_keys_take(p->keys, p->batch[i], &keys, &p->bad_row[i], &p->error[i]);
    return rc == 0 ? pack_add(p->groups, column_keys_rows(p->keys), err) : rc;
}

static int pass_group(pass *p, size_t n, shoal_error *err)
{
    for (size_t i = 0; i < n; i++) {
        p->bad_row[i] = -1;
        p->error[i].code = 0;
    }
    int rc = pool_for(p->pool, n, extract_item, p);
    for (size_t i = 0; i < n && rc < 0; i++)
        if (p->error[i].code < 0)
            return pass_bad_row(p, i, p->error[i].code, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (p->scan)
            rc = scan_add(p->scan, p->binding, p->batch[i], &p->raw[i], err);
        if (rc == 0)
            rc = pack_add(p->pack, &p->raw[i], err);
        if (rc == 0 && p->keys && (rc = pass_keys(p, i, err)) < 0 && p->error[i].code < 0)
            return pass_bad_row(p, i, rc, err);
        p->rows += p->raw[i].rows;
        batch_free(p->batch[i]);
        p->batch[i] = NULL;
    }
    return rc;
}

static int pass_run(pass *p, shoal_error *err)
{
    int rc = ahead_start(&p->ahead, p->table, err);
    uint64_t start = clock_ns(), said = start;
    while (rc == 0) {
        size_t n = pass_take(p);
        if (n == 0)
            break;
        const uint64_t taken = clock_ns();
        rc = pass_group(p, n, err);
        clocks_stop(report_clocks(p->report), CLOCK_TRANSFORM, taken);
        report_beat(p->report);
        uint64_t now = clock_ns();
        if (now - said > 500000000u) {
            said = now;
            host_progress(p->request->host, "reading %s  %.1fM rows  %.0fk rows/s", p->label, (double)p->rows / 1e6,
                          (double)p->rows * 1e6 / (double)(now - start));
        }
        if (rc == 0 && host_interrupted(p->request->host))
            rc = SHOAL_INTERRUPTED;
    }
    ahead_stop(&p->ahead);
    if (rc == 0 && p->ahead.code < 0) {
        if (err)
            *err = p->ahead.error;
        rc = p->ahead.code;
    }
    if (rc == SHOAL_INTERRUPTED)
        rc = error_set(err, SHOAL_INTERRUPTED, "interrupted while reading %s; nothing was trained yet: run again", p->label);
    return rc;
}

static int make_pack(const pass *p, const char *name, uint32_t stride, pack_writer **out, shoal_error *err)
{
    char *path = mem_sprintf("%s/%s", p->request->spool_dir, name);
    int rc = path ? pack_create(path, stride, out, err) : error_nomem(err, 0, "a path");
    mem_free(path);
    return rc;
}

static int pass_pack(pass *p, const char *name, shoal_error *err)
{
    return make_pack(p, name, features_raw_layout(p->features).stride, &p->pack, err);
}

/* Groups of the rows beside the rows. */
static int pass_groups(pass *p, shoal_error *err)
{
    int rc = column_keys_new(p->request->group_by, table_schema(p->table), &p->keys, err);
    return rc == 0 ? make_pack(p, "groups.pack", COLUMN_KEYS_STRIDE, &p->groups, err) : rc;
}

static int commit(pack_writer **w, shoal_error *err)
{
    pack_writer *whole = *w;
    *w = NULL;
    return pack_commit(whole, err);
}

static int pass_pack_commit(pass *p, shoal_error *err)
{
    int rc = commit(&p->pack, err);
    return rc == 0 && p->groups ? commit(&p->groups, err) : rc;
}

/* ---- the training source ---- */

static int read_sample(pass *p, shoal_error *err)
{
    while (p->n_sample < SAMPLE_BATCHES) {
        struct ArrowArray *a = mem_calloc(1, sizeof *a);
        int rc = a ? table_next(p->table, a, err) : error_nomem(err, sizeof *a, "a batch");
        if (rc <= 0) {
            batch_free(a);
            return rc;
        }
        p->sample[p->n_sample++] = a;
    }
    return 0;
}

static int make_features(const pass *p, features **out, shoal_error *err)
{
    const dataset_request *q = p->request;
    const struct ArrowSchema *schema = table_schema(p->table);
    const struct ArrowArray *const *sample = (const struct ArrowArray *const *)p->sample;
    features_request r = {q->label, q->weight, q->drop, q->n_drop};
    conf *yaml = NULL;
    if (!q->features_yaml)
        return features_guess(schema, sample, p->n_sample, &r, out, err);
    int rc = conf_load(q->features_yaml, &yaml, err);
    if (rc == 0)
        rc = features_configure(yaml, schema, sample, p->n_sample, &r, out, err);
    if (rc == 0 && !(*out)->label)
        rc = error_set(err, SHOAL_USAGE, "no label: give --label COLUMN, or name it in %s as 'label: COLUMN'", q->features_yaml);
    conf_free(yaml);
    return rc;
}

static int opens_again(const dataset_request *q)
{
    return q->n_train > 0 && !(q->n_train == 1 && strcmp(q->train[0], "-") == 0);
}

/* Opens the source anew for only the columns that the features use, where it can be opened twice. */
static int prune_columns(pass *p, shoal_error *err)
{
    const dataset_request *q = p->request;
    if (!opens_again(q))
        return 0;
    const char **names = NULL;
    size_t n = 0;
    table_spec spec;
    table *pruned = NULL;
    int rc = features_columns(p->features, 1, &names, &n, err);
    if (rc == 0)
        rc = table_spec_from(q->options, q->train, q->n_train, -1, &spec, err);
    if (rc == 0) {
        spec.columns = names;
        spec.n_columns = n;
        spec.limit = q->sample_rows;
        spec.quarantine = q->quarantine;
        spec.clocks = report_clocks(p->report);
        spec.host = q->host;
        rc = table_open(&spec, &pruned, err);
    }
    mem_free(names);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < p->n_sample; i++)
        batch_free(p->sample[i]);
    p->n_sample = 0;
    table_free(p->table);
    p->table = pruned;
    return 0;
}

static void tell_features(const dataset_request *q, const features *f)
{
    buf text = BUF_INIT;
    if (features_describe(f, &text, NULL) == 0 && buf_str(&text))
        for (char *line = (char *)text.data, *end; *line; line = end + 1) {
            end = strchr(line, '\n');
            if (end)
                *end = 0;
            host_info(q->host, "%s", line);
            if (!end)
                break;
        }
    buf_release(&text);
}

static int has_name(const char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return 1;
    return 0;
}

/* The columns of the features, which are known, and one more (NULL: none). */
static int columns_with(const features *f, const char *more, const char ***names, size_t *n, shoal_error *err)
{
    int rc = features_columns(f, 1, names, n, err);
    if (rc < 0 || !more || has_name(*names, *n, more))
        return rc;
    const char **grown = mem_realloc(*names, (*n + 1) * sizeof *grown);
    if (!grown) {
        mem_free(*names);
        *names = NULL;
        return error_nomem(err, *n * sizeof *grown, "the list of columns");
    }
    grown[(*n)++] = more;
    *names = grown;
    return 0;
}

/* Opens the source for the columns of the features and `more`. */
static int open_bound(pass *p, table_spec *spec, const char *more, shoal_error *err)
{
    const char **names = NULL;
    char **wishes = NULL;
    size_t n = 0, n_wishes = 0;
    int rc = columns_with(p->features, more, &names, &n, err);
    if (rc < 0)
        return rc; /* out of memory: the stream is the options' again */
    spec->columns = names;
    spec->n_columns = n;
    rc = features_wishes(p->features, &wishes, &n_wishes, err);
    spec->wishes = (const char *const *)wishes;
    spec->n_wishes = n_wishes;
    if (rc == 0)
        rc = table_open(spec, &p->table, err);
    features_wishes_free(wishes, n_wishes);
    if (rc == 0)
        rc = binding_new(p->features, table_schema(p->table), 1, &p->binding, err);
    mem_free(names);
    return rc;
}

/* The validation source, for the columns of the features; *has_valid 0: there is none. Of a stream, `slot` 1 takes it over. */
static int open_valid(pass *p, int slot, quarantine *damage, int *has_valid, shoal_error *err)
{
    const dataset_request *q = p->request;
    table_spec spec;
    int rc = table_spec_valid(q->options, q->valid, q->n_valid, slot, &spec, err);
    *has_valid = rc == 0 && (q->n_valid > 0 || spec.stream != NULL);
    if (rc < 0 || !*has_valid)
        return rc;
    spec.quarantine = damage;
    spec.host = q->host;
    return open_bound(p, &spec, q->group_by, err);
}

/* What can be known to be wrong before the long pass: the model on these features, and the validation source. */
static int check_early(const dataset_request *q, features *f, pool *threads, shoal_error *err)
{
    int rc = features_place(f, err), has_valid = 0;
    if (rc == 0 && q->check)
        rc = q->check(q->check_ctx, f, err);
    if (rc == 0 && q->n_valid > 0 && strcmp(q->valid[0], "-") != 0) {
        pass p;
        pass_init(&p, q, threads, NULL, "");
        p.features = f;
        rc = open_valid(&p, -1, NULL, &has_valid, err);
        pass_release(&p);
    }
    return rc;
}

/* The features from the source's schema and its first rows, or from a file. */
static int open_new(pass *p, table_spec *spec, dataset *d, shoal_error *err)
{
    const dataset_request *q = p->request;
    spec->quarantine = opens_again(q) ? NULL : q->quarantine; /* damage counts once */
    int rc = table_open(spec, &p->table, err);
    if (rc == 0)
        rc = read_sample(p, err);
    if (rc == 0)
        rc = make_features(p, &d->features, err);
    if (rc == 0)
        rc = features_note_types(d->features, table_schema(p->table), err);
    if (rc == 0)
        rc = check_early(q, d->features, p->pool, err);
    if (rc < 0)
        return rc;
    p->features = d->features;
    tell_features(q, d->features);
    rc = prune_columns(p, err);
    return rc < 0 ? rc : binding_new(d->features, table_schema(p->table), 1, &p->binding, err);
}

/* The features of a model that the run goes on from. */
static int open_grown(pass *p, table_spec *spec, dataset *d, shoal_error *err)
{
    int rc = features_copy(p->request->grow, &d->features, err);
    if (rc == 0)
        rc = check_early(p->request, d->features, p->pool, err);
    if (rc < 0)
        return rc;
    p->features = d->features;
    spec->quarantine = p->request->quarantine;
    return open_bound(p, spec, NULL, err);
}

static void tell_grown(const dataset_request *q, const features *now)
{
    const uint64_t before = q->grow->n_ids;
    host_info(q->host, "features of the model that is gone on from; %llu new categories, %llu rows of tables",
              (unsigned long long)(now->n_ids - before), (unsigned long long)now->n_ids);
}

int ingest_train(const dataset_request *q, pool *threads, report *r, dataset *d, shoal_error *err)
{
    pass p;
    table_spec spec;
    pass_init(&p, q, threads, r, "the training data");
    int rc = report_state(r, "reading", "the training data", err);
    if (rc == 0)
        rc = table_spec_from(q->options, q->train, q->n_train, 0, &spec, err);
    spec.limit = q->sample_rows;
    spec.clocks = report_clocks(r);
    spec.host = q->host;
    if (rc == 0)
        rc = q->grow ? open_grown(&p, &spec, d, err) : open_new(&p, &spec, d, err);
    if (rc == 0)
        rc = scan_new(d->features, q->memory, q->spool_dir, threads, &p.scan, err);
    if (rc == 0 && q->sample_rows)
        scan_of_sample(p.scan);
    if (rc == 0 && q->grow)
        scan_grow(p.scan);
    if (rc == 0)
        rc = pass_pack(&p, "train.pack", err);
    if (rc == 0)
        rc = pass_run(&p, err);
    if (rc == 0)
        rc = scan_finish(p.scan, d->features, err);
    if (rc == 0)
        rc = pass_pack_commit(&p, err);
    if (rc < 0)
        goto out;
    if (q->grow)
        tell_grown(q, d->features);
    double weight, positive;
    uint64_t rows;
    scan_label(p.scan, &rows, &weight, &positive);
    d->base_rate = positive / weight;
    d->rows_scanned = p.rows;
out:
    pass_release(&p);
    return rc;
}

int ingest_valid(const dataset_request *q, pool *threads, report *r, dataset *d, int *has_valid, shoal_error *err)
{
    pass p;
    pass_init(&p, q, threads, r, "the validation data");
    p.features = d->features;
    int rc = report_state(r, "reading", "the validation data", err);
    if (rc == 0)
        rc = open_valid(&p, 1, q->quarantine, has_valid, err);
    if (rc < 0 || !*has_valid)
        goto out;
    rc = pass_pack(&p, "valid.pack", err);
    if (rc == 0 && q->group_by)
        rc = pass_groups(&p, err);
    if (rc == 0)
        rc = pass_run(&p, err);
    if (rc == 0 && p.rows == 0)
        rc = error_set(err, SHOAL_DATA, "the validation data has no rows; leave out --valid, or name a source with rows");
    if (rc == 0)
        rc = pass_pack_commit(&p, err);
out:
    pass_release(&p);
    return rc;
}
