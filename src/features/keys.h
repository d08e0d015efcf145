/* keys.h: the values of one column as keys, as a category has them: for groups and slices of rows, which are no features. */
#ifndef FEATURES_KEYS_H
#define FEATURES_KEYS_H

#include "features/features.h"

#define COLUMN_KEYS_STRIDE 16 /* bytes of a raw row: label and weight, which are not read, and the key */

typedef struct column_keys column_keys;
/* Text, whole numbers, dates and bool, as of a category; other types are refused by name. */
int column_keys_new(const char *column, const struct ArrowSchema *schema, column_keys **out, shoal_error *err);
void column_keys_free(column_keys *k); /* NULL is nothing */
/* The keys of a batch, which the object keeps until the next call; 0 is missing. Failing, *bad_row is the row within the batch. */
int column_keys_take(column_keys *k, const struct ArrowArray *from, const uint64_t **keys, int64_t *bad_row, shoal_error *err);
/* The same as raw rows of COLUMN_KEYS_STRIDE bytes, for a pack. */
const raw_block *column_keys_rows(const column_keys *k);
/* The bytes behind the key of a row of the batch; numbers are written to scratch, of COLUMN_KEYS_SCRATCH bytes. */
#define COLUMN_KEYS_SCRATCH 24
view column_keys_text(const column_keys *k, const struct ArrowArray *from, int64_t row, char *scratch);
/* The keys of such raw rows. */
void column_keys_of_rows(const raw_block *rows, uint64_t *keys);

#endif
