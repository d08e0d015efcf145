/* value.h: single values of columns, checked, and what to say of those that will not do. Private to the folder. */
#ifndef FEATURES_VALUE_H
#define FEATURES_VALUE_H

#include <math.h>

#include "features/cell.h"
#include "features/vocab.h"

#define VALUE_FOUND 48 /* bytes of a bad value, quoted in a message */

/* The value of a cell for messages: short, printable. */
const char *value_found(const cells *c, int64_t i, char out[VALUE_FOUND]);
/* A value of column `name` that value_category refuses. */
int value_category_error(const cells *c, int64_t i, const char *name, shoal_error *err);

/* A number of any column: NaN for null, NaN and empty text. 0, or SHOAL_DATA for text that is no number. */
static inline int value_number(const cells *c, int64_t i, double *out)
{
    *out = NAN;
    if (cell_null(c, i))
        return 0;
    if (!arrow_type_is_text(c->type)) {
        *out = cell_f64(c, i);
        return 0;
    }
    view v = cell_text(c, i);
    return v.n ? view_to_f64(v, out) : 0;
}

static inline int value_is_ascii(view v)
{
    uint64_t any = 0, w;
    size_t i = 0;
    for (; i + 8 <= v.n; i += 8) {
        memcpy(&w, v.p + i, 8);
        any |= w;
    }
    for (; i < v.n; i++)
        any |= (uint8_t)v.p[i];
    return !(any & 0x8080808080808080ull);
}

/* As cell_category; SHOAL_DATA also for text that is not UTF-8. */
static inline int value_category(const cells *c, int64_t i, char *scratch, view *out)
{
    int rc = cell_category(c, i, scratch, out);
    if (rc || out->n == 0)
        return rc;
    if ((c->type == ARROW_UTF8 || c->type == ARROW_LARGE_UTF8) && !value_is_ascii(*out) && !view_is_utf8(*out))
        return SHOAL_DATA;
    return 0;
}

static inline int value_key(const cells *c, int64_t i, uint64_t seed, uint64_t *key)
{
    char scratch[CELL_SCRATCH];
    view v;
    int rc = value_category(c, i, scratch, &v);
    *key = rc || v.n == 0 ? 0 : vocabulary_key(v.p, v.n, seed);
    return rc;
}

#endif
