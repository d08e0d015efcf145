/* table.h: rows from anything and to anything, as Arrow batches (struct arrays) in a fixed order.
 *
 * A source gives its rows in the same order every time: files in byte order of their names, rows in the order of each
 * file. Row numbers count over the whole source from 0. Batches hold at most TABLE_BATCH_ROWS rows when Shoal makes
 * them; those of a caller's stream may be larger. */
#ifndef TABLE_TABLE_H
#define TABLE_TABLE_H

#include "base/host.h"
#include "base/option.h"
#include "records/inflate.h"
#include "records/quarantine.h"
#include "table/arrow.h"

#define TABLE_BATCH_ROWS 2048

enum table_format { FORMAT_GUESS, FORMAT_TFRECORD, FORMAT_PARQUET, FORMAT_CSV, FORMAT_JSONL, FORMAT_LIBSVM, FORMAT_LIBFFM };
#define FORMATS_SAID "tfrecord, parquet, csv, jsonl, libsvm or libffm"

typedef struct table_spec {
    const char *const *paths; /* paths, globs, folders */
    size_t n_paths;
    enum table_format format;
    const char *sql;          /* NULL, or a query over the view `src` */
    const char *where;        /* NULL, or an expression: only rows of src that fulfil it */
    const char *const *tables; /* NAME=SRC: further tables of the query */
    size_t n_tables;
    int without_partitions;   /* only the columns that the files themselves hold */
    const char *const *together; /* columns: rows with the same values follow one another, sorted by them */
    size_t n_together;
    int shuffle;              /* all rows in an order that `seed` alone decides */
    uint64_t seed;
    uint64_t memory;          /* bytes that a query or a sort may take before the disk is used; 0: 400 MB */
    const char *const *columns; /* NULL: all; else only these, in this order; a missing one is an error by name */
    size_t n_columns;
    const char *const *types; /* "COLUMN=TYPE" of CSV and JSON lines; all others are found from the rows */
    size_t n_types;
    const char *const *wishes; /* "COLUMN=TYPE": what a model was trained on; a column of text is read so where it can be */
    size_t n_wishes;
    int record_type;          /* that the records of TFRecord are said to have: 1 + enum record_type; 0: nothing is said */
    int writes_records;       /* they may be meant that are written, and the source be of another format */
    char delimiter;           /* of CSV; 0: found from its first line */
    int no_header;            /* CSV without a line of names */
    uint64_t limit;           /* rows; 0: all */
    uint64_t skip;            /* rows in front of them */
    struct clocks *clocks;    /* measures reading; NULL: not */
    struct stamps *stamps;    /* set by table_open: of the files that are opened; NULL: of none */
    const shoal_host *host;   /* whose asking ends a query in its midst; NULL: nobody's */
    int threads;              /* that read ahead of table_next; 0: none. The rows and their order do not depend on it */
    int tolerate;             /* damaged records of TFRecord are set aside: */
    quarantine *quarantine;   /* here, or counted by nobody when it is NULL */
    struct ArrowArrayStream *stream; /* the caller's, instead of paths; taken over by table_open in any case */
} table_spec;

/* The source of NAME=SRC; NULL when there is no '='. */
const char *table_side_path(const char *item);
/* Fills a spec from the options "format", "sql", "where", "table" and the given paths (not copied), and the stream of `slot`. */
int table_spec_from(const shoal_options *o, const char *const *paths, size_t n_paths, int slot, table_spec *out,
                    shoal_error *err);

/* What --on-error and --quarantine-dir ask for: *out stays NULL when damage ends the job. Without a folder, what is set aside goes
 * to OUTPUT.quarantine; without an output (NULL or "-") it is counted only. */
int table_quarantine(const shoal_options *o, const char *output, const shoal_host *host, quarantine **out, shoal_error *err);

