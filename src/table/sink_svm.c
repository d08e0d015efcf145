/* sink_svm.c: rows as libsvm or libffm text. The columns are those that table_svm.c makes: label, index, value, for libffm
 * field, in any order and of any type whose numbers the text gives back; no others. */
#include <inttypes.h>
#include <string.h>

#include "base/host.h"
#include "base/mem.h"
#include "storage/file.h"
#include "table/writer.h"

#define FLUSH_BYTES (256u << 10)
#define READ_BACK_BYTES (256u << 10)

enum svm_column { LABEL, FIELD, INDEX, VALUE, COLUMNS };
static const char *const NAME[COLUMNS] = {"label", "field", "index", "value"};

typedef struct svm_out {
    const shoal_host *host; /* to it when there is no file */
    file_writer *file;
    int is_ffm;
    int64_t column[COLUMNS];
    enum arrow_type type[COLUMNS], item[COLUMNS];
    buf b;
} svm_out;

static int flush(svm_out *w, shoal_error *err)
{
    int r = w->file ? file_write(w->file, w->b.data, w->b.len, err) : host_out(w->host, (const char *)w->b.data, w->b.len, err);
    buf_clear(&w->b);
    return r;
}

static void svm_out_free(svm_out *w)
{
    buf_release(&w->b);
    mem_free(w);
}

static void svm_abort(void *ctx)
{
    svm_out *w = ctx;
    if (!w) return;
    file_abort(w->file);
    svm_out_free(w);
}

static const char *format_name(const svm_out *w) { return w->is_ffm ? "libffm" : "libsvm"; }

static int takes(enum svm_column k, enum arrow_type item)
{
    return arrow_type_is_int(item) || ((k == LABEL || k == VALUE) && (arrow_type_is_float(item) || item == ARROW_BOOL));
}

static int bind_column(svm_out *w, const struct ArrowSchema *schema, enum svm_column k, shoal_error *err)
{
    char name[120];
    int64_t i = arrow_find(schema, NAME[k]);
    if (i < 0)
        return error_set(err, SHOAL_DATA, "%s is written from the columns label, %sindex and value; there is no '%s': name them by --sql",
                         format_name(w), w->is_ffm ? "field, " : "", NAME[k]);
    const struct ArrowSchema *field = schema->children[i];
    w->column[k] = i;
    w->type[k] = arrow_type_of(field);
    w->item[k] = k != LABEL && arrow_type_is_list(w->type[k]) ? arrow_type_of(field->children[0]) : w->type[k];
    if ((k != LABEL) == arrow_type_is_list(w->type[k]) && takes(k, w->item[k])) return 0;
    return error_set(err, SHOAL_DATA, "column '%s' has the type %s, but %s needs a %s of %snumbers", NAME[k],
                     arrow_type_name(field, name, sizeof name), format_name(w), k == LABEL ? "column" : "list", k == FIELD || k == INDEX ? "whole " : "");
}

static int bind_columns(svm_out *w, const struct ArrowSchema *schema, shoal_error *err)
{
    int r = 0;
    for (int k = 0; r == 0 && k < COLUMNS; k++)
        if (k != FIELD || w->is_ffm) r = bind_column(w, schema, (enum svm_column)k, err);
    for (int64_t i = 0; r == 0 && i < schema->n_children; i++) {
        int known = 0;
        for (int k = 0; k < COLUMNS; k++) known |= (k != FIELD || w->is_ffm) && strcmp(schema->children[i]->name, NAME[k]) == 0;
        if (!known)
            r = error_set(err, SHOAL_DATA, "%s holds label, %sindex and value, no column '%s'; choose columns by --sql", format_name(w),
                          w->is_ffm ? "field, " : "", schema->children[i]->name);
    }
    return r;
}

static int svm_open(const sink_spec *spec, const struct ArrowSchema *schema, const char *path, int is_ffm, void **out, shoal_error *err)
{
    *out = NULL;
    svm_out *w = mem_calloc(1, sizeof *w);
    if (!w) return error_nomem(err, sizeof *w, "a writer");
    w->host = spec->host;
    w->is_ffm = is_ffm;
    int r = bind_columns(w, schema, err);
    if (r == 0 && path) r = file_create(path, 0, &w->file, err);
    if (r < 0) {
        svm_abort(w);
        return r;
    }
    *out = w;
    return 0;
}

static int libsvm_open(const sink_spec *spec, const struct ArrowSchema *schema, const char *path, void **w, shoal_error *err)
{
    return svm_open(spec, schema, path, 0, w, err);
}

static int libffm_open(const sink_spec *spec, const struct ArrowSchema *schema, const char *path, void **w, shoal_error *err)
{
    return svm_open(spec, schema, path, 1, w, err);
}

/* ---- rows ---------------------------------------------------------------------------------------------------------------- */

static int put_whole(svm_out *w, enum svm_column k, const struct ArrowArray *items, int64_t i, uint64_t row, shoal_error *err)
{
    char digits[24], *p = digits + sizeof digits;
    int64_t v = arrow_i64(w->item[k], items, i);
    if (v < 0 || (k == FIELD && v > INT32_MAX))
        return error_set(err, SHOAL_DATA, "column '%s', row %" PRIu64 ": %" PRId64 " is not within 0 to %s", NAME[k], row, v,
                         k == FIELD ? "2^31 - 1" : "2^63 - 1");
    do *--p = (char)('0' + v % 10);
    while ((v /= 10) > 0);
    return buf_append(&w->b, p, (size_t)(digits + sizeof digits - p), err);
}

