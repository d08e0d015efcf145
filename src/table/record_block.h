/* record_block.h: inside table/: records of one file that were read together and are decoded together. */
#ifndef TABLE_RECORD_BLOCK_H
#define TABLE_RECORD_BLOCK_H

#include "base/buf.h"

typedef struct record_ref {
    size_t at, n;   /* in `bytes` */
    uint64_t index; /* of the record in its file */
} record_ref;

/* Of fixed memory but for `bytes`, which has EXAMPLE_SLACK bytes of room behind the last record. */
typedef struct record_block {
    const char *path; /* of others */
    buf bytes;
    record_ref *record;
    size_t n, cap;
} record_block;

static inline view record_block_view(const record_block *b, size_t i)
{
    return view_of((const char *)b->bytes.data + b->record[i].at, b->record[i].n);
}

#endif
