/* arrow_schema.c: types and schemas of arrow.h. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "table/arrow.h"

enum arrow_type arrow_type_of_format(const char *f)
{
    static const struct { char code; enum arrow_type type; } SIMPLE[] = {
        {'n', ARROW_NULL}, {'b', ARROW_BOOL}, {'c', ARROW_I8}, {'C', ARROW_U8}, {'s', ARROW_I16}, {'S', ARROW_U16},
        {'i', ARROW_I32}, {'I', ARROW_U32}, {'l', ARROW_I64}, {'L', ARROW_U64}, {'f', ARROW_F32}, {'g', ARROW_F64},
        {'u', ARROW_UTF8}, {'U', ARROW_LARGE_UTF8}, {'z', ARROW_BINARY}, {'Z', ARROW_LARGE_BINARY},
    };
    if (!f || !f[0]) return ARROW_OTHER;
    if (!f[1]) {
        for (size_t i = 0; i < sizeof SIMPLE / sizeof SIMPLE[0]; i++)
            if (SIMPLE[i].code == f[0]) return SIMPLE[i].type;
        return ARROW_OTHER;
    }
    if (strcmp(f, "tdD") == 0) return ARROW_DATE32;
    if (strncmp(f, "ts", 2) == 0 && f[2] && strchr("smun", f[2]) && f[3] == ':') return ARROW_TIMESTAMP;
    if (strcmp(f, "ttu") == 0 || strcmp(f, "ttn") == 0) return ARROW_TIME;
    if (strcmp(f, "+l") == 0) return ARROW_LIST;
    if (strcmp(f, "+L") == 0) return ARROW_LARGE_LIST;
    if (strcmp(f, "+s") == 0) return ARROW_STRUCT;
    int precision, scale, bits = 128;
    if (sscanf(f, "d:%d,%d,%d", &precision, &scale, &bits) >= 2 && bits == 128) return ARROW_DECIMAL128;
    return ARROW_OTHER;
}

enum arrow_type arrow_type_of(const struct ArrowSchema *field)
{
    return field->dictionary ? ARROW_OTHER : arrow_type_of_format(field->format);
}

const char *arrow_type_name(const struct ArrowSchema *field, char *out, size_t n)
{
    static const char *const NAME[] = {
        [ARROW_OTHER] = "other", [ARROW_NULL] = "null", [ARROW_BOOL] = "bool", [ARROW_I8] = "int8", [ARROW_I16] = "int16",
        [ARROW_I32] = "int32", [ARROW_I64] = "int64", [ARROW_U8] = "uint8", [ARROW_U16] = "uint16", [ARROW_U32] = "uint32",
        [ARROW_U64] = "uint64", [ARROW_F32] = "float32", [ARROW_F64] = "float64", [ARROW_DECIMAL128] = "decimal",
        [ARROW_UTF8] = "utf8", [ARROW_LARGE_UTF8] = "large_utf8", [ARROW_BINARY] = "binary",
        [ARROW_LARGE_BINARY] = "large_binary", [ARROW_DATE32] = "date32", [ARROW_TIMESTAMP] = "timestamp",
        [ARROW_TIME] = "time", [ARROW_LIST] = "list", [ARROW_LARGE_LIST] = "large_list", [ARROW_STRUCT] = "struct",
    };
    enum arrow_type t = arrow_type_of(field);
    if (arrow_type_is_list(t) && field->n_children == 1) {
        char item[96];
        snprintf(out, n, "%s<%s>", NAME[t], arrow_type_name(field->children[0], item, sizeof item));
    } else if (t == ARROW_DECIMAL128) {
        int precision = 0, scale = 0;
        sscanf(field->format, "d:%d,%d", &precision, &scale);
        snprintf(out, n, "decimal(%d,%d)", precision, scale);
    } else if (t == ARROW_TIMESTAMP) {
        static const char *const UNIT[] = {"s", "ms", "us", "ns"};
        const char *unit = UNIT[strchr("smun", field->format[2]) - "smun"];
        if (field->format[4]) snprintf(out, n, "timestamp[%s, %s]", unit, field->format + 4);
        else snprintf(out, n, "timestamp[%s]", unit);
    } else if (t == ARROW_OTHER) {
        snprintf(out, n, "%s (Arrow '%s')", field->dictionary ? "dictionary" : "other", field->format ? field->format : "");
    } else {
        snprintf(out, n, "%s", NAME[t]);
    }
    return out;
}

int arrow_type_is_int(enum arrow_type t) { return t >= ARROW_I8 && t <= ARROW_U64; }
int arrow_type_is_float(enum arrow_type t) { return t == ARROW_F32 || t == ARROW_F64; }
int arrow_type_is_text(enum arrow_type t) { return t >= ARROW_UTF8 && t <= ARROW_LARGE_BINARY; }
int arrow_type_is_list(enum arrow_type t) { return t == ARROW_LIST || t == ARROW_LARGE_LIST; }

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

int arrow_schema_set_list(struct ArrowSchema *child, const char *name, const char *item_format, shoal_error *err)
{
    int r = schema_init(child, name, "+l", ARROW_FLAG_NULLABLE, 1, err);
    if (r == 0) r = arrow_schema_set(child->children[0], "item", item_format, 1, err);
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
