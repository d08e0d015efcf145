#include "train/feeder.h"

#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "base/thread.h"

typedef struct window {
    uint32_t index;
    raw_block rows;
    uint32_t *perm;
    uint32_t perm_cap;
    int code; /* of loading */
    shoal_error error;
} window;

struct feeder {
    const pack *pack;
    const plan *plan;
    uint64_t epoch, step, end_step;
    uint32_t *order, *start;
    uint64_t *position;
    uint32_t first_window, end_window;
    window slot[FEEDER_WINDOWS];
    queue *empty, *full; /* of window pointers, between the loader and feeder_next */
    task *loader;
    clocks *clocks; /* or NULL */
    window *held[FEEDER_WINDOWS]; /* taken from `full`, ascending windows, oldest first */
    uint32_t n_held;
    atomic_uint_fast64_t bytes;
    atomic_int stop;
};

static int window_load(feeder *f, window *w, shoal_error *err)
{
    raw_block *b = &w->rows;
    b->rows = 0;
    buf_clear(&b->records);
    buf_clear(&b->heap);
    uint32_t begin = f->start[w->index], end = f->start[w->index + 1];
    for (uint32_t j = begin; j < end; j++) {
        if (atomic_load(&f->stop))
            return SHOAL_INTERRUPTED;
        int rc = pack_read(f->pack, f->order[j], b, err);
        if (rc < 0)
            return rc;
        atomic_fetch_add(&f->bytes, pack_block_bytes(f->pack, f->order[j]));
    }
    if (b->rows > w->perm_cap) {
        mem_free(w->perm);
        w->perm_cap = 0;
        w->perm = mem_alloc((size_t)b->rows * sizeof *w->perm);
        if (!w->perm)
            return error_nomem(err, (size_t)b->rows * sizeof *w->perm, "the row order of a window");
        w->perm_cap = b->rows;
    }
    plan_window(f->plan, f->epoch, w->index, b->rows, w->perm);
    return 0;
}

static void loader_main(void *ctx)
{
    feeder *f = ctx;
    for (uint32_t i = f->first_window; i < f->end_window; i++) {
        void *item;
        uint64_t start = clocks_start(f->clocks);
        if (!queue_pop(f->empty, &item))
            break;
        clocks_stop(f->clocks, CLOCK_MODEL, start);
        start = clocks_start(f->clocks);
        window *w = item;
        w->index = i;
        w->code = window_load(f, w, &w->error);
        clocks_stop(f->clocks, CLOCK_STORAGE, start);
        int failed = w->code < 0; /* w belongs to the reader once pushed */
        if (queue_push(f->full, w) < 0 || failed)
            break;
    }
    queue_close(f->full);
}

/* The window that holds a position of the epoch's order. */
static uint32_t window_at(const feeder *f, uint64_t position)
{
    uint32_t low = 0, high = f->plan->windows;
    while (low + 1 < high) {
        uint32_t mid = low + (high - low) / 2;
        if (f->position[mid] <= position)
            low = mid;
        else
            high = mid;
    }
    return low;
}

static int feeder_order(feeder *f, shoal_error *err)
{
    const plan *p = f->plan;
    size_t n = p->windows;
    uint32_t *scratch = mem_calloc(n, sizeof *scratch);
    f->order = mem_calloc(p->blocks, sizeof *f->order);
    f->start = mem_calloc(n + 1, sizeof *f->start);
    f->position = mem_calloc(n + 1, sizeof *f->position);
    int rc = 0;
    if (!scratch || !f->order || !f->start || !f->position)
        rc = error_nomem(err, p->blocks * sizeof *f->order, "the block order of an epoch");
    else
        plan_epoch(p, f->epoch, f->order, f->start, f->position, scratch);
    mem_free(scratch);
    return rc;
}

