/* example_columns.h: records of tf.train.Example straight into columns.
 *
 * A tile of records is scanned for where its features are (records/example_scan.h), then each column is filled from its
 * slots in one loop of its own type. Features of columns that are not wanted are stepped over. */
#ifndef TABLE_EXAMPLE_COLUMNS_H
#define TABLE_EXAMPLE_COLUMNS_H

#include "table/arrow.h"
#include "table/record_block.h"

/* What the records hold and which columns are wanted: read only, for any number of decoders. */
typedef struct example_columns example_columns;
/* `all` are the columns that the records may have, `wanted` those that batches get, in their order and each of them among
 * `all`. `advice` ends the message about a feature that does not fit; it and both schemas stay the caller's and must
 * outlive the result. */
int example_columns_new(const struct ArrowSchema *all, const struct ArrowSchema *wanted, const char *unknown,
                        const char *advice, example_columns **out, shoal_error *err);
void example_columns_free(example_columns *c);

/* One a thread. */
typedef struct example_decoder example_decoder;
int example_decoder_new(const example_columns *c, example_decoder **out, shoal_error *err);
void example_decoder_free(example_decoder *d);
/* A batch of all records of the block, or DATA naming file, record and feature of the first that does not fit. */
int example_decode(example_decoder *d, const record_block *in, struct ArrowArray *out, shoal_error *err);

#endif
