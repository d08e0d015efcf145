/* clocks.h: where time is spent: nanoseconds a stage, added up over all threads of a job. Always on: stages are measured by the
 * block or batch, never by the row. NULL clocks measure nothing. */
#ifndef BASE_CLOCKS_H
#define BASE_CLOCKS_H

#include <stdatomic.h>

#include "base/thread.h"

enum clock_stage {
    CLOCK_STORAGE,   /* reading files */
    CLOCK_INFLATE,
    CLOCK_CHECKSUM,
    CLOCK_PARSE,     /* bytes to columns; of Parquet and JSON with their reading and inflating */
    CLOCK_TRANSFORM, /* columns to features, and their statistics */
    CLOCK_ROWS,      /* the model waited for rows */
    CLOCK_MODEL,     /* rows waited for the model */
    CLOCK_STAGES
};

typedef struct clocks {
    atomic_uint_fast64_t ns[CLOCK_STAGES];
} clocks;

static inline uint64_t clocks_start(const clocks *c) { return c ? clock_ns() : 0; }
/* Counts the time since clocks_start. */
static inline void clocks_stop(clocks *c, enum clock_stage of, uint64_t start)
{
    if (c) atomic_fetch_add_explicit(&c->ns[of], clock_ns() - start, memory_order_relaxed);
}
static inline double clocks_seconds(const clocks *c, enum clock_stage of)
{
    return (double)atomic_load_explicit(&c->ns[of], memory_order_relaxed) * 1e-9;
}
/* "storage", ..., "wait_rows", "wait_model" */
const char *clocks_name(enum clock_stage of);

#endif
