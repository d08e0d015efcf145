/* table_tfrecord.c: records of tf.train.Example as a source. Types come from the sidecar of Shoal's own shards, else from
 * a sample of the first records: bytes are utf8 (binary when one is not), floats float32, integers int64; a feature with
 * one value in every record of the sample is a scalar, any other a list; columns in byte order of their names. Nothing is
 * guessed after the sample: a record that does not fit is an error that says what to do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "records/example.h"
#include "records/tfrecord.h"
#include "table/index_file.h"
#include "table/source.h"

#define SAMPLE_RECORDS 1000
#define SAMPLE_BYTES (64u << 20)
#define BATCH_BYTES (64u << 20)
#define COLUMNS_MAX 100000

typedef struct column {
    char *name;
    size_t name_n;
    enum example_kind kind;
    enum arrow_type type, item; /* item: of a list, else the type itself */
    int is_list;                /* while sampling: some record had not exactly one value */
    int not_utf8;
    uint64_t stamp;             /* 1 + the record that last had it */
    example_feature feature;    /* there */
} column;

typedef struct sampled { size_t offset, n, file; uint64_t index; } sampled;
typedef struct mark { uint64_t first_row; size_t file; uint64_t record; } mark;

typedef struct tfrecord_source {
    char **files;
    size_t n_files, file; /* the one that is open, or next */
    tfrecord_reader *reader;
    uint64_t expected; /* records of the open file, by its index; else INDEX_UNKNOWN */
    column *columns;
    size_t n_columns, cap_columns;
    uint32_t *slots; /* open addressing: index + 1 */
    size_t n_slots;
    buf sample_bytes;
    sampled *sample;
    size_t n_sample, sample_at;
    mark *marks;
    size_t n_marks;
    uint64_t rows;
    int has_sidecar;
    arrow_builder *builder;
    index_place start;
    size_t at_file; /* of the record that is being read */
    uint64_t at_index;
} tfrecord_source;

/* ---- records in order -------------------------------------------------------------------------------------------------- */

static int read_record(tfrecord_source *s, view *v, shoal_error *err)
{
    for (;;) {
        if (!s->reader) {
            if (s->file == s->n_files) return 0;
            int r = index_expect(s->files[s->file], &s->expected, err);
            int from_start = s->file != s->start.file || s->start.block.record == 0;
            if (r == 0 && from_start) r = tfrecord_open(s->files[s->file], &s->reader, err);
            else if (r == 0) r = tfrecord_open_at(s->files[s->file], s->start.container, &s->start.block, &s->reader, err);
            if (r < 0) return r;
        }
        s->at_file = s->file;
        s->at_index = tfrecord_index(s->reader);
        int r = tfrecord_next(s->reader, v, err);
        if (r == 0) r = index_met(s->files[s->file], s->expected, s->at_index, err);
        if (r != 0) return r;
        tfrecord_close(s->reader);
        s->reader = NULL;
        s->file++;
    }
}

/* Records of the sample come again, then those behind it. */
static int next_record(tfrecord_source *s, view *v, shoal_error *err)
{
    if (s->sample_at < s->n_sample) {
        sampled *k = &s->sample[s->sample_at++];
        *v = view_of((const char *)s->sample_bytes.data + k->offset, k->n);
        s->at_file = k->file;
        s->at_index = k->index;
        return 1;
    }
    buf_release(&s->sample_bytes);
    return read_record(s, v, err);
}

static int where(const tfrecord_source *s, int code, shoal_error *err)
{
    error_where(err, code, "%s: record %llu", s->files[s->at_file], (unsigned long long)s->at_index);
    return code;
}

static int misfit(const tfrecord_source *s, const column *c, shoal_error *err, const char *what)
{
    return error_set(err, SHOAL_DATA, "%s: record %llu, feature '%s': %s; %s", s->files[s->at_file], (unsigned long long)s->at_index, c->name, what,
                     s->has_sidecar ? "the file does not fit the schema beside it" : "say the types in a " SCHEMA_FILE " beside the file (docs/tfrecord.md)");
}

