/* arrow.h: helpers over the Arrow C data interface, the currency of tables.
 * Ownership is Arrow's: whoever holds a structure with release != NULL calls release once. */
#ifndef TABLE_ARROW_H
#define TABLE_ARROW_H

#include "base/buf.h"

/* The types of columns that Shoal tells apart. Anything else is ARROW_OTHER and refused by name where it matters. */
enum arrow_type {
    ARROW_OTHER, ARROW_NULL, ARROW_BOOL,
    ARROW_I8, ARROW_I16, ARROW_I32, ARROW_I64, ARROW_U8, ARROW_U16, ARROW_U32, ARROW_U64,
    ARROW_F32, ARROW_F64, ARROW_DECIMAL128,
    ARROW_UTF8, ARROW_LARGE_UTF8, ARROW_BINARY, ARROW_LARGE_BINARY,
    ARROW_DATE32, ARROW_TIMESTAMP, ARROW_TIME, ARROW_DURATION, ARROW_LIST, ARROW_LARGE_LIST, ARROW_MAP, ARROW_STRUCT,
    /* Other encodings of the types above. Sources may meet them; what table_next gives has none (arrow_schema_plain). */
    ARROW_DICTIONARY, ARROW_F16, ARROW_DECIMAL32, ARROW_DECIMAL64, ARROW_DECIMAL256, ARROW_HUGEINT, ARROW_UHUGEINT,
    ARROW_UTF8_VIEW, ARROW_BINARY_VIEW, ARROW_FIXED_BINARY, ARROW_UUID, ARROW_DATE64, ARROW_TIME32,
    ARROW_FIXED_LIST, ARROW_LIST_VIEW, ARROW_LARGE_LIST_VIEW
};
/* Formats that start with ':' are none of Arrow's. A source writes them into its own schema where a column is not what its
 * format says: ":hugeint", ":uhugeint" and ":uuid" are the types of these names, any other is refused by what follows. */
enum arrow_type arrow_type_of(const struct ArrowSchema *field);
const char *arrow_type_name(const struct ArrowSchema *field, char *out, size_t n); /* "int64", "list<utf8>", ... */
/* Whether an int64 of a file is a value of the type, which is a whole number in memory. */
int arrow_type_holds(enum arrow_type t, int64_t v);
int arrow_type_is_int(enum arrow_type t);
int arrow_type_is_float(enum arrow_type t);
int arrow_type_is_text(enum arrow_type t); /* utf8 and binary, large or not */
int arrow_type_is_list(enum arrow_type t);
/* Nonzero when the field is of a type that no format holds (ARROW_OTHER, ARROW_DURATION), or has one inside. */
int arrow_is_refused(const struct ArrowSchema *field);
/* 0 when no column is refused, else DATA and "column 'x' has the type interval, which cannot be WHAT; ...". */
int arrow_check_columns(const struct ArrowSchema *schema, const char *what, shoal_error *err);
/* Bytes of a value, or of an offset; 0 where a column of that type has none. */
int64_t arrow_value_bytes(enum arrow_type t);
int arrow_offset_bytes(enum arrow_type t);
int64_t arrow_fixed_size(const struct ArrowSchema *field); /* N of "w:N" and "+w:N", else 0 */

/* Index of the named child of a struct schema, or -1. */
int64_t arrow_find(const struct ArrowSchema *schema, const char *name);
/* Deep copy of a schema. */
int arrow_schema_copy(const struct ArrowSchema *in, struct ArrowSchema *out, shoal_error *err);
/* Builds schemas: a struct with n children (each then set by arrow_schema_set), formats as in the specification. */
int arrow_schema_struct(struct ArrowSchema *out, int64_t n_children, shoal_error *err);
int arrow_schema_set(struct ArrowSchema *child, const char *name, const char *format, int nullable, shoal_error *err);
int arrow_schema_nested(struct ArrowSchema *child, const char *name, const char *format, int64_t n_children, shoal_error *err);
int arrow_schema_set_format(struct ArrowSchema *own, const char *format, shoal_error *err); /* of a schema made by these */
int arrow_schema_set_list(struct ArrowSchema *child, const char *name, const char *item_format, shoal_error *err);
/* A list of lists. */
int arrow_schema_set_lists(struct ArrowSchema *child, const char *name, const char *item_format, shoal_error *err);

/* Arrow format strings of simple types both ways; ARROW_OTHER for what is none of them. */
enum arrow_type arrow_type_of_format(const char *format);

