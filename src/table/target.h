/* target.h: inside table/: the name that output goes to: what it means, and what may be put in its place.
 *
 *   "-", /dev/stdout           the host's out, as text
 *   a pipe or a device         written as it is, as text or records: never replaced, nothing beside it
 *   x.parquet, x.csv, ...      one file
 *   x, x/, x.parquet/          a folder of shards, of the ending's format or else TFRecord
 *
 * Other endings need --to. What is replaced is a file, or a folder that holds nothing but a table's files. */
#ifndef TABLE_TARGET_H
#define TABLE_TARGET_H

#include "table/table.h"

#define TARGET_NAME_MAX 200 /* bytes; the files beside it and the work folder have longer names, and 255 is the most */

enum target_kind { TARGET_FILE, TARGET_FOLDER, TARGET_DEVICE, TARGET_OUT };

typedef struct target {
    enum target_kind kind;
    enum table_format format;
    char *path; /* a local one, without slashes at its end */
} target;

/* Reads the name in spec->path, and what is there. */
int target_parse(const sink_spec *spec, target *out, shoal_error *err);
void target_release(target *t);
/* Refuses what is there and may not be replaced or added to. */
int target_check(const target *t, int overwrite, int append, shoal_error *err);
/* A folder that may be replaced: part files, data files, their indexes and schemas, _SUCCESS and the like, and k=v folders of
 * these. Else an error that names the first other one. */
int target_is_table(const char *folder, shoal_error *err);

#endif
