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
#include "table/text_stage.h"

#define TOKEN_SHOWN 40

typedef struct svm_source {
    enum svm_kind kind;
    text_stage text;
    size_t entries[TEXT_THREADS_MAX]; /* of a thread's last batch: what the next one will need */
} svm_source;

static void svm_free(void *ctx)
{
    svm_source *s = ctx;
    text_stage_release(&s->text);
    mem_free(s);
}

static int bad_token(const char *path, uint64_t line, const svm_fault *f, shoal_error *err)
{
    char shown[TOKEN_SHOWN + 4];
    size_t n = f->token.n < TOKEN_SHOWN ? f->token.n : TOKEN_SHOWN;
    for (size_t i = 0; i < n; i++) shown[i] = f->token.p[i] >= ' ' && f->token.p[i] < 0x7f ? f->token.p[i] : '?';
    strcpy(shown + n, f->token.n > n ? "..." : "");
    return error_set(err, SHOAL_DATA, "%s: line %llu, column %llu: '%s' found, expected %s", path, (unsigned long long)(line + f->line),
                     (unsigned long long)f->column, shown, f->expected);
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

static int svm_begin(void *ctx, text_files *t, shoal_error *err)
{
    (void)ctx, (void)t, (void)err;
    return 1;
}

static size_t svm_cut(void *ctx, view text)
{
    const char *last = memrchr(text.p, '\n', text.n);
    (void)ctx;
    return last ? (size_t)(last - text.p) + 1 : 0;
}

/* A bad token leaves the rows in front of those of its batch. */
static int svm_piece(void *ctx, text_piece *p, int thread, shoal_error *err)
{
    svm_source *s = ctx;
    int r = 0;
    for (size_t at = 0, used, lines; r == 0 && at < p->n; at += used, p->lines += lines) {
        svm_rows rows;
        svm_fault fault;
        struct ArrowArray *batch;
        svm_rows_init(&rows);
        used = lines = 0;
        r = svm_rows_reserve(&rows, s->kind, TABLE_BATCH_ROWS + 1, s->entries[thread], err);
        if (r == 0) r = svm_parse(s->kind, view_of(p->text + at, p->n - at), TABLE_BATCH_ROWS, &rows, &used, &lines, &fault, err);
        s->entries[thread] = rows.entries + rows.entries / 8;
        if (r == 0 && rows.rows > 0 && (r = text_piece_add(p, &batch, err)) == 0) r = hand_over(s, &rows, batch, err);
        svm_rows_release(&rows);
        if (r != SHOAL_DATA) continue;
        p->is_bad = 1;
        p->bad_at = at;
        return 0;
    }
    return r;
}

static int svm_explain(void *ctx, const text_piece *p, uint64_t line, shoal_error *err)
{
    const svm_source *s = ctx;
    svm_rows rows;
    svm_fault fault;
    size_t used, lines;
    svm_rows_init(&rows);
    int r = svm_parse(s->kind, view_of(p->text + p->bad_at, p->n - p->bad_at), TABLE_BATCH_ROWS, &rows, &used, &lines, &fault, err);
    svm_rows_release(&rows);
    return r == SHOAL_DATA ? bad_token(text_files_name(&s->text.text, p->file), line + p->lines, &fault, err) : r;
}

static const text_ops SVM_OPS = {svm_begin, svm_cut, svm_piece, svm_explain};

static int svm_next(void *ctx, struct ArrowArray *out, shoal_error *err) { return text_stage_next(&((svm_source *)ctx)->text, out, err); }

static const char *svm_row_name(void *ctx, uint64_t row, char *out, size_t n)
{
    const text_stage *t = &((svm_source *)ctx)->text;
    return text_places_row_name(&t->places, &t->text, row, out, n);
}

static size_t svm_file(void *ctx) { return text_places_last(&((svm_source *)ctx)->text.places); }

static int make_schema(enum svm_kind kind, struct ArrowSchema *out, shoal_error *err)
{
    int is_ffm = kind == SVM_LIBFFM, k = 0;
    int r = arrow_schema_struct(out, 3 + is_ffm, err);
    if (r == 0) r = arrow_schema_set(out->children[k++], "label", "f", 1, err);
    if (r == 0 && is_ffm) r = arrow_schema_set_list(out->children[k++], "field", "i", err);
    if (r == 0) r = arrow_schema_set_list(out->children[k++], "index", "l", err);
    return r < 0 ? r : arrow_schema_set_list(out->children[k], "value", "f", err);
}

int source_svm(char **files, size_t n, enum table_format format, const table_spec *spec, source *out, shoal_error *err)
{
    memset(out, 0, sizeof *out);
    svm_source *s = mem_calloc(1, sizeof *s);
    if (!s) {
        file_list_free(files, n);
        return error_nomem(err, sizeof *s, "a source");
    }
    s->kind = format == FORMAT_LIBFFM ? SVM_LIBFFM : SVM_LIBSVM;
    int r = text_stage_init(&s->text, files, n, spec, err);
    if (r == 0) r = text_files_open(&s->text.text, err); /* so that a source that cannot be read fails at once */
    if (r >= 0) r = make_schema(s->kind, &out->schema, err);
    if (r == 0) r = text_stage_start(&s->text, &SVM_OPS, s, err);
    if (r < 0) {
        if (out->schema.release) out->schema.release(&out->schema);
        svm_free(s);
        return r;
    }
    out->ctx = s;
    out->is_measured = 1;
    out->next = svm_next;
    out->row_name = svm_row_name;
    out->file = svm_file;
    out->free = svm_free;
    return 0;
}
