/* arrow_schema.c: types and schemas of arrow.h. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "table/arrow.h"

static enum arrow_type decimal_type(const char *f)
{
    int precision, scale, bits = 128;
    if (sscanf(f, "d:%d,%d,%d", &precision, &scale, &bits) < 2 || precision < 1 || precision > 38 || scale < 0 || scale > precision)
        return ARROW_OTHER;
    return bits == 128 ? ARROW_DECIMAL128 : bits == 32 ? ARROW_DECIMAL32 : bits == 64 ? ARROW_DECIMAL64 : bits == 256 ? ARROW_DECIMAL256 : ARROW_OTHER;
}

enum arrow_type arrow_type_of_format(const char *f)
{
    static const struct { char code; enum arrow_type type; } SIMPLE[] = {
        {'n', ARROW_NULL}, {'b', ARROW_BOOL}, {'c', ARROW_I8}, {'C', ARROW_U8}, {'s', ARROW_I16}, {'S', ARROW_U16},
        {'i', ARROW_I32}, {'I', ARROW_U32}, {'l', ARROW_I64}, {'L', ARROW_U64}, {'e', ARROW_F16}, {'f', ARROW_F32}, {'g', ARROW_F64},
        {'u', ARROW_UTF8}, {'U', ARROW_LARGE_UTF8}, {'z', ARROW_BINARY}, {'Z', ARROW_LARGE_BINARY},
    };
    static const struct { const char *code; enum arrow_type type; } LONG[] = {
        {"tdD", ARROW_DATE32}, {"tdm", ARROW_DATE64}, {"ttu", ARROW_TIME}, {"ttn", ARROW_TIME}, {"tts", ARROW_TIME32}, {"ttm", ARROW_TIME32},
        {"tDs", ARROW_DURATION}, {"tDm", ARROW_DURATION}, {"tDu", ARROW_DURATION}, {"tDn", ARROW_DURATION},
        {"vu", ARROW_UTF8_VIEW}, {"vz", ARROW_BINARY_VIEW}, {"+l", ARROW_LIST}, {"+L", ARROW_LARGE_LIST}, {"+vl", ARROW_LIST_VIEW},
        {"+vL", ARROW_LARGE_LIST_VIEW}, {"+s", ARROW_STRUCT}, {"+m", ARROW_MAP},
        {":hugeint", ARROW_HUGEINT}, {":uhugeint", ARROW_UHUGEINT}, {":uuid", ARROW_UUID},
    };
    if (!f || !f[0]) return ARROW_OTHER;
    for (size_t i = 0; !f[1] && i < sizeof SIMPLE / sizeof SIMPLE[0]; i++)
        if (SIMPLE[i].code == f[0]) return SIMPLE[i].type;
    for (size_t i = 0; i < sizeof LONG / sizeof LONG[0]; i++)
        if (strcmp(LONG[i].code, f) == 0) return LONG[i].type;
    if (strncmp(f, "ts", 2) == 0 && f[2] && strchr("smun", f[2]) && f[3] == ':') return ARROW_TIMESTAMP;
    if (strncmp(f, "w:", 2) == 0) return ARROW_FIXED_BINARY;
    if (strncmp(f, "+w:", 3) == 0) return ARROW_FIXED_LIST;
    return f[0] == 'd' ? decimal_type(f) : ARROW_OTHER;
}

enum arrow_type arrow_type_of(const struct ArrowSchema *field)
{
    return field->dictionary ? ARROW_DICTIONARY : arrow_type_of_format(field->format);
}

/* What people call the formats that Shoal refuses. */
static const char *other_name(const char *f)
{
    static const struct { const char *start, *name; } NAME[] = {
        {"tiM", "interval[months]"}, {"tiD", "interval[days, ms]"}, {"tin", "interval"}, {"+ud", "union"}, {"+us", "union"},
        {"+r", "run_end_encoded"},
    };
    if (f[0] == ':') return f + 1;
    for (size_t i = 0; i < sizeof NAME / sizeof NAME[0]; i++)
        if (strncmp(f, NAME[i].start, strlen(NAME[i].start)) == 0) return NAME[i].name;
    return NULL;
}

static const char *unit_name(char code)
{
    static const char *const UNIT[] = {"s", "ms", "us", "ns"};
    return UNIT[strchr("smun", code) - "smun"];
}

/* name<children>; of a struct with their names. What does not fit is cut. */
static void nested_name(enum arrow_type t, const char *name, const struct ArrowSchema *field, char *out, size_t n)
{
    char child[96];
    const struct ArrowSchema *in = t == ARROW_MAP && field->n_children == 1 ? field->children[0] : field;
    size_t at = (size_t)snprintf(out, n, "%s<", name);
    for (int64_t i = 0; i < in->n_children && at < n; i++)
        at += (size_t)snprintf(out + at, n - at, "%s%s%s%s", i > 0 ? ", " : "", t == ARROW_STRUCT ? in->children[i]->name : "",
                               t == ARROW_STRUCT ? " " : "", arrow_type_name(in->children[i], child, sizeof child));
    if (at < n) snprintf(out + at, n - at, ">");
}

