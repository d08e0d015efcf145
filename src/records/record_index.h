/* record_index.h: the index of a TFRecord file, kept beside it as ".NAME.index": where records can be read from, how many
 * there are, what their features hold, and what ties all that to the file. docs/tfrecord.md has the byte layout.
 *
 * A block is a stretch of records that can be read on its own: of a plain file at least INDEX_BLOCK_BYTES, of gzip those
 * that start in one member, of zlib those between two full flushes. An index is believed only when its own checksum holds
 * and the file has the size and the fingerprint that it names; what is stale is an error that says so. */
#ifndef RECORDS_RECORD_INDEX_H
#define RECORDS_RECORD_INDEX_H

#include "base/buf.h"
#include "base/hash.h"
#include "records/inflate.h"

#define INDEX_BLOCK_BYTES (64u << 10)
#define INDEX_TEXT_MAX 64u /* longer smallest and largest texts are left out */

enum record_type { RECORD_EXAMPLE, RECORD_SEQUENCE, RECORD_BYTES };

enum index_range { INDEX_RANGE_NONE, INDEX_RANGE_I64, INDEX_RANGE_F64, INDEX_RANGE_TEXT };

/* One end of the range of a feature's values; text is owned by it. */
typedef struct index_bound {
    int64_t i64;
    double f64;
    char *text;
    size_t text_n;
} index_bound;

typedef struct index_feature {
    char *name, *type; /* type: as in the schema file */
    int nullable;
    uint64_t nulls;    /* records without it */
    uint64_t values;   /* in all others */
    enum index_range range; /* NONE: no value that compares */
    index_bound low, high;
} index_feature;

typedef struct index_block {
    uint64_t offset; /* in the file */
    uint64_t record; /* the first one that starts in the block */
    uint64_t skip;   /* inflated bytes in front of it */
} index_block;

typedef struct record_index {
    enum container container;
    enum record_type type;
    uint64_t bytes;   /* of the file */
    uint64_t records;
    uint64_t sample;  /* file_print.sample */
    hash128 digest;   /* XXH3 of the whole file */
    index_feature *feature;
    size_t n_features;
    index_block *block;
    size_t n_blocks, cap_blocks;
} record_index;

void record_index_init(record_index *x);
void record_index_release(record_index *x);
int record_index_add_block(record_index *x, uint64_t offset, uint64_t record, uint64_t skip, shoal_error *err);
/* n features without names and values, to be filled in by the caller. */
int record_index_set_features(record_index *x, size_t n, shoal_error *err);

int record_index_encode(const record_index *x, buf *out, shoal_error *err);
/* `name` opens messages. */
int record_index_decode(const char *name, view bytes, record_index *out, shoal_error *err);

/* ".NAME.index" beside a file; free by mem_free, NULL when out of memory. */
char *record_index_path(const char *file);
/* Writes the index of a file that is there, whose size and fingerprint it takes. */
int record_index_write(const char *file, record_index *x, shoal_error *err);
/* 1 with the index of a file, 0 when there is none; DATA when it is damaged, newer, or of another state of the file. */
int record_index_open(const char *file, record_index *out, shoal_error *err);
/* The same without looking at the file: what it was when the index was made. */
int record_index_read(const char *file, record_index *out, shoal_error *err);

/* The block in which a record starts: record < x->records. */
size_t record_index_find(const record_index *x, uint64_t record);

/* Records [first, end) of one file, from a block on. */
typedef struct record_range {
    index_block at;
    uint64_t first, end;
    uint64_t bytes; /* of the file, about */
} record_range;
/* Cuts the file between blocks into ranges of about `bytes` each, at least one block; free *out by mem_free. */
int record_index_split(const record_index *x, uint64_t bytes, record_range **out, size_t *n, shoal_error *err);

#endif
