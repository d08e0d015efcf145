/* thread.c: background threads, and how many processors there are for us. */
#include "base/thread.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define CPU_WORDS_MAX 256 /* 16384 processors */
#define CGROUP_DEPTH_MAX 64

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

static int affinity_count(void)
{
    unsigned long mask[CPU_WORDS_MAX];
    memset(mask, 0, sizeof mask);
    if (sched_getaffinity(0, sizeof mask, (cpu_set_t *)(void *)mask) != 0)
        return 1;
    int n = 0;
    for (size_t i = 0; i < CPU_WORDS_MAX; i++)
        n += __builtin_popcountl(mask[i]);
    return n > 0 ? n : 1;
}

/* "cpu.max" of cgroup version 2 holds "QUOTA PERIOD" or "max PERIOD"; 0 when there is no limit. */
static double cgroup_v2_limit(const char *folder)
{
    char path[4352], quota[32];
    double period = 0, limit = 0;
    snprintf(path, sizeof path, "%s/cpu.max", folder);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return 0;
    unsigned long long q = 0;
    if (fscanf(f, "%31s %lf", quota, &period) == 2 && sscanf(quota, "%llu", &q) == 1 && period > 0)
        limit = (double)q / period;
    fclose(f);
    return limit;
}

static double cgroup_v1_limit(void)
{
    static const char *const names[2] = {"/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us"};
    double value[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        FILE *f = fopen(names[i], "re");
        if (f == NULL)
            return 0;
        if (fscanf(f, "%lf", &value[i]) != 1)
            value[i] = 0;
        fclose(f);
    }
    return value[0] > 0 && value[1] > 0 ? value[0] / value[1] : 0;
}

/* The tightest quota of our control group and those above it, in processors; 0 when there is none. */
static double cgroup_limit(void)
{
    char line[4096], folder[4200] = "/sys/fs/cgroup";
    FILE *f = fopen("/proc/self/cgroup", "re");
    if (f) {
        while (fgets(line, sizeof line, f))
            if (strncmp(line, "0::/", 4) == 0) {
                line[strcspn(line, "\n")] = '\0';
                snprintf(folder, sizeof folder, "/sys/fs/cgroup%s", line + 3);
            }
        fclose(f);
    }
    double least = cgroup_v1_limit();
    for (int depth = 0; depth < CGROUP_DEPTH_MAX && strlen(folder) >= strlen("/sys/fs/cgroup"); depth++) {
        double limit = cgroup_v2_limit(folder);
        if (limit > 0 && (least == 0 || limit < least))
            least = limit;
        *strrchr(folder, '/') = '\0';
    }
    return least;
}

int thread_count_available(void)
{
    int n = affinity_count();
    double limit = cgroup_limit();
    if (limit > 0 && limit < n) {
        n = (int)limit;
        if ((double)n < limit)
            n++; /* a quota of one and a half keeps two threads busy */
    }
    return n > 0 ? n : 1;
}
