/* table_json.c: JSON lines as a source: objects one after another, a line each or not, or all in one list; one pass, from
 * files or a pipe. The columns are the keys of the first rows; types are found, and values refused, as those of CSV
 * (table_csv.c). */
#include <string.h>

#include "base/mem.h"
#include "table/arrow_node.h"
#include "table/cell_parse.h"
#include "table/json_types.h"
#include "table/source.h"
#include "table/text_files.h"
#include "table/text_types.h"

#define BATCH_BYTES (8u << 20) /* a batch ends behind so much text */

/* A column, or a part of one. */
typedef struct json_column {
    const struct ArrowSchema *field;
    cell_target target;
    arrow_node *node;
    struct json_column *part; /* of lists and structs */
    uint64_t seen;            /* the last object that had it */
} json_column;

typedef struct json_source {
    text_files text;
    text_places places;
    int in_list; /* 1: of the open file, whose objects are the items of one list; 2: behind its end */
    struct ArrowSchema schema;
    json_column row;
    arrow_builder *builder;
    uint64_t objects;
    buf room;
} json_source;

static void column_release(json_column *c)
{
    for (int64_t i = 0; c->part && i < c->field->n_children; i++) column_release(&c->part[i]);
    mem_free(c->part);
}

static void json_free(void *ctx)
{
    json_source *s = ctx;
    column_release(&s->row);
    text_files_release(&s->text);
    text_places_release(&s->places);
    if (s->schema.release) s->schema.release(&s->schema);
    arrow_builder_free(s->builder);
    buf_release(&s->room);
    mem_free(s);
}

/* ---- objects --------------------------------------------------------------------------------------------------------------- */

static size_t lines_in(const char *from, const char *to)
{
    size_t n = 0;
    while (from < to && (from = memchr(from, '\n', (size_t)(to - from)))) n++, from++;
    return n;
}

static int bad(const json_source *s, uint64_t line, const char *what, shoal_error *err)
{
    return error_set(err, SHOAL_DATA, "%s: line %llu: %s", text_files_path(&s->text), (unsigned long long)line + 1, what);
}

/* Passes over what stands between objects, from *skip bytes and *lines lines behind the window's start: 1 at an object, 0 at
 * the end of what is at hand. */
static int pass_between(json_source *s, view text, size_t *skip, size_t *lines, shoal_error *err)
{
    for (; *skip < text.n; ++*skip) {
        char c = text.p[*skip];
        if (c == '{' && s->in_list < 2) return 1;
        if (c == '[' && s->in_list == 0 && s->text.line + *lines == 0) s->in_list = 1;
        else if (c == ']' && s->in_list == 1) s->in_list = 2;
        else if (c == '\n') ++*lines;
        else if (c != ' ' && c != '\t' && c != '\r' && !(c == ',' && s->in_list == 1))
            return bad(s, s->text.line + *lines, "an object is expected, {\"key\": value, ...}", err);
    }
    return 0;
}

/* The object that follows there: 1 with its text, 0 at the end. */
static int object_at(json_source *s, size_t *skip, size_t *lines, view *object, shoal_error *err)
{
    for (;;) {
        view text = text_files_view(&s->text);
        int r = pass_between(s, text, skip, lines, err);
        if (r < 0) return r;
        *object = view_of(text.p + *skip, text.n - *skip);
        if (r == 1 && jsontext_object_bytes(*object, &object->n)) return 1;
        if (s->text.at_end && r == 1) return bad(s, s->text.line + *lines, "the object that begins here is not closed", err);
        if (s->text.at_end) return s->in_list == 1 ? bad(s, s->text.line + *lines, "the list of objects is not closed", err) : 0;
        if ((r = text_files_more(&s->text, err)) < 0) return r;
    }
}

/* The error of a row: the fault of its text, or what is in err, with file and line. */
static int bad_object(const json_source *s, const jsontext_cursor *c, view object, size_t lines, int r, shoal_error *err)
{
    uint64_t line = s->text.line + lines;
    if (c->fault) return bad(s, line + lines_in(object.p, c->fault_at), c->fault, err);
    if (r == SHOAL_NOMEM) return r;
    return error_where(err, r, "%s: line %llu", text_files_path(&s->text), (unsigned long long)(line + lines_in(object.p, c->p)) + 1);
}

