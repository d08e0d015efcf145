/* duck_arrow.h: inside table/: chunks of DuckDB whose columns are numbers, days, times and texts, as Arrow arrays. The library
 * does that too, value by value and for all types; most tables need no more than this. */
#ifndef TABLE_DUCK_ARROW_H
#define TABLE_DUCK_ARROW_H

#include "table/duck.h"

/* How a chunk has values of a type that Arrow has in the same form, or nearly; NOT_SIMPLE of all others, for which the library
 * is asked. `format` is what it exports the type as. */
enum duck_simple { DUCK_NOT_SIMPLE, DUCK_1_BYTE, DUCK_2_BYTES, DUCK_4_BYTES, DUCK_8_BYTES, DUCK_BOOL, DUCK_TEXT };
enum duck_simple duck_simple_type(int type_id, const char *format);
/* 1 with the rows of a chunk, copied; none of the n columns is NOT_SIMPLE. 0 when a text is too long for Arrow's offsets. */
int duck_simple_chunk(duckdb_data_chunk chunk, const uint8_t *types, uint64_t n, struct ArrowArray *out, shoal_error *err);

#endif
