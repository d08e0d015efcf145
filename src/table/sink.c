/* sink.c: where output goes. Everything is made in a work folder ".NAME.tmp-PID" beside its final name, synced, read back
 * and counted there, and then placed (sink_place.c): a name that is seen is whole. Folders get shards part-00000.ENDING that
 * are cut between batches at max_file_bytes. */
#include <string.h>

#include "base/mem.h"
#include "base/thread.h"
#include "storage/file.h"
#include "table/raw_records.h"
#include "table/sink_state.h"

int sink_spec_from(const shoal_options *o, const char *path, const shoal_host *host, sink_spec *out, shoal_error *err)
{
    memset(out, 0, sizeof *out);
    const char *to = option_str(o, "to"), *compression = option_str(o, "compression");
    out->path = path;
    out->host = host;
    out->format = format_of_name(to);
    if (to && out->format == FORMAT_GUESS)
        return error_set(err, SHOAL_USAGE, "--to: unknown format '%s'; expected " FORMATS_SAID, to);
    if (format_of_path(path, &out->compression) == FORMAT_GUESS) out->compression = CONTAINER_PLAIN;
    if (compression) out->compression = strcmp(compression, "gzip") == 0 ? CONTAINER_GZIP : strcmp(compression, "zlib") == 0 ? CONTAINER_ZLIB : CONTAINER_PLAIN;
    out->overwrite = option_flag(o, "overwrite");
    out->append = option_flag(o, "append");
    out->max_file_bytes = (uint64_t)option_i64(o, "max-file-size");
    out->rows_per_file = (uint64_t)option_i64(o, "rows-per-file");
    out->n_partition_by = option_list(o, "partition-by", &out->partition_by);
    out->overwrite_partitions = option_flag(o, "overwrite-partitions");
    out->threads = option_threads(o);
    out->record_type = record_type_said(o);
    return 0;
}

int sink_refuse_source(const sink_spec *to, const table_spec *from, shoal_error *err)
{
    char **files = NULL;
    size_t n = 0;
    target t;
    int r = target_parse(to, &t, err);
    if (r < 0) return r;
    if ((t.kind == TARGET_FILE || t.kind == TARGET_FOLDER) && to->overwrite && file_exists(t.path)) {
        r = table_files(from, &files, &n, err);
        for (size_t i = 0; r == 0 && i < n; i++)
            if (file_lies_in(files[i], t.path))
                r = error_set(err, SHOAL_USAGE, "%s is read as a source and would be replaced by the output; write to another name", files[i]);
        file_list_free(files, n);
    }
    target_release(&t);
    return r;
}

static const writer_ops *ops_of(enum table_format f)
{
    switch (f) {
    case FORMAT_TFRECORD: return &WRITER_TFRECORD;
    case FORMAT_PARQUET: return &WRITER_PARQUET;
    case FORMAT_CSV: return &WRITER_CSV;
    case FORMAT_JSONL: return &WRITER_JSONL;
    case FORMAT_LIBSVM: return &WRITER_LIBSVM;
    case FORMAT_LIBFFM: return &WRITER_LIBFFM;
    default: return NULL;
    }
}

/* Written as it is: no work folder, nothing to read back. */
static int is_direct(const sink *s) { return s->target.kind == TARGET_OUT || s->target.kind == TARGET_DEVICE; }

enum sink_place sink_place_of(const sink *s)
{
    return s->target.kind == TARGET_OUT ? SINK_OUT : s->target.kind == TARGET_DEVICE ? SINK_PIPE : SINK_FILES;
}

static int check_target(sink *s, shoal_error *err)
{
    const int adds = s->spec.append || s->spec.overwrite_partitions;
    if (s->spec.overwrite_partitions && s->split.n == 0)
        return error_set(err, SHOAL_USAGE, "--overwrite-partitions needs --partition-by, which names the partitions");
    if (s->spec.append + s->spec.overwrite + s->spec.overwrite_partitions > 1)
        return error_set(err, SHOAL_USAGE, "--overwrite, --append and --overwrite-partitions exclude one another");
    if (s->split.n > 0 && !s->is_folder) return error_set(err, SHOAL_USAGE, "%s: --partition-by writes a folder; name it without an ending, or with / at its end", s->path);
    return target_check(&s->target, s->spec.overwrite, adds, err);
}

int sink_make_folder_of(const char *path, shoal_error *err)
{
    char *folder = mem_strndup(path, (size_t)(path_base(path) - path) - 1);
    int r = folder ? file_mkdirs(folder, err) : error_nomem(err, strlen(path), "a path");
    mem_free(folder);
    return r;
}