static int begin_file(json_source *s, shoal_error *err)
{
    int r = text_files_open(&s->text, err);
    s->in_list = 0;
    while (r > 0 && !s->text.at_end && text_files_view(&s->text).n < 3)
        if ((r = text_files_more(&s->text, err)) == 0) r = 1;
    if (r <= 0) return r;
    view text = text_files_view(&s->text);
    if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0) text_files_take(&s->text, 3, 0);
    return 1;
}

/* ---- types ----------------------------------------------------------------------------------------------------------------- */

/* Looks at the rows at the start of the first file with any, without taking them. */
static int note_rows(json_source *s, json_kinds *t, shoal_error *err)
{
    int r;
    while ((r = begin_file(s, err)) > 0) {
        size_t at = 0, lines = 0, rows = 0;
        view object;
        while (rows < TEXT_SAMPLE_ROWS && (at < TEXT_SAMPLE_BYTES || rows == 0) && (r = object_at(s, &at, &lines, &object, err)) > 0) {
            jsontext_cursor c = jsontext_cursor_of(object);
            if ((r = json_kinds_note(t, &c, &s->room, 0, err)) < 0) return bad_object(s, &c, object, lines, r, err);
            at += object.n;
            lines += lines_in(object.p, object.p + object.n);
            rows++;
        }
        if (r < 0) return r;
        if (rows > 0) {
            s->in_list = 0; /* all is read again */
            return 0;
        }
        if ((r = text_files_close(&s->text, err)) < 0) return r;
    }
    if (r < 0) return r;
    return error_set(err, SHOAL_DATA, "%s: it has no row: an object is expected, {\"key\": value, ...}", text_files_name(&s->text, 0));
}

/* Keys that only --types names are columns too. */
static int make_schema(json_source *s, const json_kinds *t, const table_spec *spec, shoal_error *err)
{
    size_t more = 0, at = t->n;
    for (size_t i = 0; i < spec->n_types; i++) more += strchr(spec->types[i], '=') != NULL;
    int r = arrow_schema_struct(&s->schema, (int64_t)(t->n + more), err);
    for (size_t i = 0; r == 0 && i < t->n; i++) r = json_kinds_field(&t->part[i], t->part[i].name, s->schema.children[i], err);
    for (size_t i = 0; r == 0 && i < spec->n_types; i++) {
        const char *equals = strrchr(spec->types[i], '=');
        if (!equals) continue;
        size_t n = (size_t)(equals - spec->types[i]), k = 0;
        while (k < at && !(strncmp(s->schema.children[k]->name, spec->types[i], n) == 0 && !s->schema.children[k]->name[n])) k++;
        if (k < at) continue;
        char *name = mem_strndup(spec->types[i], n);
        r = name ? arrow_schema_set(s->schema.children[at++], name, "u", 1, err) : error_nomem(err, n, "a name");
        mem_free(name);
    }
    for (size_t i = at; i < t->n + more; i++) mem_free(s->schema.children[i]);
    s->schema.n_children = (int64_t)at;
    if (r == 0) r = text_types_check(spec, &s->schema, err);
    for (int64_t i = 0; r == 0 && i < s->schema.n_children; i++) {
        const char *said = text_type_said(spec, s->schema.children[i]->name);
        if (!said) said = text_type_wished(spec, s->schema.children[i]->name, (size_t)i < t->n && t->part[i].any + t->part[i].shapes > 0);
        if (said) r = text_types_set(s->schema.children[i], said, err);
    }
    return r;
}

static int bind(json_column *c, const struct ArrowSchema *field, arrow_node *node, shoal_error *err)
{
    c->field = field;
    c->node = node;
    cell_target_of(field, &c->target);
    if (field->n_children == 0) return 0;
    c->part = mem_calloc((size_t)field->n_children, sizeof *c->part);
    if (!c->part) return error_nomem(err, sizeof *c, "a column");
    int r = 0;
    for (int64_t i = 0; i < field->n_children; i++) c->part[i].field = field->children[i]; /* so that a half of them can be released */
    for (int64_t i = 0; r == 0 && i < field->n_children; i++) r = bind(&c->part[i], field->children[i], &node->item[i], err);
    return r;
}

