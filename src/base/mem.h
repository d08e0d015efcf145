/* mem.h: every allocation of the library goes through here, so that tests can make the n-th one fail.
 * mem_* return NULL on failure; error_nomem() says so to people. Blocks of MEM_HUGE bytes and more are aligned to
 * 2 MiB and advised to be huge pages; all others to 64 bytes at least. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include "base/error.h"

#define MEM_HUGE ((size_t)4 << 20)

void *mem_alloc(size_t bytes); /* of 0 bytes: a block that may only be freed */
void *mem_calloc(size_t count, size_t size); /* zeroed; NULL when count * size overflows */
void *mem_realloc(void *p, size_t bytes); /* on failure NULL, and p as it was */
void mem_free(void *p);
char *mem_strdup(const char *s);
char *mem_strndup(const char *s, size_t n);
/* printf into a new string. */
char *mem_sprintf(const char *format, ...) SHOAL_PRINTF(1, 2);

/* Large tables (weights): zeroed, page-backed lazily, huge pages where the kernel has them. Free with mem_table_free. */
void *mem_table_alloc(size_t bytes);
void mem_table_free(void *p, size_t bytes);

/* Test hook: the n-th allocation from now (1 = the next) fails, and all after it when `forever`; 0 switches it off.
 * Also switched on at start by the environment variable SHOAL_TEST_FAIL_ALLOC=N in debug builds. */
void mem_fail_at(long n, int forever);
/* Allocations since the start (all threads). */
long mem_count(void);
/* Highest resident set of this process so far, bytes. */
uint64_t mem_peak_rss(void);
/* Bytes that this process may still take: what the system calls available, or less by the limit of a control group.
 * UINT64_MAX when neither can be known. */
uint64_t mem_available(void);

#endif
