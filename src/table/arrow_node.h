/* arrow_node.h: inside table/: the columns of an arrow_builder, for code that fills many rows of one column at a time.
 *
 * Such code reserves room in `values` (and `bytes`), writes there, and then calls arrow_node_rows. Offsets stand in front of
 * their rows; the one behind the last row is written when the batch is finished. */
#ifndef TABLE_ARROW_NODE_H
#define TABLE_ARROW_NODE_H

#include "table/arrow.h"

typedef struct arrow_node {
    enum arrow_type type;
    int is_list, is_text, is_wide; /* of type; wide: offsets of 64 bits */
    buf valid;   /* bits; empty as long as nothing is null */
    buf values;  /* values, or the offsets of text and lists */
    buf bytes;   /* of text */
    int64_t rows, nulls;
    struct arrow_node *item; /* of a list; the members of a struct, n_items */
    int64_t n_items;
} arrow_node;

arrow_node *arrow_builder_column(arrow_builder *b, int64_t column);
/* One row of a node, as arrow_builder_* for columns, for structs and lists of anything: between open and close the rows of its
 * items (a list) or one row of each member (a struct) are added. */
int arrow_node_null(arrow_node *n, shoal_error *err);
int arrow_node_i64(arrow_node *n, int64_t v, shoal_error *err);
int arrow_node_f64(arrow_node *n, double v, shoal_error *err);
int arrow_node_text(arrow_node *n, view v, shoal_error *err);
int arrow_node_open(arrow_node *n, shoal_error *err);
int arrow_node_close(arrow_node *n, shoal_error *err);
/* Bytes of one value in `values`; 0 for booleans (bits) and whatever has offsets. */
size_t arrow_node_width(const arrow_node *n);
/* Counts n rows whose values were written; present[i] says whether row i has one, NULL that all have. */
int arrow_node_rows(arrow_node *n, const uint8_t *present, size_t rows, shoal_error *err);
/* Drops all rows that were not handed over. */
void arrow_builder_clear(arrow_builder *b);

#endif
