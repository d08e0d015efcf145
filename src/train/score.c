/* score.c: see score.h. Rounds: take batches from the reader until there is work for all threads, compute their whole
 * chunks, hand the batches that are complete to the sink. The reader goes on meanwhile. */
#include "train/score.h"

#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "train/human.h"

/* A batch of the source and the number of its first row. */
typedef struct span {
    struct ArrowArray batch;
    uint64_t row0;
} span;

/* One thread's memory, and the first failure it met. */
typedef struct scorer {
    raw_block raw;
    raw_ref ref[SCORE_CHUNK_ROWS];
    batch in;
    exec *exec;
    int code;
    size_t item;
    int64_t bad_row; /* of the stream; -1: no row is to blame */
    shoal_error err;
} scorer;

typedef struct score {
    const features *features;
    const weights *weights;
    const shoal_host *host;
    table *table;
    binding *binding;
    uint32_t stride;

    queue *queue;
    task *reader;
    atomic_int stop;
    int read_code;
    shoal_error read_err;

    span *span; /* batches that are not with the sink yet, in order */
    size_t n_spans, cap_spans;
    uint64_t base, next, end; /* rows: first of span[0]; first without a score; behind the last span */
    uint64_t round_end;
    int eof;
    float *logit, *label, *weight; /* of rows from base on */
    size_t cap_rows;

    scorer *thread;
    int n_threads;
    uint64_t drawn_ns, start_ns;
} score;

/* ---- reading ahead ------------------------------------------------------------------------------------------------------- */

static void batch_drop(struct ArrowArray *a)
{
    if (a->release) a->release(a);
    mem_free(a);
}

static void read_ahead(void *ctx)
{
    score *s = ctx;
    while (!atomic_load(&s->stop)) {
        struct ArrowArray *a = mem_calloc(1, sizeof *a);
        int rc = a ? table_next(s->table, a, &s->read_err) : error_nomem(&s->read_err, sizeof *a, "a batch");
        if (rc <= 0) {
            s->read_code = rc;
            mem_free(a);
            break;
        }
        if (queue_push(s->queue, a)) {
            batch_drop(a);
            break;
        }
    }
    queue_close(s->queue);
}

static void reader_end(score *s)
{
    void *a;
    if (!s->reader) return;
    atomic_store(&s->stop, 1);
    queue_close(s->queue);
    while (queue_pop(s->queue, &a)) batch_drop(a);
    task_join(s->reader);
    s->reader = NULL;
}

static int rows_room(score *s, size_t rows, shoal_error *err)
{
    if (rows <= s->cap_rows) return 0;
    size_t cap = rows + rows / 2;
    float **part[] = {&s->logit, &s->label, &s->weight};
    for (int i = 0; i < 3; i++) {
        float *grown = mem_realloc(*part[i], cap * sizeof *grown);
        if (!grown) return error_nomem(err, cap * sizeof *grown, "scores");
        *part[i] = grown;
    }
    s->cap_rows = cap;
    return 0;
}

static int span_add(score *s, struct ArrowArray *a, shoal_error *err)
{
    if (s->n_spans == s->cap_spans) {
        size_t cap = s->cap_spans ? 2 * s->cap_spans : 64;
        span *grown = mem_realloc(s->span, cap * sizeof *grown);
        if (!grown) return error_nomem(err, cap * sizeof *grown, "batches");
        s->span = grown;
        s->cap_spans = cap;
    }
    s->span[s->n_spans++] = (span){*a, s->end};
    s->end += (uint64_t)a->length;
    a->release = NULL;
    return rows_room(s, (size_t)(s->end - s->base), err);
}

/* Takes batches until there is a round's work or no more rows. */
static int gather(score *s, shoal_error *err)
{
    uint64_t wanted = (uint64_t)s->n_threads * SCORE_CHUNKS_PER_THREAD * SCORE_CHUNK_ROWS;
    void *a;
    while (!s->eof && s->end - s->next < wanted) {
        if (!queue_pop(s->queue, &a)) {
            s->eof = 1;
            break;
        }
        int rc = span_add(s, a, err);
        batch_drop(a);
        if (rc) return rc;
    }
    if (s->eof && s->read_code < 0) {
        if (err) *err = s->read_err;
        return s->read_code;
    }
    s->round_end = s->eof ? s->end : s->end / SCORE_CHUNK_ROWS * SCORE_CHUNK_ROWS;
    return 0;
}

