#include "table/table.h"

#include <stdio.h>
#include <string.h>

#include "base/clocks.h"
#include "base/mem.h"
#include "storage/file.h"
#include "table/folder_manifest.h"
#include "table/index_file.h"
#include "table/partition.h"
#include "table/raw_records.h"
#include "table/stamps.h"

/* Files on their way to a source. */
typedef struct opening {
    char **files;
    size_t n;
    enum table_format format;
    partitions p;
    int filter; /* rows have to be looked at for --where */
} opening;

struct table {
    source from;
    struct ArrowSchema schema;
    int64_t *pick; /* of each column its index in the source; NULL: all as they are */
    uint64_t limit, rows, skip; /* skip: still to be passed over */
    quarantine *quarantine;     /* its own: nobody hears of it */
    stamps stamps;
    clocks *clocks;             /* of reading, unless the source measures itself */
};

int table_spec_from(const shoal_options *o, const char *const *paths, size_t n_paths, int slot, table_spec *out, shoal_error *err)
{
    memset(out, 0, sizeof *out);
    out->paths = paths;
    out->n_paths = n_paths;
    out->sql = option_str(o, "sql");
    out->where = option_str(o, "where");
    out->n_tables = option_list(o, "table", &out->tables);
    const char *format = option_str(o, "format");
    out->format = format_of_name(format);
    if (format && out->format == FORMAT_GUESS && strcmp(format, "auto") != 0)
        return error_set(err, SHOAL_USAGE, "--format: unknown format '%s'; expected " FORMATS_SAID, format);
    out->threads = option_threads(o);
    out->record_type = record_type_said(o);
    out->tolerate = option_str(o, "on-error") && strcmp(option_str(o, "on-error"), "quarantine") == 0;
    out->n_types = option_list(o, "types", &out->types);
    out->no_header = option_flag(o, "no-header");
    const char *delimiter = option_str(o, "delimiter");
    if (delimiter) out->delimiter = strcmp(delimiter, "tab") == 0 || strcmp(delimiter, "\\t") == 0 ? '\t' : delimiter[0];
    if (delimiter && ((delimiter[1] && out->delimiter != '\t') || strchr("\"\r\n", out->delimiter) || (uint8_t)out->delimiter >= 0x80))
        return error_set(err, SHOAL_USAGE, "--delimiter is '%s', expected one character of ASCII, or tab", delimiter);
    out->stream = option_take_stream(o, slot);
    return 0;
}

const char *table_side_path(const char *item)
{
    const char *equals = strchr(item, '=');
    return equals ? equals + 1 : NULL;
}

int table_spec_valid(const shoal_options *o, const char *const *paths, size_t n_paths, int slot, table_spec *out, shoal_error *err)
{
    int r = table_spec_from(o, paths, n_paths, slot, out, err);
    if (option_is_set(o, "valid-sql")) out->sql = option_str(o, "valid-sql");
    out->where = option_str(o, "valid-where");
    return r;
}

int table_quarantine(const shoal_options *o, const char *output, const shoal_host *host, quarantine **out, shoal_error *err)
{
    const char *dir = option_str(o, "quarantine-dir");
    *out = NULL;
    if (strcmp(option_str(o, "on-error"), "quarantine") != 0) {
        if (dir) return error_set(err, SHOAL_USAGE, "--quarantine-dir needs --on-error quarantine: otherwise damage ends the job");
        return 0;
    }
    if (dir || !output || file_is_stream(output)) return quarantine_new(dir, host, out, err);
    size_t n = strlen(output);
    while (n > 1 && output[n - 1] == '/') n--;
    char *beside = mem_sprintf("%.*s.quarantine", (int)n, output);
    int r = beside ? quarantine_new(beside, host, out, err) : error_nomem(err, n, "a path");
    mem_free(beside);
    return r;
}

