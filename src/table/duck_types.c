/* duck_types.c: DuckDB's types in a schema that it exported to Arrow. Some come out as what they are not: a BIT as its inner
 * bytes, a TIMETZ without its zone, a UHUGEINT as a signed number. These are noted in the schema by formats of ours. */
#include "table/duck.h"

#include "table/arrow.h"

/* The numbers of duckdb_type. */
enum {
    TYPE_HUGEINT = 16, TYPE_LIST = 24, TYPE_STRUCT = 25, TYPE_MAP = 26, TYPE_BIT = 29, TYPE_TIME_TZ = 30, TYPE_UHUGEINT = 32,
    TYPE_ARRAY = 33, TYPE_BIGNUM = 35, TYPE_GEOMETRY = 40, TYPE_VARIANT = 41
};

static const char *format_of_id(int id)
{
    switch (id) {
    case TYPE_HUGEINT: return ":hugeint";
    case TYPE_UHUGEINT: return ":uhugeint";
    case TYPE_BIT: return ":bit";
    case TYPE_TIME_TZ: return ":time with time zone";
    case TYPE_BIGNUM: return ":bignum";
    case TYPE_GEOMETRY: return ":geometry";
    case TYPE_VARIANT: return ":variant";
    default: return NULL;
    }
}

static uint64_t children_of(duckdb_logical_type t)
{
    switch (duckdb_get_type_id(t)) {
    case TYPE_LIST:
    case TYPE_ARRAY: return 1;
    case TYPE_MAP: return 2;
    case TYPE_STRUCT: return duckdb_struct_type_child_count(t);
    default: return 0;
    }
}

/* Destroyed by the caller. */
static duckdb_logical_type child_of(duckdb_logical_type t, uint64_t i)
{
    switch (duckdb_get_type_id(t)) {
    case TYPE_LIST: return duckdb_list_type_child_type(t);
    case TYPE_ARRAY: return duckdb_array_type_child_type(t);
    case TYPE_MAP: return i == 0 ? duckdb_map_type_key_type(t) : duckdb_map_type_value_type(t);
    default: return duckdb_struct_type_child_type(t, i);
    }
}

int duck_has_variant(duckdb_logical_type t)
{
    int has = duckdb_get_type_id(t) == TYPE_VARIANT;
    for (uint64_t i = 0, n = children_of(t); !has && i < n; i++) {
        duckdb_logical_type child = child_of(t, i);
        has = duck_has_variant(child);
        duckdb_destroy_logical_type(&child);
    }
    return has;
}

int duck_note_types(duckdb_logical_type t, struct ArrowSchema *own, shoal_error *err)
{
    const char *format = format_of_id(duckdb_get_type_id(t));
    int r = format ? arrow_schema_set_format(own, format, err) : 0;
    /* a map is a list of structs of key and value */
    struct ArrowSchema *in = duckdb_get_type_id(t) == TYPE_MAP ? own->children[0] : own;
    for (uint64_t i = 0, n = children_of(t); r == 0 && i < n; i++) {
        duckdb_logical_type child = child_of(t, i);
        r = duck_note_types(child, in->children[i], err);
        duckdb_destroy_logical_type(&child);
    }
    return r;
}
