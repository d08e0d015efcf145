/* sequence_columns.h: inside table/: the feature lists of tf.train.SequenceExample as columns of lists of lists. Its context is
 * read as the features of an Example are (example_columns.h), which it is on the wire. */
#ifndef TABLE_SEQUENCE_COLUMNS_H
#define TABLE_SEQUENCE_COLUMNS_H

#include "table/arrow.h"
#include "table/record_block.h"

/* Whether a column is a list of lists: a feature list. */
int sequence_is_list(const struct ArrowSchema *field);
/* The columns of a schema that are feature lists, or (lists 0) those that are not. */
int sequence_split(const struct ArrowSchema *in, int lists, struct ArrowSchema *out, shoal_error *err);
/* Batches of `context` and of `lists` columns become one of `schema`; both are taken over in any case. */
int sequence_join(const struct ArrowSchema *schema, struct ArrowArray *context, struct ArrowArray *lists, struct ArrowArray *out, shoal_error *err);

/* One a thread. Of the feature lists `all`, those that are `wanted`; both outlive the decoder. `advice` ends messages. */
typedef struct sequence_decoder sequence_decoder;
int sequence_decoder_new(const struct ArrowSchema *all, const struct ArrowSchema *wanted, const char *advice, sequence_decoder **out, shoal_error *err);
void sequence_decoder_free(sequence_decoder *d);
int sequence_decode(sequence_decoder *d, const record_block *in, struct ArrowArray *out, shoal_error *err);

#endif