typedef struct table table;
int table_open(const table_spec *spec, table **out, shoal_error *err);
void table_free(table *t);
const struct ArrowSchema *table_schema(const table *t); /* a struct; owned by t */
/* 1 with a checked batch (the caller releases it), 0 at the end, negative on error. Errors name file and row. */
int table_next(table *t, struct ArrowArray *out, shoal_error *err);
/* Where a row came from: "part-3.parquet row 17". Only rows already read. Returns out. */
const char *table_row_name(const table *t, uint64_t row, char *out, size_t n);
/* Reads to the end and adds the rows to *rows. */
int table_read_through(table *t, const shoal_host *host, uint64_t *rows, shoal_error *err);
/* 1 with the number of rows when manifests or indexes tell it without reading, else 0. */
int table_count(const table_spec *spec, uint64_t *rows, shoal_error *err);
/* As a stream for others; takes t over. */
int table_to_stream(table *t, struct ArrowArrayStream *out, shoal_error *err);
/* The same for validation rows: "valid-sql" wins over "sql", "valid-where" stands in the place of "where". */
int table_spec_valid(const shoal_options *o, const char *const *paths, size_t n_paths, int slot, table_spec *out, shoal_error *err);
/* The files that the paths of a spec name and its `where` leaves, in order; n = 0 for a stream or "-". Free by file_list_free. */
int table_files(const table_spec *spec, char ***files, size_t *n, shoal_error *err);

/* How large a source is, without reading it. */
typedef struct table_size {
    size_t files;
    uint64_t rows;       /* of the files, before --sql */
    int exact;           /* rows are counted (footers, indexes), not estimated from the heads of files, and no query changes them */
    uint64_t bytes;      /* of the files */
    uint64_t read_bytes; /* of those, what reading the chosen columns takes */
} table_size;
/* Streams and standard input are USAGE. */
int table_measure(const table_spec *spec, table_size *out, shoal_error *err);

typedef struct sink_spec {
    const char *path;        /* table/target.h says what it means; "-" is the host's out (text) */
    enum table_format format; /* FORMAT_GUESS: by the ending of path */
    enum container compression; /* of TFRecord */
    int overwrite, append;
    int record_type;         /* of TFRecord, as of table_spec */
    int bare;                /* set by the sink: a pipe or a device, which nothing lies beside */
    uint64_t max_file_bytes, rows_per_file; /* of a folder's files; rows_per_file 0: no matter */
    const char *const *partition_by; /* columns that become folders k=v; their rows come together */
    size_t n_partition_by;
    int overwrite_partitions; /* of a folder that is there, only the folders that get rows */
    int threads;              /* that encode and compress; 0: none but the caller's. What is written does not depend on it */
    struct pool *pool;        /* the sink's own, for its writers */
    const shoal_host *host;
} sink_spec;
int sink_spec_from(const shoal_options *o, const char *path, const shoal_host *host, sink_spec *out, shoal_error *err);

/* Refuses an output that would replace one of the sources, or a folder that holds one, by whatever names. */
int sink_refuse_source(const sink_spec *to, const table_spec *from, shoal_error *err);

typedef struct sink sink;
int sink_open(const sink_spec *spec, const struct ArrowSchema *schema, sink **out, shoal_error *err);
/* Reads the batch; the caller still owns and releases it. */
int sink_write(sink *s, const struct ArrowArray *batch, shoal_error *err);
/* Everything appears under its final name, read back and counted, or nothing does; frees s either way. */
int sink_commit(sink *s, uint64_t *rows, shoal_error *err);
/* Where the rows go, for what is said of it: files are read back, a pipe or a device is not, and to what goes to standard
 * output nothing is added there. */
enum sink_place { SINK_FILES, SINK_PIPE, SINK_OUT };
enum sink_place sink_place_of(const sink *s);
/* {"path", "rows", "seconds"}, with a quarantine "damage" too, as one line on the host's out. */
int table_tell_json(const char *path, uint64_t rows, double seconds, const quarantine *q, const shoal_host *host, shoal_error *err);
void sink_abort(sink *s); /* removes what was written; NULL is nothing */

#endif
