#include "table/index_file.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/thread.h"
#include "records/tfrecord.h"
#include "table/column_stats.h"
#include "table/source.h"

#define TYPE_BYTES 160 /* of a type's name: those that arrow_type_name gives */

static int interrupted(const shoal_host *host, shoal_error *err)
{
    return host_interrupted(host) ? error_set(err, SHOAL_INTERRUPTED, "interrupted") : 0;
}

static int note_records(const char *file, int threads, const shoal_host *host, record_index *x, shoal_error *err)
{
    tfrecord_reader *t;
    view v;
    int r = tfrecord_open(file, &t, err);
    if (r < 0) return r;
    tfrecord_inflate_by(t, threads);
    r = tfrecord_note_index(t, x, err);
    if (r == 0) r = 1;
    while (r == 1 && (r = tfrecord_next(t, &v, err)) == 1)
        if ((x->records & 0xffff) == 0 && interrupted(host, err) < 0) r = SHOAL_INTERRUPTED;
    tfrecord_close(t);
    return r;
}

static int note_columns(const char *file, int is_raw, int threads, const shoal_host *host, record_index *x, shoal_error *err)
{
    table_spec spec = {.paths = &file, .n_paths = 1, .format = FORMAT_TFRECORD, .threads = threads, .without_partitions = 1, .record_type = is_raw ? 1 + RECORD_BYTES : 0};
    column_stats *stats = NULL;
    struct ArrowArray batch;
    table *t;
    int r = table_open(&spec, &t, err);
    if (r < 0) return r;
    r = column_stats_new(table_schema(t), &stats, err);
    if (r == 0) r = 1;
    while (r == 1 && (r = table_next(t, &batch, err)) == 1) {
        int bad = column_stats_add(stats, &batch, 0, batch.n_children, err);
        batch.release(&batch);
        if (bad == 0) bad = interrupted(host, err);
        if (bad < 0) r = bad;
    }
    if (r == 0) r = column_stats_finish(stats, x, err);
    if (is_raw) x->type = RECORD_BYTES;
    column_stats_free(stats);
    table_free(t);
    return r;
}

typedef struct noting {
    const char *file;
    int threads;
    _Atomic int stop; /* the host is asked by the caller's thread alone */
    record_index x;
    int code;
    shoal_error error;
} noting;

static int note_stopped(void *ctx) { return ((noting *)ctx)->stop; }

static void note_in_task(void *ctx)
{
    noting *n = ctx;
    const shoal_host host = {.ctx = n, .interrupted = note_stopped};
    n->code = note_records(n->file, n->threads, &host, &n->x, &n->error);
}

/* What is wrong with the records comes before what is wrong with the columns, as when one is read behind the other. */
static int note_both(const char *file, int is_raw, int threads, const shoal_host *host, record_index *out, shoal_error *err)
{
    noting n = {.file = file, .threads = threads};
    task *first = NULL;
    shoal_error why;
    record_index_init(&n.x);
    int r = task_start(&first, note_in_task, &n, err);
    if (r < 0) return r;
    const int columns = note_columns(file, is_raw, threads, host, out, &why);
    n.stop = columns == SHOAL_INTERRUPTED;
    task_join(first);
    if (err && (n.code < 0 || columns < 0)) *err = n.code < 0 ? n.error : why;
    if (n.code < 0 || columns < 0) {
        record_index_release(&n.x);
        return n.code < 0 ? n.code : columns;
    }
    n.x.type = out->type;
    n.x.feature = out->feature;
    n.x.n_features = out->n_features;
    *out = n.x;
    return 0;
}

int index_make(const char *file, int is_raw, int threads, const shoal_host *host, record_index *out, shoal_error *err)
{
    record_index_init(out);
    int r = threads > 1 ? note_both(file, is_raw, threads, host, out, err) : note_records(file, 0, host, out, err);
    if (r == 0 && threads <= 1) r = note_columns(file, is_raw, 0, host, out, err);
    if (r < 0) record_index_release(out);
    return r;
}

/* ---- verifying --------------------------------------------------------------------------------------------------------- */

static int differs(const char *file, const char *what, shoal_error *err)
{
    return error_set(err, SHOAL_DATA, "%s: %s not as its index says: the file was changed; restore it, or make the index anew by shoal index", file, what);
}

static int same_bound(enum index_range range, const index_bound *a, const index_bound *b)
{
    if (range == INDEX_RANGE_I64) return a->i64 == b->i64;
    if (range == INDEX_RANGE_F64) return a->f64 == b->f64;
    return range == INDEX_RANGE_NONE || (a->text_n == b->text_n && memcmp(a->text, b->text, a->text_n) == 0);
}

