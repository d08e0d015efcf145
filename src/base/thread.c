/* thread.c: background threads. */
#include "base/thread.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "base/mem.h"

void signals_block(sigset_t *was)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
    sigset_t all;
    sigfillset(&all);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        sigdelset(&all, faults[i]);
    pthread_sigmask(SIG_BLOCK, &all, was);
}

void signals_restore(const sigset_t *was)
{
    pthread_sigmask(SIG_SETMASK, was, NULL);
}

struct task {
    void (*fn)(void *ctx);
    void *ctx;
    pthread_t id;
};

static void *task_main(void *argument)
{
    task *t = argument;
    t->fn(t->ctx);
    return NULL;
}

int task_start(task **out, void (*fn)(void *ctx), void *ctx, shoal_error *err)
{
    *out = NULL;
    task *t = mem_calloc(1, sizeof *t);
    if (t == NULL)
        return error_nomem(err, sizeof *t, "a thread");
    t->fn = fn;
    t->ctx = ctx;
    sigset_t was;
    signals_block(&was);
    int rc = pthread_create(&t->id, NULL, task_main, t);
    signals_restore(&was);
    if (rc != 0) {
        mem_free(t);
        return error_set(err, SHOAL_NOMEM, "cannot start a thread: %s", strerror(rc));
    }
    *out = t;
    return 0;
}

void task_join(task *t)
{
    if (t == NULL)
        return;
    pthread_join(t->id, NULL);
    mem_free(t);
}
