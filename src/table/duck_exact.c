/* duck_exact.c: where DuckDB would take a value for another without a word. Of a time with a zone it keeps microseconds, in
 * Arrow as in Parquet; a Parquet decimal of more than 38 digits becomes a wrong double. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "table/duck.h"
#include "table/arrow.h"

#define DEPTH_MAX 64

/* ---- names -------------------------------------------------------------------------------------------------------------- */

static int by_letters(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    int d = strcasecmp(*x, *y);
    return d ? d : strcmp(*x, *y);
}

/* Sorts them. Equal ones are not its matter. */
static int names_apart(const char **name, size_t n, const char *what, shoal_error *err)
{
    if (n > 1) qsort(name, n, sizeof *name, by_letters);
    for (size_t i = 1; i < n; i++)
        if (strcasecmp(name[i - 1], name[i]) == 0 && strcmp(name[i - 1], name[i]) != 0)
            return error_set(err, SHOAL_DATA, "%s: the names '%s' and '%s' differ only in the case of letters, and DuckDB, which reads and writes Parquet and answers --sql, "
                                              "takes them for one; rename one of them", what, name[i - 1], name[i]);
    return 0;
}

int duck_check_names(const struct ArrowSchema *schema, const char *what, shoal_error *err)
{
    size_t n = (size_t)schema->n_children;
    const char **name = mem_calloc(n + 1, sizeof *name);
    if (!name) return error_nomem(err, n * sizeof *name, "names");
    for (size_t i = 0; i < n; i++) name[i] = schema->children[i]->name ? schema->children[i]->name : "";
    int r = names_apart(name, n, what, err);
    mem_free(name);
    for (size_t i = 0; r == 0 && i < n; i++) r = duck_check_names(schema->children[i], what, err);
    return r;
}

/* ---- what goes in by Arrow ---------------------------------------------------------------------------------------------- */

static int check_rows(const struct ArrowSchema *s, const struct ArrowArray *a, int64_t from, int64_t n, const struct ArrowSchema *top, shoal_error *err)
{
    enum arrow_type t = arrow_type_of(s);
    int r = 0;
    if (t == ARROW_TIMESTAMP && s->format[2] == 'n' && s->format[4]) {
        for (int64_t i = from; i < from + n; i++)
            if (!arrow_is_null(a, i) && arrow_i64(t, a, i) % 1000 != 0)
                return error_set(err, SHOAL_DATA, "column '%s': %" PRId64 " ns is finer than the microseconds that DuckDB keeps of a time with a zone; hand it over in microseconds or without its zone",
                                 top->name, arrow_i64(t, a, i));
    } else if (t == ARROW_STRUCT) {
        for (int64_t i = 0; r == 0 && i < s->n_children; i++) r = check_rows(s->children[i], a->children[i], a->offset + from, n, top, err);
    } else if ((arrow_type_is_list(t) || t == ARROW_MAP) && n > 0) {
        int64_t first, last, unused;
        enum arrow_type wide = t == ARROW_MAP ? ARROW_LIST : t;
        arrow_list(wide, a, from, &first, &unused);
        arrow_list(wide, a, from + n - 1, &unused, &last);
        r = check_rows(s->children[0], a->children[0], first, last - first, top, err);
    }
    return r;
}

int duck_check_batch(const struct ArrowSchema *schema, const struct ArrowArray *batch, shoal_error *err)
{
    int r = 0;
    for (int64_t i = 0; r == 0 && i < schema->n_children; i++)
        r = check_rows(schema->children[i], batch->children[i], 0, batch->length, schema->children[i], err);
    return r;
}

/* ---- what comes out of Parquet ------------------------------------------------------------------------------------------- */

/* In the order of the schema: a row a node, parents first, with the number of its children. */
static const char NODES[] = "SELECT name, coalesce(num_children, 0), coalesce(precision, 0), coalesce(scale, 0), "
                            "coalesce(logical_type LIKE 'TimestampType(isAdjustedToUTC=1%NANOS=Nano%', false)::BIGINT FROM parquet_schema(";