static int same_feature(const index_feature *a, const index_feature *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->type, b->type) == 0 && a->nulls == b->nulls && a->values == b->values &&
           a->range == b->range && same_bound(a->range, &a->low, &b->low) && same_bound(a->range, &a->high, &b->high);
}

/* A flush in a zlib stream cannot be found again: such blocks are tried. */
static int try_block(const char *file, const record_index *x, size_t i, shoal_error *err)
{
    tfrecord_reader *t;
    view v;
    int r = tfrecord_open_at(file, x->container, &x->block[i], &t, err);
    if (r < 0) return r;
    r = tfrecord_next(t, &v, err);
    tfrecord_close(t);
    return r < 0 ? r : r == 0 ? differs(file, "its blocks are", err) : 0;
}

static int verify_blocks(const char *file, const record_index *x, const record_index *now, shoal_error *err)
{
    int r = 0;
    if (x->container == CONTAINER_ZLIB) {
        for (size_t i = 0; r == 0 && i < x->n_blocks; i++) r = try_block(file, x, i, err);
        return r;
    }
    int same = x->n_blocks == now->n_blocks && (x->n_blocks == 0 || memcmp(x->block, now->block, x->n_blocks * sizeof *x->block) == 0);
    return same ? 0 : differs(file, "its blocks are", err);
}

int index_verify(const char *file, const record_index *x, int threads, const shoal_host *host, shoal_error *err)
{
    record_index now;
    int r = index_make(file, x->type == RECORD_BYTES, threads, host, &now, err);
    if (r < 0) return r;
    if (now.digest.lo != x->digest.lo || now.digest.hi != x->digest.hi) r = differs(file, "its bytes are", err);
    else if (now.records != x->records) r = differs(file, "the number of its records is", err);
    else if (now.container != x->container) r = differs(file, "its compression is", err);
    else r = verify_blocks(file, x, &now, err);
    if (r == 0 && now.n_features != x->n_features) r = differs(file, "its features are", err);
    for (size_t i = 0; r == 0 && i < x->n_features; i++) {
        if (same_feature(&x->feature[i], &now.feature[i])) continue;
        r = error_set(err, SHOAL_DATA, "%s: feature '%s' is not as its index says; make the index anew by shoal index", file, x->feature[i].name);
    }
    record_index_release(&now);
    return r;
}

int index_expect(const char *file, int damaged, uint64_t *records, enum record_type *type, shoal_error *err)
{
    record_index x;
    int r = damaged ? record_index_read(file, &x, NULL) : record_index_open(file, &x, err);
    if (damaged && r == SHOAL_DATA) r = 0;
    *records = r == 1 ? x.records : INDEX_UNKNOWN;
    if (r == 1 && type) *type = x.type;
    if (r == 1) record_index_release(&x);
    return r < 0 ? r : 0;
}

int index_met(const char *file, uint64_t expected, uint64_t records, shoal_error *err)
{
    if (expected == INDEX_UNKNOWN || expected == records) return 0;
    return error_set(err, SHOAL_DATA, "%s: it has %llu records, but its index counts %llu: the file was changed; restore it, or make the index anew by shoal index",
                     file, (unsigned long long)records, (unsigned long long)expected);
}

int index_count(char **files, size_t n, uint64_t *records, shoal_error *err)
{
    *records = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t more;
        int r = index_expect(files[i], 0, &more, NULL, err);
        if (r < 0) return r;
        if (more == INDEX_UNKNOWN) return 0;
        *records += more;
    }
    return 1;
}

int index_seek(char **files, size_t n, uint64_t skip, index_place *out, shoal_error *err)
{
    memset(out, 0, sizeof *out);
    for (;; out->file++) {
        record_index x;
        int r = record_index_open(files[out->file], &x, err);
        if (r != 1) return r;
        int here = skip - out->file_record < x.records || out->file + 1 == n;
        if (here && x.n_blocks > 0) {
            uint64_t record = skip - out->file_record, last = x.records - 1;
            out->container = x.container;
            out->block = x.block[record_index_find(&x, record < last ? record : last)];
        }
        if (!here) out->file_record += x.records;
        record_index_release(&x);
        if (here) return 1;
    }
}

/* ---- types -------------------------------------------------------------------------------------------------------------- */

static int is_one_of(const char *type, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(*list, type) == 0) return 1;
    return 0;
}

