/* example_encode.h: rows of a batch as framed records of tf.train.Example, without an object a feature; of SequenceExample when a
 * column is a list of lists, which then is a feature list, and all others are its context. What stands in front of
 * a value is the same in every row but for its lengths, so it is made once a column and copied. A null is a key that is left
 * out; what TFRecord cannot hold exactly is refused (docs/types.md). */
#ifndef TABLE_EXAMPLE_ENCODE_H
#define TABLE_EXAMPLE_ENCODE_H

#include "table/arrow.h"

/* Read only once made: any number of threads encode with it. The schema must outlive it. */
typedef struct example_encoder example_encoder;
int example_encoder_new(const struct ArrowSchema *schema, example_encoder **out, shoal_error *err);
void example_encoder_free(example_encoder *e);
/* Appends the rows [begin, end) of the batch to `out`. Messages number rows from `row`, the number of row 0 of the batch. */
int example_encode(const example_encoder *e, const struct ArrowArray *batch, int64_t begin, int64_t end, uint64_t row, buf *out,
                   shoal_error *err);

#endif
