/* index_file.h: inside table/: making, verifying and asking the indexes of TFRecord files. */
#ifndef TABLE_INDEX_FILE_H
#define TABLE_INDEX_FILE_H

#include "records/record_index.h"
#include "table/table.h"

/* The index of a file, by reading it twice: bytes and records, and what they hold, at the same time when there are threads. is_raw:
 * they are any bytes (raw_records.h). The types are those that reading the file as a table gives. */
int index_make(const char *file, int is_raw, int threads, const shoal_host *host, record_index *out, shoal_error *err);
/* Whether an index that record_index_open believes says what the file holds: DATA naming what differs. */
int index_verify(const char *file, const record_index *x, int threads, const shoal_host *host, shoal_error *err);

#define INDEX_UNKNOWN UINT64_MAX
/* How many records a file must have, or INDEX_UNKNOWN when it has no index; *type (may be NULL) of those. DATA when its index is not believed; of a damaged file
 * it is asked all the same. */
int index_expect(const char *file, int damaged, uint64_t *records, enum record_type *type, shoal_error *err);
/* At the end of a file: whether they were so many. */
int index_met(const char *file, uint64_t expected, uint64_t records, shoal_error *err);

/* 1 with the number of records of all files, 0 when one has no index. */
int index_count(char **files, size_t n, uint64_t *records, shoal_error *err);

/* Where to read on after `skip` records. */
typedef struct index_place {
    size_t file;
    uint64_t file_record; /* of the first record of that file, over all files */
    enum container container;
    index_block block;
} index_place;
/* 1 with the last block that starts at or before the record, of the files up to it; 0 when an index is missing. */
int index_seek(char **files, size_t n, uint64_t skip, index_place *out, shoal_error *err);

/* The columns that all indexes of the files agree on, by the widest of their types: 1, or 0 when a file has none. */
int index_schema(char **files, size_t n, struct ArrowSchema *out, shoal_error *err);

#endif
