/* table_csv.c: CSV as a source: one pass, from files or a pipe, in pieces that several threads parse (text_stage.h). The names are the first line's; the type of a column is the
 * narrowest that all its values in the first rows have, and a later value that is none of that type ends the reading with
 * its line: no value is ever bent to fit. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "records/csvtext.h"
#include "table/csv_columns.h"
#include "table/source.h"
#include "table/text_stage.h"
#include "table/text_types.h"

#define HEADS_MAX 64           /* further files that are looked into for the types */
#define HEAD_ROWS 1000
#define HEAD_BYTES (256u << 10)

/* What a thread that parses has for itself. */
typedef struct csv_parser {
    csv_block block;
    csv_columns *columns;
} csv_parser;

typedef struct csv_source {
    text_stage text;
    csv_row row; /* of heads and samples, with `room` of a field with quotes inside: of whoever reads, one at a time */
    buf room;
    char delimiter;
    int no_header, one_column;
    struct ArrowSchema schema;
    cell_target *target;
    csv_parser *parser;
} csv_source;

static void csv_free(void *ctx)
{
    csv_source *s = ctx;
    text_stage_release(&s->text);
    for (int i = 0; s->parser && i < s->text.threads; i++) {
        csv_block_release(&s->parser[i].block);
        csv_columns_free(s->parser[i].columns);
    }
    mem_free(s->parser);
    csv_row_release(&s->row);
    buf_release(&s->room);
    if (s->schema.release) s->schema.release(&s->schema);
    mem_free(s->target);
    mem_free(s);
}

/* ---- rows ------------------------------------------------------------------------------------------------------------------ */

static int bad_row(const char *path, uint64_t line, const csv_row *row, shoal_error *err)
{
    return error_set(err, SHOAL_DATA, "%s: line %llu: %s", path, (unsigned long long)(line + row->fault_line + 1), row->fault);
}

/* The row that starts `skip` bytes and `lines` lines behind the window's start: 1 with its text, 0 at the end. */
static int row_at(csv_source *s, text_files *t, size_t skip, size_t lines, view *text, shoal_error *err)
{
    for (;;) {
        *text = text_files_view(t);
        *text = view_of(text->p + skip, text->n - skip);
        int r = csv_row_parse(*text, t->at_end, s->delimiter, &s->row);
        if (r == SHOAL_DATA) return bad_row(text_files_path(t), t->line + lines, &s->row, err);
        if (r == SHOAL_NOMEM) return error_nomem(err, 0, "a row");
        if (r == 1 || t->at_end) return r;
        if ((r = text_files_more(t, err)) < 0) return r;
    }
}

/* An empty line is no row, but of a table of one column, where it is a null. */
static int is_blank(const csv_source *s) { return !s->one_column && s->row.n == 1 && s->row.field[0].n == 0 && !s->row.field[0].quoted; }

static int check_fields(const csv_source *s, const char *path, uint64_t line, const csv_row *row, shoal_error *err)
{
    if ((int64_t)row->n == s->schema.n_children) return 0;
    return error_set(err, SHOAL_DATA, "%s: line %llu has %zu fields, but line 1 has %lld", path, (unsigned long long)line + 1, row->n, (long long)s->schema.n_children);
}

/* ---- names ----------------------------------------------------------------------------------------------------------------- */

/* The name in field i of the first line, for mem_free. A column without one is named by its place. */
static int name_of(csv_source *s, const text_files *t, view text, size_t i, char **out, shoal_error *err)
{
    const csv_field *f = &s->row.field[i];
    view v = view_of("", 0);
    int r = s->no_header ? 0 : csv_field_text(text, f, &s->room, &v, err);
    if (r < 0) return r;
    while (!f->quoted && v.n > 0 && (*v.p == ' ' || *v.p == '\t')) v.p++, v.n--;
    while (!f->quoted && v.n > 0 && (v.p[v.n - 1] == ' ' || v.p[v.n - 1] == '\t')) v.n--;
    if (!view_is_utf8(v) || memchr(v.p, 0, v.n))
        return error_set(err, SHOAL_DATA, "%s: line 1: the name of column %zu is not UTF-8; convert the file, as by iconv -t UTF-8", text_files_path(t), i + 1);
    *out = v.n > 0 ? mem_sprintf("%.*s", (int)v.n, v.p) : mem_sprintf("column%zu", i);
    return *out ? 0 : error_nomem(err, v.n, "a name");
}

static int name_is_taken(const struct ArrowSchema *schema, const char *name, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(schema->children[i]->name, name) == 0) return 1;
    return 0;
}

