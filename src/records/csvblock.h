/* csvblock.h: whole rows of CSV at once, by the places of the bytes that mean something (bytefind.h): the same fields as
 * csvtext.h gives a row at a time, which stays the definition, the one that reads heads, and the one that says what is wrong. */
#ifndef RECORDS_CSVBLOCK_H
#define RECORDS_CSVBLOCK_H

#include "records/csvtext.h"

#define CSV_BLOCK_MAX (1u << 29) /* bytes of a text */

/* A field: its place without quotes, and its bytes with what is known about them. All 0 in `n` is a null. */
typedef struct csv_cell { uint32_t at, n; } csv_cell;
#define CSV_CELL_QUOTED (1u << 31)
#define CSV_CELL_ESCAPED (1u << 30) /* quotes stand twice */
#define CSV_CELL_BYTES (CSV_CELL_ESCAPED - 1)

/* Rows of a text; zeroed before the first use, memory is used again. */
typedef struct csv_block {
    csv_cell *cell; /* rows * columns */
    size_t rows, lines;
    size_t stop;  /* where the first row that is none of so many fields starts; at the end of the text when all are */
    int is_ascii; /* the whole text */
    size_t cap, mark_cap;
    uint32_t *mark;
} csv_block;
void csv_block_release(csv_block *b);

/* Bytes up to the end of the last row that ends in the text, which starts with a row and goes on behind its last byte; 0 when
 * none does. A row that is malformed may move what is behind it, never what is in front. */
size_t csv_rows_end(view text, char delimiter);
/* The rows of a text of at most CSV_BLOCK_MAX bytes that ends with a row, or at the end of its file. Empty lines are none, but
 * with one column. NOMEM. */
int csv_block_split(view text, char delimiter, size_t columns, csv_block *out, shoal_error *err);

#endif
