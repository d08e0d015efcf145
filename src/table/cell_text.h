/* cell_text.h: cells as text: JSON values, CSV fields, and what a table on a terminal shows. docs/types.md has the rules. */
#ifndef TABLE_CELL_TEXT_H
#define TABLE_CELL_TEXT_H

#include "table/arrow.h"

/* Columns that arrow_is_refused have no text and may not be given here.
 *
 * One JSON value. NaN and infinities become the strings "NaN", "Infinity", "-Infinity". */
int cell_put_json(buf *b, const struct ArrowSchema *field, const struct ArrowArray *a, int64_t row, shoal_error *err);
/* Plain text without quotes; nothing for null. Lists and structs as JSON. */
int cell_put_text(buf *b, const struct ArrowSchema *field, const struct ArrowArray *a, int64_t row, shoal_error *err);
/* One CSV field, quoted where needed; null is empty, an empty text is "". */
int cell_put_csv(buf *b, const struct ArrowSchema *field, const struct ArrowArray *a, int64_t row, shoal_error *err);
/* One object of all columns, and the end of the line. */
int cell_put_json_row(buf *b, const struct ArrowSchema *schema, const struct ArrowArray *batch, int64_t row, shoal_error *err);
/* NaN, Infinity, -Infinity of JSON when v is one of them, else NULL. */
const char *cell_special_f64(double v);

#endif