static int make_schema(csv_source *s, view text, shoal_error *err)
{
    int r = arrow_schema_struct(&s->schema, (int64_t)s->row.n, err);
    for (size_t i = 0; r == 0 && i < s->row.n; i++) {
        char *name = NULL;
        r = name_of(s, &s->text.text, text, i, &name, err);
        if (r == 0 && name_is_taken(&s->schema, name, i))
            r = error_set(err, SHOAL_DATA, "%s: line 1: two columns are named '%s'; name them apart", text_files_path(&s->text.text), name);
        if (r == 0) r = arrow_schema_set(s->schema.children[i], name, "u", 1, err);
        mem_free(name);
    }
    return r;
}

static int is_utf16(view text) { return text.n >= 2 && (memcmp(text.p, "\xff\xfe", 2) == 0 || memcmp(text.p, "\xfe\xff", 2) == 0); }

/* At the start of a file: passes over the mark of UTF-8. 0 when the file is empty. */
static int begin_file(text_files *t, shoal_error *err)
{
    while (!t->at_end && text_files_view(t).n < 3) {
        int r = text_files_more(t, err);
        if (r < 0) return r;
    }
    view text = text_files_view(t);
    if (is_utf16(text)) return error_set(err, SHOAL_DATA, "%s: it is UTF-16; convert it, as by iconv -f UTF-16 -t UTF-8", text_files_path(t));
    if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0) text_files_take(t, 3, 0);
    return text_files_view(t).n > 0;
}

/* The first line of a further file must be the first file's. */
static int same_header(csv_source *s, text_files *t, view text, shoal_error *err)
{
    int r = 0;
    if ((int64_t)s->row.n != s->schema.n_children)
        return error_set(err, SHOAL_DATA, "%s: line 1 has %zu fields, but that of %s %lld; all files of a source have the same columns", text_files_path(t), s->row.n,
                                s->text.text.path[0], (long long)s->schema.n_children);
    for (size_t i = 0; r == 0 && i < s->row.n; i++) {
        char *name = NULL;
        r = name_of(s, t, text, i, &name, err);
        if (r == 0 && strcmp(name, s->schema.children[i]->name) != 0)
            r = error_set(err, SHOAL_DATA, "%s: column %zu is '%s', but '%s' in %s; all files of a source have the same columns", text_files_path(t), i + 1, name,
                          s->schema.children[i]->name, s->text.text.path[0]);
        mem_free(name);
    }
    return r;
}

/* Of any file behind the first: 1 with its names checked and passed over, 0 when it is empty. */
static int begin_further(csv_source *s, text_files *t, shoal_error *err)
{
    view text;
    int r = begin_file(t, err);
    if (r <= 0 || s->no_header) return r;
    if ((r = row_at(s, t, 0, 0, &text, err)) <= 0) return r;
    if ((r = same_header(s, t, text, err)) < 0) return r;
    text_files_take(t, s->row.bytes, s->row.lines);
    return 1;
}

/* ---- types ----------------------------------------------------------------------------------------------------------------- */

typedef struct kinds { unsigned all, any; } kinds;

static int note_row(csv_source *s, view text, kinds *k, shoal_error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < s->row.n; i++) {
        const csv_field *f = &s->row.field[i];
        view v;
        if (f->n == 0 && !f->quoted) continue;
        if (k[i].all == 0 && k[i].any) continue;
        if ((r = csv_field_text(text, f, &s->room, &v, err)) < 0) return r;
        unsigned found = cell_kinds(v);
        k[i].all &= found;
        k[i].any |= found | CELL_BOOL; /* there was a value */
    }
    return r;
}

/* Looks at rows without taking them. */
static int note_rows(csv_source *s, text_files *t, size_t max_rows, size_t max_bytes, kinds *k, shoal_error *err)
{
    size_t at = 0, lines = 0;
    view text;
    for (size_t rows = 0; rows < max_rows && (at < max_bytes || rows == 0); at += s->row.bytes, lines += s->row.lines) {
        int r = row_at(s, t, at, lines, &text, err);
        if (r <= 0) return r;
        if (is_blank(s)) continue;
        rows++;
        if ((r = check_fields(s, text_files_path(t), t->line + lines, &s->row, err)) < 0 || (r = note_row(s, text, k, err)) < 0) return r;
    }
    return 0;
}

