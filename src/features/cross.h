/* cross.h: the category of a cross: the values of its columns in one row, as bytes from which they can be read back, so that no
 * two rows of different values meet by their text.
 *
 *   cross = part...           part = length in decimal, ':', the value's bytes; or '-' for a missing value
 *
 * ("a", "bc") is 1:a2:bc, ("ab", "c") is 2:ab1:c, (7, null) is 1:7-. Each value has the bytes of a category (cell.h): 7 and "7"
 * are one. A row where all are missing is missing itself. */
#ifndef FEATURES_CROSS_H
#define FEATURES_CROSS_H

#include "base/buf.h"
#include "features/cell.h"
#include "features/features.h"

typedef struct cross_cells {
    uint32_t n;
    cells column[FEATURE_CROSS_MAX];
} cross_cells;

/* *out lies in `room` until the next call; nothing (n = 0) when all are missing. SHOAL_DATA, without a message, for a value that
 * cannot be a category: that of column *bad. */
int cross_text(const cross_cells *c, int64_t row, buf *room, view *out, uint32_t *bad, shoal_error *err);

#endif
