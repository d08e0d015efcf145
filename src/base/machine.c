/* machine.c: what of the machine is ours: processors by affinity and quota, memory by what is free and the control groups'
 * limits. */
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/thread.h"

#define CPU_WORDS_MAX 256 /* 16384 processors */
#define CGROUP_DEPTH_MAX 64

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

/* Calls fn for our control group and those above it (version 2), the nearest first. */
static void cgroup_each(void (*fn)(void *ctx, const char *folder), void *ctx)
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
    for (int depth = 0; depth < CGROUP_DEPTH_MAX && strlen(folder) >= strlen("/sys/fs/cgroup"); depth++) {
        fn(ctx, folder);
        *strrchr(folder, '/') = '\0';
    }
}

static void tighten_processors(void *ctx, const char *folder)
{
    double *least = ctx, limit = cgroup_v2_limit(folder);
    if (limit > 0 && (*least == 0 || limit < *least))
        *least = limit;
}

int thread_count_available(void)
{
    int n = affinity_count();
    double limit = cgroup_v1_limit(); /* the tightest quota in processors; 0 when there is none */
    cgroup_each(tighten_processors, &limit);
    if (limit > 0 && limit < n) {
        n = (int)limit;
        if ((double)n < limit)
            n++; /* a quota of one and a half keeps two threads busy */
    }
    return n > 0 ? n : 1;
}

/* ---- memory --------------------------------------------------------------------------------------------------------- */

/* The number in a file of one line; -1 when there is none ("max", no file). */
static int64_t number_in(const char *folder, const char *name)
{
    char path[4352];
    long long v;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return -1;
    if (fscanf(f, "%lld", &v) != 1)
        v = -1;
    fclose(f);
    return v;
}

static void tighten_memory(void *ctx, const char *folder)
{
    uint64_t *least = ctx;
    int64_t limit = number_in(folder, "memory.max"), used = number_in(folder, "memory.current");
    if (limit < 0 || used < 0)
        return;
    uint64_t left = used < limit ? (uint64_t)(limit - used) : 0;
    if (left < *least)
        *least = left;
}

uint64_t mem_available(void)
{
    char line[256];
    unsigned long long kib = 0;
    FILE *f = fopen("/proc/meminfo", "re");
    if (f) {
        while (fgets(line, sizeof line, f))
            if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
                break;
        fclose(f);
    }
    uint64_t least = kib ? (uint64_t)kib << 10 : UINT64_MAX;
    cgroup_each(tighten_memory, &least);
    return least;
}