/* ---- columns by name ---------------------------------------------------------------------------------------------------- */

static column *find(tfrecord_source *s, view key, size_t hint)
{
    if (hint < s->n_columns && s->columns[hint].name_n == key.n && memcmp(s->columns[hint].name, key.p, key.n) == 0) return &s->columns[hint];
    if (s->n_slots == 0) return NULL;
    for (size_t h = (size_t)hash64(key.p, key.n, 0);; h++) {
        uint32_t slot = s->slots[h & (s->n_slots - 1)];
        if (slot == 0) return NULL;
        column *c = &s->columns[slot - 1];
        if (c->name_n == key.n && memcmp(c->name, key.p, key.n) == 0) return c;
    }
}

static int index_columns(tfrecord_source *s, shoal_error *err)
{
    size_t n = 16;
    while (n < 2 * s->cap_columns) n *= 2;
    mem_free(s->slots);
    s->n_slots = 0;
    if (!(s->slots = mem_calloc(n, sizeof *s->slots))) return error_nomem(err, n * sizeof *s->slots, "columns");
    s->n_slots = n;
    for (size_t i = 0; i < s->n_columns; i++) {
        size_t h = (size_t)hash64(s->columns[i].name, s->columns[i].name_n, 0);
        while (s->slots[h & (n - 1)] != 0) h++;
        s->slots[h & (n - 1)] = (uint32_t)i + 1;
    }
    return 0;
}

static int add_column(tfrecord_source *s, view key, column **out, shoal_error *err)
{
    if (key.n == 0 || memchr(key.p, 0, key.n) || !view_is_utf8(key))
        return error_set(err, SHOAL_DATA, "a feature's name is empty or not UTF-8");
    if (s->n_columns == COLUMNS_MAX) return error_set(err, SHOAL_DATA, "more than %d features", COLUMNS_MAX);
    if (s->n_columns == s->cap_columns) {
        size_t cap = s->cap_columns > 0 ? 2 * s->cap_columns : 64;
        column *p = mem_realloc(s->columns, cap * sizeof *p);
        if (!p) return error_nomem(err, cap * sizeof *p, "columns");
        s->columns = p;
        s->cap_columns = cap;
    }
    column *c = &s->columns[s->n_columns];
    memset(c, 0, sizeof *c);
    if (!(c->name = mem_strndup(key.p, key.n))) return error_nomem(err, key.n, "a column's name");
    c->name_n = key.n;
    s->n_columns++;
    *out = c;
    return index_columns(s, err);
}

/* ---- the schema --------------------------------------------------------------------------------------------------------- */

static int count_values(column *c, example_feature f, shoal_error *err)
{
    int n = 0, r;
    view text;
    float real;
    int64_t whole;
    while ((r = f.kind == EXAMPLE_BYTES ? example_bytes(&f, &text, err) : f.kind == EXAMPLE_FLOAT ? example_f32(&f, &real, err)
                                                                                             : example_i64(&f, &whole, err)) == 1) {
        if (f.kind == EXAMPLE_BYTES && !view_is_utf8(text)) c->not_utf8 = 1;
        n = n < 2 ? n + 1 : 2;
    }
    if (n != 1) c->is_list = 1;
    return r;
}

static int sample_record(tfrecord_source *s, view record, shoal_error *err)
{
    example_cursor cursor;
    example_feature f;
    int r;
    size_t hint = 0;
    example_start(&cursor, record);
    while ((r = example_next(&cursor, &f, err)) == 1) {
        column *c = find(s, f.key, hint);
        if (!c && (r = add_column(s, f.key, &c, err)) < 0) break;
        hint = (size_t)(c - s->columns) + 1;
        if (f.kind == EXAMPLE_NONE) continue;
        if (c->kind != EXAMPLE_NONE && c->kind != f.kind) {
            return error_set(err, SHOAL_DATA, "feature '%s' holds %s, but %s in an earlier record; a column has one type", c->name,
                             example_kind_name(f.kind), example_kind_name(c->kind));
        }
        c->kind = f.kind;
        if ((r = count_values(c, f, err)) < 0) break;
    }
    return r;
}

