/* duck_view.h: inside table/: files as views of DuckDB. */
#ifndef TABLE_DUCK_VIEW_H
#define TABLE_DUCK_VIEW_H

#include "table/duck.h"
#include "table/partition.h"

/* An SQL list of files, as the readers take it; names with letters of globs mean themselves. */
int duck_put_files(buf *b, char *const *files, size_t n, shoal_error *err);
/* CREATE VIEW name, which all connections see, over files of one of the formats that DuckDB reads, with the columns of their partitions. `what` opens
 * messages. */
int duck_view_files(duck *d, const char *name, char *const *files, size_t n, const partitions *p, const char *what, shoal_error *err);
/* DATA when a column has a type in a later file that would not come whole through the first one's. *by_name: some columns are
 * not in all files; where they lack, they are null. */
int duck_same_files(duck *d, char *const *files, size_t n, int *by_name, shoal_error *err);
/* A view of the rows of another one that fulfil --where; mistakes in it are USAGE. */
int duck_view_where(duck *d, const char *name, const char *from, const char *where, shoal_error *err);
/* The tables of spec->tables ("name=SRC"), under their names. */
int duck_view_tables(duck *d, const table_spec *spec, shoal_error *err);

#endif