static int open_shard(sink *s, shoal_error *err)
{
    if (is_direct(s)) return s->ops->open(&s->spec, &s->schema, s->target.kind == TARGET_OUT ? NULL : s->path, &s->writer, err);
    shard *p = mem_realloc(s->shards, (s->n_shards + 1) * sizeof *p);
    if (!p) return error_nomem(err, (s->n_shards + 1) * sizeof *p, "shards");
    s->shards = p;
    p += s->n_shards;
    memset(p, 0, sizeof *p);
    if (s->is_folder)
        p->path = mem_sprintf("%s/%s%spart-%05d.%s%s", s->work, s->split.n > 0 ? buf_str(&s->split.folder) : "", s->split.n > 0 ? "/" : "",
                              s->first_part + (int)s->n_shards, s->ops->ending, format_packed_ending(s->spec.compression));
    else p->path = mem_sprintf("%s/%s", s->work, path_base(s->path));
    if (!p->path) return error_nomem(err, strlen(s->work), "a path");
    s->n_shards++;
    if (s->split.n > 0) {
        int r = sink_make_folder_of(p->path, err);
        if (r < 0) return r;
    }
    return s->ops->open(&s->spec, &s->schema, p->path, &s->writer, err);
}

static int check_spec(const sink *s, shoal_error *err)
{
    enum container packed;
    enum table_format by_ending = format_of_path(s->path, &packed);
    if (s->target.kind == TARGET_OUT && (s->ops == &WRITER_TFRECORD || s->ops == &WRITER_PARQUET))
        return error_set(err, SHOAL_USAGE, "standard output takes text: say --to csv, jsonl, libsvm or libffm");
    if (s->target.kind == TARGET_DEVICE && s->ops == &WRITER_PARQUET)
        return error_set(err, SHOAL_USAGE, "%s: a pipe or a device takes no Parquet, which is not written from front to back; say --to with another format", s->path);
    if (s->spec.compression != CONTAINER_PLAIN && s->ops != &WRITER_TFRECORD)
        return error_set(err, SHOAL_USAGE, "%s: gzip and zlib are written for TFRecord only; leave out --compression and such an ending", s->path);
    if (by_ending != FORMAT_GUESS && ops_of(by_ending) != s->ops)
        return error_set(err, SHOAL_USAGE, "%s: its ending says %s, but --to says %s", s->path, ops_of(by_ending)->ending, s->ops->ending);
    if (by_ending == FORMAT_TFRECORD && !s->is_folder && s->spec.compression != packed)
        return error_set(err, SHOAL_USAGE, "%s: its ending does not fit --compression: name it .tfrecord%s", s->path, format_packed_ending(s->spec.compression));
    return 0;
}

static int make_part(sink *s, shoal_error *err)
{
    size_t n = (size_t)s->schema.n_children + 1;
    s->part = mem_calloc(n, sizeof *s->part);
    s->part_at = mem_calloc(n, sizeof *s->part_at);
    if (!s->part || !s->part_at) return error_nomem(err, n * sizeof *s->part, "columns");
    for (size_t i = 0; i < n; i++) s->part_at[i] = &s->part[i];
    return 0;
}

int sink_open(const sink_spec *spec, const struct ArrowSchema *schema, sink **out, shoal_error *err)
{
    *out = NULL;
    sink *s = mem_calloc(1, sizeof *s);
    if (!s) return error_nomem(err, sizeof *s, "an output");
    s->spec = *spec;
    int r = target_parse(spec, &s->target, err);
    s->path = s->target.path;
    s->is_folder = s->target.kind == TARGET_FOLDER;
    s->spec.bare = s->target.kind == TARGET_DEVICE;
    if (r == 0 && !(s->ops = ops_of(s->target.format)))
        r = error_set(err, SHOAL_USAGE, "%s: this format is not written; choose " FORMATS_SAID, s->path);
    if (r == 0) r = check_spec(s, err);
    if (r == 0) r = sink_split_init(&s->split, spec, schema, &s->schema, err);
    if (r == 0) r = make_part(s, err);
    if (r == 0 && spec->threads > 1 && s->ops == &WRITER_TFRECORD) r = pool_new(spec->threads, NULL, &s->spec.pool, err);
    if (r == 0) r = check_target(s, err);
    if (r == 0 && !is_direct(s)) r = file_work_new(s->path, &s->work, &s->work_lock, err);
    if (r == 0 && s->split.n == 0) r = open_shard(s, err);
    if (r < 0) {
        sink_abort(s);
        return r;
    }
    *out = s;
    return 0;
}

