/* stage.h: a stage of a pipeline: threads that run ahead of whoever takes from it, and give the same items in the same order
 * as one thread would.
 *
 * One thread at a time makes the next item (reads it); then it works on it (decodes it) while another makes the one after.
 * Items are the caller's, a ring of a fixed number, so memory is bounded and reused. */
#ifndef BASE_STAGE_H
#define BASE_STAGE_H

#include "base/error.h"

typedef struct stage_ops {
    /* Fills the item: 1, 0 at the end, negative. Calls come one after another, whichever the thread. */
    int (*make)(void *ctx, void *item, shoal_error *err);
    /* 0 or negative. Several at a time, on different items; `thread` counts from 0. NULL: nothing to do. */
    int (*work)(void *ctx, void *item, int thread, shoal_error *err);
} stage_ops;

typedef struct stage stage;
/* `threads` 0: everything happens in stage_next. At least threads + 1 items keep all of them busy. */
int stage_new(const stage_ops *ops, void *ctx, int threads, void *const *items, size_t n_items, stage **out, shoal_error *err);
void stage_free(stage *s); /* ends the threads wherever they are; NULL is nothing */
/* 1 with the next item, the caller's until the next call; 0 at the end; the error of the first item that had one. */
int stage_next(stage *s, void **item, shoal_error *err);
/* Nanoseconds that stage_next waited. */
uint64_t stage_waited_ns(const stage *s);

#endif