static int take_sample(tfrecord_source *s, int infer, shoal_error *err)
{
    int r = 0;
    s->sample = mem_alloc(SAMPLE_RECORDS * sizeof *s->sample);
    if (!s->sample) return error_nomem(err, SAMPLE_RECORDS * sizeof *s->sample, "a sample");
    while (infer && s->n_sample < SAMPLE_RECORDS && s->sample_bytes.len < SAMPLE_BYTES) {
        view v;
        if ((r = read_record(s, &v, err)) <= 0) break;
        s->sample[s->n_sample++] = (sampled){s->sample_bytes.len, v.n, s->at_file, s->at_index};
        if ((r = buf_append(&s->sample_bytes, v.p, v.n, err)) < 0) break;
        if ((r = sample_record(s, v, err)) < 0) return where(s, r, err);
    }
    return r;
}

static int by_name(const void *a, const void *b) { return strcmp(((const column *)a)->name, ((const column *)b)->name); }

static int infer_schema(tfrecord_source *s, struct ArrowSchema *out, shoal_error *err)
{
    int r = take_sample(s, 1, err);
    if (r < 0) return r;
    if (s->n_columns > 0) qsort(s->columns, s->n_columns, sizeof *s->columns, by_name);
    size_t n = 0; /* a feature that never had a value has no type: it is no column */
    for (size_t i = 0; i < s->n_columns; i++) {
        if (s->columns[i].kind == EXAMPLE_NONE) mem_free(s->columns[i].name);
        else s->columns[n++] = s->columns[i];
    }
    s->n_columns = n;
    r = arrow_schema_struct(out, (int64_t)n, err);
    for (size_t i = 0; r == 0 && i < n; i++) {
        column *c = &s->columns[i];
        const char *format = c->kind == EXAMPLE_FLOAT ? "f" : c->kind == EXAMPLE_INT64 ? "l" : c->not_utf8 ? "z" : "u";
        r = c->is_list ? arrow_schema_set_list(out->children[i], c->name, format, err) : arrow_schema_set(out->children[i], c->name, format, 1, err);
    }
    return r;
}

static enum example_kind kind_of(enum arrow_type t)
{
    if (arrow_type_is_float(t)) return EXAMPLE_FLOAT;
    if (arrow_type_is_text(t)) return EXAMPLE_BYTES;
    return t == ARROW_NULL ? EXAMPLE_NONE : EXAMPLE_INT64;
}

/* The columns as the schema says. */
static int bind_columns(tfrecord_source *s, const struct ArrowSchema *schema, shoal_error *err)
{
    int r = 0;
    for (int64_t i = 0; r == 0 && i < schema->n_children; i++) {
        const struct ArrowSchema *field = schema->children[i];
        column *c = s->has_sidecar ? NULL : &s->columns[i];
        if (!c) r = add_column(s, view_of(field->name, strlen(field->name)), &c, err);
        if (r < 0) return r;
        c->type = arrow_type_of(field);
        c->is_list = arrow_type_is_list(c->type);
        c->item = c->is_list ? arrow_type_of(field->children[0]) : c->type;
        c->kind = kind_of(c->item);
        c->stamp = 0;
    }
    return r < 0 ? r : index_columns(s, err);
}

/* ---- rows ---------------------------------------------------------------------------------------------------------------- */

