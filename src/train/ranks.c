/* ranks.c: see ranks.h. A row takes `words` u64: the group, when there are groups, and the row. */
#include "train/ranks.h"

#include "base/mem.h"
#include "storage/file.h"

#define RUNS_MAX 4096 /* and the least number of rows in memory, so that each run has room while merging */
#define FIRST_ROWS 65536
#define DIGIT_BITS 11

struct ranks {
    size_t words;
    size_t cap_max;       /* rows in memory */
    char *spool_dir;
    uint64_t *row, *temp; /* temp: the other half of the radix sort */
    size_t n, cap;
    file_writer *spill;   /* sorted runs of rows, one behind the other */
    uint64_t run[RUNS_MAX]; /* rows of each */
    size_t n_runs;
};

int ranks_new(size_t memory, const char *spool_dir, int grouped, ranks **out, shoal_error *err)
{
    *out = NULL;
    ranks *r = mem_calloc(1, sizeof *r);
    if (!r) return error_nomem(err, sizeof *r, "metrics");
    r->words = grouped ? 2 : 1;
    r->cap_max = spool_dir ? memory / (2 * r->words * sizeof(uint64_t)) : SIZE_MAX / 64;
    if (r->cap_max < RUNS_MAX) r->cap_max = RUNS_MAX;
    if (spool_dir && !(r->spool_dir = mem_strdup(spool_dir))) {
        mem_free(r);
        return error_nomem(err, strlen(spool_dir), "metrics");
    }
    *out = r;
    return 0;
}

void ranks_clear(ranks *r)
{
    file_abort(r->spill);
    r->spill = NULL;
    r->n_runs = 0;
    r->n = 0;
}

void ranks_free(ranks *r)
{
    if (!r) return;
    ranks_clear(r);
    mem_free(r->row);
    mem_free(r->temp);
    mem_free(r->spool_dir);
    mem_free(r);
}

/* ---- in memory ----------------------------------------------------------------------------------------------------------- */

/* One digit of one word; a digit that all rows share is passed over. The result is in r->row. */
static void sort_digit(ranks *r, size_t word, int shift)
{
    size_t start[1 << DIGIT_BITS] = {0}, at = 0;
    const size_t words = r->words, mask = (1 << DIGIT_BITS) - 1;
    for (size_t i = 0; i < r->n; i++) start[r->row[i * words + word] >> shift & mask]++;
    if (start[r->row[word] >> shift & mask] == r->n) return;
    for (size_t v = 0; v <= mask; v++) {
        size_t count = start[v];
        start[v] = at;
        at += count;
    }
    for (size_t i = 0; i < r->n; i++) {
        const uint64_t *from = r->row + i * words;
        uint64_t *to = r->temp + words * start[from[word] >> shift & mask]++;
        to[0] = from[0];
        if (words == 2) to[1] = from[1];
    }
    uint64_t *swap = r->row;
    r->row = r->temp;
    r->temp = swap;
}

/* Least significant digit first: the row, then its group. */
static void sort(ranks *r)
{
    for (size_t word = r->words; r->n && word-- > 0;)
        for (int shift = 0; shift < 64; shift += DIGIT_BITS) sort_digit(r, word, shift);
}

static int spill(ranks *r, shoal_error *err)
{
    if (r->n_runs == RUNS_MAX)
        return error_set(err, SHOAL_NOMEM, "more than %d sorted runs of scores; give more memory", RUNS_MAX);
    sort(r);
    int rc = r->spill ? 0 : file_spill(r->spool_dir, &r->spill, err);
    if (rc == 0) rc = file_write(r->spill, r->row, r->n * r->words * sizeof *r->row, err);
    if (rc == 0) rc = file_flush(r->spill, err);
    if (rc) return rc;
    r->run[r->n_runs++] = r->n;
    r->n = 0;
    return 0;
}