/* ---- computing ------------------------------------------------------------------------------------------------------------ */

/* The span that holds a row. */
static size_t span_of(const score *s, uint64_t row)
{
    size_t low = 0, high = s->n_spans;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (s->span[middle].row0 <= row) low = middle;
        else high = middle;
    }
    return low;
}

/* Empty batches share their first row with the next one; span_of gives the last of them, which holds the row. */
static int extract(const score *s, scorer *x, uint64_t begin, uint64_t end)
{
    x->raw.rows = 0;
    buf_clear(&x->raw.records);
    buf_clear(&x->raw.heap);
    for (size_t i = span_of(s, begin); begin < end; i++) {
        const span *p = &s->span[i];
        uint64_t stop = p->row0 + (uint64_t)p->batch.length;
        if (stop > end) stop = end;
        if (stop <= begin) continue;
        int64_t bad = -1;
        int rc = binding_extract(s->binding, &p->batch, (int64_t)(begin - p->row0), (int64_t)(stop - p->row0), &x->raw, &bad, &x->err);
        if (rc) {
            x->bad_row = bad < 0 ? -1 : (int64_t)p->row0 + bad;
            return rc;
        }
        begin = stop;
    }
    return 0;
}

static int compute(void *ctx, size_t item, int thread)
{
    score *s = ctx;
    scorer *x = &s->thread[thread];
    uint64_t begin = s->next + item * SCORE_CHUNK_ROWS, end = begin + SCORE_CHUNK_ROWS;
    if (end > s->round_end) end = s->round_end;
    uint32_t n = (uint32_t)(end - begin);
    size_t at = (size_t)(begin - s->base);
    x->bad_row = -1;
    int rc = extract(s, x, begin, end);
    for (uint32_t i = 0; i < n && rc == 0; i++)
        x->ref[i] = (raw_ref){x->raw.records.data + (size_t)i * s->stride, x->raw.heap.data};
    if (rc == 0) rc = features_transform(s->features, x->ref, n, &x->in, &x->err);
    if (rc == 0) rc = exec_predict(x->exec, s->weights, &x->in, s->logit + at, &x->err);
    if (rc == 0) {
        if (x->in.label) memcpy(s->label + at, x->in.label, n * sizeof *s->label);
        memcpy(s->weight + at, x->in.weight, n * sizeof *s->weight);
        return 0;
    }
    x->code = rc;
    x->item = item;
    return rc;
}

/* The failure of the lowest chunk, with the place of its row. */
static int first_failure(score *s, int code, shoal_error *err)
{
    const scorer *first = NULL;
    char where[512];
    for (int i = 0; i < s->n_threads; i++)
        if (s->thread[i].code && (!first || s->thread[i].item < first->item)) first = &s->thread[i];
    if (!first) return code;
    if (err) *err = first->err;
    if (first->bad_row < 0) return first->code;
    reader_end(s); /* the table answers one thread at a time */
    error_where(err, first->code, "%s", table_row_name(s->table, (uint64_t)first->bad_row, where, sizeof where));
    return first->code;
}

/* ---- handing over ---------------------------------------------------------------------------------------------------------- */

static int deliver(score *s, int with_label, const score_sink *out, shoal_error *err)
{
    size_t i = 0;
    int rc = 0;
    for (; i < s->n_spans && rc == 0; i++) {
        span *p = &s->span[i];
        size_t n = (size_t)p->batch.length, at = (size_t)(p->row0 - s->base);
        if (p->row0 + n > s->next) break;
        if (n) rc = out->rows(out->ctx, &p->batch, s->logit + at, with_label ? s->label + at : NULL, s->weight + at, n, err);
        p->batch.release(&p->batch);
    }
    if (i == 0) return rc;
    memmove(s->span, s->span + i, (s->n_spans - i) * sizeof *s->span);
    s->n_spans -= i;
    uint64_t base = s->n_spans ? s->span[0].row0 : s->end;
    size_t gone = (size_t)(base - s->base), left = s->next > base ? (size_t)(s->next - base) : 0;
    memmove(s->logit, s->logit + gone, left * sizeof *s->logit);
    memmove(s->label, s->label + gone, left * sizeof *s->label);
    memmove(s->weight, s->weight + gone, left * sizeof *s->weight);
    s->base = base;
    return rc;
}

