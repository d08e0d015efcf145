/* duck_watch.c: see duck_watch.h. */
#include "table/duck_watch.h"

#include <pthread.h>
#include <time.h>

#include "base/mem.h"
#include "base/thread.h"

#define LOOK_EVERY_NS 50000000
#define WATCHED_MAX 16 /* more than the threads that read one source, and its own */

struct duck_watch {
    const shoal_host *host;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    duckdb_connection watched[WATCHED_MAX];
    int n, end;
    task *thread;
};

static struct timespec next_look(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += LOOK_EVERY_NS;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

/* Again and again: a query that begins later is asked as well. */
static void look(void *ctx)
{
    duck_watch *w = ctx;
    pthread_mutex_lock(&w->lock);
    while (!w->end) {
        struct timespec until = next_look();
        pthread_cond_timedwait(&w->wake, &w->lock, &until);
        if (host_interrupted(w->host))
            for (int i = 0; i < w->n; i++) duckdb_interrupt(w->watched[i]);
    }
    pthread_mutex_unlock(&w->lock);
}

int duck_watch_new(const shoal_host *host, duck_watch **out, shoal_error *err)
{
    *out = NULL;
    if (!host || !host->interrupted) return 0;
    duck_watch *w = mem_calloc(1, sizeof *w);
    if (!w) return error_nomem(err, sizeof *w, "a query's watch");
    w->host = host;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    int r = task_start(&w->thread, look, w, err);
    if (r < 0) duck_watch_free(w);
    else *out = w;
    return r;
}

int duck_watch_add(duck_watch *w, duckdb_connection c, shoal_error *err)
{
    int r = 0;
    if (!w) return 0;
    pthread_mutex_lock(&w->lock);
    if (w->n < WATCHED_MAX) w->watched[w->n++] = c;
    else r = error_set(err, SHOAL_INTERNAL, "more than %d connections to DuckDB", WATCHED_MAX);
    pthread_mutex_unlock(&w->lock);
    return r;
}

void duck_watch_drop(duck_watch *w, duckdb_connection c)
{
    if (!w) return;
    pthread_mutex_lock(&w->lock);
    for (int i = 0; i < w->n; i++)
        if (w->watched[i] == c) {
            w->watched[i] = w->watched[--w->n];
            break;
        }
    pthread_mutex_unlock(&w->lock);
}

void duck_watch_free(duck_watch *w)
{
    if (!w) return;
    pthread_mutex_lock(&w->lock);
    w->end = 1;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    task_join(w->thread);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    mem_free(w);
}