static int room(ranks *r, shoal_error *err)
{
    if (r->n < r->cap) return 0;
    if (r->cap == r->cap_max) return spill(r, err);
    size_t cap = r->cap ? 2 * r->cap : FIRST_ROWS;
    if (cap > r->cap_max) cap = r->cap_max;
    const size_t bytes = cap * r->words * sizeof *r->row;
    uint64_t *temp = mem_alloc(bytes);
    uint64_t *row = temp ? mem_realloc(r->row, bytes) : NULL;
    if (!row) {
        mem_free(temp);
        return error_nomem(err, bytes, "scores");
    }
    mem_free(r->temp);
    r->row = row;
    r->temp = temp;
    r->cap = cap;
    return 0;
}

int ranks_add(ranks *r, uint64_t group, uint64_t row, shoal_error *err)
{
    int rc = room(r, err);
    if (rc) return rc;
    uint64_t *to = r->row + r->words * r->n++;
    if (r->words == 2) *to++ = group;
    *to = row;
    return 0;
}

/* ---- runs, merged ---------------------------------------------------------------------------------------------------------- */

typedef struct run_reader {
    const file_writer *spill;
    uint64_t next, left; /* rows of the spill: where it goes on, and how many are left */
    uint64_t *row;
    size_t at, n, words;
} run_reader;

static int run_fill(run_reader *r, size_t cap, shoal_error *err)
{
    const size_t size = r->words * sizeof *r->row;
    r->at = 0;
    r->n = r->left < cap ? (size_t)r->left : cap;
    r->next += r->n;
    r->left -= r->n;
    return file_spill_read(r->spill, (r->next - r->n) * size, r->row, r->n * size, err);
}

static int run_before(const run_reader *a, const run_reader *b)
{
    const uint64_t *x = a->row + a->at * a->words, *y = b->row + b->at * b->words;
    return x[0] != y[0] || a->words == 1 ? x[0] < y[0] : x[1] < y[1];
}

/* heap[0] is the run with the smallest row; runs that have ended are gone. */
static void heap_sink(run_reader **heap, size_t n, size_t i)
{
    for (;;) {
        size_t least = i;
        for (size_t c = 2 * i + 1; c <= 2 * i + 2 && c < n; c++)
            if (run_before(heap[c], heap[least])) least = c;
        if (least == i) return;
        run_reader *swap = heap[i];
        heap[i] = heap[least];
        heap[least] = swap;
        i = least;
    }
}

static void hand_over(const uint64_t *row, size_t words, ranks_fn fn, void *ctx)
{
    fn(ctx, words == 2 ? row[0] : 0, row[words - 1]);
}

static int runs_merge(run_reader *reader, size_t n, size_t cap, ranks_fn fn, void *ctx, shoal_error *err)
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
        hand_over(r->row + r->at++ * r->words, r->words, fn, ctx);
        if (r->at == r->n) {
            int rc = run_fill(r, cap, err);
            if (rc) return rc;
            if (r->n == 0) heap[0] = heap[--live];
        }
        heap_sink(heap, live, 0);
    }
    return 0;
}

static int each_spilled(ranks *r, ranks_fn fn, void *ctx, shoal_error *err)
{
    int rc = r->n ? spill(r, err) : 0;
    run_reader *reader = mem_calloc(r->n_runs, sizeof *reader);
    if (!reader) return error_nomem(err, r->n_runs * sizeof *reader, "merging scores");
    size_t cap = r->cap / r->n_runs; /* the runs share the memory that sorting no longer needs */
    uint64_t at = 0;
    for (size_t i = 0; i < r->n_runs; at += r->run[i++])
        reader[i] = (run_reader){.spill = r->spill, .next = at, .left = r->run[i], .row = r->temp + i * cap * r->words, .words = r->words};
    if (rc == 0) rc = runs_merge(reader, r->n_runs, cap, fn, ctx, err);
    mem_free(reader);
    return rc;
}

int ranks_each(ranks *r, ranks_fn fn, void *ctx, shoal_error *err)
{
    if (r->n_runs) return each_spilled(r, fn, ctx, err);
    sort(r);
    for (size_t i = 0; i < r->n; i++) hand_over(r->row + i * r->words, r->words, fn, ctx);
    return 0;
}
