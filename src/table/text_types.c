#include "table/text_types.h"

#include <string.h>

#include "table/cell_parse.h"
#include "table/source.h"

#define SHOWN 40

static const char *type_of(const char *const *entries, size_t n_entries, const char *column)
{
    size_t n = strlen(column);
    for (size_t i = 0; i < n_entries; i++) {
        const char *equals = strrchr(entries[i], '=');
        if (equals && (size_t)(equals - entries[i]) == n && memcmp(entries[i], column, n) == 0) return equals + 1;
    }
    return NULL;
}

const char *text_type_said(const table_spec *spec, const char *column) { return type_of(spec->types, spec->n_types, column); }

const char *text_type_wished(const table_spec *spec, const char *column, int has_values)
{
    const char *type = type_of(spec->wishes, spec->n_wishes, column);
    if (!type || strcmp(type, "utf8") == 0 || strcmp(type, "large_utf8") == 0) return type ? "utf8" : NULL;
    return has_values || strncmp(type, "list<", 5) == 0 || strncmp(type, "large_list<", 11) == 0 ? NULL : type;
}

int text_types_check(const table_spec *spec, const struct ArrowSchema *schema, shoal_error *err)
{
    for (size_t i = 0; i < spec->n_types; i++) {
        const char *said = spec->types[i], *equals = strrchr(said, '=');
        if (!equals || equals == said) return error_set(err, SHOAL_USAGE, "--types: '%s' is no COLUMN=TYPE, such as price=float64", said);
        int64_t column = -1;
        for (int64_t k = 0; column < 0 && k < schema->n_children; k++)
            if (strncmp(schema->children[k]->name, said, (size_t)(equals - said)) == 0 && !schema->children[k]->name[equals - said]) column = k;
        if (column < 0) return error_set(err, SHOAL_USAGE, "--types: there is no column '%.*s'", (int)(equals - said), said);
    }
    return 0;
}

int text_types_set(struct ArrowSchema *field, const char *said, shoal_error *err)
{
    struct ArrowSchema typed = {0};
    cell_target target;
    int r = schema_column_of(field->name, said, 1, &typed, err);
    if (r < 0) return r;
    if (r == 0 || !cell_target_of(&typed, &target)) {
        if (typed.release) typed.release(&typed);
        return error_set(err, SHOAL_USAGE, "--types: column '%s': text is not read as '%s'; there are bool, int8 to int64, uint8 to uint64, float32, float64, utf8, date32, "
                                           "timestamp[us] and time", field->name, said);
    }
    field->release(field);
    *field = typed;
    return 0;
}

const char *text_type_advised(const struct ArrowSchema *field, view v)
{
    return arrow_type_is_int(arrow_type_of(field)) && cell_kinds(v) & CELL_F64 ? "float64" : "utf8";
}

const char *text_shown(view v, char out[44])
{
    size_t n = v.n < SHOWN ? v.n : SHOWN;
    while (n < v.n && n > 0 && ((uint8_t)v.p[n] & 0xc0) == 0x80) n--;
    for (size_t i = 0; i < n; i++) out[i] = (uint8_t)v.p[i] < ' ' || v.p[i] == 0x7f ? ' ' : v.p[i];
    strcpy(out + n, v.n > n ? "..." : "");
    return out;
}
