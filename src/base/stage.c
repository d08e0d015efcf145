#include "base/stage.h"

#include <pthread.h>

#include "base/mem.h"
#include "base/thread.h"

typedef struct place {
    void *item;
    int done, code; /* code: 1 an item, 0 the end, negative */
    shoal_error error;
} place;

struct stage {
    stage_ops ops;
    void *ctx;
    pthread_mutex_t lock;
    pthread_cond_t may_make, is_done;
    place *ring;
    size_t n;
    uint64_t made, taken, given_back; /* items, over all time */
    int making, ended, stop, next_thread;
    int threads, started;
    task **task;
    uint64_t waited_ns;
};

static void stage_fill(stage *s, place *p, int thread)
{
    p->code = s->ops.make(s->ctx, p->item, &p->error);
    if (p->code == 1 && s->ops.work) {
        int r = s->ops.work(s->ctx, p->item, thread, &p->error);
        p->code = r < 0 ? r : 1;
    }
}

/* With the lock held: makes the next item, lets go of the lock while it does, and works on it. */
static void stage_turn(stage *s, int thread)
{
    place *p = &s->ring[s->made % s->n];
    s->making = 1;
    pthread_mutex_unlock(&s->lock);
    p->code = s->ops.make(s->ctx, p->item, &p->error);
    pthread_mutex_lock(&s->lock);
    s->making = 0;
    s->made++;
    s->ended |= p->code <= 0;
    pthread_cond_signal(&s->may_make);
    if (p->code == 1 && s->ops.work) {
        pthread_mutex_unlock(&s->lock);
        int r = s->ops.work(s->ctx, p->item, thread, &p->error);
        pthread_mutex_lock(&s->lock);
        p->code = r < 0 ? r : 1;
    }
    p->done = 1;
    pthread_cond_signal(&s->is_done);
}

static void stage_main(void *ctx)
{
    stage *s = ctx;
    pthread_mutex_lock(&s->lock);
    int thread = s->next_thread++;
    while (!s->stop && !s->ended) {
        if (s->making || s->made - s->given_back >= s->n) pthread_cond_wait(&s->may_make, &s->lock);
        else stage_turn(s, thread);
    }
    pthread_cond_broadcast(&s->may_make); /* whoever else waits sees the end too */
    pthread_mutex_unlock(&s->lock);
}

int stage_new(const stage_ops *ops, void *ctx, int threads, void *const *items, size_t n_items, stage **out, shoal_error *err)
{
    *out = NULL;
    CHECK(n_items > 0 && threads >= 0);
    stage *s = mem_calloc(1, sizeof *s);
    if (!s) return error_nomem(err, sizeof *s, "a stage");
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->may_make, NULL);
    pthread_cond_init(&s->is_done, NULL);
    s->ops = *ops;
    s->ctx = ctx;
    s->n = n_items;
    s->threads = threads;
    s->ring = mem_calloc(n_items, sizeof *s->ring);
    s->task = mem_calloc((size_t)threads + 1, sizeof *s->task);
    int r = s->ring && s->task ? 0 : error_nomem(err, n_items * sizeof *s->ring, "a stage");
    for (size_t i = 0; r == 0 && i < n_items; i++) s->ring[i].item = items[i];
    while (r == 0 && s->started < threads)
        if ((r = task_start(&s->task[s->started], stage_main, s, err)) == 0) s->started++;
    if (r < 0) {
        stage_free(s);
        return r;
    }
    *out = s;
    return 0;
}

void stage_free(stage *s)
{
    if (!s) return;
    pthread_mutex_lock(&s->lock);
    s->stop = 1;
    pthread_cond_broadcast(&s->may_make);
    pthread_mutex_unlock(&s->lock);
    for (int i = 0; i < s->started; i++) task_join(s->task[i]);
    pthread_cond_destroy(&s->may_make);
    pthread_cond_destroy(&s->is_done);
    pthread_mutex_destroy(&s->lock);
    mem_free(s->ring);
    mem_free(s->task);
    mem_free(s);
}

/* Gives the last item back and waits for the next one. */
static place *stage_take(stage *s)
{
    place *p = &s->ring[s->taken % s->n];
    pthread_mutex_lock(&s->lock);
    if (s->given_back < s->taken) {
        s->given_back = s->taken;
        pthread_cond_signal(&s->may_make);
    }
    if (!p->done) {
        uint64_t start = clock_ns();
        while (!p->done) pthread_cond_wait(&s->is_done, &s->lock);
        s->waited_ns += clock_ns() - start;
    }
    if (p->code == 1) {
        p->done = 0;
        s->taken++;
    }
    pthread_mutex_unlock(&s->lock);
    return p;
}

int stage_next(stage *s, void **item, shoal_error *err)
{
    place *p = &s->ring[0];
    if (s->threads > 0) p = stage_take(s);
    else if (!s->ended) {
        stage_fill(s, p, 0);
        s->ended = p->code <= 0;
    }
    if (p->code < 0 && err) *err = p->error;
    *item = p->item;
    return p->code;
}

uint64_t stage_waited_ns(const stage *s) { return s->waited_ns; }
