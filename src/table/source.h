/* source.h: inside table/: what a kind of source gives to table.c, and the files that shards leave beside them. */
#ifndef TABLE_SOURCE_H
#define TABLE_SOURCE_H

#include "table/table.h"

typedef struct partitions partitions;

typedef struct source {
    void *ctx;
    struct ArrowSchema schema; /* the table moves it out */
    int (*next)(void *ctx, struct ArrowArray *out, shoal_error *err);
    /* Where row `row` of the source came from; returns out. */
    const char *(*row_name)(void *ctx, uint64_t row, char *out, size_t n);
    void (*free)(void *ctx);
    uint64_t skipped; /* rows in front of the first one that it gives */
    /* Of sources over files whose batches come of one file each: the file of the last batch. Others: NULL. */
    size_t (*file)(void *ctx);
    int is_measured; /* by itself; else its next counts as parsing */
} source;

/* Sources over files take `files` over in any case. */
/* Of spec->skip rows some may be passed over; out->skipped says how many were. */
int source_tfrecord(char **files, size_t n, const table_spec *spec, source *out, shoal_error *err);
int source_svm(char **files, size_t n, enum table_format format, const table_spec *spec, source *out, shoal_error *err); /* libsvm, libffm */
int source_csv(char **files, size_t n, const table_spec *spec, source *out, shoal_error *err);
int source_json(char **files, size_t n, const table_spec *spec, source *out, shoal_error *err); /* JSON lines */
/* Parquet, with the spec's query, filter, tables and columns. */
int source_duckdb(char **files, size_t n, const table_spec *spec, const partitions *p, source *out, shoal_error *err);
int source_stream(struct ArrowArrayStream *stream, source *out, shoal_error *err); /* takes the stream's content over */
/* Puts a conversion over a source whose schema is not plain; the source stays the caller's, also after an error. */
int source_plain(source *s, shoal_error *err);
/* The spec's query and tables, and a filter (NULL: none), over another source, which is taken over in any case. */
int source_sql(source *inner, const table_spec *spec, const char *where, source *out, shoal_error *err);
/* Mixed by spec->seed; takes `inner` over in any case. */
int source_shuffled(source *inner, const table_spec *spec, source *out, shoal_error *err);
/* Sorted by the columns spec->together, whose rows stay in order within, or are mixed by spec->shuffle; takes `inner` over likewise. */
int source_sorted(source *inner, const table_spec *spec, source *out, shoal_error *err);
/* A row_name of sources that are queries. */
const char *source_row_of_query(void *ctx, uint64_t row, char *out, size_t n);
/* What a spec says, without its columns, skip and limit. */
int source_open(const table_spec *spec, source *out, shoal_error *err);
int format_is_ducks(enum table_format f);

/* The format that a path's ending says, or FORMAT_GUESS; *container (may be NULL) is what .gz, .deflate or .zlib behind it say. */
enum table_format format_of_path(const char *path, enum container *container);
/* ".gz", ".deflate", or "" */
const char *format_packed_ending(enum container c);
/* "tfrecord", "parquet", ...; FORMAT_GUESS for anything else. */
enum table_format format_of_name(const char *name);
const char *format_name(enum table_format f);
/* Of all files that tell, by their endings, else by their first bytes; refuses different ones. Spark leaves an empty file of each
 * empty partition. */
int format_of_files(char **files, size_t n, enum table_format *out, shoal_error *err);

/* The last component of a path. */
const char *path_base(const char *path);

/* ---- the sidecar: exact types beside TFRecord shards (docs/tfrecord.md) -------------------------------------------- */

#define SCHEMA_FILE "_schema.json"
#define SCHEMA_BYTES_MAX (16u << 20)
/* Where the types of a TFRecord file are kept: FOLDER/_schema.json when it is there, else FOLDER/.NAME.schema.json. FOLDER/ of
 * the first is above folders k=v. */
int schema_path_of(const char *file, char **own, char **folder, shoal_error *err);
int schema_file_write(const char *path, const char *file, const struct ArrowSchema *schema, shoal_error *err);
int schema_file_read(const char *path, const char *file, struct ArrowSchema *out, shoal_error *err);
/* 1 with what is said beside the files: the schema file of the first, else all their indexes; 0 when there is neither. */
int schema_of_files(char **files, size_t n, int tolerate, struct ArrowSchema *out, shoal_error *err); /* tolerate: damaged files */
/* A column of the type that a name says: 1, or 0 when the name says none. */
int schema_column_of(const char *name, const char *type, int nullable, struct ArrowSchema *out, shoal_error *err);
/* {"name": ..., "type": ..., "nullable": ...} of one column, appended. */
int schema_put_column(buf *b, const struct ArrowSchema *column, shoal_error *err);

#endif
