/* table_svm.c: libsvm and libffm text as a source, plain or gzip. One row a line:
 *
 *   label: float32, [field: list<int32>,] index: list<int64>, value: list<float32>
 *
 * with lists of one length in a row, entries as the line gives them (records/svmtext.h). */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "records/inflate.h"
#include "records/svmtext.h"
#include "table/source.h"

#define WINDOW_BYTES (1u << 20)
#define TOKEN_SHOWN 40

typedef struct mark { uint64_t first_row; size_t file; } mark;

typedef struct svm_source {
    enum svm_kind kind;
    char **files;
    size_t n_files, file; /* the one that is open, or next */
    inflater *bytes;
    char *window; /* [begin, end) is read and not yet parsed */
    size_t begin, end, cap;
    int at_end;    /* of the file */
    uint64_t line; /* lines of the file before the window */
    uint64_t rows;
    mark *marks;
    size_t n_marks;
} svm_source;

static void svm_free(void *ctx)
{
    svm_source *s = ctx;
    inflater_free(s->bytes);
    mem_free(s->window);
    mem_free(s->marks);
    file_list_free(s->files, s->n_files);
    mem_free(s);
}

/* ---- text, by whole lines ----------------------------------------------------------------------------------------------- */

static int open_next(svm_source *s, shoal_error *err)
{
    file_reader *f;
    int r = file_open(s->files[s->file], &f, err);
    if (r == 0) r = inflater_new(f, &s->bytes, err);
    s->begin = s->end = 0;
    s->at_end = 0;
    s->line = 0;
    if (r == 0) s->marks[s->n_marks++] = (mark){s->rows, s->file};
    return r;
}

static int grow(svm_source *s, shoal_error *err)
{
    if (s->begin > 0) {
        memmove(s->window, s->window + s->begin, s->end - s->begin);
        s->end -= s->begin;
        s->begin = 0;
    }
    if (s->end < s->cap) return 0;
    if (s->cap >= SVM_LINE_MAX)
        return error_set(err, SHOAL_DATA, "%s: line %llu is longer than 256 MiB: no row that shoal reads is that long", s->files[s->file],
                         (unsigned long long)s->line + 1);
    char *p = mem_realloc(s->window, 2 * s->cap);
    if (!p) return error_nomem(err, 2 * s->cap, "a line");
    s->window = p;
    s->cap *= 2;
    return 0;
}

/* The whole lines of the window, after reading when there is none; nothing at the end of the file. */
static int lines_at_hand(svm_source *s, view *text, shoal_error *err)
{
    for (;;) {
        size_t n = s->end - s->begin;
        const char *last = n > 0 ? memrchr(s->window + s->begin, '\n', n) : NULL;
        *text = view_of(s->window + s->begin, last ? (size_t)(last + 1 - s->window) - s->begin : s->at_end ? n : 0);
        if (text->n > 0 || s->at_end) return 0;
        int r = grow(s, err);
        if (r < 0) return r;
        int64_t got = inflater_read(s->bytes, s->window + s->end, s->cap - s->end, err);
        if (got < 0) return (int)got;
        s->end += (size_t)got;
        s->at_end = got == 0;
    }
}

static int bad_token(const svm_source *s, const svm_fault *f, shoal_error *err)
{
    char shown[TOKEN_SHOWN + 4];
    size_t n = f->token.n < TOKEN_SHOWN ? f->token.n : TOKEN_SHOWN;
    for (size_t i = 0; i < n; i++) shown[i] = f->token.p[i] >= ' ' && f->token.p[i] < 0x7f ? f->token.p[i] : '?';
    strcpy(shown + n, f->token.n > n ? "..." : "");
    return error_set(err, SHOAL_DATA, "%s: line %llu, column %llu: '%s' found, expected %s", s->files[s->file],
                     (unsigned long long)(s->line + f->line), (unsigned long long)f->column, shown, f->expected);
}

/* ---- rows ---------------------------------------------------------------------------------------------------------------- */

static int list_array(struct ArrowArray *out, size_t rows, const buf *offset, buf *items, size_t entries, shoal_error *err)
{
    buf own = BUF_INIT; /* each array can live without the others */
    int r = buf_append(&own, offset->data, offset->len, err);
    if (r == 0) r = arrow_array_take(out, (int64_t)rows, &own, 1, err);
    if (r == 0) r = buf_reserve(items, 1, err); /* a buffer even when there is no entry */
    if (r == 0) r = arrow_array_take(out->children[0], (int64_t)entries, items, 0, err);
    buf_release(&own);
    return r;
}