/* The column that a trap is in cannot be used, under a name that says why; a query may use it only where the trap is known. */
static int note_trap(struct ArrowSchema *own, const char *column, int64_t precision, int64_t scale, const char *what, shoal_error *err)
{
    char format[80];
    if (precision > 38) snprintf(format, sizeof format, ":decimal(%" PRId64 ",%" PRId64 ") in Parquet", precision, scale);
    else snprintf(format, sizeof format, ":timestamp[ns, UTC] in Parquet");
    if (!own)
        return precision <= 38 ? 0 : error_set(err, SHOAL_DATA, "%s: column '%s' has the type %s, which cannot be read; write it anew with 38 digits or fewer",
                                               what, column, format + 1);
    int64_t k = arrow_find(own, column);
    return k < 0 ? 0 : arrow_schema_set_format(own->children[k], format, err);
}

/* The children of one node. */
typedef struct level {
    int64_t left; /* to come */
    buf names;    /* char * of DuckDB's */
} level;

static int level_end(level *l, const char *what, shoal_error *err)
{
    char **name = (char **)(void *)l->names.data;
    size_t n = l->names.len / sizeof *name;
    int r = names_apart((const char **)(void *)name, n, what, err);
    for (size_t i = 0; i < n; i++) duckdb_free(name[i]);
    buf_clear(&l->names);
    return r;
}

static int walk_node(duckdb_result *rows, uint64_t i, level *at, shoal_error *err)
{
    char *name = duckdb_value_varchar(rows, 0, i);
    int r = name ? buf_append(&at->names, &name, sizeof name, err) : error_nomem(err, 0, "a name");
    if (r < 0) duckdb_free(name);
    return r;
}

static int walk(duckdb_result *rows, struct ArrowSchema *own, const char *what, shoal_error *err)
{
    level at[DEPTH_MAX] = {{0}}; /* by depth */
    char *column = NULL;
    int depth = 0, r = 0;
    for (uint64_t i = 0, n = duckdb_row_count(rows); r == 0 && i < n; i++) {
        int64_t children = duckdb_value_int64(rows, 1, i), precision = duckdb_value_int64(rows, 2, i);
        if (depth == 0) { /* the root */
            at[depth++].left = children;
            continue;
        }
        if (depth == 1) {
            duckdb_free(column);
            if (!(column = duckdb_value_varchar(rows, 0, i))) r = error_nomem(err, 0, "a name");
        }
        if (r == 0 && (precision > 38 || duckdb_value_int64(rows, 4, i))) r = note_trap(own, column, precision, duckdb_value_int64(rows, 3, i), what, err);
        if (r == 0) r = walk_node(rows, i, &at[depth - 1], err);
        at[depth - 1].left--;
        if (children > 0 && depth < DEPTH_MAX) at[depth++].left = children;
        while (r == 0 && depth > 0 && at[depth - 1].left <= 0) r = level_end(&at[--depth], what, err);
    }
    duckdb_free(column);
    for (int i = 0; i < DEPTH_MAX; i++) {
        (void)level_end(&at[i], what, NULL);
        buf_release(&at[i].names);
    }
    return r;
}

/* By a connection of its own, as a query ends the result that streams on another. */
int duck_note_parquet(duck *d, const char *files_sql, struct ArrowSchema *own, const char *what, shoal_error *err)
{
    duckdb_result rows;
    duckdb_connection apart = NULL;
    char *sql = mem_sprintf("%s%s)", NODES, files_sql);
    if (!sql || duckdb_connect(d->db, &apart) != DuckDBSuccess) {
        mem_free(sql);
        return error_nomem(err, strlen(files_sql), "a query");
    }
    int r = duckdb_query(apart, sql, &rows) == DuckDBSuccess ? walk(&rows, own, what, err)
            : duck_error(duckdb_result_error_type(&rows), duckdb_result_error(&rows), what, SHOAL_DATA, err);
    duckdb_destroy_result(&rows);
    duckdb_disconnect(&apart);
    mem_free(sql);
    return r;
}
