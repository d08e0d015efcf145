/* sink_state.h: inside table/: an output that is being made (sink.c) and put where it belongs (sink_place.c). */
#ifndef TABLE_SINK_STATE_H
#define TABLE_SINK_STATE_H

#include "table/sink_split.h"
#include "table/target.h"
#include "table/writer.h"

typedef struct shard {
    char *path;
    uint64_t rows, read_back;
    int code; /* of reading back */
    shoal_error error;
} shard;

struct sink {
    sink_spec spec;
    target target;
    char *path, *work; /* target.path; the work folder, NULL when there is none */
    int work_lock;     /* descriptor; while work is there */
    int is_folder, first_part;
    int keep_work; /* it holds what was there before and could not be put back */
    struct ArrowSchema schema; /* of the files */
    sink_split split;
    struct ArrowArray *part, **part_at; /* the columns of a part of a batch */
    const writer_ops *ops;
    void *writer;
    shard *shards;
    size_t n_shards;
    uint64_t rows;
};

/* The folders above a file. */
int sink_make_folder_of(const char *path, shoal_error *err);
/* From the work folder to the final name. When it fails, what was there before is there again, or keep_work is set. */
int sink_publish(sink *s, shoal_error *err);

#endif
