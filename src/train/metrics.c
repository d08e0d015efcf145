/* metrics.c: see metrics.h.
 *
 * A row is one u64: in the upper half the logit as an integer of the same order (the sign bit flipped, negative numbers
 * inverted), below it the label in bit 31 and the bits of the weight in 0..30 (weights are not negative). Equal u64 mean
 * equal contributions, so any sort of them gives the same sequence, and spilling cannot change a bit of the result. */
#include "train/metrics.h"

#include <math.h>
#include <string.h>

#include "base/mathx.h"
#include "base/mem.h"
#include "base/thread.h"
#include "storage/file.h"

#define RUNS_MAX 4096 /* and the least number of rows in memory, so that each run has room while merging */
#define FIRST_ROWS 65536

/* Compensated sum (Neumaier 1974): the error does not grow with the number of terms. */
typedef struct sum2 {
    double s, c;
} sum2;

static void sum_add(sum2 *a, double x)
{
    double t = a->s + x;
    a->c += fabs(a->s) >= fabs(x) ? (a->s - t) + x : (x - t) + a->s;
    a->s = t;
}
static double sum_value(const sum2 *a) { return a->s + a->c; }

struct metrics {
    size_t cap_max;       /* rows in memory */
    char *spool_dir;
    uint64_t *row, *temp; /* temp: the other half of the radix sort */
    size_t n, cap;
    file_writer *spill;   /* sorted runs of rows, one behind the other */
    uint64_t run[RUNS_MAX]; /* rows of each */
    size_t n_runs;
    uint64_t rows;
    sum2 weight, loss, prediction, label;
};

int metrics_new(size_t memory, const char *spool_dir, metrics **out, shoal_error *err)
{
    *out = NULL;
    metrics *m = mem_calloc(1, sizeof *m);
    if (!m) return error_nomem(err, sizeof *m, "metrics");
    m->cap_max = spool_dir ? memory / (2 * sizeof(uint64_t)) : SIZE_MAX / 64;
    if (m->cap_max < RUNS_MAX) m->cap_max = RUNS_MAX;
    if (spool_dir && !(m->spool_dir = mem_strdup(spool_dir))) {
        mem_free(m);
        return error_nomem(err, strlen(spool_dir), "metrics");
    }
    *out = m;
    return 0;
}

static void runs_remove(metrics *m)
{
    file_abort(m->spill);
    m->spill = NULL;
    m->n_runs = 0;
}

void metrics_clear(metrics *m)
{
    runs_remove(m);
    m->n = 0;
    m->rows = 0;
    m->weight = m->loss = m->prediction = m->label = (sum2){0, 0};
}

void metrics_free(metrics *m)
{
    if (!m) return;
    runs_remove(m);
    mem_free(m->row);
    mem_free(m->temp);
    mem_free(m->spool_dir);
    mem_free(m);
}

/* ---- rows -------------------------------------------------------------------------------------------------------------- */

static uint64_t row_pack(float logit, int positive, float weight)
{
    uint32_t z, w;
    logit += 0.0f; /* -0 ties with 0 */
    memcpy(&z, &logit, 4);
    memcpy(&w, &weight, 4);
    z = z & 0x80000000u ? ~z : z | 0x80000000u;
    return (uint64_t)z << 32 | (positive ? 0x80000000u : 0) | (w & 0x7fffffffu);
}
static double row_weight(uint64_t r)
{
    uint32_t bits = (uint32_t)r & 0x7fffffffu;
    float w;
    memcpy(&w, &bits, 4);
    return (double)w;
}
static int row_positive(uint64_t r) { return (int)(r >> 31 & 1); }