/* The heads of further files, so that one column of nothing or of whole numbers in the first file does not decide. */
static int note_heads(csv_source *s, kinds *k, shoal_error *err)
{
    int r = 0;
    for (size_t i = s->text.text.file + 1; r >= 0 && i < s->text.text.n && i <= s->text.text.file + HEADS_MAX; i++) {
        text_files one;
        char **path = mem_calloc(1, sizeof *path);
        if (!path || !(path[0] = mem_strdup(s->text.text.path[i]))) {
            mem_free(path);
            return error_nomem(err, 0, "a path");
        }
        r = text_files_init(&one, path, 1, err);
        if (r == 0) r = text_files_open(&one, err);
        if (r > 0) r = begin_further(s, &one, err);
        if (r > 0) r = note_rows(s, &one, HEAD_ROWS, HEAD_BYTES, k, err);
        text_files_release(&one);
    }
    return r < 0 ? r : 0;
}

static int set_types(csv_source *s, const table_spec *spec, const kinds *k, shoal_error *err)
{
    int r = text_types_check(spec, &s->schema, err);
    for (int64_t i = 0; r == 0 && i < s->schema.n_children; i++) {
        struct ArrowSchema *field = s->schema.children[i];
        const char *said = text_type_said(spec, field->name);
        if (!said) said = text_type_wished(spec, field->name, k[i].any != 0);
        if (said) r = text_types_set(field, said, err);
        else r = arrow_schema_set_format(field, cell_format(k[i].all, k[i].any), err);
        cell_target_of(field, &s->target[i]);
    }
    return r;
}

static int find_types(csv_source *s, const table_spec *spec, shoal_error *err)
{
    size_t n = (size_t)s->schema.n_children;
    kinds *k = mem_calloc(n, sizeof *k);
    s->target = mem_calloc(n, sizeof *s->target);
    int r = k && s->target ? 0 : error_nomem(err, n * sizeof *k, "the types of columns");
    for (size_t i = 0; r == 0 && i < n; i++) k[i].all = CELL_ANY;
    if (r == 0) r = note_rows(s, &s->text.text, TEXT_SAMPLE_ROWS, TEXT_SAMPLE_BYTES, k, err);
    if (r == 0) r = note_heads(s, k, err);
    if (r == 0) r = set_types(s, spec, k, err);
    mem_free(k);
    return r;
}

/* ---- values ---------------------------------------------------------------------------------------------------------------- */

static int misfit(const csv_source *s, const char *path, uint64_t line, size_t column, view v, shoal_error *err)
{
    const struct ArrowSchema *field = s->schema.children[column];
    char shown[44], type[80];
    arrow_type_name(field, type, sizeof type);
    if (s->target[column].type == ARROW_UTF8)
        return error_set(err, SHOAL_DATA, "%s: line %llu, column '%s': the text is not UTF-8; convert the file, as by iconv -t UTF-8", path, (unsigned long long)line + 1, field->name);
    return error_set(err, SHOAL_DATA, "%s: line %llu, column '%s': '%s' is no %s, as the first rows are; say what the column is, as --types %s=%s", path,
                     (unsigned long long)line + 1, field->name, text_shown(v, shown), type, field->name, text_type_advised(field, v));
}

/* What is wrong with a row at the start of a text. */
static int explain_row(const csv_source *s, const char *path, uint64_t line, view text, size_t column, shoal_error *err)
{
    csv_row row = {0};
    buf room = BUF_INIT;
    view v;
    int r = csv_row_parse(text, 1, s->delimiter, &row);
    if (r == SHOAL_DATA) r = bad_row(path, line, &row, err);
    else if (r == SHOAL_NOMEM) r = error_nomem(err, 0, "a row");
    else if ((r = check_fields(s, path, line, &row, err)) == 0 && (r = csv_field_text(text, &row.field[column], &room, &v, err)) == 0)
        r = misfit(s, path, line, column, v, err);
    buf_release(&room);
    csv_row_release(&row);
    return r;
}

static int csv_explain(void *ctx, const text_piece *p, uint64_t line, shoal_error *err)
{
    const csv_source *s = ctx;
    csv_row row = {0};
    size_t at = 0;
    int r = 1;
    while (at < p->bad_at && (r = csv_row_parse(view_of(p->text + at, p->n - at), 1, s->delimiter, &row)) == 1) {
        at += row.bytes;
        line += row.lines;
    }
    csv_row_release(&row);
    if (r < 0) return error_nomem(err, 0, "a row");
    return explain_row(s, text_files_name(&s->text.text, p->file), line, view_of(p->text + at, p->n - at), p->bad_column, err);
}

static size_t csv_cut(void *ctx, view text) { return csv_rows_end(text, ((csv_source *)ctx)->delimiter); }

static int csv_begin(void *ctx, text_files *t, shoal_error *err) { return begin_further(ctx, t, err); }