/* The type without list<...>; 1 when it was one. */
static int item_of(const char *type, char item[TYPE_BYTES])
{
    size_t n = strlen(type);
    int is_list = n > 6 && strncmp(type, "list<", 5) == 0 && type[n - 1] == '>';
    snprintf(item, TYPE_BYTES, "%.*s", (int)(is_list ? n - 6 : n), is_list ? type + 5 : type);
    return is_list;
}

/* Widens `type` so that `other` can be read as it too: a list is wider than its item, binary than utf8, int64 than any two whole
 * numbers that differ. 0 when there is no such type. */
static int widen(char type[TYPE_BYTES], const char *other)
{
    static const char *const WHOLE[] = {"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", NULL};
    static const char *const REAL[] = {"float32", "float64", NULL}, *const TEXT[] = {"utf8", "binary", NULL};
    char a[TYPE_BYTES], b[TYPE_BYTES];
    int is_list = item_of(type, a) | item_of(other, b);
    const char *item = strcmp(a, b) == 0 ? a : is_one_of(a, WHOLE) && is_one_of(b, WHOLE) ? "int64" : is_one_of(a, REAL) && is_one_of(b, REAL) ? "float64" :
                       is_one_of(a, TEXT) && is_one_of(b, TEXT) ? "binary" : NULL;
    if (!item || strlen(item) + 7 > TYPE_BYTES) return 0;
    snprintf(type, TYPE_BYTES, is_list ? "list<%.150s>" : "%.150s", item);
    return 1;
}

typedef struct merged { const char *name; char type[TYPE_BYTES]; int nullable; size_t seen; } merged;

/* Features of one file among those of all; names stay those of the index, which lives as long. */
static int merge_file(const char *file, const record_index *x, merged *all, size_t *n, size_t files_before, shoal_error *err)
{
    for (size_t i = 0; i < x->n_features; i++) {
        const index_feature *f = &x->feature[i];
        size_t k = i < *n && strcmp(all[i].name, f->name) == 0 ? i : 0;
        while (k < *n && strcmp(all[k].name, f->name) != 0) k++;
        if (k == *n) {
            all[(*n)++] = (merged){.name = f->name, .nullable = f->nullable || files_before > 0};
            snprintf(all[k].type, TYPE_BYTES, "%s", f->type);
        }
        if (!widen(all[k].type, f->type))
            return error_set(err, SHOAL_DATA, "%s: feature '%s' is %s, but %s in a file before it (by their indexes); a column has one type",
                             file, f->name, f->type, all[k].type);
        all[k].nullable |= f->nullable;
        all[k].seen++;
    }
    return 0;
}

static int make_schema(const merged *all, size_t n, size_t n_files, struct ArrowSchema *out, shoal_error *err)
{
    int r = arrow_schema_struct(out, (int64_t)n, err);
    for (size_t i = 0; r == 0 && i < n; i++) {
        r = schema_column_of(all[i].name, all[i].type, all[i].nullable || all[i].seen < n_files, out->children[i], err);
        if (r == 0) r = error_set(err, SHOAL_DATA, "feature '%s': the index says the type '%s', which shoal does not know; make it anew by shoal index", all[i].name, all[i].type);
        else if (r == 1) r = 0;
    }
    if (r < 0 && out->release) out->release(out);
    return r;
}

int index_schema(char **files, size_t n, struct ArrowSchema *out, shoal_error *err)
{
    record_index *x = mem_calloc(n + 1, sizeof *x);
    merged *all = NULL;
    size_t opened = 0, features = 0, n_all = 0;
    int r = x ? 1 : error_nomem(err, n * sizeof *x, "indexes");
    memset(out, 0, sizeof *out);
    while (r == 1 && opened < n) {
        if ((r = record_index_open(files[opened], &x[opened], err)) != 1) break;
        features += x[opened++].n_features;
    }
    if (r == 1 && !(all = mem_calloc(features + 1, sizeof *all))) r = error_nomem(err, features * sizeof *all, "columns");
    for (size_t i = 0; r == 1 && i < n; i++)
        if (merge_file(files[i], &x[i], all, &n_all, i, err) < 0) r = SHOAL_DATA;
    if (r == 1 && make_schema(all, n_all, n, out, err) < 0) r = err ? err->code : SHOAL_NOMEM;
    for (size_t i = 0; i < opened; i++) record_index_release(&x[i]);
    mem_free(x);
    mem_free(all);
    return r;
}
