/* index_job.c: shoal_index: makes the index of each TFRecord file beside it. A line a file. */
#include <inttypes.h>
#include <string.h>

#include "base/host.h"
#include "base/mem.h"
#include "storage/file.h"
#include "table/index_file.h"
#include "table/source.h"

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
static int still_right(const char *file, const char *path, const shoal_host *host, record_index *x, shoal_error *err)
{
    shoal_error why;
    int r = record_index_open(file, x, &why);
    if (r == 1) r = index_verify(file, x, host, &why);
    if (r == SHOAL_INTERRUPTED || r == SHOAL_NOMEM) {
        if (err) *err = why;
        return r;
    }
    if (r == 0 && x->bytes > 0) return 1;
    record_index_release(x);
    return file_remove_tree(path, err);
}

static int index_file(const char *file, int json, const shoal_host *host, shoal_error *err)
{
    record_index x;
    enum table_format format = FORMAT_GUESS;
    char *one = (char *)file, *path = record_index_path(file);
    record_index_init(&x);
    int r = path ? format_of_files(&one, 1, &format, err) : error_nomem(err, strlen(file), "a path");
    if (r == 0 && format != FORMAT_TFRECORD) r = error_set(err, SHOAL_USAGE, "%s: an index is made of TFRecord files only", file);
    if (r == 0) r = still_right(file, path, host, &x, err);
    if (r == 0 && (r = index_make(file, host, &x, err)) == 0) r = record_index_write(file, &x, err);
    if (r >= 0) r = say(file, &x, json, host, err);
    record_index_release(&x);
    mem_free(path);
    return r;
}

int shoal_index(const shoal_options *o, const shoal_host *host, shoal_error *err)
{
    const char *const *args;
    table_spec spec = {0};
    char **files;
    size_t n;
    spec.n_paths = option_args(o, &args);
    spec.paths = args;
    int r = table_files(&spec, &files, &n, err);
    if (r < 0) return r;
    if (n == 0) r = error_set(err, SHOAL_USAGE, "an index is made of files: standard input has no place to put it");
    for (size_t i = 0; r == 0 && i < n; i++) {
        r = index_file(files[i], option_flag(o, "json"), host, err);
        host_progress(host, "%zu of %zu files", i + 1, n);
    }
    file_list_free(files, n);
    return r;
}