static int bind_row(json_source *s, shoal_error *err)
{
    int r = arrow_builder_new(&s->schema, &s->builder, err);
    s->row.field = &s->schema;
    if (r == 0 && !(s->row.part = mem_calloc((size_t)s->schema.n_children + 1, sizeof *s->row.part))) r = error_nomem(err, sizeof s->row, "a column");
    for (int64_t i = 0; s->row.part && i < s->schema.n_children; i++) s->row.part[i].field = s->schema.children[i];
    for (int64_t i = 0; r == 0 && i < s->schema.n_children; i++) r = bind(&s->row.part[i], s->schema.children[i], arrow_builder_column(s->builder, i), err);
    return r;
}

/* ---- values ---------------------------------------------------------------------------------------------------------------- */

static int put_value(json_source *s, json_column *c, jsontext_cursor *at, shoal_error *err);

static int misfit(const json_column *c, view raw, shoal_error *err)
{
    char shown[44], type[80];
    return error_set(err, SHOAL_DATA, "column '%s': %s is no %s, as the first rows are; say what the column is, as --types %s=%s", c->field->name, text_shown(raw, shown),
                     arrow_type_name(c->field, type, sizeof type), c->field->name, text_type_advised(c->field, raw));
}

static json_column *find_part(json_column *c, view key, size_t *hint)
{
    size_t n = (size_t)c->field->n_children;
    for (size_t i = 0; i < n; i++) {
        size_t k = (*hint + i) % n;
        if (view_eq(key, c->part[k].field->name)) {
            *hint = k + 1;
            return &c->part[k];
        }
    }
    return NULL;
}

/* One object, as one row of each part. */
static int put_members(json_source *s, json_column *c, jsontext_cursor *at, shoal_error *err)
{
    const uint64_t object = ++s->objects;
    size_t hint = 0;
    char shown[44];
    int r = jsontext_open(at);
    while (r == 0 && (r = jsontext_more(at, '}')) == 1) {
        view key;
        if ((r = jsontext_key(at, &key)) < 0 || (r = jsontext_string(key, &s->room, &key, err)) < 0) return r;
        json_column *part = find_part(c, key, &hint);
        if (!part)
            return error_set(err, SHOAL_DATA, "the key '%s' is not in the first rows; name it before, as --types %s=utf8", text_shown(key, shown), shown);
        if (part->seen == object) return error_set(err, SHOAL_DATA, "the key '%s' is there twice", text_shown(key, shown));
        part->seen = object;
        r = put_value(s, part, at, err);
    }
    for (int64_t i = 0; r == 0 && i < c->field->n_children; i++)
        if (c->part[i].seen != object) r = arrow_node_null(c->part[i].node, err);
    return r;
}

static int put_nested(json_source *s, json_column *c, jsontext_cursor *at, shoal_error *err)
{
    int is_list = c->node->is_list;
    if ((jsontext_peek(at) == JSON_LIST) != is_list || (jsontext_peek(at) == JSON_OBJECT) == is_list) {
        view raw;
        int r = jsontext_skip(at, &raw);
        return r < 0 ? r : misfit(c, raw, err);
    }
    int r = arrow_node_open(c->node, err);
    if (r == 0 && !is_list) r = put_members(s, c, at, err);
    if (r == 0 && is_list) r = jsontext_open(at);
    while (r == 0 && is_list && (r = jsontext_more(at, ']')) == 1) r = put_value(s, &c->part[0], at, err);
    return r < 0 ? r : arrow_node_close(c->node, err);
}

