/* example_infer.h: inside table/: the columns of records that come without a schema, from a sample of the first ones: bytes
 * are utf8 (binary when one is not), floats float32, integers int64; a feature with one value in every record is a scalar, any
 * other a list; columns in byte order of their names. */
#ifndef TABLE_EXAMPLE_INFER_H
#define TABLE_EXAMPLE_INFER_H

#include "table/arrow.h"

typedef struct example_infer example_infer;
int example_infer_new(example_infer **out, shoal_error *err);
void example_infer_free(example_infer *e);
/* DATA without a place: no Example, or a feature of two types. */
int example_infer_add(example_infer *e, view record, shoal_error *err);
int example_infer_schema(example_infer *e, struct ArrowSchema *out, shoal_error *err);

#endif
