/* duck_same.c: whether Parquet files of one source belong together. DuckDB takes the first file's columns and casts what the
 * others have: 2.7 into the 3 of an integer, a column that the first has not into nothing. */
#include "base/mem.h"
#include "table/duck_view.h"

/* Leaves by name and type. Writers name the items of lists as they like; integers of all widths are one, as a value that
 * does not fit the first file's is an error when it is read. */
static const char LEAVES_OF[] =
    "SELECT DISTINCT file_name, CASE WHEN name IN ('element', 'item', 'array', 'array_element', 'bag') THEN 'an item' ELSE name END AS n, "
    "CASE WHEN regexp_full_match(duckdb_type, 'U?(TINY|SMALL|BIG)?INT(EGER)?') THEN 'an integer' ELSE lower(duckdb_type) END AS t "
    "FROM parquet_schema(";
/* A column that is of one type in the first file and of another in a later one: FLOAT fits into a DOUBLE. */
#define CONFLICTS                                                                                                            \
    "SELECT l.file_name, l.n, l.t, f.t FROM leaves l JOIN firsts f ON l.n = f.n WHERE NOT EXISTS (SELECT 1 FROM firsts g " \
    "WHERE g.n = l.n AND (g.t = l.t OR (g.t = 'double' AND l.t = 'float'))) ORDER BY ALL LIMIT 1"
/* How many names are not in all files. */
#define STRAYS                                                                                                               \
    "SELECT count(*) FROM (SELECT n FROM leaves GROUP BY n HAVING count(DISTINCT file_name) < (SELECT count(DISTINCT "      \
    "file_name) FROM leaves))"

static int put_query(buf *b, char *const *files, size_t n, const char *query, shoal_error *err)
{
    static const char *const name[] = {"WITH leaves AS (", ", firsts AS ("};
    const size_t count[] = {n, 1};
    int r = 0;
    for (int i = 0; r == 0 && i < 2; i++) {
        r = buf_puts(b, name[i], err);
        if (r == 0) r = buf_puts(b, LEAVES_OF, err);
        if (r == 0) r = duck_put_files(b, files, count[i], err);
        if (r == 0) r = buf_puts(b, ") WHERE duckdb_type IS NOT NULL)", err);
    }
    if (r == 0) r = buf_putc(b, ' ', err);
    return r == 0 ? buf_puts(b, query, err) : r;
}

static int say_conflict(duckdb_result *row, const char *what, shoal_error *err)
{
    char *cell[4] = {0};
    int r = 0;
    for (uint64_t i = 0; r == 0 && i < 4; i++)
        if (!(cell[i] = duckdb_value_varchar(row, i, 0))) r = error_nomem(err, 0, "a name");
    if (r == 0)
        r = error_set(err, SHOAL_DATA, "%s: column '%s' is %s, but %s in %s: a value could change on the way; read them apart, or write one "
                                       "of them anew with the other's type", cell[0], cell[1], cell[2], cell[3], what);
    for (int i = 0; i < 4; i++) duckdb_free(cell[i]);
    return r;
}

int duck_same_files(duck *d, char *const *files, size_t n, int *by_name, shoal_error *err)
{
    buf conflicts = BUF_INIT, strays = BUF_INIT;
    duckdb_result row;
    int64_t count = 0;
    *by_name = 0;
    if (n < 2) return 0;
    int r = put_query(&conflicts, files, n, CONFLICTS, err);
    if (r == 0) r = put_query(&strays, files, n, STRAYS, err);
    if (r == 0 && !(buf_str(&conflicts) && buf_str(&strays))) r = error_nomem(err, strays.len, "a query");
    if (r < 0) goto out;
    if (duckdb_query(d->connection, buf_str(&conflicts), &row) != DuckDBSuccess)
        r = duck_error(duckdb_result_error_type(&row), duckdb_result_error(&row), files[0], SHOAL_DATA, err);
    else if (duckdb_row_count(&row) > 0) r = say_conflict(&row, files[0], err);
    duckdb_destroy_result(&row);
    if (r == 0) r = duck_number(d, buf_str(&strays), files[0], &count, err);
    *by_name = count > 0;
out:
    buf_release(&conflicts);
    buf_release(&strays);
    return r;
}
