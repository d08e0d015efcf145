/* pool.c: threads that take numbered items.
 *
 * One word, `state`, says it all: the number of the job (high half), whether it takes no more helpers (CLOSED), and how
 * many helpers are in it. A job never waits for a thread that has not joined, so a sleeping thread costs a short job
 * nothing. Items are claimed in order by one counter; an item runs unless a lower one has failed, so the error that is
 * returned does not depend on the schedule. */
#include "base/thread.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"

#define POOL_CLOSED ((uint64_t)1 << 31)
#define POOL_HELPERS (POOL_CLOSED - 1)
#define POOL_SPIN_NS 30000
#define POOL_THREADS_MAX 4096

typedef struct pool_thread {
    pool *owner;
    int number;
    pthread_t id;
} pool_thread;

struct pool {
    int threads, started;
    uint64_t spin_ns;
    void (*on_start)(void);
    pool_thread *thread;

    /* The job; written only while no helper is in one. */
    int (*fn)(void *ctx, size_t item, int thread);
    void *ctx;
    size_t items;

    _Alignas(64) _Atomic uint64_t state;
    _Atomic int sleepers;     /* helpers asleep, waiting for a job */
    _Atomic int owner_sleeps; /* the caller asleep, waiting for helpers to leave */
    _Atomic int stop, busy;
    _Alignas(64) _Atomic size_t next;
    _Alignas(64) _Atomic size_t failed_item; /* lowest so far; SIZE_MAX is none */
    int failed_code;
    pthread_mutex_t lock; /* sleeping and waking, and failed_* */
    pthread_cond_t job_posted, helpers_left;
};

static void pool_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#else
    atomic_signal_fence(memory_order_seq_cst);
#endif
}

static uint64_t pool_job(uint64_t state)
{
    return state >> 32;
}

static void pool_fail(pool *p, size_t item, int code)
{
    pthread_mutex_lock(&p->lock);
    if (item < atomic_load(&p->failed_item)) {
        p->failed_code = code;
        atomic_store(&p->failed_item, item);
    }
    pthread_mutex_unlock(&p->lock);
}

static void pool_work(pool *p, int thread)
{
    for (;;) {
        size_t item = atomic_fetch_add_explicit(&p->next, 1, memory_order_relaxed);
        if (item >= p->items || item > atomic_load_explicit(&p->failed_item, memory_order_relaxed))
            return;
        int rc = p->fn(p->ctx, item, thread);
        if (rc < 0)
            pool_fail(p, item, rc);
    }
}

/* Waits until there is another job than `seen`, or the pool stops (0). */
static int pool_await_job(pool *p, uint64_t seen)
{
    if (p->spin_ns) {
        uint64_t end = clock_ns() + p->spin_ns;
        do {
            for (int i = 0; i < 32; i++) {
                if (atomic_load_explicit(&p->stop, memory_order_relaxed))
                    return 0;
                if (pool_job(atomic_load_explicit(&p->state, memory_order_acquire)) != seen)
                    return 1;
                pool_pause();
            }
        } while (clock_ns() < end);
    }
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->sleepers, 1);
    while (!atomic_load(&p->stop) && pool_job(atomic_load(&p->state)) == seen)
        pthread_cond_wait(&p->job_posted, &p->lock);
    atomic_fetch_sub(&p->sleepers, 1);
    pthread_mutex_unlock(&p->lock);
    return !atomic_load(&p->stop);
}

/* Joins the job that `state` shows; 0 when it is closed. */
static int pool_join(pool *p, uint64_t *state)
{
    *state = atomic_load(&p->state);
    while (!(*state & POOL_CLOSED))
        if (atomic_compare_exchange_weak(&p->state, state, *state + 1))
            return 1;
    return 0;
}

static void pool_leave(pool *p)
{
    uint64_t left = atomic_fetch_sub(&p->state, 1) - 1;
    if ((left & POOL_HELPERS) == 0 && atomic_load(&p->owner_sleeps)) {
        pthread_mutex_lock(&p->lock);
        pthread_cond_signal(&p->helpers_left);
        pthread_mutex_unlock(&p->lock);
    }
}

static void *pool_main(void *argument)
{
    pool_thread *t = argument;
    pool *p = t->owner;
    if (p->on_start)
        p->on_start();
    uint64_t seen = 0, state;
    while (pool_await_job(p, seen)) {
        int joined = pool_join(p, &state);
        seen = pool_job(state);
        if (joined) {
            pool_work(p, t->number);
            pool_leave(p);
        }
    }
    return NULL;
}