static int fits(enum arrow_type t, int64_t v)
{
    switch (t) {
    case ARROW_BOOL: return v == 0 || v == 1;
    case ARROW_I8: return v >= INT8_MIN && v <= INT8_MAX;
    case ARROW_U8: return v >= 0 && v <= UINT8_MAX;
    case ARROW_I16: return v >= INT16_MIN && v <= INT16_MAX;
    case ARROW_U16: return v >= 0 && v <= UINT16_MAX;
    case ARROW_I32:
    case ARROW_DATE32: return v >= INT32_MIN && v <= INT32_MAX;
    case ARROW_U32: return v >= 0 && v <= UINT32_MAX;
    case ARROW_U64: return v >= 0;
    default: return 1;
    }
}

static int add_value(tfrecord_source *s, int64_t i, column *c, example_feature *f, shoal_error *err)
{
    int r;
    if (c->kind == EXAMPLE_BYTES) {
        view v;
        if ((r = example_bytes(f, &v, err)) != 1) return r;
        if ((c->item == ARROW_UTF8 || c->item == ARROW_LARGE_UTF8) && !view_is_utf8(v)) return misfit(s, c, err, "its text is not UTF-8");
        r = arrow_builder_text(s->builder, i, v, err);
    } else if (c->kind == EXAMPLE_FLOAT) {
        float v;
        if ((r = example_f32(f, &v, err)) != 1) return r;
        r = arrow_builder_f64(s->builder, i, (double)v, err);
    } else {
        int64_t v;
        if ((r = example_i64(f, &v, err)) != 1) return r;
        if (!fits(c->item, v)) return misfit(s, c, err, "its value does not fit the column's type");
        r = arrow_builder_i64(s->builder, i, v, err);
    }
    return r < 0 ? r : 1;
}

static int add_feature(tfrecord_source *s, int64_t i, column *c, shoal_error *err)
{
    example_feature *f = &c->feature;
    int r;
    if (c->stamp != s->rows + 1 || f->kind == EXAMPLE_NONE) return arrow_builder_null(s->builder, i, err);
    if (f->kind != c->kind) {
        char what[80];
        snprintf(what, sizeof what, "it holds %s where %s is expected", example_kind_name(f->kind), example_kind_name(c->kind));
        return misfit(s, c, err, what);
    }
    if (c->is_list) {
        if ((r = arrow_builder_list_open(s->builder, i, err)) < 0) return r;
        while ((r = add_value(s, i, c, f, err)) == 1) {}
        return r < 0 ? r : arrow_builder_list_close(s->builder, i, err);
    }
    r = add_value(s, i, c, f, err);
    if (r < 0) return r;
    if (r == 0) return misfit(s, c, err, "it has no value, but exactly one is expected as in the records before it");
    view text;
    float real;
    int64_t whole;
    r = f->kind == EXAMPLE_BYTES ? example_bytes(f, &text, err) : f->kind == EXAMPLE_FLOAT ? example_f32(f, &real, err) : example_i64(f, &whole, err);
    return r <= 0 ? r : misfit(s, c, err, "it has several values, but exactly one is expected as in the records before it");
}

static int note_file(tfrecord_source *s, shoal_error *err)
{
    if (s->n_marks > 0 && s->marks[s->n_marks - 1].file == s->at_file) return 0;
    if (!s->marks && !(s->marks = mem_alloc(s->n_files * sizeof *s->marks))) return error_nomem(err, s->n_files * sizeof *s->marks, "file marks");
    s->marks[s->n_marks++] = (mark){s->rows, s->at_file, s->at_index};
    return 0;
}

static int add_row(tfrecord_source *s, view record, shoal_error *err)
{
    example_cursor cursor;
    example_feature f;
    int r;
    size_t hint = 0;
    example_start(&cursor, record);
    while ((r = example_next(&cursor, &f, err)) == 1) {
        column *c = find(s, f.key, hint);
        if (!c) {
            if (f.kind == EXAMPLE_NONE) continue;
            column unknown = {.name = mem_strndup(f.key.p, f.key.n)};
            if (!unknown.name) return error_nomem(err, f.key.n, "a name");
            r = misfit(s, &unknown, err, s->has_sidecar ? "no such column" : "the feature is not among those of the first records, from which the columns were taken");
            mem_free(unknown.name);
            return r;
        }
        hint = (size_t)(c - s->columns) + 1;
        c->stamp = s->rows + 1;
        c->feature = f;
    }
    if (r < 0) return where(s, r, err);
    for (size_t i = 0; i < s->n_columns; i++)
        if ((r = add_feature(s, (int64_t)i, &s->columns[i], err)) < 0) return r;
    return note_file(s, err);
}

