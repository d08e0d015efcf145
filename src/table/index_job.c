/* index_job.c: shoal_index: makes the index of each TFRecord file beside it, and the manifest of each folder that is named. A
 * line a file. */
#include <inttypes.h>
#include <string.h>

#include "base/host.h"
#include "base/mem.h"
#include "storage/file.h"
#include "table/folder_manifest.h"
#include "table/index_file.h"
#include "table/raw_records.h"
#include "table/source.h"

typedef struct way {
    int said; /* by --record-type of the records (raw_records.h) */
    int threads, json;
} way;

static int say(const char *file, const record_index *x, int json, const shoal_host *host, shoal_error *err)
{
    buf b = BUF_INIT;
    int r;
    if (json) {
        r = buf_puts(&b, "{\"file\": ", err);
        if (r == 0) r = buf_put_json(&b, file, strlen(file), err);
        if (r == 0) r = buf_printf(&b, err, ", \"records\": %" PRIu64 ", \"features\": %zu, \"blocks\": %zu}\n", x->records, x->n_features, x->n_blocks);
    } else {
        r = buf_printf(&b, err, "%s: %" PRIu64 " records of %zu features, %zu blocks\n", file, x->records, x->n_features, x->n_blocks);
    }
    if (r == 0) r = host_out(host, (const char *)b.data, b.len, err);
    buf_release(&b);
    return r;
}

/* 1 with an index that is there and right: it may know types that the file alone does not. Any other goes. */
static int still_right(const char *file, const char *path, const way *w, const shoal_host *host, record_index *x, shoal_error *err)
{
    shoal_error why;
    int r = record_index_open(file, x, &why);
    if (r == 1) r = index_verify(file, x, w->threads, host, &why);
    if (r == SHOAL_INTERRUPTED || r == SHOAL_NOMEM) {
        if (err) *err = why;
        return r;
    }
    const int as_said = !w->said || (w->said == 1 + RECORD_BYTES) == (x->type == RECORD_BYTES);
    if (r == 0 && x->bytes > 0 && as_said) return 1;
    record_index_release(x);
    return file_remove_tree(path, err);
}

static int index_file(const char *file, const way *w, const shoal_host *host, uint64_t *rows, shoal_error *err)
{
    record_index x;
    char *path = record_index_path(file);
    record_index_init(&x);
    int r = path ? still_right(file, path, w, host, &x, err) : error_nomem(err, strlen(file), "a path");
    if (r == 0 && (r = index_make(file, w->said == 1 + RECORD_BYTES, w->threads, host, &x, err)) == 0) r = record_index_write(file, &x, err);
    *rows = x.records;
    if (r >= 0) r = say(file, &x, w->json, host, err);
    record_index_release(&x);
    mem_free(path);
    return r;
}

/* Files of other formats are counted for the manifest. */
static int count_file(const char *file, const shoal_host *host, uint64_t *rows, shoal_error *err)
{
    table_spec spec = {.paths = &file, .n_paths = 1};
    table *t;
    int r = table_open(&spec, &t, err);
    if (r == 0) r = table_read_through(t, host, rows, err);
    table_free(t);
    return r;
}

static int take_file(char *file, int is_folder, const way *w, const shoal_host *host, uint64_t *rows, shoal_error *err)
{
    enum table_format format = FORMAT_GUESS;
    int r = format_of_files(&file, 1, &format, err);
    if (r == 0 && format == FORMAT_TFRECORD) return index_file(file, w, host, rows, err);
    if (r == 0 && is_folder) return count_file(file, host, rows, err);
    return r < 0 ? r : error_set(err, SHOAL_USAGE, "%s: an index is made of TFRecord files only", file);
}

/* The files of one path. */
static int index_path(const char *path, const way *w, const shoal_host *host, shoal_error *err)
{
    char **files = NULL;
    size_t n = 0;
    folder_manifest m;
    if (strncmp(path, "file:///", 8) == 0) path += 7;
    int is_folder = file_is_dir(path), r = file_list(path, &files, &n, err);
    folder_manifest_init(&m);
    for (size_t i = 0; r == 0 && i < n; i++) {
        uint64_t rows = 0;
        const char *name = files[i] + strlen(path);
        r = take_file(files[i], is_folder, w, host, &rows, err);
        while (*name == '/') name++;
        if (r == 0 && is_folder) r = folder_manifest_add(&m, name, files[i], rows, err);
        host_progress(host, "%zu of %zu files", i + 1, n);
    }
    if (r == 0 && is_folder) r = folder_manifest_write(&m, path, err);
    folder_manifest_release(&m);
    file_list_free(files, n);
    return r;
}

int shoal_index(const shoal_options *o, const shoal_host *host, shoal_error *err)
{
    const char *const *args;
    size_t n = option_args(o, &args);
    const way w = {record_type_said(o), option_threads(o), option_flag(o, "json")};
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        if (strcmp(args[i], "-") == 0) return error_set(err, SHOAL_USAGE, "an index is made of files: standard input has no place to put it");
        r = index_path(args[i], &w, host, err);
    }
    return r;
}
