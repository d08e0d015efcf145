/* sink_split.h: inside table/: rows by the folders k=v that --partition-by puts them into. */
#ifndef TABLE_SINK_SPLIT_H
#define TABLE_SINK_SPLIT_H

#include "table/partition.h"

typedef struct sink_split {
    size_t n;         /* columns that name folders */
    int64_t *column;  /* of the batches */
    struct ArrowSchema keys; /* copies of these columns */
    int64_t n_kept;
    int64_t *kept;    /* the others, which the files hold */
    buf folder;       /* "k=v/k=v" of the last row looked at */
} sink_split;

/* `own` receives the schema of the files. Without columns to split by, it is that of the batches. */
int sink_split_init(sink_split *s, const sink_spec *spec, const struct ArrowSchema *schema, struct ArrowSchema *own, shoal_error *err);
void sink_split_release(sink_split *s);
/* Rows from `from` on that belong into one folder, whose name s->folder then holds; *changed says whether it is another one
 * than before. `row` names the first in messages. */
int64_t sink_split_run(sink_split *s, const struct ArrowArray *batch, int64_t from, uint64_t row, int *changed, shoal_error *err);

#endif
