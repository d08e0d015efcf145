/* binding.h: the part of a binding that the statistics need: the bytes behind a key. Private to the folder. */
#ifndef FEATURES_BINDING_H
#define FEATURES_BINDING_H

#include "features/cross.h"

/* Resolves a column of a schema; index -1 when it is not there. */
column_ref column_find(const struct ArrowSchema *schema, const char *name);
/* Cells of a categorical feature in a batch: of the column, and of a list's elements (the column itself when it is
 * no list); of a bag with a `where`, those of the column beside it as well. */
typedef struct bag_cells {
    cells rows, items;
    int filtered;
    cells where_rows, where_items;
    int64_t where;
} bag_cells;
bag_cells binding_cells(const binding *b, uint32_t feature, const struct ArrowArray *batch);
/* Those of a cross; n = 0 when the feature is none. */
void binding_cross(const binding *b, uint32_t feature, const struct ArrowArray *batch, cross_cells *out);

/* The first of the elements [i, end) that counts, where the list of `row` starts at `begin`; or end. */
static inline int64_t bag_next(const bag_cells *c, int64_t row, int64_t begin, int64_t i, int64_t end)
{
    int64_t beside, unused;
    if (!c->filtered)
        return i;
    cell_range(&c->where_rows, row, &beside, &unused);
    return cell_next(&c->where_items, beside + i - begin, beside + end - begin, c->where) - beside + begin;
}

#endif