const char *arrow_type_name(const struct ArrowSchema *field, char *out, size_t n)
{
    static const char *const NAME[] = {
        [ARROW_OTHER] = "other", [ARROW_NULL] = "null", [ARROW_BOOL] = "bool", [ARROW_I8] = "int8", [ARROW_I16] = "int16",
        [ARROW_I32] = "int32", [ARROW_I64] = "int64", [ARROW_U8] = "uint8", [ARROW_U16] = "uint16", [ARROW_U32] = "uint32",
        [ARROW_U64] = "uint64", [ARROW_F32] = "float32", [ARROW_F64] = "float64", [ARROW_DECIMAL128] = "decimal",
        [ARROW_UTF8] = "utf8", [ARROW_LARGE_UTF8] = "large_utf8", [ARROW_BINARY] = "binary", [ARROW_LARGE_BINARY] = "large_binary",
        [ARROW_DATE32] = "date32", [ARROW_TIMESTAMP] = "timestamp", [ARROW_TIME] = "time", [ARROW_DURATION] = "duration",
        [ARROW_LIST] = "list", [ARROW_LARGE_LIST] = "large_list", [ARROW_MAP] = "map", [ARROW_STRUCT] = "struct",
        [ARROW_DICTIONARY] = "dictionary", [ARROW_F16] = "float16", [ARROW_DECIMAL32] = "decimal32", [ARROW_DECIMAL64] = "decimal64",
        [ARROW_DECIMAL256] = "decimal256", [ARROW_HUGEINT] = "hugeint", [ARROW_UHUGEINT] = "uhugeint", [ARROW_UTF8_VIEW] = "utf8_view",
        [ARROW_BINARY_VIEW] = "binary_view", [ARROW_FIXED_BINARY] = "fixed_binary", [ARROW_UUID] = "uuid", [ARROW_DATE64] = "date64",
        [ARROW_TIME32] = "time32", [ARROW_FIXED_LIST] = "fixed_list", [ARROW_LIST_VIEW] = "list_view", [ARROW_LARGE_LIST_VIEW] = "large_list_view",
    };
    enum arrow_type t = arrow_type_of(field);
    if (arrow_type_is_list(t) || t == ARROW_MAP || t == ARROW_STRUCT) {
        nested_name(t, NAME[t], field, out, n);
    } else if (t == ARROW_DECIMAL128) {
        int precision = 0, scale = 0;
        sscanf(field->format, "d:%d,%d", &precision, &scale);
        snprintf(out, n, "decimal(%d,%d)", precision, scale);
    } else if (t == ARROW_TIMESTAMP && field->format[4]) {
        snprintf(out, n, "timestamp[%s, %s]", unit_name(field->format[2]), field->format + 4);
    } else if (t == ARROW_TIMESTAMP || t == ARROW_DURATION || (t == ARROW_TIME && field->format[2] == 'n')) {
        snprintf(out, n, "%s[%s]", NAME[t], unit_name(field->format[2])); /* a time without unit is in us */
    } else if (t == ARROW_OTHER) {
        const char *format = field->format ? field->format : "", *name = other_name(format);
        if (name) snprintf(out, n, "%s", name);
        else snprintf(out, n, "other (Arrow '%s')", format);
    } else {
        snprintf(out, n, "%s", NAME[t]);
    }
    return out;
}

int arrow_type_holds(enum arrow_type t, int64_t v)
{
    switch (t) {
    case ARROW_BOOL: return v == 0 || v == 1;
    case ARROW_I8: return v >= INT8_MIN && v <= INT8_MAX;
    case ARROW_U8: return v >= 0 && v <= UINT8_MAX;
    case ARROW_I16: return v >= INT16_MIN && v <= INT16_MAX;
    case ARROW_U16: return v >= 0 && v <= UINT16_MAX;
    case ARROW_I32:
    case ARROW_DATE32: return v >= INT32_MIN && v <= INT32_MAX;
    case ARROW_U32: return v >= 0 && v <= UINT32_MAX;
    case ARROW_U64: return v >= 0;
    default: return 1;
    }
}

int arrow_type_is_int(enum arrow_type t) { return t >= ARROW_I8 && t <= ARROW_U64; }
int arrow_type_is_float(enum arrow_type t) { return t == ARROW_F32 || t == ARROW_F64; }
int arrow_type_is_text(enum arrow_type t) { return t >= ARROW_UTF8 && t <= ARROW_LARGE_BINARY; }
int arrow_type_is_list(enum arrow_type t) { return t == ARROW_LIST || t == ARROW_LARGE_LIST; }

