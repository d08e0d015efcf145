/* writer.h: inside table/: what a format of output gives to sink.c, which knows folders, shards and the final rename.
 * A writer makes one file, whole, under the path that it is given; `row` numbers rows over the whole sink for messages. */
#ifndef TABLE_WRITER_H
#define TABLE_WRITER_H

#include "table/table.h"

typedef struct writer_ops {
    const char *ending; /* of shards */
    int (*open)(const sink_spec *spec, const struct ArrowSchema *schema, const char *path, void **w, shoal_error *err);
    int (*write)(void *w, const struct ArrowArray *batch, uint64_t row, shoal_error *err);
    uint64_t (*bytes)(const void *w);                             /* of the file so far, or a stable estimate */
    int (*commit)(void *w, shoal_error *err);                     /* frees w either way */
    void (*abort)(void *w);                                       /* NULL is nothing */
    int (*verify)(const char *path, uint64_t *rows, shoal_error *err); /* reads the file back */
} writer_ops;

extern const writer_ops WRITER_TFRECORD, WRITER_PARQUET, WRITER_CSV, WRITER_JSONL, WRITER_LIBSVM, WRITER_LIBFFM;

#endif
