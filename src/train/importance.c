/* importance.c: see importance.h. */
#include "train/importance.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/rng.h"

#define CHUNK_ROWS 512

typedef struct lane {
    exec *exec;
    batch batch;
    uint8_t *record; /* [CHUNK_ROWS] records, changed */
    raw_ref ref[CHUNK_ROWS];
    float *gate_row;
    shoal_error error;
} lane;

typedef struct measuring {
    const importance_request *q;
    const features *f;
    uint32_t rows, stride;
    lane *lane;
    float *logit, *label, *weight; /* [rows] */
    uint32_t *from;                /* whose value a row gets */
    const feature *permuted;       /* NULL: none */
    uint32_t gate_chunks;          /* whose gates are looked at, while nothing is permuted */
    double *gate_sums;             /* [gate_chunks x entries] */
} measuring;

static int score_chunk(void *ctx, size_t item, int thread)
{
    measuring *m = ctx;
    lane *l = &m->lane[thread];
    const raw_block *rows = &m->q->rows->rows;
    const uint32_t begin = (uint32_t)item * CHUNK_ROWS, left = m->rows - begin, n = left < CHUNK_ROWS ? left : CHUNK_ROWS;
    memcpy(l->record, rows->records.data + (size_t)begin * m->stride, (size_t)n * m->stride);
    for (uint32_t i = 0; i < n; i++) {
        l->ref[i] = (raw_ref){l->record + (size_t)i * m->stride, rows->heap.data};
        if (m->permuted) /* a number, a key, or the place of a list in the heap: 8 bytes each */
            memcpy(l->record + (size_t)i * m->stride + m->permuted->raw,
                   rows->records.data + (size_t)m->from[begin + i] * m->stride + m->permuted->raw, 8);
    }
    int rc = features_transform(m->f, l->ref, n, &l->batch, &l->error);
    if (rc == 0) rc = exec_predict(l->exec, m->q->weights, &l->batch, m->logit + begin, &l->error);
    if (rc) return rc;
    if (!m->permuted && item < m->gate_chunks)
        gates_add(m->q->gates, l->exec, &l->batch, l->gate_row, m->gate_sums + item * gates_entries(m->q->gates));
    memcpy(m->label + begin, l->batch.label, n * sizeof *m->label);
    memcpy(m->weight + begin, l->batch.weight, n * sizeof *m->weight);
    return 0;
}

static int measure(measuring *m, metrics_result *out, shoal_error *err)
{
    metrics *sums = NULL;
    int rc = pool_for(m->q->threads, (m->rows + CHUNK_ROWS - 1) / CHUNK_ROWS, score_chunk, m);
    for (int i = 0; i < pool_threads(m->q->threads) && rc; i++)
        if (m->lane[i].error.code == rc) {
            if (err) *err = m->lane[i].error;
            return rc;
        }
    if (rc == 0) rc = metrics_new(0, NULL, 0, &sums, err);
    if (rc == 0) rc = metrics_add(sums, m->logit, m->label, m->weight, NULL, m->rows, err);
    if (rc == 0) rc = metrics_finish(sums, out, err);
    metrics_free(sums);
    return rc;
}

static void release(measuring *m)
{
    for (int i = 0; m->lane && i < pool_threads(m->q->threads); i++) {
        exec_free(m->lane[i].exec);
        batch_release(&m->lane[i].batch);
        mem_free(m->lane[i].record);
        mem_free(m->lane[i].gate_row);
    }
    mem_free(m->lane);
    mem_free(m->logit);
    mem_free(m->label);
    mem_free(m->weight);
    mem_free(m->from);
    mem_free(m->gate_sums);
}

static int make(measuring *m, shoal_error *err)
{
    const int n = pool_threads(m->q->threads);
    int rc = 0;
    m->lane = mem_calloc((size_t)n, sizeof *m->lane);
    m->logit = mem_calloc(m->rows, sizeof *m->logit);
    m->label = mem_calloc(m->rows, sizeof *m->label);
    m->weight = mem_calloc(m->rows, sizeof *m->weight);
    m->from = mem_calloc(m->rows, sizeof *m->from);
    if (!m->lane || !m->logit || !m->label || !m->weight || !m->from)
        return error_nomem(err, m->rows * 4 * sizeof *m->logit, "the scores of the sample");
    m->gate_chunks = ((m->rows < IMPORTANCE_GATE_ROWS ? m->rows : IMPORTANCE_GATE_ROWS) + CHUNK_ROWS - 1) / CHUNK_ROWS;
    m->gate_sums = mem_calloc(m->gate_chunks * gates_entries(m->q->gates) + 1, sizeof *m->gate_sums);
    if (!m->gate_sums) return error_nomem(err, m->gate_chunks * gates_entries(m->q->gates) * sizeof *m->gate_sums, "the gates of the sample");
    for (int i = 0; i < n && rc == 0; i++) {
        batch_init(&m->lane[i].batch);
        m->lane[i].record = mem_alloc((size_t)CHUNK_ROWS * m->stride);
        m->lane[i].gate_row = mem_alloc((gates_scratch(m->q->gates) + 1) * sizeof *m->lane[i].gate_row);
        rc = m->lane[i].record && m->lane[i].gate_row ? exec_new(m->q->model, m->q->kernels, CHUNK_ROWS, &m->lane[i].exec, err)
                               : error_nomem(err, (size_t)CHUNK_ROWS * m->stride, "rows");
    }
    return rc;
}

/* In order of the chunks, so that threads leave no trace. */
static void gate_means(const measuring *m)
{
    const size_t entries = gates_entries(m->q->gates);
    const uint32_t rows = m->rows < IMPORTANCE_GATE_ROWS ? m->rows : IMPORTANCE_GATE_ROWS;
    double weight = 0;
    for (uint32_t c = 0; c < m->gate_chunks; c++)
        for (size_t i = 0; i < entries; i++) m->q->gate_means[i] += m->gate_sums[c * entries + i];
    for (uint32_t i = 0; i < rows; i++) weight += (double)m->weight[i];
    gates_finish(m->q->gates, m->q->weights, weight, m->q->gate_means);
}

int importance_measure(const importance_request *q, metrics_result *base, importance *out, shoal_error *err)
{
    measuring m = {.q = q, .f = model_features(q->model), .rows = q->rows->rows.rows, .stride = q->rows->layout.stride};
    int rc = make(&m, err);
    if (rc == 0) rc = measure(&m, base, err);
    if (rc == 0) gate_means(&m);
    for (uint32_t i = 0; i < m.f->n_features && rc == 0; i++) {
        const feature *x = m.permuted = &m.f->feature[i];
        if (host_interrupted(q->host)) rc = error_set(err, SHOAL_INTERRUPTED, "interrupted while the values of '%s' were permuted", x->name);
        host_progress(q->host, "permuting feature %u of %u", i + 1, m.f->n_features);
        rng_permutation(rng_key(q->seed, RNG_SAMPLE, 1, hash64(x->name, strlen(x->name), 0)), m.rows, m.from);
        out[i].feature = x;
        if (rc == 0) rc = measure(&m, &out[i].quality, err);
    }
    release(&m);
    return rc;
}