static int tfrecord_source_next(void *ctx, struct ArrowArray *out, shoal_error *err)
{
    tfrecord_source *s = ctx;
    int r = 1;
    size_t bytes = 0;
    int64_t n = 0;
    for (; n < TABLE_BATCH_ROWS && bytes < BATCH_BYTES; n++) {
        view record;
        if ((r = next_record(s, &record, err)) <= 0) break;
        if ((r = add_row(s, record, err)) < 0) break;
        s->rows++;
        bytes += record.n;
    }
    if (r < 0) return r;
    if (n == 0) return 0;
    r = arrow_builder_finish(s->builder, out, err);
    if (r == 0) out->length = n; /* also when there are no columns */
    return r < 0 ? r : 1;
}

static const char *tfrecord_row_name(void *ctx, uint64_t row, char *out, size_t n)
{
    tfrecord_source *s = ctx;
    size_t k = s->n_marks;
    while (k > 1 && s->marks[k - 1].first_row > row) k--;
    if (k == 0) snprintf(out, n, "record %llu", (unsigned long long)row);
    else snprintf(out, n, "%s record %llu", path_base(s->files[s->marks[k - 1].file]), (unsigned long long)(row - s->marks[k - 1].first_row + s->marks[k - 1].record));
    return out;
}

static void tfrecord_free(void *ctx)
{
    tfrecord_source *s = ctx;
    tfrecord_close(s->reader);
    file_list_free(s->files, s->n_files);
    for (size_t i = 0; i < s->n_columns; i++) mem_free(s->columns[i].name);
    mem_free(s->columns);
    mem_free(s->slots);
    buf_release(&s->sample_bytes);
    mem_free(s->sample);
    mem_free(s->marks);
    arrow_builder_free(s->builder);
    mem_free(s);
}

/* Passes over what indexes allow to. */
static int seek(tfrecord_source *s, uint64_t skip, source *out, shoal_error *err)
{
    int r = index_seek(s->files, s->n_files, skip, &s->start, err);
    if (r < 0) return r;
    if (r == 0) memset(&s->start, 0, sizeof s->start);
    s->file = s->start.file;
    s->rows = out->skipped = s->start.file_record + s->start.block.record;
    return 0;
}

int source_tfrecord(char **files, size_t n, const table_spec *spec, source *out, shoal_error *err)
{
    memset(out, 0, sizeof *out);
    tfrecord_source *s = mem_calloc(1, sizeof *s);
    if (!s) {
        file_list_free(files, n);
        return error_nomem(err, sizeof *s, "a source");
    }
    s->files = files;
    s->n_files = n;
    int r = schema_of_files(files, n, &out->schema, err);
    s->has_sidecar = r == 1;
    if (r == 0) r = infer_schema(s, &out->schema, err);
    if (r >= 0) r = bind_columns(s, &out->schema, err);
    if (r >= 0 && spec->skip > 0 && !spec->sql && s->has_sidecar) r = seek(s, spec->skip, out, err);
    if (r >= 0) r = arrow_builder_new(&out->schema, &s->builder, err);
    if (r < 0) {
        if (out->schema.release) out->schema.release(&out->schema);
        tfrecord_free(s);
        return r;
    }
    out->ctx = s;
    out->next = tfrecord_source_next;
    out->row_name = tfrecord_row_name;
    out->free = tfrecord_free;
    return 0;
}
