/* thread.h: a pool of threads that take numbered items, and a bounded queue between two stages. pthreads inside.
 * Nothing that is computed may depend on which thread took what. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <signal.h>

#include "base/error.h"

/* Blocks in the calling thread the signals that people and timers send (not those of faults); `was` receives the mask
 * that signals_restore puts back. Threads that are started meanwhile inherit the block. */
void signals_block(sigset_t *was);
void signals_restore(const sigset_t *was);

typedef struct pool pool;
/* threads >= 1, the caller's included: a pool of 1 starts none. Signals are blocked in the threads it starts.
 * on_start (may be NULL) runs once on each started thread, and on the caller. */
int pool_new(int threads, void (*on_start)(void), pool **out, shoal_error *err);
void pool_free(pool *p);
int pool_threads(const pool *p);
/* Runs fn(ctx, item, thread) for each item in [0, items), 0 <= thread < pool_threads; returns when all are done. Items
 * are taken in order, one at a time. The first negative result of the lowest item is returned; later items may be
 * skipped after an error. Waiting threads spin for a moment before they sleep: steps may be tens of microseconds.
 * Signals to the caller wait until it returns: its items may be products of oneDNN (kernels/gemm_dnnl.c). */
int pool_for(pool *p, size_t items, int (*fn)(void *ctx, size_t item, int thread), void *ctx);

/* Bounded queue of pointers, any number of producers and consumers. */
typedef struct queue queue;
queue *queue_new(size_t capacity); /* NULL when out of memory */
void queue_free(queue *q);
int queue_push(queue *q, void *item);  /* waits for room; 0, or -1 when the queue is closed */
int queue_pop(queue *q, void **item);  /* waits for an item; 1, or 0 when closed and empty */
void queue_close(queue *q);            /* no more pushes; poppers drain what is left */

/* One background thread. */
typedef struct task task;
int task_start(task **out, void (*fn)(void *ctx), void *ctx, shoal_error *err);
void task_join(task *t); /* waits and frees; NULL is nothing */

/* Number of processors this process may use (cgroup quota and affinity counted), at least 1. */
int thread_count_available(void);

uint64_t clock_ns(void);      /* monotonic */
double clock_wall(void);      /* seconds since 1970 */

#endif
