/* check.c: shoal_check: reads every byte of every file: framing, checksums, whether the rows fit the columns, whether the
 * files have the same columns, and whether they are what their indexes say. A line a file; damage does not stop the files
 * after it. */
#include <inttypes.h>
#include <string.h>

#include "base/host.h"
#include "base/mem.h"
#include "storage/file.h"
#include "table/folder_manifest.h"
#include "table/index_file.h"
#include "table/source.h"

typedef struct totals {
    uint64_t files, bad, rows;
    int have_schema, first_code;
    struct ArrowSchema schema; /* of the first sound file */
    char first[SHOAL_ERROR_MAX];
} totals;

static int same_columns(const struct ArrowSchema *a, const struct ArrowSchema *b, const char *path, shoal_error *err)
{
    char of_a[160], of_b[160];
    for (int64_t i = 0; i < a->n_children || i < b->n_children; i++) {
        if (i >= a->n_children) return error_set(err, SHOAL_DATA, "%s: column '%s' is not in the files before it", path, b->children[i]->name);
        if (i >= b->n_children || strcmp(a->children[i]->name, b->children[i]->name) != 0)
            return error_set(err, SHOAL_DATA, "%s: column %" PRId64 " is '%s', but '%s' in the files before it", path, i,
                             i < b->n_children ? b->children[i]->name : "missing", a->children[i]->name);
        arrow_type_name(a->children[i], of_a, sizeof of_a);
        arrow_type_name(b->children[i], of_b, sizeof of_b);
        if (strcmp(of_a, of_b) != 0)
            return error_set(err, SHOAL_DATA, "%s: column '%s' is %s, but %s in the files before it", path, a->children[i]->name, of_b, of_a);
    }
    return 0;
}

static int check_file(const table_spec *like, const char *path, totals *sum, const shoal_host *host, uint64_t *rows, shoal_error *err)
{
    table_spec spec = *like;
    table *t;
    spec.paths = &path;
    spec.n_paths = 1;
    spec.without_partitions = 1;
    record_index index;
    int has_index = like->tolerate ? 0 : record_index_open(path, &index, err);
    if (like->tolerate) record_index_init(&index);
    if (has_index < 0) return has_index;
    int r = table_open(&spec, &t, err);
    if (r == 0) r = has_index ? index_verify(path, &index, like->threads, host, err) : table_read_through(t, host, rows, err);
    if (r == 0 && has_index) *rows = index.records;
    if (r == 0 && !like->tolerate && !file_is_stream(path)) r = folder_manifest_verify(path, *rows, err);
    record_index_release(&index);
    if (r == 0 && sum->have_schema && *rows > 0) r = same_columns(&sum->schema, table_schema(t), path, err);
    if (r == 0 && !sum->have_schema && *rows > 0) {
        r = arrow_schema_copy(table_schema(t), &sum->schema, err);
        sum->have_schema = r == 0;
    }
    table_free(t);
    return r;
}

static int say(const char *path, uint64_t rows, int bad, const char *message, int json, const shoal_host *host, shoal_error *err)
{
    buf b = BUF_INIT;
    int r;
    if (json) {
        r = buf_puts(&b, "{\"file\": ", err);
        if (r == 0) r = buf_put_json(&b, path, strlen(path), err);
        if (r == 0) r = buf_printf(&b, err, ", \"rows\": %" PRIu64 ", \"ok\": %s", rows, bad ? "false" : "true");
        if (r == 0 && bad) r = buf_puts(&b, ", \"error\": ", err);
        if (r == 0 && bad) r = buf_put_json(&b, message, strlen(message), err);
        if (r == 0) r = buf_puts(&b, "}\n", err);
    } else if (bad) {
        r = buf_printf(&b, err, "BAD  %s\n", message);
    } else {
        r = buf_printf(&b, err, "ok   %s: %" PRIu64 " rows\n", strcmp(path, "-") == 0 ? "standard input" : path, rows);
    }
    if (r == 0) r = host_out(host, (const char *)b.data, b.len, err);
    buf_release(&b);
    return r;
}

static int check_all(const table_spec *spec, char **files, size_t n, int json, const shoal_host *host, totals *sum, shoal_error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        shoal_error local = {0};
        uint64_t rows = 0;
        int bad = check_file(spec, files[i], sum, host, &rows, &local);
        if (bad == SHOAL_INTERRUPTED || bad == SHOAL_NOMEM) {
            if (err) *err = local;
            return bad;
        }
        sum->files++;
        sum->rows += rows;
        if (bad < 0 && sum->bad++ == 0) {
            sum->first_code = bad;
            memcpy(sum->first, local.message, sizeof sum->first);
        }
        r = say(files[i], rows, bad < 0, local.message, json, host, err);
        host_progress(host, "%zu of %zu files, %" PRIu64 " rows", i + 1, n, sum->rows);
    }
    return r;
}

int shoal_check(const shoal_options *o, const shoal_host *host, shoal_error *err)
{
    const char *const *args;
    size_t n_args = option_args(o, &args), n = 0;
    char **files = NULL, dash[] = "-", *piped[] = {dash}; /* standard input is one file */
    table_spec spec;
    totals sum = {0};
    int json = option_flag(o, "json");
    int r = table_spec_from(o, args, n_args, 0, &spec, err);
    if (r < 0) return r;
    if (spec.stream) {
        if (spec.stream->release) spec.stream->release(spec.stream);
        return error_set(err, SHOAL_USAGE, "check reads files, not streams");
    }
    if (spec.sql) return error_set(err, SHOAL_USAGE, "check reads whole files: --sql has no meaning here");
    if ((r = table_files(&spec, &files, &n, err)) < 0) return r;
    if (n == 0 && spec.format == FORMAT_GUESS) return format_of_files(piped, 1, &spec.format, err);
    r = table_quarantine(o, NULL, host, &spec.quarantine, err);
    if (r == 0) r = check_all(&spec, n > 0 ? files : piped, n > 0 ? n : 1, json, host, &sum, err);
    if (r == 0 && spec.quarantine) r = quarantine_finish(spec.quarantine, err);
    uint64_t damaged = spec.quarantine ? quarantine_count(spec.quarantine).places : 0;
    quarantine_free(spec.quarantine);
    file_list_free(files, n);
    if (sum.schema.release) sum.schema.release(&sum.schema);
    if (r < 0) return r;
    if (sum.bad > 0)
        return error_set(err, sum.first_code, "%" PRIu64 " of %" PRIu64 " files are bad; the first: %.700s", sum.bad, sum.files, sum.first);
    if (damaged > 0) return error_set(err, SHOAL_DATA, "%" PRIu64 " damaged places; %" PRIu64 " rows around them are sound", damaged, sum.rows);
    if (!json) r = host_outf(host, err, "%" PRIu64 " file%s, %" PRIu64 " rows: all sound\n", sum.files, sum.files == 1 ? "" : "s", sum.rows);
    return r;
}
