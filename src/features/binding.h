/* binding.h: the part of a binding that the statistics need: the bytes behind a key. Private to the folder. */
#ifndef FEATURES_BINDING_H
#define FEATURES_BINDING_H

#include "features/cell.h"
#include "features/features.h"

/* Resolves a column of a schema; index -1 when it is not there. */
column_ref column_find(const struct ArrowSchema *schema, const char *name);
/* Cells of a categorical feature in a batch: of the column, and of a list's elements (the column itself when it is
 * no list). */
void binding_cells(const binding *b, uint32_t feature, const struct ArrowArray *batch, cells *rows, cells *items);

#endif
