/* text_types.h: inside table/: the types of columns of text: those that --types says, and those that the first rows tell. */
#ifndef TABLE_TEXT_TYPES_H
#define TABLE_TEXT_TYPES_H

#include "table/table.h"

#define TEXT_SAMPLE_ROWS 20480        /* of the first file, that tell the types */
#define TEXT_SAMPLE_BYTES (8u << 20)  /* at most so much of it, but one row */

/* The type that "COLUMN=TYPE" of spec->types gives a column, NULL when none does. */
const char *text_type_said(const table_spec *spec, const char *column);
/* The same of spec->wishes: utf8 always (007 is no 7 for a model that was trained on text), another type only when the rows
 * so far tell none (has_values 0) and text is read as it. */
const char *text_type_wished(const table_spec *spec, const char *column, int has_values);
/* USAGE when an entry is none, or names no column of the schema, or a type that text is not read as. */
int text_types_check(const table_spec *spec, const struct ArrowSchema *schema, shoal_error *err);
/* Gives a column the type that was said. USAGE when there is no such type, or text is not read as it. */
int text_types_set(struct ArrowSchema *field, const char *said, shoal_error *err);
/* The name of a type that a column's values so far and a text that does not fit have both. */
const char *text_type_advised(const struct ArrowSchema *field, view v);
/* Text that is shown in a message: short, printable, with "..." for what is left out. Returns out. */
const char *text_shown(view v, char out[44]);

#endif
