/* json_types.h: inside table/: the types of the keys of JSON objects, found from the first rows. */
#ifndef TABLE_JSON_TYPES_H
#define TABLE_JSON_TYPES_H

#include "records/jsontext.h"
#include "table/arrow.h"

/* What was seen of one value: of a key, of the items of a list. */
typedef struct json_kinds {
    char *name;             /* of a key */
    unsigned shapes;        /* of all values that are not null: SHAPE_* */
    unsigned all, any;      /* kinds of the scalars (cell_parse.h) */
    struct json_kinds *part; /* keys of objects, in the order in which they came; what lists hold */
    size_t n, cap;
    size_t hint; /* the key that comes next, most likely */
} json_kinds;
void json_kinds_release(json_kinds *t);
/* The object at the cursor as one more row of t. DATA leaves a fault in the cursor. */
int json_kinds_note(json_kinds *t, jsontext_cursor *c, buf *room, int depth, shoal_error *err);
/* A column of the type that t's values have. Values of several shapes are text: strings as they are, all else as JSON. */
int json_kinds_field(const json_kinds *t, const char *name, struct ArrowSchema *out, shoal_error *err);
/* NaN, Infinity or -Infinity, as this program writes what JSON has no numbers for. */
int json_is_special(view v);

#endif
