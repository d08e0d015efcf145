/* raw_records.h: inside table/: TFRecord whose records are any bytes, no tf.train.Example: a table of one column byteArray of
 * binary, as spark-tfrecord names it (recordType ByteArray). */
#ifndef TABLE_RAW_RECORDS_H
#define TABLE_RAW_RECORDS_H

#include "base/option.h"
#include "records/record_index.h"
#include "table/arrow.h"
#include "table/record_block.h"

/* What --record-type says: 0 nothing, else 1 + an enum record_type. */
int record_type_said(const shoal_options *o);

/* DATA when records are said to be Examples, and a column is a list of lists, a feature list. */
int record_type_check(int said, const struct ArrowSchema *schema, shoal_error *err);

int raw_schema(struct ArrowSchema *out, shoal_error *err);
/* The batch of a block: of the column, or of none when is_wanted is 0. */
int raw_decode(const record_block *b, int is_wanted, struct ArrowArray *out, shoal_error *err);
/* DATA when the columns are not one of text or binary. */
int raw_check(const struct ArrowSchema *schema, shoal_error *err);
/* What an index and a schema file say of such records, whatever the column was called. */
int raw_index(record_index *x, shoal_error *err);
int raw_schema_write(const char *path, const char *file, shoal_error *err);
/* Rows [begin, end) of such a column, the first of the batch being row `row`, framed one by one. */
int raw_encode(const struct ArrowSchema *schema, const struct ArrowArray *batch, int64_t begin, int64_t end, uint64_t row, buf *out, shoal_error *err);

#endif
