#include "table/folder_manifest.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "records/record_index.h"
#include "storage/file.h"

#define VERSION 1
#define BYTES_MAX ((size_t)1 << 30)
#define READ_BYTES ((size_t)1 << 20)

void folder_manifest_init(folder_manifest *m) { memset(m, 0, sizeof *m); }

void folder_manifest_release(folder_manifest *m)
{
    for (size_t i = 0; i < m->n; i++) mem_free(m->file[i].name);
    mem_free(m->file);
    folder_manifest_init(m);
}

static int add(folder_manifest *m, const char *name, manifest_file f, shoal_error *err)
{
    if (m->n == m->cap) {
        size_t cap = m->cap > 0 ? 2 * m->cap : 16;
        manifest_file *p = mem_realloc(m->file, cap * sizeof *p);
        if (!p) return error_nomem(err, cap * sizeof *p, "a manifest");
        m->file = p;
        m->cap = cap;
    }
    if (!(f.name = mem_strdup(name))) return error_nomem(err, strlen(name), "a manifest");
    m->file[m->n++] = f;
    return 0;
}

static int digest_of(const char *path, uint64_t *bytes, hash128 *out, shoal_error *err)
{
    file_reader *f = NULL;
    digest *d = digest_new();
    uint8_t *piece = mem_alloc(READ_BYTES);
    int64_t n = 1;
    int r = d && piece ? file_open(path, &f, err) : error_nomem(err, READ_BYTES, "a digest");
    *bytes = 0;
    while (r == 0 && n > 0) {
        if ((n = file_read(f, piece, READ_BYTES, err)) < 0) r = (int)n;
        if (n > 0) digest_update(d, piece, (size_t)n);
        if (n > 0) *bytes += (uint64_t)n;
    }
    if (r == 0) *out = digest_value(d);
    file_close(f);
    digest_free(d);
    mem_free(piece);
    return r;
}

int folder_manifest_add(folder_manifest *m, const char *name, const char *path, uint64_t rows, shoal_error *err)
{
    manifest_file f = {.rows = rows};
    record_index x;
    int r = record_index_read(path, &x, err);
    if (r == 1) {
        f.bytes = x.bytes;
        f.digest = x.digest;
        r = 0;
    } else if (r == 0) {
        r = digest_of(path, &f.bytes, &f.digest, err);
    }
    record_index_release(&x);
    return r < 0 ? r : add(m, name, f, err);
}

/* ---- the file ------------------------------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b) { return strcmp(((const manifest_file *)a)->name, ((const manifest_file *)b)->name); }

int folder_manifest_write(folder_manifest *m, const char *folder, shoal_error *err)
{
    buf b = BUF_INIT;
    uint64_t rows = 0, bytes = 0;
    char *path = mem_sprintf("%s/" MANIFEST_FILE, folder);
    if (m->n > 0) qsort(m->file, m->n, sizeof *m->file, by_name);
    for (size_t i = 0; i < m->n; i++) {
        rows += m->file[i].rows;
        bytes += m->file[i].bytes;
    }
    int r = path ? 0 : error_nomem(err, strlen(folder), "a path");
    if (r == 0) r = buf_printf(&b, err, "{\"shoal_manifest\": %d, \"rows\": %llu, \"bytes\": %llu, \"files\": [", VERSION,
                               (unsigned long long)rows, (unsigned long long)bytes);
    for (size_t i = 0; r == 0 && i < m->n; i++) {
        const manifest_file *f = &m->file[i];
        char hex[33];
        hash128_hex(f->digest, hex);
        r = buf_puts(&b, i == 0 ? "\n  {\"file\": " : ",\n  {\"file\": ", err);
        if (r == 0) r = buf_put_json(&b, f->name, strlen(f->name), err);
        if (r == 0) r = buf_printf(&b, err, ", \"rows\": %llu, \"bytes\": %llu, \"xxh3_128\": \"%s\"}", (unsigned long long)f->rows,
                                   (unsigned long long)f->bytes, hex);
    }
    if (r == 0) r = buf_puts(&b, "\n]}\n", err);
    if (r == 0) r = file_write_all(path, 1, b.data, b.len, err);
    buf_release(&b);
    mem_free(path);
    return r;
}

void folder_manifest_remove(const char *folder)
{
    char *path = mem_sprintf("%s/" MANIFEST_FILE, folder);
    if (path) file_remove_tree(path, NULL);
    mem_free(path);
}

static int hex_value(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

/* 32 digits, the high half first, as hash128_hex writes them. */
static int take_digest(const char *hex, hash128 *out)
{
    uint64_t half[2] = {0, 0};
    if (!hex || strlen(hex) != 32) return 0;
    for (int i = 0; i < 32; i++) {
        int v = hex_value(hex[i]);
        if (v < 0) return 0;
        half[i / 16] = half[i / 16] << 4 | (uint64_t)v;
    }
    *out = (hash128){.lo = half[1], .hi = half[0]};
    return 1;
}

