/* partition.h: inside table/: Hive's folders. In a path such as sales/dt=2026-11-01/country=NO/x.parquet each folder
 * "key=value" gives every row below it one more column.
 *
 * Keys and values are percent-decoded; the value __HIVE_DEFAULT_PARTITION__ is null. A column is int64 when all its values
 * (over all files) are whole numbers that fit, date32 when all are dates YYYY-MM-DD, else utf8; utf8 when all are null. */
#ifndef TABLE_PARTITION_H
#define TABLE_PARTITION_H

#include "table/source.h"

#define PARTITION_NULL "__HIVE_DEFAULT_PARTITION__"

typedef struct partition_key {
    char *raw, *name;     /* as in the path; decoded */
    enum arrow_type type; /* ARROW_I64, ARROW_DATE32, ARROW_UTF8 */
    char **value;         /* of each file, decoded; NULL: null */
} partition_key;

struct partitions {
    size_t n_keys, n_files;
    partition_key *key; /* in the order of the folders */
};

/* From the paths of files, which all have the same keys in the same order. */
int partitions_of(char *const *files, size_t n, partitions *out, shoal_error *err);
void partitions_release(partitions *p);
/* A value of a key as a number: of int64 itself, of a date the days since 1970-01-01. */
int64_t partition_number(const partition_key *k, size_t file);
/* Only the files with keep[i] stay, in both. */
void partitions_keep(partitions *p, char **files, size_t *n, const uint8_t *keep);

/* Index of a column that is to name folders, or USAGE. */
int64_t partition_column(const struct ArrowSchema *schema, const char *name, shoal_error *err);
/* Appends v as a path has it: what is no letter, digit, '_', '-' or '.' and no byte of UTF-8 as %HH. */
int partition_put_escaped(buf *b, view v, shoal_error *err);

/* The rows of `inner`, whose batches come of one file each, with the columns of the partitions behind its own. `inner` and
 * `p` are taken over in any case. */
int source_partitioned(source *inner, partitions *p, source *out, shoal_error *err);

/* --where over files: its conjuncts that name no other columns than partitions decide which files stay, before any is
 * opened. *rest is 0 when those were all of it, so that no row has to be looked at; keep[] has n flags. */
int partitions_prune(const partitions *p, const char *where, uint8_t *keep, int *rest, shoal_error *err);

#endif
