/* column_stats.h: inside table/: what the columns of a TFRecord file hold, for its index: nulls, number of values, smallest
 * and largest value. Of lists the items count; NaN does not compare; texts compare by bytes. */
#ifndef TABLE_COLUMN_STATS_H
#define TABLE_COLUMN_STATS_H

#include "records/record_index.h"
#include "table/arrow.h"

typedef struct column_stats column_stats;
int column_stats_new(const struct ArrowSchema *schema, column_stats **out, shoal_error *err);
void column_stats_free(column_stats *s); /* NULL is nothing */
/* A batch of the columns of the schema; of them [begin, end) are looked at. Different columns may be at the same time. */
int column_stats_add(column_stats *s, const struct ArrowArray *batch, int64_t begin, int64_t end, shoal_error *err);
/* Makes the features of the index. */
int column_stats_finish(const column_stats *s, record_index *x, shoal_error *err);

#endif