static int take_file(const char *name, size_t i, json_t *j, folder_manifest *out, shoal_error *err)
{
    manifest_file f = {0};
    const char *file = json_string_value(json_object_get(j, "file"));
    json_int_t rows = json_integer_value(json_object_get(j, "rows")), bytes = json_integer_value(json_object_get(j, "bytes"));
    if (!file || !file[0] || rows < 0 || bytes < 0 || !take_digest(json_string_value(json_object_get(j, "xxh3_128")), &f.digest))
        return error_set(err, SHOAL_DATA, "%s: file %zu needs \"file\", \"rows\", \"bytes\" and \"xxh3_128\"", name, i);
    f.rows = (uint64_t)rows;
    f.bytes = (uint64_t)bytes;
    return add(out, file, f, err);
}

static int take_files(const char *name, json_t *root, folder_manifest *out, shoal_error *err)
{
    json_t *files = json_object_get(root, "files");
    json_int_t version = json_integer_value(json_object_get(root, "shoal_manifest"));
    int r = 0;
    if (version > VERSION)
        return error_set(err, SHOAL_DATA, "%s: version %lld of the manifest is newer than this shoal reads (%d): use a newer shoal", name,
                         (long long)version, VERSION);
    if (version != VERSION || !json_is_array(files))
        return error_set(err, SHOAL_DATA, "%s: no manifest of shoal: \"shoal_manifest\": 1 and \"files\": [...] are expected", name);
    for (size_t i = 0; r == 0 && i < json_array_size(files); i++) r = take_file(name, i, json_array_get(files, i), out, err);
    if (r == 0 && out->n > 0) qsort(out->file, out->n, sizeof *out->file, by_name);
    for (size_t i = 1; r == 0 && i < out->n; i++)
        if (strcmp(out->file[i - 1].name, out->file[i].name) == 0)
            r = error_set(err, SHOAL_DATA, "%s: file '%s' is there twice", name, out->file[i].name);
    return r;
}

int folder_manifest_decode(const char *name, const char *text, size_t n, folder_manifest *out, shoal_error *err)
{
    json_error_t why;
    folder_manifest_init(out);
    json_t *root = json_loadb(text, n, JSON_REJECT_DUPLICATES, &why);
    int r = root ? take_files(name, root, out, err) : error_set(err, SHOAL_DATA, "%s:%d: no JSON: %s", name, why.line, why.text);
    json_decref(root);
    if (r < 0) folder_manifest_release(out);
    return r;
}

int folder_manifest_read(const char *folder, folder_manifest *out, shoal_error *err)
{
    buf b = BUF_INIT;
    folder_manifest_init(out);
    char *path = mem_sprintf("%s/" MANIFEST_FILE, folder);
    int r = path ? file_exists(path) : error_nomem(err, strlen(folder), "a path");
    if (r == 1 && (r = file_read_all(path, BYTES_MAX, &b, err)) == 0) {
        r = folder_manifest_decode(path, b.data ? (const char *)b.data : "", b.len, out, err);
        if (r == 0) r = 1;
    }
    buf_release(&b);
    mem_free(path);
    return r;
}

/* ---- against a folder ------------------------------------------------------------------------------------------------------ */

char *folder_manifest_root(const char *folder, int *nomem, shoal_error *err)
{
    size_t n = strlen(folder);
    *nomem = 0;
    for (;;) {
        while (n > 1 && folder[n - 1] == '/') n--;
        char *root = mem_strndup(folder, n), *path = root ? mem_sprintf("%s/" MANIFEST_FILE, root) : NULL;
        int is_there = path && file_exists(path);
        mem_free(path);
        if (!path) {
            *nomem = 1;
            error_nomem(err, n, "a path");
        }
        if (is_there) return root;
        mem_free(root);
        size_t base = n;
        while (base > 0 && folder[base - 1] != '/') base--;
        if (*nomem || base == 0 || !memchr(folder + base, '=', n - base)) return NULL;
        n = base;
    }
}

static int missing(const char *root, const manifest_file *f, shoal_error *err)
{
    return error_set(err, SHOAL_DATA, "%s/%s is missing: the folder's " MANIFEST_FILE " lists it with %llu rows; restore it, or make the manifest anew by shoal index %s",
                     root, f->name, (unsigned long long)f->rows, root);
}

static int extra(const char *root, const char *file, shoal_error *err)
{
    return error_set(err, SHOAL_DATA, "%s is not in the folder's " MANIFEST_FILE ": another program put it there, or an append that did not finish; remove it, or take it up by shoal index %s",
                     file, root);
}

