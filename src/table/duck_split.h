/* duck_split.h: inside table/: the rows of a view by several connections at a time, each reading some of the columns on a thread of
 * its own; put side by side again they are the batches of one. */
#ifndef TABLE_DUCK_SPLIT_H
#define TABLE_DUCK_SPLIT_H

#include "base/clocks.h"
#include "table/duck.h"

#define DUCK_SPLIT_MAX 8

typedef struct duck_split duck_split;
/* `columns` are chosen from the view `src` in their order. `what` opens messages; it must outlive the result. `measure` counts reading (NULL: not). `threads` is at least 2, as is the number of columns. */
int duck_split_new(const duck *d, const struct ArrowSchema *columns, int threads, clocks *measure, const char *what, duck_split **out,
                   shoal_error *err);
int duck_split_next(duck_split *s, struct ArrowArray *out, shoal_error *err); /* 1, 0, negative */
void duck_split_free(duck_split *s); /* NULL is nothing */

#endif