static void pool_await_helpers(pool *p)
{
    uint64_t end = p->spin_ns ? clock_ns() + p->spin_ns : 0;
    do {
        for (int i = 0; i < 32; i++) {
            if ((atomic_load(&p->state) & POOL_HELPERS) == 0)
                return;
            pool_pause();
        }
    } while (end && clock_ns() < end);
    pthread_mutex_lock(&p->lock);
    atomic_store(&p->owner_sleeps, 1);
    while (atomic_load(&p->state) & POOL_HELPERS)
        pthread_cond_wait(&p->helpers_left, &p->lock);
    atomic_store(&p->owner_sleeps, 0);
    pthread_mutex_unlock(&p->lock);
}

static int pool_run_alone(size_t items, int (*fn)(void *ctx, size_t item, int thread), void *ctx)
{
    for (size_t i = 0; i < items; i++) {
        int rc = fn(ctx, i, 0);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int pool_for(pool *p, size_t items, int (*fn)(void *ctx, size_t item, int thread), void *ctx)
{
    CHECK(!atomic_exchange(&p->busy, 1)); /* neither from two threads nor from inside an item */
    sigset_t was;
    int rc;
    signals_block(&was);
    if (p->threads == 1 || items <= 1) {
        rc = pool_run_alone(items, fn, ctx);
    } else {
        p->fn = fn;
        p->ctx = ctx;
        p->items = items;
        p->failed_code = 0;
        atomic_store_explicit(&p->failed_item, SIZE_MAX, memory_order_relaxed);
        atomic_store_explicit(&p->next, 0, memory_order_relaxed);
        uint64_t job = pool_job(atomic_load(&p->state)) + 1;
        atomic_store(&p->state, job << 32);
        if (atomic_load(&p->sleepers)) {
            pthread_mutex_lock(&p->lock);
            pthread_cond_broadcast(&p->job_posted);
            pthread_mutex_unlock(&p->lock);
        }
        pool_work(p, 0);
        atomic_fetch_or(&p->state, POOL_CLOSED);
        pool_await_helpers(p);
        rc = p->failed_code;
    }
    signals_restore(&was);
    atomic_store(&p->busy, 0);
    return rc;
}

/* Starts the helpers with the signals that people send blocked: those belong to the host's own threads. */
static int pool_start(pool *p, shoal_error *err)
{
    sigset_t was;
    signals_block(&was);
    int rc = 0;
    for (int i = 1; rc == 0 && i < p->threads; i++) {
        pool_thread *t = &p->thread[p->started];
        t->owner = p;
        t->number = i;
        rc = pthread_create(&t->id, NULL, pool_main, t);
        if (rc == 0)
            p->started++;
    }
    signals_restore(&was);
    if (rc != 0)
        return error_set(err, SHOAL_NOMEM, "cannot start thread %d of %d: %s; try --threads with a smaller number",
                         p->started + 2, p->threads, strerror(rc));
    return 0;
}

int pool_new(int threads, void (*on_start)(void), pool **out, shoal_error *err)
{
    *out = NULL;
    if (threads < 1 || threads > POOL_THREADS_MAX)
        return error_set(err, SHOAL_USAGE, "%d threads asked for; 1 to %d are possible", threads, POOL_THREADS_MAX);
    pool *p = mem_calloc(1, sizeof *p);
    if (p == NULL)
        return error_nomem(err, sizeof *p, "a pool of threads");
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->job_posted, NULL);
    pthread_cond_init(&p->helpers_left, NULL);
    p->threads = threads;
    p->on_start = on_start;
    /* A thread that spins where another wants to run only takes its time away. */
    p->spin_ns = threads <= thread_count_available() ? POOL_SPIN_NS : 0;
    atomic_store(&p->state, POOL_CLOSED);
    p->thread = mem_calloc((size_t)threads, sizeof *p->thread);
    int rc = p->thread ? pool_start(p, err) : error_nomem(err, (size_t)threads * sizeof *p->thread, "a pool of threads");
    if (rc < 0) {
        pool_free(p);
        return rc;
    }
    if (on_start)
        on_start();
    *out = p;
    return 0;
}

void pool_free(pool *p)
{
    if (p == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    atomic_store(&p->stop, 1);
    pthread_cond_broadcast(&p->job_posted);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->started; i++)
        pthread_join(p->thread[i].id, NULL);
    pthread_cond_destroy(&p->helpers_left);
    pthread_cond_destroy(&p->job_posted);
    pthread_mutex_destroy(&p->lock);
    mem_free(p->thread);
    mem_free(p);
}

int pool_threads(const pool *p)
{
    return p->threads;
}
