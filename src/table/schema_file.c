/* schema_file.c: the sidecar of TFRecord shards:
 *   {"shoal_schema": 1, "columns": [{"name": "age", "type": "int32", "nullable": true}, ...]}
 * and of a single file also "file": {"bytes": 1234, "sample": "0123456789abcdef"}, which ties it to its file. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "storage/file.h"
#include "table/index_file.h"
#include "table/source.h"

#define SCHEMA_VERSION 1
#define COLUMNS_MAX 100000

static const struct { const char *name, *format; } TYPES[] = {
    {"null", "n"}, {"bool", "b"}, {"int8", "c"}, {"int16", "s"}, {"int32", "i"}, {"int64", "l"}, {"uint8", "C"}, {"uint16", "S"},
    {"uint32", "I"}, {"uint64", "L"}, {"float32", "f"}, {"float64", "g"}, {"utf8", "u"}, {"binary", "z"}, {"large_utf8", "u"}, {"large_binary", "z"},
    {"date32", "tdD"}, {"timestamp[s]", "tss:"}, {"timestamp[ms]", "tsm:"}, {"timestamp[us]", "tsu:"},
    {"timestamp[ns]", "tsn:"}, {"time", "ttu"}, {"time[ns]", "ttn"},
};

/* The Arrow format of a simple type's name, in `out` where it needs room; NULL when there is none. */
static const char *format_of_type(const char *name, size_t n, char out[80])
{
    char unit[4], zone[64];
    for (size_t i = 0; i < sizeof TYPES / sizeof TYPES[0]; i++)
        if (strlen(TYPES[i].name) == n && memcmp(TYPES[i].name, name, n) == 0) return TYPES[i].format;
    if (n < 70 && sscanf(name, "timestamp[%3[a-z], %63[^]]]", unit, zone) == 2 && strchr("smun", unit[0])) {
        snprintf(out, 80, "ts%c:%s", unit[0], zone);
        return out;
    }
    return NULL;
}

int schema_put_column(buf *b, const struct ArrowSchema *column, shoal_error *err)
{
    char type[160];
    arrow_type_name(column, type, sizeof type);
    int r = buf_puts(b, "{\"name\": ", err);
    if (r == 0) r = buf_put_json(b, column->name, strlen(column->name), err);
    if (r == 0) r = buf_puts(b, ", \"type\": ", err);
    if (r == 0) r = buf_put_json(b, type, strlen(type), err);
    return r < 0 ? r : buf_printf(b, err, ", \"nullable\": %s}", column->flags & ARROW_FLAG_NULLABLE ? "true" : "false");
}

static int put_file(buf *b, const char *file, shoal_error *err)
{
    file_print print;
    int r = file_fingerprint(file, &print, err);
    return r < 0 ? r : buf_printf(b, err, ", \"file\": {\"bytes\": %llu, \"sample\": \"%016llx\"}", (unsigned long long)print.size,
                                  (unsigned long long)print.sample);
}

int schema_file_write(const char *path, const char *file, const struct ArrowSchema *schema, shoal_error *err)
{
    buf b = BUF_INIT;
    int r = buf_printf(&b, err, "{\"shoal_schema\": %d, \"columns\": [", SCHEMA_VERSION);
    for (int64_t i = 0; r == 0 && i < schema->n_children; i++) {
        r = buf_puts(&b, i == 0 ? "\n  " : ",\n  ", err);
        if (r == 0) r = schema_put_column(&b, schema->children[i], err);
    }
    if (r == 0) r = buf_puts(&b, "\n]", err);
    if (r == 0 && file) r = put_file(&b, file, err);
    if (r == 0) r = buf_puts(&b, "}\n", err);
    if (r == 0) r = file_write_all(path, 1, b.data, b.len, err);
    buf_release(&b);
    return r;
}

int schema_column_of(const char *name, const char *type, int nullable, struct ArrowSchema *out, shoal_error *err)
{
    char room[80];
    if (strncmp(type, "large_", 6) == 0) type += 6; /* sizes of offsets are not the file's matter */
    size_t n = strlen(type);
    int depth = 0;
    for (; depth < 2 && n > 6 && strncmp(type, "list<", 5) == 0 && type[n - 1] == '>'; depth++) type += 5, n -= 6;
    const char *format = format_of_type(type, n, room);
    if (!format) return 0;
    int r = depth == 2 ? arrow_schema_set_lists(out, name, format, err) : depth == 1 ? arrow_schema_set_list(out, name, format, err) : arrow_schema_set(out, name, format, nullable, err);
    return r < 0 ? r : 1;
}

static int read_column(const char *path, size_t i, json_t *j, struct ArrowSchema *out, shoal_error *err)
{
    const char *name = json_string_value(json_object_get(j, "name")), *type = json_string_value(json_object_get(j, "type"));
    json_t *nullable = json_object_get(j, "nullable");
    if (!name || !type)
        return error_set(err, SHOAL_DATA, "%s: column %zu needs a \"name\" and a \"type\"", path, i);
    int r = schema_column_of(name, type, !json_is_false(nullable), out, err);
    if (r == 0) return error_set(err, SHOAL_DATA, "%s: column '%s' has the type '%s', which shoal does not know (docs/types.md)", path, name, type);
    return r < 0 ? r : 0;
}

