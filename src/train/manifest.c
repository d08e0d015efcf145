/* manifest.c: see manifest.h. */
#include "train/manifest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

json_t *manifest_new(const char *format, int version)
{
    return json_pack("{s:s, s:i}", "format", format, "version", version);
}

int manifest_put(json_t *object, const char *key, json_t *value, shoal_error *err)
{
    return value && json_object_set_new(object, key, value) == 0 ? 0 : error_nomem(err, strlen(key), "JSON");
}

json_t *manifest_real(double v) { return isfinite(v) ? json_real(v) : json_null(); }

json_t *manifest_strings(const char *const *items, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n && list; i++)
        if (json_array_append_new(list, json_string(items[i])) < 0) {
            json_decref(list);
            list = NULL;
        }
    return list;
}

typedef struct text_sink {
    buf *out;
    shoal_error *err;
    int rc;
} text_sink;

static int add_text(const char *p, size_t n, void *ctx)
{
    text_sink *t = ctx;
    if (t->rc == 0) t->rc = buf_append(t->out, p, n, t->err); /* jansson goes on after a key that could not be written */
    return t->rc ? -1 : 0;
}

static int dump(const json_t *j, size_t flags, buf *out, shoal_error *err)
{
    text_sink t = {out, err, 0};
    int failed = json_dump_callback(j, add_text, &t, flags | JSON_REAL_PRECISION(17));
    if (t.rc) return t.rc;
    if (failed) return error_nomem(err, 0, "JSON");
    return buf_putc(out, '\n', err);
}

int manifest_text(const json_t *j, buf *out, shoal_error *err) { return dump(j, JSON_INDENT(2) | JSON_SORT_KEYS, out, err); }

int manifest_line(const json_t *j, buf *out, shoal_error *err) { return dump(j, JSON_COMPACT, out, err); }

int manifest_write(const char *path, const json_t *j, shoal_error *err)
{
    buf text = BUF_INIT;
    int rc = manifest_text(j, &text, err);
    if (rc == 0) rc = file_write_all(path, 1, text.data, text.len, err);
    buf_release(&text);
    return rc;
}

static int check_kind(const char *path, const json_t *j, const char *format, int version, shoal_error *err)
{
    const char *is = json_string_value(json_object_get(j, "format"));
    const json_t *v = json_object_get(j, "version");
    if (!is || strcmp(is, format))
        return error_set(err, SHOAL_DATA, "%s: not a %s file: its \"format\" is %s%.40s%s", path, format, is ? "'" : "",
                         is ? is : "missing", is ? "'" : "");
    if (!json_is_integer(v) || json_integer_value(v) < 1)
        return error_set(err, SHOAL_DATA, "%s: \"version\" must be a number from 1; the file is damaged", path);
    if (json_integer_value(v) > version)
        return error_set(err, SHOAL_DATA, "%s: %s version %lld is newer than this program reads (%d); use a newer shoal", path,
                         format, (long long)json_integer_value(v), version);
    return 0;
}

int manifest_read(const char *path, const char *format, int version, json_t **out, conf **tree, shoal_error *err)
{
    buf text = BUF_INIT;
    json_error_t why;
    *out = NULL;
    int rc = file_read_all(path, MANIFEST_BYTES_MAX, &text, err);
    if (rc) goto out;
    *out = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &why);
    if (!*out) {
        rc = json_error_code(&why) == json_error_out_of_memory
                 ? error_nomem(err, text.len, "JSON")
                 : error_set(err, SHOAL_DATA, "%s:%d: not JSON: %s", path, why.line, why.text);
        goto out;
    }
    rc = check_kind(path, *out, format, version, err);
    if (rc == 0 && tree) rc = conf_parse(path, (const char *)text.data, text.len, tree, err);
out:
    if (rc) {
        json_decref(*out);
        *out = NULL;
    }
    buf_release(&text);
    return rc;
}

json_t *manifest_file(const char *name, uint64_t bytes, hash128 sum)
{
    char hex[33];
    hash128_hex(sum, hex);
    return json_pack("{s:s, s:I, s:s}", "file", name, "bytes", (json_int_t)bytes, "xxh3_128", hex);
}

int manifest_file_check(const json_t *entry, const char *manifest, const char *file, uint64_t bytes, hash128 sum,
                        shoal_error *err)
{
    char hex[33];
    hash128_hex(sum, hex);
    const char *want = json_string_value(json_object_get(entry, "xxh3_128"));
    const json_t *size = json_object_get(entry, "bytes");
    if (!want || !json_is_integer(size))
        return error_set(err, SHOAL_DATA, "%s: no size and digest of %s; the file is damaged", manifest, file);
    if ((uint64_t)json_integer_value(size) != bytes)
        return error_set(err, SHOAL_DATA, "%s: %llu bytes, but %s says %lld; the file is cut or not the one that was written",
                         file, (unsigned long long)bytes, manifest, (long long)json_integer_value(size));
    if (strcmp(want, hex))
        return error_set(err, SHOAL_DATA, "%s: digest %s, but %s says %.32s; the file is damaged or not the one that was written",
                         file, hex, manifest, want);
    return 0;
}

static void value_text(const json_t *v, char out[MANIFEST_TEXT_BYTES])
{
    char *text = v ? json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    if (!v) snprintf(out, MANIFEST_TEXT_BYTES, "not set");
    else if (json_is_string(v)) snprintf(out, MANIFEST_TEXT_BYTES, "%.100s", json_string_value(v));
    else snprintf(out, MANIFEST_TEXT_BYTES, "%.100s", text ? text : "?");
    free(text);
}

static int differ(const json_t *was, const json_t *is, const char *path, manifest_difference *d)
{
    if (json_equal(was, is)) return 0;
    char below[MANIFEST_TEXT_BYTES];
    const char *key;
    json_t *v;
    if (json_is_object(was) && json_is_object(is)) {
        for (int side = 0; side < 2; side++)
            json_object_foreach((json_t *)(side ? is : was), key, v) {
                snprintf(below, sizeof below, "%.100s%s%.100s", path, *path ? "." : "", key);
                if (differ(json_object_get(was, key), json_object_get(is, key), below, d)) return 1;
            }
    }
    if (json_is_array(was) && json_is_array(is) && json_array_size(was) == json_array_size(is)) {
        for (size_t i = 0; i < json_array_size(was); i++) {
            snprintf(below, sizeof below, "%.200s[%zu]", path, i);
            if (differ(json_array_get(was, i), json_array_get(is, i), below, d)) return 1;
        }
    }
    snprintf(d->path, sizeof d->path, "%s", path);
    value_text(was, d->was);
    value_text(is, d->is);
    return 1;
}

int manifest_differ(const json_t *was, const json_t *is, manifest_difference *d) { return was != is && differ(was, is, "", d); }