int feeder_new(const pack *data, const plan *p, uint64_t epoch, uint64_t first_step, uint64_t end_step, clocks *measure,
               feeder **out, shoal_error *err)
{
    CHECK(first_step < end_step && end_step <= plan_steps(p));
    feeder *f = mem_calloc(1, sizeof *f);
    if (!f)
        return error_nomem(err, sizeof *f, "a feeder");
    f->pack = data;
    f->plan = p;
    f->clocks = measure;
    f->epoch = epoch;
    f->step = first_step;
    f->end_step = end_step;
    for (int i = 0; i < FEEDER_WINDOWS; i++)
        raw_block_init(&f->slot[i].rows);
    int rc = feeder_order(f, err);
    if (rc < 0)
        goto out;
    uint64_t last = (end_step - 1) * p->batch + plan_step_rows(p, end_step - 1) - 1;
    f->first_window = window_at(f, first_step * p->batch);
    f->end_window = window_at(f, last) + 1;
    f->empty = queue_new(FEEDER_WINDOWS);
    f->full = queue_new(FEEDER_WINDOWS);
    if (!f->empty || !f->full) {
        rc = error_nomem(err, 0, "a feeder's queues");
        goto out;
    }
    for (int i = 0; i < FEEDER_WINDOWS; i++)
        queue_push(f->empty, &f->slot[i]);
    rc = task_start(&f->loader, loader_main, f, err);
out:
    if (rc < 0) {
        feeder_free(f);
        return rc;
    }
    *out = f;
    return 0;
}

void feeder_free(feeder *f)
{
    if (!f)
        return;
    atomic_store(&f->stop, 1);
    if (f->empty)
        queue_close(f->empty);
    if (f->full)
        queue_close(f->full);
    task_join(f->loader);
    for (int i = 0; i < FEEDER_WINDOWS; i++) {
        raw_block_release(&f->slot[i].rows);
        mem_free(f->slot[i].perm);
    }
    queue_free(f->empty);
    queue_free(f->full);
    mem_free(f->order);
    mem_free(f->start);
    mem_free(f->position);
    mem_free(f);
}

/* Gives back the held windows that end before a position. */
static void release_before(feeder *f, uint64_t position)
{
    uint32_t done = 0;
    while (done < f->n_held && f->position[f->held[done]->index + 1] <= position)
        queue_push(f->empty, f->held[done++]);
    f->n_held -= done;
    memmove(f->held, f->held + done, f->n_held * sizeof *f->held);
}

static int take_window(feeder *f, shoal_error *err)
{
    void *item;
    CHECK(f->n_held < FEEDER_WINDOWS);
    const uint64_t start = clocks_start(f->clocks);
    if (!queue_pop(f->full, &item))
        return error_set(err, SHOAL_INTERNAL, "the training rows ended before their plan");
    clocks_stop(f->clocks, CLOCK_ROWS, start);
    window *w = item;
    if (w->code < 0) {
        if (err)
            *err = w->error;
        return w->code;
    }
    f->held[f->n_held++] = w;
    return 0;
}

static void window_refs(const feeder *f, const window *w, uint64_t position, uint32_t n, raw_ref *refs)
{
    uint32_t first = (uint32_t)(position - f->position[w->index]);
    size_t stride = pack_stride(f->pack);
    for (uint32_t i = 0; i < n; i++) {
        refs[i].record = w->rows.records.data + (size_t)w->perm[first + i] * stride;
        refs[i].heap = w->rows.heap.data;
    }
}

int feeder_next(feeder *f, raw_ref *refs, uint32_t *rows, shoal_error *err)
{
    CHECK(f->step < f->end_step);
    uint64_t at = f->step * f->plan->batch;
    uint32_t wanted = plan_step_rows(f->plan, f->step), have = 0;
    release_before(f, at);
    uint32_t h = 0;
    while (have < wanted) {
        if (h == f->n_held) {
            int rc = take_window(f, err);
            if (rc < 0)
                return rc;
        }
        const window *w = f->held[h++];
        uint64_t left = f->position[w->index + 1] - (at + have);
        uint32_t n = left < wanted - have ? (uint32_t)left : wanted - have;
        window_refs(f, w, at + have, n, refs + have);
        have += n;
    }
    *rows = wanted;
    f->step++;
    return 0;
}

uint64_t feeder_bytes(const feeder *f)
{
    return atomic_load(&f->bytes);
}