/* Least significant digit first, 11 bits at a time; a digit that all rows share is passed over. The result is in m->row. */
static void rows_sort(metrics *m)
{
    static const int SHIFT[] = {0, 11, 22, 33, 44, 55};
    for (size_t d = 0; d < sizeof SHIFT / sizeof SHIFT[0]; d++) {
        size_t start[2048] = {0}, at = 0;
        int shift = SHIFT[d];
        for (size_t i = 0; i < m->n; i++) start[m->row[i] >> shift & 2047]++;
        if (m->n && start[m->row[0] >> shift & 2047] == m->n) continue;
        for (size_t v = 0; v < 2048; v++) {
            size_t count = start[v];
            start[v] = at;
            at += count;
        }
        for (size_t i = 0; i < m->n; i++) m->temp[start[m->row[i] >> shift & 2047]++] = m->row[i];
        uint64_t *swap = m->row;
        m->row = m->temp;
        m->temp = swap;
    }
}

static int rows_spill(metrics *m, shoal_error *err)
{
    if (m->n_runs == RUNS_MAX)
        return error_set(err, SHOAL_NOMEM, "more than %d sorted runs of scores; give more memory", RUNS_MAX);
    rows_sort(m);
    int rc = m->spill ? 0 : file_spill(m->spool_dir, &m->spill, err);
    if (rc == 0) rc = file_write(m->spill, m->row, m->n * sizeof *m->row, err);
    if (rc == 0) rc = file_flush(m->spill, err);
    if (rc) return rc;
    m->run[m->n_runs++] = m->n;
    m->n = 0;
    return 0;
}

static int rows_room(metrics *m, shoal_error *err)
{
    if (m->n < m->cap) return 0;
    if (m->cap == m->cap_max) return rows_spill(m, err);
    size_t cap = m->cap ? 2 * m->cap : FIRST_ROWS;
    if (cap > m->cap_max) cap = m->cap_max;
    uint64_t *temp = mem_alloc(cap * sizeof *temp);
    uint64_t *row = temp ? mem_realloc(m->row, cap * sizeof *row) : NULL;
    if (!row) {
        mem_free(temp);
        return error_nomem(err, cap * sizeof *row, "scores");
    }
    mem_free(m->temp);
    m->row = row;
    m->temp = temp;
    m->cap = cap;
    return 0;
}

int metrics_add(metrics *m, const float *logit, const float *label, const float *weight, size_t n, shoal_error *err)
{
    for (size_t i = 0; i < n; i++) {
        double z = (double)logit[i], w = weight ? (double)weight[i] : 1.0;
        int positive = label[i] > 0.5f;
        if (!isfinite(z))
            return error_set(err, SHOAL_DIVERGED, "the score of row %llu is not finite; train with a lower --lr",
                             (unsigned long long)m->rows);
        int rc = rows_room(m, err);
        if (rc) return rc;
        m->row[m->n++] = row_pack(logit[i], positive, weight ? weight[i] : 1.0f);
        m->rows++;
        double e = math_exp(-fabs(z)), p = z >= 0 ? 1.0 / (1.0 + e) : e / (1.0 + e);
        double loss = (z > 0 ? z : 0) - (positive ? z : 0) + math_log1p(e);
        sum_add(&m->weight, w);
        sum_add(&m->loss, w * loss);
        sum_add(&m->prediction, w * p);
        if (positive) sum_add(&m->label, w);
    }
    return 0;
}

/* ---- AUC: one pass over the rows in order ------------------------------------------------------------------------------- */

/* U = sum over groups of equal scores of P * (N_below + N / 2); AUC = U / (P_all * N_all). */
typedef struct auc_pass {
    uint32_t score;
    double group[2];    /* negative, positive weight of the group at hand */
    sum2 total[2], u;
} auc_pass;

static void auc_close(auc_pass *a)
{
    sum_add(&a->u, a->group[1] * (sum_value(&a->total[0]) + 0.5 * a->group[0]));
    for (int c = 0; c < 2; c++) {
        sum_add(&a->total[c], a->group[c]);
        a->group[c] = 0;
    }
}

static void auc_row(auc_pass *a, uint64_t row)
{
    uint32_t score = (uint32_t)(row >> 32);
    if (score != a->score) {
        auc_close(a);
        a->score = score;
    }
    a->group[row_positive(row)] += row_weight(row);
}

