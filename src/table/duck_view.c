/* duck_view.c: Parquet as views of DuckDB. */
#include "table/duck_view.h"

#include <string.h>

#include "base/mem.h"
#include "storage/file.h"
#include "table/source.h"

/* A path that means itself alone: letters of globs are put in brackets, and a ~ at its start is not the home. */
static int put_path(buf *b, const char *path, shoal_error *err)
{
    int r = buf_puts(b, *path == '~' ? "'./" : "'", err);
    if (!view_is_utf8(view_of(path, strlen(path))))
        return error_set(err, SHOAL_USAGE, "%s: the name is not UTF-8, in which DuckDB wants those of Parquet files; rename it, or make a link to it", path);
    for (; r == 0 && *path; path++)
        r = strchr("*?[", *path) ? buf_printf(b, err, "[%c]", *path) : *path == '\'' ? buf_puts(b, "''", err) : buf_putc(b, *path, err);
    return r < 0 ? r : buf_putc(b, '\'', err);
}

int duck_put_files(buf *b, char *const *files, size_t n, shoal_error *err)
{
    int r = buf_putc(b, '[', err);
    for (size_t i = 0; r == 0 && i < n; i++) {
        if (i > 0) r = buf_putc(b, ',', err);
        if (r == 0) r = put_path(b, strncmp(files[i], "file://", 7) == 0 ? files[i] + 7 : strcmp(files[i], "-") == 0 ? "/dev/stdin" : files[i], err);
    }
    return r < 0 ? r : buf_putc(b, ']', err);
}

/* The partitions' columns are made by DuckDB, but named, typed and placed by us: behind the others, in the order of the
 * folders. */
static int put_select(buf *b, const partitions *p, shoal_error *err)
{
    int r = buf_puts(b, "SELECT *", err);
    for (size_t k = 0; r == 0 && k < p->n_keys; k++) {
        r = buf_puts(b, k == 0 ? " EXCLUDE (" : ",", err);
        if (r == 0) r = duck_put_name(b, p->key[k].raw, err);
    }
    if (r == 0 && p->n_keys > 0) r = buf_putc(b, ')', err);
    for (size_t k = 0; r == 0 && k < p->n_keys; k++) {
        r = buf_putc(b, ',', err);
        if (r == 0) r = duck_put_name(b, p->key[k].raw, err);
        if (r == 0) r = buf_puts(b, " AS ", err);
        if (r == 0) r = duck_put_name(b, p->key[k].name, err);
    }
    return r;
}

static int put_partitions(buf *b, const partitions *p, shoal_error *err)
{
    if (p->n_keys == 0) return buf_puts(b, ", hive_partitioning=false", err);
    int r = buf_puts(b, ", hive_partitioning=true, hive_types={", err);
    for (size_t k = 0; r == 0 && k < p->n_keys; k++) {
        if (k > 0) r = buf_putc(b, ',', err);
        if (r == 0) r = duck_put_string(b, p->key[k].raw, err);
        if (r == 0) r = buf_puts(b, p->key[k].type == ARROW_I64 ? ":BIGINT" : p->key[k].type == ARROW_DATE32 ? ":DATE" : ":VARCHAR", err);
    }
    return r < 0 ? r : buf_putc(b, '}', err);
}

int duck_view_files(duck *d, const char *name, char *const *files, size_t n, const partitions *p, const char *what, shoal_error *err)
{
    buf b = BUF_INIT;
    int by_name, r = duck_same_files(d, files, n, &by_name, err);
    if (r == 0) r = buf_puts(&b, "CREATE VIEW ", err);
    if (r == 0) r = duck_put_name(&b, name, err);
    if (r == 0) r = buf_puts(&b, " AS ", err);
    if (r == 0) r = put_select(&b, p, err);
    if (r == 0) r = buf_puts(&b, " FROM read_parquet(", err);
    if (r == 0) r = duck_put_files(&b, files, n, err);
    if (r == 0 && by_name) r = buf_puts(&b, ", union_by_name = true", err);
    if (r == 0) r = put_partitions(&b, p, err);
    if (r == 0) r = buf_puts(&b, ")", err);
    if (r == 0 && !buf_str(&b)) r = error_nomem(err, b.len, "a query");
    if (r == 0) r = duck_run(d, buf_str(&b), what, err);
    buf_release(&b);
    return r;
}

int duck_view_where(duck *d, const char *name, const char *from, const char *where, shoal_error *err)
{
    buf b = BUF_INIT;
    int r = buf_printf(&b, err, "CREATE TEMP VIEW \"%s\" AS SELECT * FROM \"%s\" WHERE (", name, from);
    if (r == 0) r = buf_puts(&b, where, err);
    if (r == 0) r = buf_puts(&b, "\n)", err); /* behind a comment too */
    if (r == 0 && !buf_str(&b)) r = error_nomem(err, b.len, "a query");
    if (r == 0 && (r = duck_run(d, buf_str(&b), "--where", err)) == SHOAL_DATA) {
        r = SHOAL_USAGE;
        if (err) err->code = r;
    }
    buf_release(&b);
    return r;
}