static int read_columns(const char *path, json_t *root, struct ArrowSchema *out, shoal_error *err)
{
    json_t *columns = json_object_get(root, "columns");
    json_int_t version = json_integer_value(json_object_get(root, "shoal_schema"));
    if (version > SCHEMA_VERSION)
        return error_set(err, SHOAL_DATA, "%s: version %lld of the schema is newer than this shoal reads (%d): use a newer shoal", path,
                         (long long)version, SCHEMA_VERSION);
    if (version != SCHEMA_VERSION || !json_is_array(columns) || json_array_size(columns) > COLUMNS_MAX)
        return error_set(err, SHOAL_DATA, "%s: no schema of shoal: \"shoal_schema\": 1 and \"columns\": [...] are expected", path);
    int r = arrow_schema_struct(out, (int64_t)json_array_size(columns), err);
    for (size_t i = 0; r == 0 && i < json_array_size(columns); i++) {
        r = read_column(path, i, json_array_get(columns, i), out->children[i], err);
        if (r == 0 && arrow_find(out, out->children[i]->name) != (int64_t)i)
            r = error_set(err, SHOAL_DATA, "%s: column '%s' is there twice", path, out->children[i]->name);
    }
    if (r < 0 && out->release) out->release(out);
    return r;
}

/* Of a file that the schema names, whether it is that one. */
static int check_file(const char *path, const json_t *root, const char *file, shoal_error *err)
{
    const json_t *named = json_object_get(root, "file");
    const char *sample = json_string_value(json_object_get(named, "sample"));
    char is[17];
    file_print print;
    if (!file || !named) return 0;
    int r = file_fingerprint(file, &print, err);
    if (r < 0) return r;
    snprintf(is, sizeof is, "%016llx", (unsigned long long)print.sample);
    if (sample && strcmp(sample, is) == 0 && json_integer_value(json_object_get(named, "bytes")) == (json_int_t)print.size) return 0;
    return error_set(err, SHOAL_DATA, "%s is not the schema of what is in %s now: one of them was replaced without the other, or the file is damaged; write that file again, "
                     "or remove the schema to have types guessed", path, file);
}

int schema_file_read(const char *path, const char *file, struct ArrowSchema *out, shoal_error *err)
{
    buf b = BUF_INIT;
    json_error_t why;
    memset(out, 0, sizeof *out);
    int r = file_read_all(path, SCHEMA_BYTES_MAX, &b, err);
    if (r == 0) {
        json_t *root = json_loadb((const char *)b.data, b.len, JSON_REJECT_DUPLICATES, &why);
        r = root ? check_file(path, root, file, err) : 0;
        if (r == 0) r = root ? read_columns(path, root, out, err) : error_set(err, SHOAL_DATA, "%s:%d: no JSON: %s", path, why.line, why.text);
        json_decref(root);
    }
    buf_release(&b);
    return r;
}

const char *path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* From the start of a file's name to that of the first of the folders k=v before it. */
static const char *above_partitions(const char *file, const char *base)
{
    for (;;) {
        const char *start = base > file ? base - 1 : file;
        while (start > file && start[-1] != '/') start--;
        if (start >= base || !memchr(start, '=', (size_t)(base - start))) return base;
        base = start;
    }
}

int schema_path_of(const char *file, char **own, char **folder, shoal_error *err)
{
    const char *base = path_base(file);
    *own = mem_sprintf("%.*s.%s.schema.json", (int)(base - file), file, base);
    *folder = mem_sprintf("%.*s" SCHEMA_FILE, (int)(above_partitions(file, base) - file), file);
    if (*own && *folder) return 0;
    mem_free(*own);
    mem_free(*folder);
    *own = *folder = NULL;
    return error_nomem(err, strlen(file), "a path");
}

int schema_of_files(char **files, size_t n, int tolerate, struct ArrowSchema *out, shoal_error *err)
{
    const char *file = files[0];
    char *own, *folder;
    memset(out, 0, sizeof *out);
    if (strcmp(file, "-") == 0) return 0;
    int r = schema_path_of(file, &own, &folder, err);
    if (r < 0) return r;
    const char *path = file_exists(own) ? own : file_exists(folder) ? folder : NULL;
    if (path) r = schema_file_read(path, path == own && !tolerate ? file : NULL, out, err);
    if (path && r == 0) r = 1;
    mem_free(own);
    mem_free(folder);
    if (r != 0) return r;
    shoal_error why;
    r = index_schema(files, n, out, &why);
    if (r == SHOAL_DATA && tolerate) return 0; /* the index of a damaged file is not believed */
    if (r < 0 && err) *err = why;
    return r;
}
