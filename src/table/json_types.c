#include "table/json_types.h"

#include <string.h>

#include "base/mem.h"
#include "table/cell_parse.h"

enum { SHAPE_SCALAR = 1, SHAPE_LIST = 2, SHAPE_OBJECT = 4 };

#define KEYS_MAX 20000      /* of the rows */
#define INNER_KEYS_MAX 1000 /* of an object inside; what has more is a map, and becomes text */
#define TYPE_DEPTH_MAX 14   /* deeper values are text */

void json_kinds_release(json_kinds *t)
{
    for (size_t i = 0; i < t->n; i++) json_kinds_release(&t->part[i]);
    mem_free(t->part);
    mem_free(t->name);
    memset(t, 0, sizeof *t);
}

static json_kinds *add_part(json_kinds *t, const char *name, size_t n)
{
    if (t->n == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 8;
        json_kinds *grown = mem_realloc(t->part, cap * sizeof *grown);
        if (!grown) return NULL;
        t->part = grown;
        t->cap = cap;
    }
    json_kinds *part = &t->part[t->n];
    memset(part, 0, sizeof *part);
    part->all = CELL_ANY;
    if (name && !(part->name = mem_strndup(name, n))) return NULL;
    t->n++;
    return part;
}

static json_kinds *find_part(json_kinds *t, view key)
{
    for (size_t i = 0; i < t->n; i++) {
        size_t k = (t->hint + i) % t->n;
        if (view_eq(key, t->part[k].name)) {
            t->hint = k + 1;
            return &t->part[k];
        }
    }
    return NULL;
}

int json_is_special(view v) { return view_eq(v, "NaN") || view_eq(v, "Infinity") || view_eq(v, "-Infinity"); }

static unsigned scalar_kinds(enum jsontext_kind kind, view v)
{
    static const unsigned MOMENTS = CELL_DATE | CELL_US | CELL_NS | CELL_ZONED_US | CELL_ZONED_NS | CELL_TIME_US | CELL_TIME_NS;
    if (kind != JSON_STRING) return cell_kinds(v);
    return json_is_special(v) ? CELL_F64 | CELL_REAL : cell_kinds(v) & MOMENTS;
}

static int note_scalar(json_kinds *t, jsontext_cursor *c, buf *room, shoal_error *err)
{
    enum jsontext_kind kind;
    view v;
    int r = jsontext_scalar(c, &kind, &v);
    if (r == 0 && kind == JSON_STRING) r = jsontext_string(v, room, &v, err);
    if (r < 0 || kind == JSON_NULL) return r;
    unsigned kinds = scalar_kinds(kind, v);
    t->shapes |= SHAPE_SCALAR;
    t->all &= kinds;
    t->any |= kinds | CELL_BOOL; /* there was a value */
    return 0;
}

static int note_member(json_kinds *t, jsontext_cursor *c, buf *room, int depth, shoal_error *err)
{
    view key;
    int r = jsontext_key(c, &key);
    if (r == 0) r = jsontext_string(key, room, &key, err);
    if (r < 0) return r;
    if (memchr(key.p, 0, key.n)) return error_set(err, SHOAL_DATA, "a key holds a NUL character");
    json_kinds *part = find_part(t, key);
    if (!part && t->n >= (depth == 0 ? KEYS_MAX : INNER_KEYS_MAX)) {
        if (depth == 0) return error_set(err, SHOAL_DATA, "more than 20000 different keys in the first rows: a table has one set of columns");
        t->shapes |= SHAPE_SCALAR; /* text */
        return jsontext_skip(c, &key);
    }
    if (!part && !(part = add_part(t, key.p, key.n))) return error_nomem(err, sizeof *part, "a type");
    return json_kinds_note(part, c, room, depth + 1, err);
}

int json_kinds_note(json_kinds *t, jsontext_cursor *c, buf *room, int depth, shoal_error *err)
{
    view raw;
    enum jsontext_kind kind = jsontext_peek(c);
    if (kind != JSON_LIST && kind != JSON_OBJECT) return note_scalar(t, c, room, err);
    t->shapes |= kind == JSON_LIST ? SHAPE_LIST : SHAPE_OBJECT;
    if (depth > TYPE_DEPTH_MAX) t->shapes |= SHAPE_SCALAR;
    if (t->shapes & (t->shapes - 1)) return jsontext_skip(c, &raw); /* of several shapes */
    int r = jsontext_open(c);
    if (r == 0 && kind == JSON_LIST && t->n == 0 && !add_part(t, NULL, 0)) r = error_nomem(err, sizeof *t, "a type");
    while (r == 0 && (r = jsontext_more(c, kind == JSON_LIST ? ']' : '}')) == 1)
        r = kind == JSON_LIST ? json_kinds_note(&t->part[0], c, room, depth + 1, err) : note_member(t, c, room, depth, err);
    return r;
}

int json_kinds_field(const json_kinds *t, const char *name, struct ArrowSchema *out, shoal_error *err)
{
    int nested = (t->shapes == SHAPE_LIST || t->shapes == SHAPE_OBJECT) && t->n > 0;
    if (!nested) return arrow_schema_set(out, name, t->shapes == SHAPE_SCALAR ? cell_format(t->all, t->any) : "u", 1, err);
    int r = arrow_schema_nested(out, name, t->shapes == SHAPE_LIST ? "+l" : "+s", (int64_t)t->n, err);
    for (size_t i = 0; r == 0 && i < t->n; i++) r = json_kinds_field(&t->part[i], t->part[i].name ? t->part[i].name : "item", out->children[i], err);
    if (r < 0 && out->release) out->release(out);
    return r;
}