static int compare_size(const char *root, const char *file, const manifest_file *f, shoal_error *err)
{
    file_reader *r;
    int rc = file_open(file, &r, err);
    if (rc < 0) return rc;
    uint64_t size = file_size(r);
    file_close(r);
    if (size == f->bytes) return 0;
    return error_set(err, SHOAL_DATA, "%s has %llu bytes, but the folder's " MANIFEST_FILE " lists it with %llu: it was cut or replaced; restore it, or make the manifest anew by shoal index %s",
                     file, (unsigned long long)size, (unsigned long long)f->bytes, root);
}

/* The name of a file below the folder that a manifest is in. */
static const char *name_below(const char *root, const char *file)
{
    const char *name = file + strlen(root);
    while (*name == '/') name++;
    return name;
}

/* Whether a file lies in the part of the folder that is looked at; an empty one is all of it. */
static int is_below(const manifest_file *f, const char *part)
{
    size_t n = strlen(part);
    while (n > 0 && part[n - 1] == '/') n--;
    return n == 0 || (strncmp(f->name, part, n) == 0 && f->name[n] == '/');
}

int folder_manifest_rows(const char *folder, uint64_t *rows, shoal_error *err)
{
    folder_manifest m;
    int nomem;
    char *root = folder_manifest_root(folder, &nomem, err);
    *rows = 0;
    if (!root) return nomem ? SHOAL_NOMEM : 0;
    int r = folder_manifest_read(root, &m, err);
    for (size_t i = 0; r == 1 && i < m.n; i++)
        if (is_below(&m.file[i], name_below(root, folder))) *rows += m.file[i].rows;
    folder_manifest_release(&m);
    mem_free(root);
    return r;
}

int folder_manifest_compare(const char *folder, char *const *files, size_t n, int tolerate, shoal_error *err)
{
    folder_manifest m;
    int nomem;
    char *root = folder_manifest_root(folder, &nomem, err);
    if (!root) return nomem ? SHOAL_NOMEM : 0;
    int r = folder_manifest_read(root, &m, err);
    const char *part = name_below(root, folder);
    size_t k = 0;
    if (r == 1) r = 0;
    for (size_t i = 0; r == 0 && i < m.n; i++) {
        const manifest_file *f = &m.file[i];
        if (!is_below(f, part)) continue;
        int order = k < n ? strcmp(name_below(root, files[k]), f->name) : 1;
        if (order < 0) r = extra(root, files[k], err);
        else if (order > 0) r = missing(root, f, err);
        else r = tolerate ? 0 : compare_size(root, files[k], f, err), k++;
    }
    if (r == 0 && k < n) r = extra(root, files[k], err);
    folder_manifest_release(&m);
    mem_free(root);
    return r;
}

static int verify_file(const char *root, const char *file, const manifest_file *f, uint64_t rows, shoal_error *err)
{
    uint64_t bytes;
    hash128 sum;
    int r = digest_of(file, &bytes, &sum, err);
    if (r < 0) return r;
    if (bytes != f->bytes || sum.lo != f->digest.lo || sum.hi != f->digest.hi)
        return error_set(err, SHOAL_DATA, "%s: its bytes are not those that %s/" MANIFEST_FILE " lists: it was changed; restore it, or make the manifest anew by shoal index %s",
                         file, root, root);
    if (rows != f->rows)
        return error_set(err, SHOAL_DATA, "%s: it has %llu rows, but %s/" MANIFEST_FILE " lists %llu; make the manifest anew by shoal index %s", file,
                         (unsigned long long)rows, root, (unsigned long long)f->rows, root);
    return 0;
}

int folder_manifest_verify(const char *file, uint64_t rows, shoal_error *err)
{
    folder_manifest m;
    int nomem;
    const char *slash = strrchr(file, '/');
    char *folder = slash ? mem_strndup(file, slash > file ? (size_t)(slash - file) : 1) : mem_strdup(".");
    char *root = folder ? folder_manifest_root(folder, &nomem, err) : NULL;
    int r = folder ? 0 : error_nomem(err, strlen(file), "a path");
    mem_free(folder);
    if (!root) return r < 0 || nomem ? SHOAL_NOMEM : 0;
    if ((r = folder_manifest_read(root, &m, err)) == 1) {
        manifest_file like = {.name = (char *)(slash ? name_below(root, file) : file)};
        const manifest_file *f = m.n > 0 ? bsearch(&like, m.file, m.n, sizeof *m.file, by_name) : NULL;
        r = f ? verify_file(root, file, f, rows, err) : 0;
    }
    folder_manifest_release(&m);
    mem_free(root);
    return r;
}