static int name_files(const table_spec *spec, char ***files, size_t *n, shoal_error *err)
{
    *files = NULL;
    *n = 0;
    int r = 0;
    if (spec->stream) return 0;
    for (size_t i = 0; r == 0 && i < spec->n_paths; i++) {
        char **more = NULL;
        size_t n_more = 0;
        if (strcmp(spec->paths[i], "-") == 0 && spec->n_paths > 1) r = error_set(err, SHOAL_USAGE, "'-' (standard input) must be the only source");
        if (strcmp(spec->paths[i], "-") == 0) continue;
        const char *path = strncmp(spec->paths[i], "file:///", 8) == 0 ? spec->paths[i] + 7 : spec->paths[i];
        if ((r = file_list(path, &more, &n_more, err)) < 0) break;
        if (file_is_dir(path) && (r = folder_manifest_compare(path, more, n_more, spec->tolerate, err)) < 0) {
            file_list_free(more, n_more);
            break;
        }
        char **all = mem_realloc(*files, (*n + n_more + 1) * sizeof *all);
        if (!all) {
            file_list_free(more, n_more);
            r = error_nomem(err, (*n + n_more) * sizeof *all, "a list of files");
            break;
        }
        *files = all;
        memcpy(all + *n, more, n_more * sizeof *all);
        *n += n_more;
        mem_free(more);
    }
    if (r < 0) {
        file_list_free(*files, *n);
        *files = NULL;
        *n = 0;
    }
    return r;
}

/* Standard input counts as one file named "-". */
static int list_files(const table_spec *spec, char ***files, size_t *n, shoal_error *err)
{
    if (spec->n_paths != 1 || strcmp(spec->paths[0], "-") != 0) {
        int r = name_files(spec, files, n, err);
        if (r == 0 && *n == 0) r = error_set(err, SHOAL_USAGE, "no source is given: name files, folders or patterns, or - for standard input");
        return r;
    }
    *n = 0;
    *files = mem_calloc(1, sizeof **files);
    if (!*files || !((*files)[0] = mem_strdup("-"))) {
        mem_free(*files);
        return error_nomem(err, 16, "a list of files");
    }
    *n = 1;
    return 0;
}

/* ---- which source reads them ---------------------------------------------------------------------------------------------- */

/* Leaves the files that --where leaves; one stays in any case, for its columns. */
static int prune(opening *o, const table_spec *spec, shoal_error *err)
{
    uint8_t *keep = mem_alloc(o->n);
    size_t kept = 0;
    if (!keep) return error_nomem(err, o->n, "a list of files");
    int r = partitions_prune(&o->p, spec->where, keep, &o->filter, err);
    for (size_t i = 0; r == 0 && i < o->n; i++) kept += keep[i];
    if (r == 0 && kept == 0) {
        keep[0] = 1;
        o->filter = 1; /* which lets none of its rows through */
    }
    if (r == 0) partitions_keep(&o->p, o->files, &o->n, keep);
    mem_free(keep);
    return r;
}

int table_files(const table_spec *spec, char ***files, size_t *n, shoal_error *err)
{
    opening o = {0};
    int r = name_files(spec, &o.files, &o.n, err);
    if (r == 0 && spec->where && o.n > 0) {
        r = partitions_of(o.files, o.n, &o.p, err);
        if (r == 0 && o.p.n_keys > 0) r = prune(&o, spec, err);
        partitions_release(&o.p);
    }
    if (r < 0) {
        file_list_free(o.files, o.n);
        o.files = NULL;
        o.n = 0;
    }
    *files = o.files;
    *n = o.n;
    return r;
}

/* Of the spec's columns those that the files themselves have. */
static int own_columns(const opening *o, table_spec *inner, shoal_error *err)
{
    if (!inner->columns || o->p.n_keys == 0) return 0;
    const char **names = mem_calloc(inner->n_columns + 1, sizeof *names);
    size_t n = 0;
    if (!names) return error_nomem(err, inner->n_columns * sizeof *names, "columns");
    for (size_t i = 0; i < inner->n_columns; i++) {
        int own = 1;
        for (size_t k = 0; k < o->p.n_keys; k++) own &= strcmp(inner->columns[i], o->p.key[k].name) != 0;
        if (own) names[n++] = inner->columns[i];
    }
    inner->columns = names;
    inner->n_columns = n;
    return 0;
}