/* The schema whose arrays hold the same values in the plain types alone: dictionaries and views are decoded, lists of a
 * fixed size are lists, narrow numbers wide. What is ARROW_OTHER stays. */
int arrow_schema_plain(const struct ArrowSchema *in, struct ArrowSchema *out, shoal_error *err);
int arrow_schema_is_plain(const struct ArrowSchema *schema);
/* Deep copy of the rows [from, from + n) of a checked array, in the types of arrow_schema_plain(schema), a struct at the top.
 * A column of ARROW_OTHER becomes an array of that length without content, which nobody may read. DATA names a column whose
 * value the plain type does not hold. */
int arrow_array_copy(const struct ArrowSchema *schema, const struct ArrowArray *in, int64_t from, int64_t n, struct ArrowArray *out,
                     shoal_error *err);
/* Bytes of the buffers that the rows of a plain array use; an estimate of its weight in memory and in files. */
uint64_t arrow_array_bytes(const struct ArrowSchema *schema, const struct ArrowArray *a);

/* Checks lengths, buffer presence, offsets (monotone, within the data) of an array against its schema before anything
 * else reads it. Streams of callers are not trusted. */
int arrow_array_check(const struct ArrowSchema *schema, const struct ArrowArray *array, shoal_error *err);

/* Cell access; `row` counts from 0 within the array (its offset is applied here). No bounds checks: check first. */
int arrow_is_null(const struct ArrowArray *a, int64_t row);
/* Bool, integers, dates, timestamps, times, durations (raw units); decimals are not included. */
int64_t arrow_i64(enum arrow_type t, const struct ArrowArray *a, int64_t row);
/* Integers, floats, bool as 0/1. */
double arrow_f64(enum arrow_type t, const struct ArrowArray *a, int64_t row);
view arrow_text(enum arrow_type t, const struct ArrowArray *a, int64_t row);
#define ARROW_VIEW_INLINE 12 /* bytes of a text view that lie in the view itself */
view arrow_text_view(const struct ArrowArray *a, int64_t row); /* of utf8_view and binary_view */
/* The half-open range of child elements of a list. */
void arrow_list(enum arrow_type t, const struct ArrowArray *a, int64_t row, int64_t *begin, int64_t *end);

/* An array that takes the memory of three buffers over (empty ones are none) and has n_children empty children; the caller
 * sets the lengths and releases it, after an error too. */
int arrow_array_own(struct ArrowArray *a, buf *valid, buf *values, buf *bytes, int64_t n_children, shoal_error *err);

/* The columns of two batches of as many rows, behind one another; both are taken over in any case. */
int arrow_join(struct ArrowArray *left, struct ArrowArray *right, struct ArrowArray *out, shoal_error *err);

/* Building batches column by column; rows are added field by field. */
typedef struct arrow_builder arrow_builder;
int arrow_builder_new(const struct ArrowSchema *schema, arrow_builder **out, shoal_error *err);
void arrow_builder_free(arrow_builder *b);
int arrow_builder_null(arrow_builder *b, int64_t column, shoal_error *err);
int arrow_builder_i64(arrow_builder *b, int64_t column, int64_t v, shoal_error *err); /* narrowed to the type; range checked by the caller */
int arrow_builder_f64(arrow_builder *b, int64_t column, double v, shoal_error *err);
int arrow_builder_text(arrow_builder *b, int64_t column, view v, shoal_error *err);
/* Lists: open, add items (i64, f64 or text by the item type), close. */
int arrow_builder_list_open(arrow_builder *b, int64_t column, shoal_error *err);
int arrow_builder_list_close(arrow_builder *b, int64_t column, shoal_error *err);
/* Lists of lists: between open and close of the outer one, the same of each inner one, which may be null. */
int arrow_builder_inner_open(arrow_builder *b, int64_t column, shoal_error *err);
int arrow_builder_inner_close(arrow_builder *b, int64_t column, int is_null, shoal_error *err);
/* Hands the rows over as one struct array and starts anew. */
int arrow_builder_finish(arrow_builder *b, struct ArrowArray *out, shoal_error *err);
/* arrow_join of what `b` built, behind left; filled < 0 says that building failed. left is taken over in any case. 1, as a source's next. */
int arrow_join_built(struct ArrowArray *left, arrow_builder *b, int filled, struct ArrowArray *out, shoal_error *err);

/* Arrays without nulls from buffers that are there: `values` (NULL for a struct) is taken over and left empty; the children
 * are zeroed, to be made in the same way. */
int arrow_array_take(struct ArrowArray *out, int64_t length, buf *values, int64_t n_children, shoal_error *err);

#endif
