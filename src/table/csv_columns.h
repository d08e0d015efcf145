/* csv_columns.h: inside table/: fields of CSV to columns, a column at a time. */
#ifndef TABLE_CSV_COLUMNS_H
#define TABLE_CSV_COLUMNS_H

#include "records/csvblock.h"
#include "table/arrow.h"
#include "table/cell_parse.h"

/* What one thread has for itself. */
typedef struct csv_columns csv_columns;
/* Of a struct schema, with the targets of its columns; both stay the caller's. */
int csv_columns_new(const struct ArrowSchema *schema, const cell_target *target, csv_columns **out, shoal_error *err);
void csv_columns_free(csv_columns *c); /* NULL is nothing */
/* Rows [from, from + n) of a block of the text, which has TEXT_SLACK bytes behind it. DATA when a value is none of its column's type:
 * *bad_row, from the block's start, and *bad_column, the first in the order of the rows; err is not set then. */
int csv_columns_fill(csv_columns *c, view text, const csv_block *b, size_t from, size_t n, struct ArrowArray *out, size_t *bad_row, size_t *bad_column,
                     shoal_error *err);

#endif
