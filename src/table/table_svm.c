/* table_svm.c: libsvm and libffm text as a source, plain or gzip. One row a line:
 *
 *   label: float32, [field: list<int32>,] index: list<int64>, value: list<float32>
 *
 * with lists of one length in a row, entries as the line gives them (records/svmtext.h). */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "records/svmtext.h"
#include "table/source.h"
#include "table/text_files.h"

#define TOKEN_SHOWN 40

typedef struct svm_source {
    enum svm_kind kind;
    text_files text;
} svm_source;

static void svm_free(void *ctx)
{
    svm_source *s = ctx;
    text_files_release(&s->text);
    mem_free(s);
}

/* The whole lines of the window, after reading when there is none; nothing at the end of the file. */
static int lines_at_hand(text_files *t, view *text, shoal_error *err)
{
    for (;;) {
        view all = text_files_view(t);
        const char *last = all.n > 0 ? memrchr(all.p, '\n', all.n) : NULL;
        *text = view_of(all.p, last ? (size_t)(last + 1 - all.p) : t->at_end ? all.n : 0);
        if (text->n > 0 || t->at_end) return 0;
        int r = text_files_more(t, err);
        if (r < 0) return r;
    }
}

static int bad_token(const svm_source *s, const svm_fault *f, shoal_error *err)
{
    char shown[TOKEN_SHOWN + 4];
    size_t n = f->token.n < TOKEN_SHOWN ? f->token.n : TOKEN_SHOWN;
    for (size_t i = 0; i < n; i++) shown[i] = f->token.p[i] >= ' ' && f->token.p[i] < 0x7f ? f->token.p[i] : '?';
    strcpy(shown + n, f->token.n > n ? "..." : "");
    return error_set(err, SHOAL_DATA, "%s: line %llu, column %llu: '%s' found, expected %s", s->text.path[s->text.file],
                     (unsigned long long)(s->text.line + f->line), (unsigned long long)f->column, shown, f->expected);
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
        int r = lines_at_hand(&s->text, &text, err);
        if (r < 0 || text.n == 0) return r;
        r = svm_parse(s->kind, text, TABLE_BATCH_ROWS, rows, &used, &lines, &fault, err);
        if (r == SHOAL_DATA) return bad_token(s, &fault, err);
        if (r < 0) return r;
        text_files_take(&s->text, used, lines);
        if (used < text.n) return 1; /* the batch is full */
    }
}

static int svm_next(void *ctx, struct ArrowArray *out, shoal_error *err)
{
    svm_source *s = ctx;
    svm_rows rows;
    int r = 0;
    svm_rows_init(&rows);
    while (r == 0 && rows.rows == 0) {
        if (!s->text.bytes && (r = text_files_open(&s->text, err)) <= 0) break;
        if ((r = parse_file(s, &rows, err)) == 0) r = text_files_close(&s->text, err);
    }
    size_t n = rows.rows;
    if (r >= 0 && n > 0) r = hand_over(s, &rows, out, err);
    svm_rows_release(&rows);
    if (r < 0) return r;
    s->text.rows += n;
    return n > 0;
}

static const char *svm_row_name(void *ctx, uint64_t row, char *out, size_t n)
{
    return text_files_row_name(&((svm_source *)ctx)->text, row, out, n);
}

static size_t svm_file(void *ctx)
{
    return text_files_last(&((svm_source *)ctx)->text);
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
    s->kind = format == FORMAT_LIBFFM ? SVM_LIBFFM : SVM_LIBSVM;
    int r = text_files_init(&s->text, files, n, err);
    if (r == 0) r = text_files_open(&s->text, err); /* so that a source that cannot be read fails at once */
    if (r >= 0) r = make_schema(s->kind, &out->schema, err);
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
