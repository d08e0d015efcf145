/* arrow_column.h: inside table/: columns of the plain types that grow, by rows of arrays or of other columns, and are handed over as
 * an array; or saved as bytes, which are a form of this process alone. A batch is one column, a struct. */
#ifndef TABLE_ARROW_COLUMN_H
#define TABLE_ARROW_COLUMN_H

#include "table/arrow.h"

typedef struct arrow_column {
    enum arrow_type type;
    buf valid;  /* bits, dropped at the end when nothing is null */
    buf values; /* values, or the ends of text and lists behind a zero */
    buf bytes;  /* of text */
    int64_t rows, nulls;
    struct arrow_column *child;
    int64_t n_children;
} arrow_column;

int arrow_column_init(arrow_column *c, const struct ArrowSchema *plain, shoal_error *err);
void arrow_column_release(arrow_column *c);
/* No rows, memory kept. Not behind arrow_column_finish. */
void arrow_column_clear(arrow_column *c);
/* Rows [from, from + n) of an array, whose schema may be one that arrow_schema_plain makes plain. */
int arrow_column_add(arrow_column *c, const struct ArrowSchema *s, const struct ArrowArray *a, int64_t from, int64_t n, shoal_error *err);
/* Rows row[0, n) of another column of the same type. */
int arrow_column_pick(arrow_column *c, const arrow_column *from, const int64_t *row, int64_t n, shoal_error *err);
uint64_t arrow_column_bytes(const arrow_column *c); /* of its buffers */
/* Hands the buffers over; then only arrow_column_release. */
int arrow_column_finish(arrow_column *c, struct ArrowArray *out, shoal_error *err);

/* All rows, appended; and the rows that were saved at the start of *from, appended: *from goes on behind them. */
int arrow_column_save(const arrow_column *c, buf *out, shoal_error *err);
int arrow_column_load(arrow_column *c, view *from, shoal_error *err);

/* Appends the bits [offset, offset + n) of `from`, or n ones, to the `rows` bits that are there; *zeros counts those that
 * are not set. */
int arrow_add_bits(buf *b, int64_t rows, const uint8_t *from, int64_t offset, int64_t n, int64_t *zeros, shoal_error *err);
/* The end of one more row of text or of a list; where the last one ends. */
int arrow_column_add_end(arrow_column *c, int64_t end, shoal_error *err);
int64_t arrow_column_end(const arrow_column *c);

#endif