static int hand_over(const svm_source *s, svm_rows *rows, struct ArrowArray *out, shoal_error *err)
{
    int is_ffm = s->kind == SVM_LIBFFM, k = 0;
    int r = arrow_array_take(out, (int64_t)rows->rows, NULL, 3 + is_ffm, err);
    if (r < 0) return r;
    r = arrow_array_take(out->children[k++], (int64_t)rows->rows, &rows->label, 0, err);
    if (r == 0 && is_ffm) r = list_array(out->children[k++], rows->rows, &rows->offset, &rows->field, rows->entries, err);
    if (r == 0) r = list_array(out->children[k++], rows->rows, &rows->offset, &rows->index, rows->entries, err);
    if (r == 0) r = list_array(out->children[k], rows->rows, &rows->offset, &rows->value, rows->entries, err);
    if (r < 0) out->release(out);
    return r;
}

/* Rows of the file that is open, until the batch is full or the file ends. */
static int parse_file(svm_source *s, svm_rows *rows, shoal_error *err)
{
    for (;;) {
        view text;
        size_t used, lines;
        svm_fault fault;
        int r = lines_at_hand(s, &text, err);
        if (r < 0 || text.n == 0) return r;
        r = svm_parse(s->kind, text, TABLE_BATCH_ROWS, rows, &used, &lines, &fault, err);
        if (r == SHOAL_DATA) return bad_token(s, &fault, err);
        if (r < 0) return r;
        s->begin += used;
        s->line += lines;
        if (used < text.n) return 1; /* the batch is full */
    }
}

static int svm_next(void *ctx, struct ArrowArray *out, shoal_error *err)
{
    svm_source *s = ctx;
    svm_rows rows;
    int r = 0;
    svm_rows_init(&rows);
    while (r == 0 && rows.rows == 0 && s->file < s->n_files) {
        if (!s->bytes) r = open_next(s, err);
        if (r == 0) r = parse_file(s, &rows, err);
        if (r != 0) break;
        inflater_free(s->bytes);
        s->bytes = NULL;
        s->file++;
    }
    size_t n = rows.rows;
    if (r >= 0 && n > 0) r = hand_over(s, &rows, out, err);
    svm_rows_release(&rows);
    if (r < 0) return r;
    s->rows += n;
    return n > 0;
}

static const char *svm_row_name(void *ctx, uint64_t row, char *out, size_t n)
{
    svm_source *s = ctx;
    size_t k = s->n_marks;
    while (k > 1 && s->marks[k - 1].first_row > row) k--;
    if (k == 0) snprintf(out, n, "row %llu", (unsigned long long)row);
    else snprintf(out, n, "%s row %llu", path_base(s->files[s->marks[k - 1].file]), (unsigned long long)(row - s->marks[k - 1].first_row));
    return out;
}

static size_t svm_file(void *ctx)
{
    const svm_source *s = ctx;
    return s->marks[s->n_marks - 1].file;
}

static int make_schema(enum svm_kind kind, struct ArrowSchema *out, shoal_error *err)
{
    int is_ffm = kind == SVM_LIBFFM, k = 0;
    int r = arrow_schema_struct(out, 3 + is_ffm, err);
    if (r == 0) r = arrow_schema_set(out->children[k++], "label", "f", 1, err);
    if (r == 0 && is_ffm) r = arrow_schema_set_list(out->children[k++], "field", "i", err);
    if (r == 0) r = arrow_schema_set_list(out->children[k++], "index", "l", err);
    return r < 0 ? r : arrow_schema_set_list(out->children[k], "value", "f", err);
}

int source_svm(char **files, size_t n, enum table_format format, source *out, shoal_error *err)
{
    memset(out, 0, sizeof *out);
    svm_source *s = mem_calloc(1, sizeof *s);
    if (!s) {
        file_list_free(files, n);
        return error_nomem(err, sizeof *s, "a source");
    }
    s->files = files;
    s->n_files = n;
    s->kind = format == FORMAT_LIBFFM ? SVM_LIBFFM : SVM_LIBSVM;
    s->cap = WINDOW_BYTES;
    int r = 0;
    if (!(s->window = mem_alloc(s->cap)) || !(s->marks = mem_calloc(n, sizeof *s->marks))) r = error_nomem(err, s->cap, "a source");
    if (r == 0) r = open_next(s, err); /* so that a source that cannot be read fails at once */
    if (r == 0) r = make_schema(s->kind, &out->schema, err);
    if (r < 0) {
        if (out->schema.release) out->schema.release(&out->schema);
        svm_free(s);
        return r;
    }
    out->ctx = s;
    out->next = svm_next;
    out->row_name = svm_row_name;
    out->file = svm_file;
    out->free = svm_free;
    return 0;
}