/* Formats that DuckDB does not read: with the partitions' columns, and the query on top. */
static int open_ours(opening *o, const table_spec *spec, source *out, shoal_error *err)
{
    table_spec inner = *spec;
    if (o->filter || spec->sql) {
        inner.columns = NULL; /* all, and from the first row on: the query chooses */
        inner.skip = 0;
    }
    int r = own_columns(o, &inner, err);
    if (r < 0) return r;
    char **files = o->files;
    size_t n = o->n;
    o->files = NULL;
    o->n = 0;
    r = o->format == FORMAT_TFRECORD ? source_tfrecord(files, n, &inner, out, err)
        : o->format == FORMAT_CSV    ? source_csv(files, n, &inner, out, err)
        : o->format == FORMAT_JSONL  ? source_json(files, n, &inner, out, err)
                                     : source_svm(files, n, o->format, spec, out, err);
    if (inner.columns != spec->columns) mem_free((void *)inner.columns);
    if (r == 0 && o->p.n_keys > 0) {
        source whole = *out;
        r = source_partitioned(&whole, &o->p, out, err);
    }
    if (r < 0 || (!o->filter && !spec->sql)) return r;
    source whole = *out;
    return source_sql(&whole, spec, o->filter ? spec->where : NULL, out, err);
}

static int open_files(const table_spec *spec, source *out, shoal_error *err)
{
    opening o = {.format = spec->format, .filter = spec->where != NULL};
    int r = list_files(spec, &o.files, &o.n, err);
    if (r == 0 && !spec->without_partitions) r = partitions_of(o.files, o.n, &o.p, err);
    if (r == 0 && o.p.n_keys > 0 && spec->where) r = prune(&o, spec, err);
    if (r == 0 && spec->stamps) r = stamps_add(spec->stamps, o.files, o.n, err);
    if (r == 0 && o.format == FORMAT_GUESS) r = format_of_files(o.files, o.n, &o.format, err);
    if (r == 0 && spec->record_type && !spec->writes_records && o.format != FORMAT_TFRECORD)
        r = error_set(err, SHOAL_USAGE, "--record-type says what the records of TFRecord are, and %s is none", o.files[0]);
    if (r == 0 && format_is_ducks(o.format)) {
        char **files = o.files;
        o.files = NULL;
        r = source_duckdb(files, o.n, spec, &o.p, out, err);
    } else if (r == 0) {
        r = open_ours(&o, spec, out, err);
    }
    partitions_release(&o.p);
    if (o.files) file_list_free(o.files, o.n);
    return r;
}

int source_open(const table_spec *spec, source *out, shoal_error *err)
{
    memset(out, 0, sizeof *out);
    if (!spec->sql && spec->n_tables > 0) {
        if (spec->stream && spec->stream->release) spec->stream->release(spec->stream);
        return error_set(err, SHOAL_USAGE, "--table '%s' is for --sql, which is not given", spec->tables[0]);
    }
    int r = spec->stream ? source_stream(spec->stream, out, err) : open_files(spec, out, err);
    if (r == 0) r = source_plain(out, err);
    if (r < 0 || !spec->stream || (!spec->sql && !spec->where)) return r;
    source inner = *out;
    r = source_sql(&inner, spec, spec->where, out, err);
    return r < 0 ? r : source_plain(out, err);
}

static int missing_column(const table_spec *spec, const source *s, const char *name, shoal_error *err)
{
    char has[400] = "";
    size_t at = 0;
    for (int64_t i = 0; i < s->schema.n_children && at < sizeof has - 80; i++)
        at += (size_t)snprintf(has + at, sizeof has - at, "%s%.60s", i > 0 ? ", " : "", s->schema.children[i]->name);
    return error_set(err, SHOAL_DATA, "%s: there is no column '%s'; there are: %s%s", spec->n_paths ? spec->paths[0] : "the stream", name, has,
                     at >= sizeof has - 80 ? ", ..." : "");
}

static int choose(table *t, const table_spec *spec, shoal_error *err)
{
    if (!spec->columns) {
        t->schema = t->from.schema;
        t->from.schema.release = NULL;
        return 0;
    }
    t->pick = mem_calloc(spec->n_columns + 1, sizeof *t->pick);
    if (!t->pick) return error_nomem(err, spec->n_columns * sizeof *t->pick, "the columns");
    int r = arrow_schema_struct(&t->schema, (int64_t)spec->n_columns, err);
    for (size_t i = 0; r == 0 && i < spec->n_columns; i++) {
        t->pick[i] = arrow_find(&t->from.schema, spec->columns[i]);
        if (t->pick[i] < 0) r = missing_column(spec, &t->from, spec->columns[i], err);
        for (size_t k = 0; r == 0 && k < i; k++)
            if (t->pick[k] == t->pick[i]) r = error_set(err, SHOAL_USAGE, "column '%s' is asked for twice", spec->columns[i]);
        if (r == 0) r = arrow_schema_copy(t->from.schema.children[t->pick[i]], t->schema.children[i], err);
    }
    return r;
}

