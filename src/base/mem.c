/* mem.c: aligned blocks on the C library's heap, tables on their own pages, and the hook that makes the n-th fail. */
#include "base/mem.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define MEM_ALIGN ((size_t)64)
#define MEM_HUGE_ALIGN ((size_t)2 << 20)

/* The test hook: the numbers of the first and the last allocation that fail; 0 is off. */
static atomic_long mem_calls;
static atomic_long mem_fail_first;
static atomic_long mem_fail_last;

void mem_fail_at(long n, int forever)
{
    long first = n > 0 ? atomic_load(&mem_calls) + n : 0;
    atomic_store(&mem_fail_first, 0);
    atomic_store(&mem_fail_last, forever ? INT64_MAX : first);
    atomic_store(&mem_fail_first, first);
}

long mem_count(void)
{
    return atomic_load(&mem_calls);
}

#ifdef SHOAL_DEBUG
__attribute__((constructor)) static void mem_fail_from_environment(void)
{
    const char *n = getenv("SHOAL_TEST_FAIL_ALLOC");
    if (n)
        mem_fail_at(strtol(n, NULL, 10), 0);
}
#endif

/* Counts one allocation; nonzero when it is to fail. */
static int mem_refused(void)
{
    long call = atomic_fetch_add_explicit(&mem_calls, 1, memory_order_relaxed) + 1;
    long first = atomic_load_explicit(&mem_fail_first, memory_order_relaxed);
    if (__builtin_expect(first == 0, 1))
        return 0;
    return call >= first && call <= atomic_load(&mem_fail_last);
}

static void *mem_block(size_t bytes)
{
    size_t align = bytes >= MEM_HUGE ? MEM_HUGE_ALIGN : MEM_ALIGN;
    if (bytes > PTRDIFF_MAX - MEM_HUGE_ALIGN)
        return NULL;
    void *p = NULL;
    if (posix_memalign(&p, align, bytes ? bytes : 1) != 0)
        return NULL;
    if (bytes >= MEM_HUGE)
        (void)madvise(p, bytes & ~(MEM_HUGE_ALIGN - 1), MADV_HUGEPAGE);
    return p;
}

void *mem_alloc(size_t bytes)
{
    return mem_refused() ? NULL : mem_block(bytes);
}

void *mem_calloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    void *p = mem_alloc(bytes);
    if (p)
        memset(p, 0, bytes);
    return p;
}

void *mem_realloc(void *p, size_t bytes)
{
    if (mem_refused())
        return NULL;
    size_t had = p ? malloc_usable_size(p) : 0;
    /* The heap's rounding up is room too; a block that keeps more than half of itself is not worth moving. */
    if (p && bytes <= had && bytes >= had / 2)
        return p;
    /* Not realloc(): it keeps 16 bytes of alignment only. */
    void *q = mem_block(bytes);
    if (q && p) {
        memcpy(q, p, had < bytes ? had : bytes);
        free(p);
    }
    return q;
}

void mem_free(void *p)
{
    free(p);
}

char *mem_strndup(const char *s, size_t n)
{
    char *copy = n < SIZE_MAX ? mem_alloc(n + 1) : NULL;
    if (copy) {
        if (n)
            memcpy(copy, s, n);
        copy[n] = '\0';
    }
    return copy;
}

char *mem_strdup(const char *s)
{
    return mem_strndup(s, strlen(s));
}

char *mem_sprintf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *s = n < 0 ? NULL : mem_alloc((size_t)n + 1);
    if (s) {
        va_start(args, format);
        vsnprintf(s, (size_t)n + 1, format, args);
        va_end(args);
    }
    return s;
}

/* Whole huge pages, so that the size to unmap follows from the size asked for. */
static size_t mem_table_span(size_t bytes)
{
    size_t align = bytes >= MEM_HUGE ? MEM_HUGE_ALIGN : 4096;
    return bytes ? (bytes + align - 1) & ~(align - 1) : align;
}

void *mem_table_alloc(size_t bytes)
{
    if (mem_refused() || bytes > PTRDIFF_MAX - 2 * MEM_HUGE_ALIGN)
        return NULL;
    size_t span = mem_table_span(bytes), slack = bytes >= MEM_HUGE ? MEM_HUGE_ALIGN : 0;
    char *p = mmap(NULL, span + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    if (slack) {
        size_t head = (MEM_HUGE_ALIGN - ((uintptr_t)p & (MEM_HUGE_ALIGN - 1))) & (MEM_HUGE_ALIGN - 1);
        if (head)
            munmap(p, head);
        if (slack - head)
            munmap(p + head + span, slack - head);
        p += head;
        (void)madvise(p, span, MADV_HUGEPAGE);
    }
    return p;
}

void mem_table_free(void *p, size_t bytes)
{
    if (p)
        munmap(p, mem_table_span(bytes));
}

uint64_t mem_peak_rss(void)
{
    /* Not ru_maxrss first: it keeps the peak of the program that this process was before exec. */
    char line[256];
    unsigned long long kib = 0;
    FILE *f = fopen("/proc/self/status", "re");
    if (f) {
        while (fgets(line, sizeof line, f))
            if (sscanf(line, "VmHWM: %llu kB", &kib) == 1)
                break;
        fclose(f);
    }
    struct rusage usage;
    if (kib == 0 && getrusage(RUSAGE_SELF, &usage) == 0)
        kib = (unsigned long long)usage.ru_maxrss;
    return (uint64_t)kib * 1024;
}
