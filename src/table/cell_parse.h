/* cell_parse.h: inside table/: text to values, the inverse of cell_text.h: strict forms only, so that no text becomes a value
 * that means something else (docs/types.md has the forms). */
#ifndef TABLE_CELL_PARSE_H
#define TABLE_CELL_PARSE_H

#include "table/arrow.h"

/* What a text can be. */
enum {
    CELL_BOOL = 1 << 0, CELL_I64 = 1 << 1, CELL_U64 = 1 << 2, CELL_F64 = 1 << 3, CELL_DATE = 1 << 4,
    CELL_US = 1 << 5, CELL_NS = 1 << 6,           /* timestamps without a zone, of micro- and nanoseconds */
    CELL_ZONED_US = 1 << 7, CELL_ZONED_NS = 1 << 8,
    CELL_TIME_US = 1 << 9, CELL_TIME_NS = 1 << 10,
    CELL_REAL = 1 << 11,                          /* a number with a fraction, an exponent, nan or an infinity */
    CELL_ANY = (1 << 11) - 1
};

/* The kinds of one text, and CELL_REAL. */
unsigned cell_kinds(view v);
/* The kinds of nan, inf and infinity with a sign or not; 0 for all else. */
unsigned cell_kinds_special(view v);
/* Arrow's format of the first kind that all cells have: `all` is the intersection of their kinds, `any` the union, 0 when
 * there was no cell. Floats only where `any` has CELL_REAL. "u" when there is none. */
const char *cell_format(unsigned all, unsigned any);

/* How the texts of a column become values. */
typedef struct cell_target {
    enum arrow_type type;
    int digits; /* of a second's fraction, of timestamps and times */
    int zoned;
} cell_target;
/* 0 when texts are not read as that type. */
int cell_target_of(const struct ArrowSchema *field, cell_target *out);
/* 1 with the value (bool, integers, dates and times in *i, floats in *f), 0 when the text has none of that type. Texts
 * (utf8) are not asked for here. */
int cell_value(const cell_target *t, view v, int64_t *i, double *f);

#endif