int arrow_is_refused(const struct ArrowSchema *field)
{
    enum arrow_type t = arrow_type_of(field);
    int refused = t == ARROW_OTHER || t == ARROW_DURATION || (field->dictionary && arrow_is_refused(field->dictionary));
    for (int64_t i = 0; !refused && i < field->n_children; i++) refused = arrow_is_refused(field->children[i]);
    return refused;
}

int arrow_check_columns(const struct ArrowSchema *schema, const char *what, shoal_error *err)
{
    char name[120];
    for (int64_t i = 0; i < schema->n_children; i++)
        if (arrow_is_refused(schema->children[i]))
            return error_set(err, SHOAL_DATA, "column '%s' has the type %s, which cannot be %s; leave it out or cast it by --sql",
                             schema->children[i]->name, arrow_type_name(schema->children[i], name, sizeof name), what);
    return 0;
}

int64_t arrow_value_bytes(enum arrow_type t)
{
    switch (t) {
    case ARROW_I8:
    case ARROW_U8: return 1;
    case ARROW_I16:
    case ARROW_U16:
    case ARROW_F16: return 2;
    case ARROW_I32:
    case ARROW_U32:
    case ARROW_F32:
    case ARROW_DATE32:
    case ARROW_TIME32:
    case ARROW_DECIMAL32: return 4;
    case ARROW_I64:
    case ARROW_U64:
    case ARROW_F64:
    case ARROW_TIMESTAMP:
    case ARROW_TIME:
    case ARROW_DURATION:
    case ARROW_DATE64:
    case ARROW_DECIMAL64: return 8;
    case ARROW_DECIMAL128:
    case ARROW_HUGEINT:
    case ARROW_UHUGEINT:
    case ARROW_UUID:
    case ARROW_UTF8_VIEW:
    case ARROW_BINARY_VIEW: return 16;
    case ARROW_DECIMAL256: return 32;
    default: return 0;
    }
}

int arrow_offset_bytes(enum arrow_type t)
{
    switch (t) {
    case ARROW_UTF8:
    case ARROW_BINARY:
    case ARROW_LIST:
    case ARROW_MAP:
    case ARROW_LIST_VIEW: return 4;
    case ARROW_LARGE_UTF8:
    case ARROW_LARGE_BINARY:
    case ARROW_LARGE_LIST:
    case ARROW_LARGE_LIST_VIEW: return 8;
    default: return 0;
    }
}

int64_t arrow_fixed_size(const struct ArrowSchema *field)
{
    const char *colon = field->format ? strchr(field->format, ':') : NULL;
    int64_t n = 0;
    if (colon && view_to_i64(view_of(colon + 1, strlen(colon + 1)), &n) < 0) n = 0;
    return n > 0 && n <= INT32_MAX ? n : 0;
}

int64_t arrow_find(const struct ArrowSchema *schema, const char *name)
{
    for (int64_t i = 0; i < schema->n_children; i++)
        if (schema->children[i]->name && strcmp(schema->children[i]->name, name) == 0) return i;
    return -1;
}

/* ---- schemas of our own: every string and child is owned by its node ---------------------------------------------- */

static void schema_release(struct ArrowSchema *s)
{
    for (int64_t i = 0; s->children && i < s->n_children; i++) {
        struct ArrowSchema *child = s->children[i];
        if (child && child->release) child->release(child);
        mem_free(child);
    }
    if (s->dictionary) {
        if (s->dictionary->release) s->dictionary->release(s->dictionary);
        mem_free(s->dictionary);
    }
    mem_free(s->children);
    mem_free((void *)s->format);
    mem_free((void *)s->name);
    memset(s, 0, sizeof *s);
}

static int schema_init(struct ArrowSchema *s, const char *name, const char *format, int64_t flags, int64_t n_children,
                       shoal_error *err)
{
    memset(s, 0, sizeof *s);
    s->release = schema_release;
    s->flags = flags;
    s->name = mem_strdup(name ? name : "");
    s->format = mem_strdup(format);
    int bad = !s->name || !s->format;
    if (!bad && n_children > 0) {
        s->children = mem_calloc((size_t)n_children, sizeof *s->children);
        bad = !s->children;
    }
    for (int64_t i = 0; !bad && i < n_children; i++) {
        s->children[i] = mem_calloc(1, sizeof **s->children);
        s->n_children = i + 1;
        bad = !s->children[i];
    }
    if (!bad) return 0;
    schema_release(s);
    return error_nomem(err, (size_t)n_children * sizeof *s, "a schema");
}