int table_open(const table_spec *spec, table **out, shoal_error *err)
{
    *out = NULL;
    table *t = mem_calloc(1, sizeof *t);
    if (!t) {
        if (spec->stream && spec->stream->release) spec->stream->release(spec->stream);
        return error_nomem(err, sizeof *t, "a table");
    }
    t->limit = spec->limit > 0 ? spec->limit : UINT64_MAX;
    t->clocks = spec->clocks;
    table_spec asked = *spec;
    asked.stamps = &t->stamps;
    int r = spec->tolerate && !spec->quarantine ? quarantine_new(NULL, NULL, &t->quarantine, err) : 0;
    if (t->quarantine) asked.quarantine = t->quarantine;
    if (r == 0) r = source_open(&asked, &t->from, err);
    else if (spec->stream && spec->stream->release) spec->stream->release(spec->stream);
    if (r == 0 && (spec->shuffle || spec->n_together > 0)) {
        source inner = t->from;
        r = spec->n_together > 0 ? source_sorted(&inner, spec, &t->from, err) : source_shuffled(&inner, spec, &t->from, err);
    }
    if (r == 0) r = choose(t, spec, err);
    if (r < 0) {
        table_free(t);
        return r;
    }
    t->skip = spec->skip - t->from.skipped;
    *out = t;
    return 0;
}

void table_free(table *t)
{
    if (!t) return;
    if (t->from.free) t->from.free(t->from.ctx);
    if (t->from.schema.release) t->from.schema.release(&t->from.schema);
    if (t->schema.release) t->schema.release(&t->schema);
    quarantine_free(t->quarantine);
    mem_free(t->pick);
    stamps_release(&t->stamps);
    mem_free(t);
}

const struct ArrowSchema *table_schema(const table *t) { return &t->schema; }

/* ---- a batch with chosen columns: the whole batch lives on behind it ------------------------------------------------ */

typedef struct picked {
    struct ArrowArray whole;
    struct ArrowArray **children;
    const void *buffers[1];
} picked;

static void picked_release(struct ArrowArray *a)
{
    picked *p = a->private_data;
    if (p->whole.release) p->whole.release(&p->whole);
    mem_free(p->children);
    mem_free(p);
    a->release = NULL;
}

static int pick_columns(const table *t, struct ArrowArray *batch, shoal_error *err)
{
    picked *p = mem_calloc(1, sizeof *p);
    if (p) p->children = mem_calloc((size_t)t->schema.n_children + 1, sizeof *p->children);
    if (!p || !p->children) {
        mem_free(p);
        batch->release(batch);
        return error_nomem(err, sizeof *p, "a batch");
    }
    for (int64_t i = 0; i < t->schema.n_children; i++) p->children[i] = batch->children[t->pick[i]];
    p->whole = *batch;
    memset(batch, 0, sizeof *batch);
    batch->length = p->whole.length;
    batch->n_buffers = 1;
    batch->buffers = p->buffers;
    batch->n_children = t->schema.n_children;
    batch->children = p->children;
    batch->release = picked_release;
    batch->private_data = p;
    return 0;
}

static void shorten(struct ArrowArray *batch, int64_t rows)
{
    batch->length = rows;
    for (int64_t i = 0; i < batch->n_children; i++) {
        batch->children[i]->length = rows;
        if (batch->children[i]->null_count > 0) batch->children[i]->null_count = -1;
    }
}

/* Drops the first rows. */
static void advance(struct ArrowArray *batch, int64_t rows)
{
    batch->length -= rows;
    for (int64_t i = 0; i < batch->n_children; i++) {
        batch->children[i]->offset += rows;
        batch->children[i]->length -= rows;
        if (batch->children[i]->null_count > 0) batch->children[i]->null_count = -1;
    }
}

static int source_next(table *t, struct ArrowArray *out, shoal_error *err)
{
    clocks *c = t->from.is_measured ? NULL : t->clocks;
    const uint64_t start = clocks_start(c);
    int r = t->from.next(t->from.ctx, out, err);
    clocks_stop(c, CLOCK_PARSE, start);
    return r;
}