static void sink_free(sink *s)
{
    if (s->schema.release) s->schema.release(&s->schema);
    sink_split_release(&s->split);
    mem_free(s->part);
    mem_free(s->part_at);
    pool_free(s->spec.pool);
    for (size_t i = 0; i < s->n_shards; i++) mem_free(s->shards[i].path);
    mem_free(s->shards);
    target_release(&s->target);
    if (s->work) file_work_free(s->work, s->work_lock);
    mem_free(s);
}

void sink_abort(sink *s)
{
    if (!s) return;
    if (s->writer) s->ops->abort(s->writer);
    if (s->work) file_remove_tree(s->work, NULL);
    sink_free(s);
}

static int close_shard(sink *s, shoal_error *err)
{
    void *writer = s->writer;
    s->writer = NULL;
    return writer ? s->ops->commit(writer, err) : 0;
}

/* Rows of a batch, without the columns that name folders; nothing is copied. */
static struct ArrowArray part_of(sink *s, const struct ArrowArray *batch, int64_t from, int64_t n)
{
    struct ArrowArray part = *batch;
    part.length = n;
    part.null_count = 0;
    part.n_children = s->schema.n_children;
    part.children = s->part_at;
    for (int64_t i = 0; i < part.n_children; i++) {
        struct ArrowArray *c = &s->part[i];
        *c = *batch->children[s->split.n > 0 ? s->split.kept[i] : i];
        c->offset += from;
        c->length = n;
        if (c->null_count > 0 && n < batch->length) c->null_count = -1;
    }
    return part;
}

static int is_full(const sink *s)
{
    const shard *last = s->n_shards > 0 ? &s->shards[s->n_shards - 1] : NULL;
    if (!s->is_folder || !last || last->rows == 0) return 0;
    return s->ops->bytes(s->writer) >= s->spec.max_file_bytes || (s->spec.rows_per_file > 0 && last->rows >= s->spec.rows_per_file);
}

static int next_shard(sink *s, int other_folder, shoal_error *err)
{
    if (s->writer && !other_folder && !is_full(s)) return 0;
    int r = close_shard(s, err);
    return r < 0 ? r : open_shard(s, err);
}

int sink_write(sink *s, const struct ArrowArray *batch, shoal_error *err)
{
    int r = 0;
    for (int64_t at = 0, n; r == 0 && at < batch->length; at += n) {
        int other_folder;
        if ((n = sink_split_run(&s->split, batch, at, s->rows, &other_folder, err)) < 0) return (int)n;
        if ((r = next_shard(s, other_folder, err)) < 0) return r;
        shard *last = s->n_shards > 0 ? &s->shards[s->n_shards - 1] : NULL;
        if (s->is_folder && s->spec.rows_per_file > 0 && (uint64_t)n > s->spec.rows_per_file - last->rows) n = (int64_t)(s->spec.rows_per_file - last->rows);
        struct ArrowArray part = part_of(s, batch, at, n);
        r = s->ops->write(s->writer, &part, s->rows, err);
        s->rows += (uint64_t)n;
        if (last) last->rows += (uint64_t)n;
    }
    return r;
}

/* ---- the end --------------------------------------------------------------------------------------------------------- */

static int verify_shard(void *ctx, size_t i, int thread)
{
    sink *s = ctx;
    (void)thread;
    shard *p = &s->shards[i];
    p->code = s->ops->verify(p->path, &p->read_back, &p->error);
    return p->code;
}

/* Shards are read back side by side; the first bad one counts. */
static int verify(sink *s, shoal_error *err)
{
    int r = 0;
    if (s->spec.pool) pool_for(s->spec.pool, s->n_shards, verify_shard, s);
    for (size_t i = 0; r == 0 && !s->spec.pool && i < s->n_shards; i++) r = verify_shard(s, i, 0);
    for (size_t i = 0; i < s->n_shards; i++) {
        const shard *p = &s->shards[i];
        if (p->code < 0 && err) *err = p->error;
        if (p->code < 0) return p->code;
        if (p->read_back != p->rows)
            return error_set(err, SHOAL_STORAGE, "%s: %llu rows were written, but %llu are read back: the disk or its driver is at fault",
                             p->path, (unsigned long long)p->rows, (unsigned long long)p->read_back);
    }
    return 0;
}

int sink_commit(sink *s, uint64_t *rows, shoal_error *err)
{
    if (rows) *rows = s->rows;
    int r = close_shard(s, err);
    if (r == 0 && !is_direct(s)) r = verify(s, err);
    if (r == 0 && !is_direct(s)) r = sink_publish(s, err);
    if (s->work && !s->keep_work) file_remove_tree(s->work, NULL);
    sink_free(s);
    return r;
}