int arrow_schema_struct(struct ArrowSchema *out, int64_t n_children, shoal_error *err)
{
    return schema_init(out, "", "+s", 0, n_children, err);
}

int arrow_schema_set(struct ArrowSchema *child, const char *name, const char *format, int nullable, shoal_error *err)
{
    return schema_init(child, name, format, nullable ? ARROW_FLAG_NULLABLE : 0, 0, err);
}

int arrow_schema_set_format(struct ArrowSchema *own, const char *format, shoal_error *err)
{
    char *copy = mem_strdup(format);
    if (!copy) return error_nomem(err, strlen(format), "a schema");
    mem_free((void *)own->format);
    own->format = copy;
    return 0;
}

int arrow_schema_nested(struct ArrowSchema *child, const char *name, const char *format, int64_t n_children, shoal_error *err)
{
    return schema_init(child, name, format, ARROW_FLAG_NULLABLE, n_children, err);
}

int arrow_schema_set_list(struct ArrowSchema *child, const char *name, const char *item_format, shoal_error *err)
{
    int r = schema_init(child, name, "+l", ARROW_FLAG_NULLABLE, 1, err);
    if (r == 0) r = arrow_schema_set(child->children[0], "item", item_format, 1, err);
    if (r < 0 && child->release) child->release(child);
    return r;
}

int arrow_schema_set_lists(struct ArrowSchema *child, const char *name, const char *item_format, shoal_error *err)
{
    int r = schema_init(child, name, "+l", ARROW_FLAG_NULLABLE, 1, err);
    if (r == 0) r = arrow_schema_set_list(child->children[0], "item", item_format, err);
    if (r < 0 && child->release) child->release(child);
    return r;
}

int arrow_schema_copy(const struct ArrowSchema *in, struct ArrowSchema *out, shoal_error *err)
{
    int r = schema_init(out, in->name, in->format, in->flags, in->n_children, err);
    for (int64_t i = 0; r == 0 && i < in->n_children; i++) r = arrow_schema_copy(in->children[i], out->children[i], err);
    if (r == 0 && in->dictionary) {
        out->dictionary = mem_calloc(1, sizeof *out->dictionary);
        r = out->dictionary ? arrow_schema_copy(in->dictionary, out->dictionary, err) : error_nomem(err, 0, "a schema");
    }
    if (r < 0 && out->release) out->release(out);
    return r;
}

/* ---- plain types ---------------------------------------------------------------------------------------------------- */

/* The format of the plain type that holds what an encoded column holds; NULL for what is plain itself. */
static const char *plain_format(const struct ArrowSchema *in, char room[32])
{
    switch (arrow_type_of(in)) {
    case ARROW_F16: return "f";
    case ARROW_HUGEINT:
    case ARROW_UHUGEINT: return "d:38,0";
    case ARROW_UUID:
    case ARROW_UTF8_VIEW: return "u";
    case ARROW_BINARY_VIEW:
    case ARROW_FIXED_BINARY: return "z";
    case ARROW_DATE64: return "tdD";
    case ARROW_TIME32: return "ttu";
    case ARROW_FIXED_LIST:
    case ARROW_LIST_VIEW: return "+l";
    case ARROW_LARGE_LIST_VIEW: return "+L";
    case ARROW_DECIMAL32:
    case ARROW_DECIMAL64:
    case ARROW_DECIMAL256: {
        int precision = 0, scale = 0;
        sscanf(in->format, "d:%d,%d", &precision, &scale);
        snprintf(room, 32, "d:%d,%d", precision, scale);
        return room;
    }
    default: return NULL;
    }
}

static int plain_named(const struct ArrowSchema *in, const char *name, int64_t flags, struct ArrowSchema *out, shoal_error *err)
{
    char room[32];
    if (in->dictionary) return plain_named(in->dictionary, name, flags, out, err);
    const char *format = plain_format(in, room);
    int r = schema_init(out, name, format ? format : in->format, flags, in->n_children, err);
    for (int64_t i = 0; r == 0 && i < in->n_children; i++)
        r = plain_named(in->children[i], in->children[i]->name, in->children[i]->flags, out->children[i], err);
    if (r < 0 && out->release) out->release(out);
    return r;
}

int arrow_schema_plain(const struct ArrowSchema *in, struct ArrowSchema *out, shoal_error *err)
{
    return plain_named(in, in->name, in->flags & ~ARROW_FLAG_DICTIONARY_ORDERED, out, err);
}

int arrow_schema_is_plain(const struct ArrowSchema *schema)
{
    int plain = arrow_type_of(schema) < ARROW_DICTIONARY;
    for (int64_t i = 0; plain && i < schema->n_children; i++) plain = arrow_schema_is_plain(schema->children[i]);
    return plain;
}
