#include "features/value.h"

const char *value_found(const cells *c, int64_t i, char out[VALUE_FOUND])
{
    if (cell_null(c, i))
        return strcpy(out, "null");
    if (!arrow_type_is_text(c->type))
        return f64_text(cell_f64(c, i), out);
    view v = cell_text(c, i);
    size_t n = v.n < VALUE_FOUND - 6 ? v.n : VALUE_FOUND - 6, at = 0;
    out[at++] = '\'';
    for (size_t k = 0; k < n; k++)
        out[at++] = v.p[k] >= ' ' && v.p[k] < 127 ? v.p[k] : '?';
    strcpy(out + at, n < v.n ? "...'" : "'");
    return out;
}

int value_category_error(const cells *c, int64_t i, const char *name, shoal_error *err)
{
    char value[VALUE_FOUND];
    if (arrow_type_is_text(c->type))
        return error_set(err, SHOAL_DATA, "column '%s': %s is not UTF-8; give it as binary or repair it", name,
                         value_found(c, i, value));
    return error_set(err, SHOAL_DATA, "column '%s': %s is not a whole number and cannot be a category; make the "
                     "feature numeric or round it", name, value_found(c, i, value));
}