static int csv_parse(void *ctx, text_piece *p, int thread, shoal_error *err)
{
    const csv_source *s = ctx;
    csv_parser *own = &s->parser[thread];
    const csv_block *b = &own->block;
    const size_t columns = (size_t)s->schema.n_children;
    const view text = view_of(p->text, p->n);
    int r = csv_block_split(text, s->delimiter, columns, &own->block, err);
    for (size_t from = 0; r == 0 && from < b->rows; from += TABLE_BATCH_ROWS) {
        struct ArrowArray *batch;
        const size_t n = b->rows - from < TABLE_BATCH_ROWS ? b->rows - from : TABLE_BATCH_ROWS;
        size_t bad;
        if ((r = text_piece_add(p, &batch, err)) < 0) return r;
        if ((r = csv_columns_fill(own->columns, text, b, from, n, batch, &bad, &p->bad_column, err)) != SHOAL_DATA) continue;
        const csv_cell *first = &b->cell[bad * columns];
        p->n_batches--;
        p->is_bad = 1;
        p->bad_at = first->at - (first->n & CSV_CELL_QUOTED ? 1 : 0);
        return 0;
    }
    p->lines = b->lines;
    if (r < 0 || b->stop == p->n) return r;
    p->is_bad = 1;
    p->bad_at = b->stop;
    return 0;
}

static const text_ops CSV_OPS = {csv_begin, csv_cut, csv_parse, csv_explain};

static int csv_next(void *ctx, struct ArrowArray *out, shoal_error *err) { return text_stage_next(&((csv_source *)ctx)->text, out, err); }

static const char *csv_row_name(void *ctx, uint64_t row, char *out, size_t n)
{
    const text_stage *t = &((csv_source *)ctx)->text;
    return text_places_row_name(&t->places, &t->text, row, out, n);
}

static size_t csv_file(void *ctx) { return text_places_last(&((csv_source *)ctx)->text.places); }

/* ---- opening --------------------------------------------------------------------------------------------------------------- */

/* The first file that is not empty, its names read. Spark leaves an empty file of each empty partition. */
static int begin_first(csv_source *s, text_files *t, shoal_error *err)
{
    view text;
    int r;
    while ((r = text_files_open(t, err)) > 0) {
        if ((r = begin_file(t, err)) != 0) break;
        if ((r = text_files_close(t, err)) < 0) break;
    }
    if (r == 0) r = error_set(err, SHOAL_DATA, "%s: it is empty; a CSV file begins with a line of names", text_files_name(t, 0));
    if (r < 0) return r;
    text = text_files_view(t);
    if (!s->delimiter) {
        while (!t->at_end && !memchr(text.p, '\n', text.n) && text.n < TEXT_SAMPLE_BYTES) {
            if ((r = text_files_more(t, err)) < 0) return r;
            text = text_files_view(t);
        }
        s->delimiter = csv_guess_delimiter(text);
    }
    if ((r = row_at(s, t, 0, 0, &text, err)) < 0) return r;
    if ((r = make_schema(s, text, err)) < 0) return r;
    s->one_column = s->row.n == 1;
    if (!s->no_header) text_files_take(t, s->row.bytes, s->row.lines);
    return 0;
}

static int make_parsers(csv_source *s, shoal_error *err)
{
    int r = 0;
    if (!(s->parser = mem_calloc((size_t)s->text.threads, sizeof *s->parser))) return error_nomem(err, (size_t)s->text.threads * sizeof *s->parser, "parsers");
    for (int i = 0; r == 0 && i < s->text.threads; i++) r = csv_columns_new(&s->schema, s->target, &s->parser[i].columns, err);
    return r;
}

int source_csv(char **files, size_t n, const table_spec *spec, source *out, shoal_error *err)
{
    memset(out, 0, sizeof *out);
    csv_source *s = mem_calloc(1, sizeof *s);
    if (!s) {
        file_list_free(files, n);
        return error_nomem(err, sizeof *s, "a source");
    }
    s->delimiter = spec->delimiter;
    s->no_header = spec->no_header;
    int r = text_stage_init(&s->text, files, n, spec, err);
    if (r == 0) r = begin_first(s, &s->text.text, err);
    if (r == 0) r = find_types(s, spec, err);
    if (r == 0) r = make_parsers(s, err);
    if (r == 0) r = arrow_schema_copy(&s->schema, &out->schema, err);
    if (r == 0) r = text_stage_start(&s->text, &CSV_OPS, s, err);
    if (r < 0) {
        if (out->schema.release) out->schema.release(&out->schema);
        csv_free(s);
        return r;
    }
    out->ctx = s;
    out->is_measured = 1;
    out->next = csv_next;
    out->row_name = csv_row_name;
    out->file = csv_file;
    out->free = csv_free;
    return 0;
}