/* A spilled run while it is merged. */
typedef struct run_reader {
    const file_writer *spill;
    uint64_t next, left; /* rows of the spill: where it goes on, and how many are left */
    uint64_t *row;
    size_t at, n;
} run_reader;

static int run_fill(run_reader *r, size_t cap, shoal_error *err)
{
    r->at = 0;
    r->n = r->left < cap ? (size_t)r->left : cap;
    r->next += r->n;
    r->left -= r->n;
    return file_spill_read(r->spill, (r->next - r->n) * sizeof *r->row, r->row, r->n * sizeof *r->row, err);
}

/* heap[0] is the run with the smallest row; runs that have ended are gone. */
static void heap_sink(run_reader **heap, size_t n, size_t i)
{
    for (;;) {
        size_t least = i;
        for (size_t c = 2 * i + 1; c <= 2 * i + 2 && c < n; c++)
            if (heap[c]->row[heap[c]->at] < heap[least]->row[heap[least]->at]) least = c;
        if (least == i) return;
        run_reader *swap = heap[i];
        heap[i] = heap[least];
        heap[least] = swap;
        i = least;
    }
}

static int runs_merge(run_reader *reader, size_t n, size_t cap, auc_pass *a, shoal_error *err)
{
    run_reader *heap[RUNS_MAX];
    size_t live = 0;
    for (size_t i = 0; i < n; i++) {
        int rc = run_fill(&reader[i], cap, err);
        if (rc) return rc;
        if (reader[i].n) heap[live++] = &reader[i];
    }
    for (size_t i = live; i-- > 0;) heap_sink(heap, live, i);
    while (live) {
        run_reader *r = heap[0];
        auc_row(a, r->row[r->at++]);
        if (r->at == r->n) {
            int rc = run_fill(r, cap, err);
            if (rc) return rc;
            if (r->n == 0) heap[0] = heap[--live];
        }
        heap_sink(heap, live, 0);
    }
    return 0;
}

static int auc_spilled(metrics *m, auc_pass *a, shoal_error *err)
{
    int rc = m->n ? rows_spill(m, err) : 0;
    run_reader *reader = mem_calloc(m->n_runs, sizeof *reader);
    if (!reader) return error_nomem(err, m->n_runs * sizeof *reader, "merging scores");
    size_t cap = m->cap / m->n_runs; /* the runs share the memory that sorting no longer needs */
    uint64_t at = 0;
    for (size_t i = 0; i < m->n_runs; at += m->run[i++])
        reader[i] = (run_reader){.spill = m->spill, .next = at, .left = m->run[i], .row = m->temp + i * cap};
    if (rc == 0) rc = runs_merge(reader, m->n_runs, cap, a, err);
    mem_free(reader);
    return rc;
}

int metrics_finish(metrics *m, metrics_result *out, shoal_error *err)
{
    auc_pass a = {0};
    int rc = 0;
    if (m->n_runs) {
        rc = auc_spilled(m, &a, err);
    } else {
        if (m->n) rows_sort(m);
        for (size_t i = 0; i < m->n; i++) auc_row(&a, m->row[i]);
    }
    if (rc) return rc;
    auc_close(&a);
    double negative = sum_value(&a.total[0]), positive = sum_value(&a.total[1]);
    double weight = sum_value(&m->weight), label = sum_value(&m->label), prediction = sum_value(&m->prediction);
    out->rows = m->rows;
    out->weight = weight;
    out->auc = negative > 0 && positive > 0 ? sum_value(&a.u) / negative / positive : NAN;
    out->logloss = weight > 0 ? sum_value(&m->loss) / weight : NAN;
    out->calibration = label > 0 ? prediction / label : NAN;
    out->mean_prediction = weight > 0 ? prediction / weight : NAN;
    out->mean_label = weight > 0 ? label / weight : NAN;
    return 0;
}