static int put_scalar(json_source *s, json_column *c, jsontext_cursor *at, shoal_error *err)
{
    enum jsontext_kind kind;
    view raw, v;
    int64_t whole = 0;
    double real = 0;
    if (c->target.type == ARROW_UTF8 && jsontext_peek(at) != JSON_STRING) {
        int r = jsontext_skip(at, &raw);
        return r < 0 ? r : arrow_node_text(c->node, raw, err);
    }
    if (jsontext_peek(at) == JSON_LIST || jsontext_peek(at) == JSON_OBJECT) {
        int r = jsontext_skip(at, &raw);
        return r < 0 ? r : misfit(c, raw, err);
    }
    int r = jsontext_scalar(at, &kind, &raw);
    v = raw;
    if (r == 0 && kind == JSON_STRING) r = jsontext_string(raw, &s->room, &v, err);
    if (r < 0) return r;
    if (c->target.type == ARROW_UTF8) return arrow_node_text(c->node, v, err);
    int is_number = arrow_type_is_int(c->target.type) || arrow_type_is_float(c->target.type);
    if (kind == JSON_STRING ? c->target.type == ARROW_BOOL || (is_number && !json_is_special(v)) : kind == JSON_BOOL ? c->target.type != ARROW_BOOL : !is_number)
        return misfit(c, raw, err);
    if (!cell_value(&c->target, v, &whole, &real)) return misfit(c, raw, err);
    return arrow_type_is_float(c->target.type) ? arrow_node_f64(c->node, real, err) : arrow_node_i64(c->node, whole, err);
}

static int put_value(json_source *s, json_column *c, jsontext_cursor *at, shoal_error *err)
{
    view raw;
    enum jsontext_kind kind;
    if (jsontext_peek(at) == JSON_NULL) {
        int r = jsontext_scalar(at, &kind, &raw);
        return r < 0 ? r : arrow_node_null(c->node, err);
    }
    return c->part ? put_nested(s, c, at, err) : put_scalar(s, c, at, err);
}

/* Rows of the open file until the batch is full: 1, or 0 at its end. */
static int put_rows(json_source *s, size_t *rows, shoal_error *err)
{
    for (size_t bytes = 0; *rows < TABLE_BATCH_ROWS && bytes < BATCH_BYTES; ++*rows) {
        size_t skip = 0, lines = 0;
        view object;
        int r = object_at(s, &skip, &lines, &object, err);
        if (r <= 0) return r;
        jsontext_cursor c = jsontext_cursor_of(object);
        if ((r = put_members(s, &s->row, &c, err)) < 0) return bad_object(s, &c, object, lines, r, err);
        text_files_take(&s->text, skip + object.n, lines + lines_in(object.p, object.p + object.n));
        bytes += object.n;
    }
    return 1;
}

static int json_next(void *ctx, struct ArrowArray *out, shoal_error *err)
{
    json_source *s = ctx;
    size_t rows = 0, file = 0;
    while (rows == 0) {
        int r = s->text.bytes ? 1 : begin_file(s, err);
        if (r <= 0) return r;
        file = s->text.file;
        r = put_rows(s, &rows, err);
        if (r == 0) r = text_files_close(&s->text, err);
        if (r < 0) return r;
    }
    text_places_note(&s->places, file, rows);
    int r = arrow_builder_finish(s->builder, out, err);
    return r < 0 ? r : 1;
}

static const char *json_row_name(void *ctx, uint64_t row, char *out, size_t n) { return text_places_row_name(&((json_source *)ctx)->places, &((json_source *)ctx)->text, row, out, n); }
static size_t json_file(void *ctx) { return text_places_last(&((json_source *)ctx)->places); }

int source_json(char **files, size_t n, const table_spec *spec, source *out, shoal_error *err)
{
    memset(out, 0, sizeof *out);
    json_kinds t = {0};
    json_source *s = mem_calloc(1, sizeof *s);
    if (!s) {
        file_list_free(files, n);
        return error_nomem(err, sizeof *s, "a source");
    }
    int r = text_files_init(&s->text, files, n, err);
    if (r == 0) r = text_places_init(&s->places, n, err);
    if (r == 0) r = note_rows(s, &t, err);
    if (r == 0) r = make_schema(s, &t, spec, err);
    if (r == 0) r = bind_row(s, err);
    if (r == 0) r = arrow_schema_copy(&s->schema, &out->schema, err);
    json_kinds_release(&t);
    if (r < 0) {
        json_free(s);
        return r;
    }
    out->ctx = s;
    out->next = json_next;
    out->row_name = json_row_name;
    out->file = json_file;
    out->free = json_free;
    return 0;
}