/* The next batch with a row that is not passed over. */
static int next_batch(table *t, struct ArrowArray *out, shoal_error *err)
{
    int r;
    while ((r = source_next(t, out, err)) == 1) {
        if ((uint64_t)out->length > t->skip) break;
        t->skip -= (uint64_t)out->length;
        t->from.skipped += (uint64_t)out->length;
        out->release(out);
    }
    if (r == 1 && t->skip > 0) {
        advance(out, (int64_t)t->skip);
        t->from.skipped += t->skip;
        t->skip = 0;
    }
    return r;
}

/* At the end, or behind an error that a change may be the cause of: the change is told in its place. */
static int unless_changed(const table *t, int r, shoal_error *err)
{
    shoal_error why;
    if (r == SHOAL_NOMEM || r == SHOAL_INTERRUPTED || stamps_check(&t->stamps, &why) == 0) return r;
    if (err) *err = why;
    return SHOAL_DATA;
}

int table_next(table *t, struct ArrowArray *out, shoal_error *err)
{
    int r;
    out->release = NULL;
    if (t->rows >= t->limit) return 0;
    if ((r = next_batch(t, out, err)) <= 0) return unless_changed(t, r, err);
    if ((uint64_t)out->length > t->limit - t->rows) shorten(out, (int64_t)(t->limit - t->rows));
    t->rows += (uint64_t)out->length;
    if (t->pick && (r = pick_columns(t, out, err)) < 0) return r;
    return 1;
}

const char *table_row_name(const table *t, uint64_t row, char *out, size_t n) { return t->from.row_name(t->from.ctx, row + t->from.skipped, out, n); }

int table_read_through(table *t, const shoal_host *host, uint64_t *rows, shoal_error *err)
{
    struct ArrowArray batch;
    int r;
    while ((r = table_next(t, &batch, err)) == 1) {
        *rows += (uint64_t)batch.length;
        batch.release(&batch);
        if (host_interrupted(host)) return error_set(err, SHOAL_INTERRUPTED, "interrupted");
    }
    return r;
}

/* 1 when all paths are folders with a manifest. */
static int count_listed(const table_spec *spec, uint64_t *rows, shoal_error *err)
{
    int r = 1;
    *rows = 0;
    for (size_t i = 0; r == 1 && i < spec->n_paths; i++) {
        uint64_t more = 0;
        r = file_is_dir(spec->paths[i]) ? folder_manifest_rows(spec->paths[i], &more, err) : 0;
        *rows += more;
    }
    return r;
}

int table_count(const table_spec *spec, uint64_t *rows, shoal_error *err)
{
    char **files = NULL;
    size_t n = 0;
    enum table_format format = spec->format;
    if (spec->stream || spec->sql || spec->where || spec->n_paths == 0) return 0;
    int r = table_files(spec, &files, &n, err); /* compares manifests */
    if (r == 0 && n > 0) r = count_listed(spec, rows, err);
    if (r == 0 && n > 0 && format == FORMAT_GUESS) r = format_of_files(files, n, &format, err);
    if (r == 0 && n > 0 && format == FORMAT_TFRECORD) r = index_count(files, n, rows, err);
    file_list_free(files, n);
    return r;
}

/* ---- as a stream ---------------------------------------------------------------------------------------------------- */

typedef struct stream_out {
    table *t;
    shoal_error error;
} stream_out;

static int out_schema(struct ArrowArrayStream *s, struct ArrowSchema *out)
{
    stream_out *o = s->private_data;
    return arrow_schema_copy(&o->t->schema, out, &o->error) == 0 ? 0 : 12; /* ENOMEM */
}

static int out_next(struct ArrowArrayStream *s, struct ArrowArray *out)
{
    stream_out *o = s->private_data;
    int r = table_next(o->t, out, &o->error);
    if (r == 1) return 0;
    memset(out, 0, sizeof *out);
    return r == 0 ? 0 : 5; /* EIO */
}

static const char *out_error(struct ArrowArrayStream *s) { return ((stream_out *)s->private_data)->error.message; }

static void out_release(struct ArrowArrayStream *s)
{
    stream_out *o = s->private_data;
    table_free(o->t);
    mem_free(o);
    s->release = NULL;
}

int table_to_stream(table *t, struct ArrowArrayStream *out, shoal_error *err)
{
    stream_out *o = mem_calloc(1, sizeof *o);
    if (!o) {
        table_free(t);
        return error_nomem(err, sizeof *o, "a stream");
    }
    o->t = t;
    *out = (struct ArrowArrayStream){out_schema, out_next, out_error, out_release, o};
    return 0;
}