static void draw(score *s)
{
    uint64_t now = clock_ns(), every = (uint64_t)(s->host && s->host->progress_every_ms > 0 ? s->host->progress_every_ms : 1000);
    char rows[HUMAN_BYTES], rate[HUMAN_BYTES];
    if (now - s->drawn_ns < every * 1000000) return;
    s->drawn_ns = now;
    host_progress(s->host, "scoring  %s rows  %s rows/s", human_count((double)s->next, rows),
                  human_count((double)s->next / ((double)(now - s->start_ns) * 1e-9), rate));
}

/* ---- the whole ------------------------------------------------------------------------------------------------------------- */

static void score_release(score *s)
{
    reader_end(s);
    queue_free(s->queue);
    for (size_t i = 0; i < s->n_spans; i++) s->span[i].batch.release(&s->span[i].batch);
    for (int i = 0; s->thread && i < s->n_threads; i++) {
        raw_block_release(&s->thread[i].raw);
        batch_release(&s->thread[i].in);
        exec_free(s->thread[i].exec);
    }
    mem_free(s->thread);
    mem_free(s->span);
    mem_free(s->logit);
    mem_free(s->label);
    mem_free(s->weight);
    binding_free(s->binding);
}

static int score_init(score *s, const model *m, const kernels *k, int need_label, pool *threads, shoal_error *err)
{
    s->n_threads = pool_threads(threads);
    s->stride = features_raw_layout(s->features).stride;
    s->start_ns = s->drawn_ns = clock_ns();
    int rc = binding_new(s->features, table_schema(s->table), need_label, &s->binding, err);
    if (rc) return rc;
    s->thread = mem_calloc((size_t)s->n_threads, sizeof *s->thread);
    if (!s->thread) return error_nomem(err, (size_t)s->n_threads * sizeof *s->thread, "scoring");
    for (int i = 0; i < s->n_threads && rc == 0; i++) {
        raw_block_init(&s->thread[i].raw);
        batch_init(&s->thread[i].in);
        rc = exec_new(m, k, SCORE_CHUNK_ROWS, &s->thread[i].exec, err);
    }
    if (rc == 0) rc = rows_room(s, SCORE_CHUNK_ROWS, err);
    if (rc) return rc;
    s->queue = queue_new(SCORE_READ_AHEAD);
    if (!s->queue) return error_nomem(err, SCORE_READ_AHEAD * sizeof(void *), "reading ahead");
    return task_start(&s->reader, read_ahead, s, err);
}

int score_table(const model *m, const weights *w, const kernels *k, table *t, int need_label, pool *threads,
                const shoal_host *host, const score_sink *out, shoal_error *err)
{
    score s = {.features = model_features(m), .weights = w, .table = t, .host = host};
    int rc = score_init(&s, m, k, need_label, threads, err);
    while (rc == 0 && !(s.eof && s.next == s.end && s.n_spans == 0)) {
        if ((rc = gather(&s, err))) break;
        size_t items = (size_t)((s.round_end - s.next + SCORE_CHUNK_ROWS - 1) / SCORE_CHUNK_ROWS);
        rc = items ? pool_for(threads, items, compute, &s) : 0;
        if (rc < 0) {
            rc = first_failure(&s, rc, err);
            break;
        }
        s.next = s.round_end;
        rc = deliver(&s, need_label, out, err);
        draw(&s);
        if (rc == 0 && host_interrupted(host)) rc = error_set(err, SHOAL_INTERRUPTED, "interrupted after %llu rows", (unsigned long long)s.next);
    }
    score_release(&s);
    return rc;
}