static int put_number(svm_out *w, enum svm_column k, const struct ArrowArray *items, int64_t i, uint64_t row, shoal_error *err)
{
    char text[F64_TEXT];
    double v = arrow_f64(w->item[k], items, i);
    float f = (float)v;
    if (v != v) return buf_puts(&w->b, "nan", err);
    if ((double)f != v || (arrow_type_is_int(w->item[k]) && (v > 0x1p53 || v < -0x1p53)))
        return error_set(err, SHOAL_DATA, "column '%s', row %" PRIu64 ": %s has no exact float32, which %s is read as; round it by --sql", NAME[k],
                         row, f64_text(v, text), format_name(w));
    if (v - v != 0) return buf_puts(&w->b, v < 0 ? "-inf" : "inf", err);
    return buf_put_f32(&w->b, f, err);
}

/* The entries of one list; an error for what no text says. */
static int range_of(const svm_out *w, enum svm_column k, const struct ArrowArray *batch, int64_t i, uint64_t row, int64_t *begin, int64_t *end,
                    shoal_error *err)
{
    const struct ArrowArray *a = batch->children[w->column[k]];
    if (arrow_is_null(a, i)) return error_set(err, SHOAL_DATA, "column '%s', row %" PRIu64 ": null, which %s cannot hold", NAME[k], row, format_name(w));
    *begin = i;
    *end = i + 1;
    if (k == LABEL) return 0;
    arrow_list(w->type[k], a, i, begin, end);
    for (int64_t j = *begin; j < *end; j++)
        if (arrow_is_null(a->children[0], j))
            return error_set(err, SHOAL_DATA, "column '%s', row %" PRIu64 ": a list with a null inside, which %s cannot hold", NAME[k], row, format_name(w));
    return 0;
}

static int put_row(svm_out *w, const struct ArrowArray *batch, int64_t i, uint64_t row, shoal_error *err)
{
    int64_t begin[COLUMNS], end[COLUMNS];
    int r = 0;
    for (int k = 0; r == 0 && k < COLUMNS; k++) {
        if (k == FIELD && !w->is_ffm) continue;
        r = range_of(w, (enum svm_column)k, batch, i, row, &begin[k], &end[k], err);
        if (r == 0 && k == VALUE && (end[k] - begin[k] != end[INDEX] - begin[INDEX] || (w->is_ffm && end[FIELD] - begin[FIELD] != end[INDEX] - begin[INDEX])))
            r = error_set(err, SHOAL_DATA, "row %" PRIu64 ": %" PRId64 " entries in 'index', but another number of them beside it", row, end[INDEX] - begin[INDEX]);
    }
    const struct ArrowArray *const *column = (const struct ArrowArray *const *)batch->children;
    if (r == 0) r = put_number(w, LABEL, column[w->column[LABEL]], i, row, err);
    for (int64_t n = 0; r == 0 && n < end[INDEX] - begin[INDEX]; n++) {
        r = buf_putc(&w->b, ' ', err);
        if (r == 0 && w->is_ffm) r = put_whole(w, FIELD, column[w->column[FIELD]]->children[0], begin[FIELD] + n, row, err);
        if (r == 0 && w->is_ffm) r = buf_putc(&w->b, ':', err);
        if (r == 0) r = put_whole(w, INDEX, column[w->column[INDEX]]->children[0], begin[INDEX] + n, row, err);
        if (r == 0) r = buf_putc(&w->b, ':', err);
        if (r == 0) r = put_number(w, VALUE, column[w->column[VALUE]]->children[0], begin[VALUE] + n, row, err);
    }
    return r < 0 ? r : buf_putc(&w->b, '\n', err);
}

static int svm_write(void *ctx, const struct ArrowArray *batch, uint64_t row, shoal_error *err)
{
    svm_out *w = ctx;
    int r = 0;
    for (int64_t i = 0; r == 0 && i < batch->length; i++) {
        r = put_row(w, batch, i, row + (uint64_t)i, err);
        if (r == 0 && w->b.len >= FLUSH_BYTES) r = flush(w, err);
    }
    return r;
}

static uint64_t svm_bytes(const void *ctx)
{
    const svm_out *w = ctx;
    return (w->file ? file_written(w->file) : 0) + w->b.len;
}

static int svm_commit(void *ctx, shoal_error *err)
{
    svm_out *w = ctx;
    int r = flush(w, err);
    if (r < 0) {
        svm_abort(w);
        return r;
    }
    if (w->file) r = file_commit(w->file, err);
    svm_out_free(w);
    return r;
}

/* A row is a line. */
static int svm_verify(const char *path, uint64_t *rows, shoal_error *err)
{
    file_reader *f;
    *rows = 0;
    int r = file_open(path, &f, err);
    if (r < 0) return r;
    char *block = mem_alloc(READ_BACK_BYTES);
    int64_t n = block ? 0 : error_nomem(err, READ_BACK_BYTES, "reading back");
    while (block && (n = file_read(f, block, READ_BACK_BYTES, err)) > 0)
        for (const char *p = block, *end = block + n; (p = memchr(p, '\n', (size_t)(end - p))); p++) ++*rows;
    file_close(f);
    mem_free(block);
    return (int)n;
}

const writer_ops WRITER_LIBSVM = {"libsvm", libsvm_open, svm_write, svm_bytes, svm_commit, svm_abort, svm_verify};
const writer_ops WRITER_LIBFFM = {"libffm", libffm_open, svm_write, svm_bytes, svm_commit, svm_abort, svm_verify};
