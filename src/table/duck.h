/* duck.h: DuckDB as Shoal uses it: one private database in memory, each connection with the thread that uses it, settings pinned, nothing
 * loaded from outside and no network; errors as one line of ours. */
#ifndef TABLE_DUCK_H
#define TABLE_DUCK_H

#include "base/buf.h"
#include "table/duck_watch.h"

typedef struct duck {
    duckdb_database db;
    duckdb_connection connection;
    duck_watch *watch; /* of all connections; NULL: nobody asks */
    int is_first;      /* opened, not connected: the database, the watch and the folder are its own */
    char *spill;       /* the folder for temporary files, locked by spill_fd; NULL: it could not be made */
    int spill_fd;
} duck;

/* Queries end with INTERRUPTED when the host (may be NULL) asks. */
int duck_open(const shoal_host *host, duck *d, shoal_error *err);
/* One more connection to the same database, for another thread; it is closed first. */
int duck_connect(const duck *d, duck *out, shoal_error *err);
void duck_close(duck *d);
/* Bytes that it may take before it uses the folder for temporary files; 0 leaves its own limit, which is the most. */
int duck_memory(duck *d, uint64_t bytes, shoal_error *err);

/* Runs statements that give no rows. `what` opens the message when it fails. */
int duck_run(duck *d, const char *sql, const char *what, shoal_error *err);
/* One number of the first row. */
int duck_number(duck *d, const char *sql, const char *what, int64_t *out, shoal_error *err);

/* 0 when the text is no statement, 1 when it is one, 2 when all that it names is there as well. Runs nothing. */
int duck_understands(duck *d, const char *sql);

/* From DuckDB's error to ours. Errors of the query itself (parser, names) are `query_code`. */
int duck_error(int type, const char *message, const char *what, int query_code, shoal_error *err);

typedef struct duck_rows {
    duckdb_prepared_statement statement;
    duckdb_result result;
    duckdb_arrow_options options;
    struct ArrowSchema schema;
    uint8_t *simple; /* enum duck_simple of each column; NULL when one is not */
    int has_result;
} duck_rows;

/* Of a type as DuckDB has it: writes into a schema of our own what its export to Arrow lost (duck_types.c). */
int duck_note_types(duckdb_logical_type t, struct ArrowSchema *own, shoal_error *err);
int duck_has_variant(duckdb_logical_type t); /* which has no export */

/* DATA when two columns, or two fields of a struct, have names that DuckDB takes for one: it would rename one of them. */
int duck_check_names(const struct ArrowSchema *schema, const char *what, shoal_error *err);
/* DATA when a batch that DuckDB is to take holds a value that it would cut (duck_exact.c). */
int duck_check_batch(const struct ArrowSchema *schema, const struct ArrowArray *batch, shoal_error *err);
/* Makes columns of `own` that DuckDB reads falsely from Parquet files (an SQL list of names) ones that are refused by name.
 * `own` is NULL for a query, which may have some of them: then DATA for the others. */
int duck_note_parquet(duck *d, const char *files_sql, struct ArrowSchema *own, const char *what, shoal_error *err);

/* Starts a single SELECT that streams. `sql_is_users`: mistakes in it are USAGE. */
int duck_rows_start(duck *d, const char *sql, int sql_is_users, const char *what, duck_rows *out, shoal_error *err);
int duck_rows_next(duck_rows *r, const char *what, struct ArrowArray *out, shoal_error *err); /* 1, 0, negative */
void duck_rows_release(duck_rows *r);
/* A copy of the schema; two columns of one name are refused with the code. */
int duck_rows_columns(const duck_rows *r, const char *what, int code, struct ArrowSchema *out, shoal_error *err);

/* Appends text as an SQL string ('...') or a quoted name ("..."). */
int duck_put_string(buf *b, const char *s, shoal_error *err);
int duck_put_name(buf *b, const char *s, shoal_error *err);

#endif
