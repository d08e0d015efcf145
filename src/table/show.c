/* show.c: shoal_show: rows as an aligned table that fits the terminal, as JSON lines, or the schema alone. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/host.h"
#include "base/mem.h"
#include "table/cell_text.h"
#include "table/source.h"

#define ROWS_SHOWN 10     /* without -n */
#define PAGE_ROWS 500     /* laid out together */
#define WIDTH_MIN 8       /* columns are narrowed to this before any is left out */
#define WIDTH_MAX 60
#define CELL_BYTES_MAX 400 /* more is never visible */

typedef struct page {
    const shoal_host *host;
    const struct ArrowSchema *schema;
    buf text;      /* of all cells of the page, row after row */
    size_t *ends;  /* in text */
    size_t n_rows;
    int *width;    /* of columns; 0: left out */
    int laid_out;
} page;

/* ---- widths ---------------------------------------------------------------------------------------------------------- */

/* The character at p (1 to 4 bytes of checked UTF-8, a lone byte otherwise) and the terminal cells that it takes. */
static size_t character(const char *p, size_t n, int *cells)
{
    uint8_t c = (uint8_t)*p;
    size_t k = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
    if (k > n) k = 1;
    uint32_t u = k == 1 ? c : c & (0xffu >> (k + 1));
    for (size_t i = 1; i < k; i++) u = u << 6 | ((uint8_t)p[i] & 0x3f);
    int wide = (u >= 0x1100 && u <= 0x115f) || (u >= 0x2e80 && u <= 0xa4cf) || (u >= 0xac00 && u <= 0xd7a3) || (u >= 0xf900 && u <= 0xfaff) ||
               (u >= 0xfe30 && u <= 0xfe6f) || (u >= 0xff00 && u <= 0xff60) || (u >= 0x1f300 && u <= 0x1faff) || (u >= 0x20000 && u <= 0x3fffd);
    int none = (u >= 0x300 && u <= 0x36f) || (u >= 0x200b && u <= 0x200d) || u == 0xfeff;
    *cells = none ? 0 : 1 + wide;
    return k;
}

static int width_of(const char *p, size_t n)
{
    int w = 0, cells;
    for (size_t i = 0; i < n; w += cells) i += character(p + i, n - i, &cells);
    return w;
}

static void widen(int *w, int to)
{
    if (to > WIDTH_MAX) to = WIDTH_MAX;
    if (*w < to) *w = to;
}

/* The widest columns give way until all fit; then the last ones are left out. */
static void fit(page *g)
{
    int64_t n = g->schema->n_children, shown = n;
    int room = g->host && g->host->columns > 0 ? g->host->columns : 80;
    for (;;) {
        int total = -2;
        int64_t widest = 0;
        for (int64_t i = 0; i < shown; i++) {
            total += g->width[i] + 2;
            if (g->width[i] > g->width[widest]) widest = i;
        }
        if (total <= room || shown <= 1) return;
        if (g->width[widest] > WIDTH_MIN) g->width[widest]--;
        else g->width[--shown] = 0;
    }
}

/* ---- lines ----------------------------------------------------------------------------------------------------------- */

static int put_spaces(buf *b, int n, shoal_error *err)
{
    int r = 0;
    while (r == 0 && n-- > 0) r = buf_putc(b, ' ', err);
    return r;
}

static int put_fitted(buf *line, const char *p, size_t n, int width, int right, int last, shoal_error *err)
{
    int w = width_of(p, n), r = 0;
    if (w <= width) {
        if (right) r = put_spaces(line, width - w, err);
        if (r == 0) r = buf_append(line, p, n, err);
        return r == 0 && !right && !last ? put_spaces(line, width - w, err) : r;
    }
    size_t i = 0;
    int used = 0, cells;
    while (i < n) {
        size_t k = character(p + i, n - i, &cells);
        if (used + cells > width - 1) break;
        used += cells;
        i += k;
    }
    r = buf_append(line, p, i, err);
    if (r == 0) r = buf_puts(line, "\xe2\x80\xa6", err);
    return r < 0 ? r : put_spaces(line, width - 1 - used, err);
}

static int right_aligned(const struct ArrowSchema *field)
{
    enum arrow_type t = arrow_type_of(field);
    return arrow_type_is_int(t) || arrow_type_is_float(t) || t == ARROW_DECIMAL128;
}

/* One line of the table; texts by a function of the column. */
static int put_line(page *g, buf *line, view (*text)(const page *g, int64_t column, size_t row, char *room), size_t row, shoal_error *err)
{
    char room[160];
    int r = 0;
    for (int64_t i = 0; r == 0 && i < g->schema->n_children && g->width[i] > 0; i++) {
        view v = text(g, i, row, room);
        int last = i + 1 == g->schema->n_children || g->width[i + 1] == 0;
        if (i > 0) r = buf_puts(line, "  ", err);
        if (r == 0) r = put_fitted(line, v.p, v.n, g->width[i], right_aligned(g->schema->children[i]), last, err);
    }
    return r < 0 ? r : buf_putc(line, '\n', err);
}

static view name_text(const page *g, int64_t column, size_t row, char *room)
{
    (void)row;
    (void)room;
    const char *name = g->schema->children[column]->name;
    return view_of(name, strlen(name));
}

static view type_text(const page *g, int64_t column, size_t row, char *room)
{
    (void)row;
    arrow_type_name(g->schema->children[column], room, 160);
    return view_of(room, strlen(room));
}

static view cell_text(const page *g, int64_t column, size_t row, char *room)
{
    (void)room;
    size_t k = row * (size_t)g->schema->n_children + (size_t)column, begin = k > 0 ? g->ends[k - 1] : 0;
    return view_of(g->text.data ? (const char *)g->text.data + begin : "", g->ends[k] - begin);
}

static int lay_out(page *g, buf *lines, shoal_error *err)
{
    char room[160];
    for (int64_t i = 0; i < g->schema->n_children; i++) {
        view name = name_text(g, i, 0, room);
        widen(&g->width[i], width_of(name.p, name.n));
        view type = type_text(g, i, 0, room);
        widen(&g->width[i], width_of(type.p, type.n));
        for (size_t k = 0; k < g->n_rows; k++) {
            view v = cell_text(g, i, k, room);
            widen(&g->width[i], width_of(v.p, v.n));
        }
    }
    fit(g);
    g->laid_out = 1;
    int r = put_line(g, lines, name_text, 0, err);
    return r < 0 ? r : put_line(g, lines, type_text, 0, err);
}

static int flush(page *g, shoal_error *err)
{
    buf lines = BUF_INIT;
    int r = g->laid_out ? 0 : lay_out(g, &lines, err);
    for (size_t k = 0; r == 0 && k < g->n_rows; k++) r = put_line(g, &lines, cell_text, k, err);
    if (r == 0) r = host_out(g->host, (const char *)lines.data, lines.len, err);
    buf_release(&lines);
    buf_clear(&g->text);
    g->n_rows = 0;
    return r;
}

/* Six digits, and all that stand before the point up to 10^15, are what people read: --json has the exact value. Printed and read
 * back by one locale, then written by buf_put_f64, which knows none. */
static double rounded(double v)
{
    char text[40];
    if (fabs(v) >= 1e6 && fabs(v) < 1e15) return rint(v);
    snprintf(text, sizeof text, "%.6g", v);
    return strtod(text, NULL);
}

static int put_cell(buf *b, const struct ArrowSchema *field, const struct ArrowArray *a, int64_t row, shoal_error *err)
{
    enum arrow_type t = arrow_type_of(field);
    double v = arrow_type_is_float(t) ? arrow_f64(t, a, row) : 0;
    return arrow_type_is_float(t) && isfinite(v) ? buf_put_f64(b, rounded(v), err) : cell_put_text(b, field, a, row, err);
}

/* Control characters would move the cursor: they are shown as spaces. */
static int add_row(page *g, const struct ArrowArray *batch, int64_t row, shoal_error *err)
{
    int r = 0;
    for (int64_t i = 0; r == 0 && i < g->schema->n_children; i++) {
        const struct ArrowSchema *field = g->schema->children[i];
        size_t start = g->text.len;
        if (arrow_is_refused(field)) r = buf_puts(&g->text, "?", err);
        else if (arrow_is_null(batch->children[i], row)) r = buf_puts(&g->text, "-", err);
        else r = put_cell(&g->text, field, batch->children[i], row, err);
        if (g->text.len > start + CELL_BYTES_MAX) {
            size_t end = start + CELL_BYTES_MAX;
            while (end > start && (g->text.data[end] & 0xc0) == 0x80) end--;
            g->text.len = end;
        }
        for (size_t k = start; k < g->text.len; k++)
            if (g->text.data[k] < ' ' || g->text.data[k] == 0x7f) g->text.data[k] = ' ';
        g->ends[g->n_rows * (size_t)g->schema->n_children + (size_t)i] = g->text.len;
    }
    g->n_rows++;
    return r == 0 && g->n_rows == PAGE_ROWS ? flush(g, err) : r;
}

static void say_left_out(const page *g)
{
    int64_t n = 0;
    for (int64_t i = 0; i < g->schema->n_children; i++) n += g->width[i] == 0;
    if (n > 0)
        host_info(g->host, "%lld more column%s not fit; --json shows all, --schema names them", (long long)n, n == 1 ? " does" : "s do");
}

static int show_table(table *t, int none, const shoal_host *host, shoal_error *err)
{
    page g = {.host = host, .schema = table_schema(t)};
    size_t n = (size_t)g.schema->n_children;
    struct ArrowArray batch;
    g.width = mem_calloc(n + 1, sizeof *g.width);
    g.ends = mem_calloc(PAGE_ROWS * (n + 1), sizeof *g.ends);
    int r = g.width && g.ends ? !none : error_nomem(err, PAGE_ROWS * n * sizeof *g.ends, "a page of rows");
    while (r == 1 && (r = table_next(t, &batch, err)) == 1) {
        for (int64_t i = 0; r == 1 && i < batch.length; i++)
            if (add_row(&g, &batch, i, err) < 0) r = err ? err->code : SHOAL_STORAGE;
        batch.release(&batch);
        if (r == 1 && host_interrupted(host)) r = error_set(err, SHOAL_INTERRUPTED, "interrupted");
    }
    if (r == 0 && (g.n_rows > 0 || !g.laid_out)) r = flush(&g, err);
    if (r == 0) say_left_out(&g);
    buf_release(&g.text);
    mem_free(g.ends);
    mem_free(g.width);
    return r;
}

/* ---- JSON and schema --------------------------------------------------------------------------------------------------- */

static int show_json(table *t, int none, const shoal_host *host, shoal_error *err)
{
    struct ArrowArray batch;
    buf b = BUF_INIT;
    int r = arrow_check_columns(table_schema(t), "printed", err);
    while (r == 0 && !none && (r = table_next(t, &batch, err)) == 1) {
        int bad = 0;
        for (int64_t i = 0; bad == 0 && i < batch.length; i++) bad = cell_put_json_row(&b, table_schema(t), &batch, i, err);
        batch.release(&batch);
        if (bad == 0) bad = host_out(host, (const char *)b.data, b.len, err);
        if (bad == 0 && host_interrupted(host)) bad = error_set(err, SHOAL_INTERRUPTED, "interrupted");
        buf_clear(&b);
        r = bad;
    }
    buf_release(&b);
    return r;
}

static int show_schema(const struct ArrowSchema *schema, int json, const shoal_host *host, shoal_error *err)
{
    buf b = BUF_INIT;
    char type[160];
    int widest = 0, r = 0;
    for (int64_t i = 0; i < schema->n_children; i++) {
        int w = width_of(schema->children[i]->name, strlen(schema->children[i]->name));
        if (w > widest) widest = w;
    }
    for (int64_t i = 0; r == 0 && i < schema->n_children; i++) {
        const struct ArrowSchema *c = schema->children[i];
        if (json) {
            r = schema_put_column(&b, c, err);
        } else {
            r = buf_puts(&b, c->name, err);
            if (r == 0) r = put_spaces(&b, widest - width_of(c->name, strlen(c->name)) + 2, err);
            if (r == 0) r = buf_puts(&b, arrow_type_name(c, type, sizeof type), err);
            if (r == 0 && !(c->flags & ARROW_FLAG_NULLABLE)) r = buf_puts(&b, " not null", err);
        }
        if (r == 0) r = buf_putc(&b, '\n', err);
    }
    if (r == 0) r = host_out(host, (const char *)b.data, b.len, err);
    buf_release(&b);
    return r;
}

static int show_count(table_spec *spec, int json, const shoal_host *host, shoal_error *err)
{
    uint64_t rows = 0;
    table *t = NULL;
    int r = spec->tolerate ? 0 : table_count(spec, &rows, err);
    if (r == 0) {
        spec->skip = spec->limit = rows = 0;
        if ((r = table_open(spec, &t, err)) == 0) r = table_read_through(t, host, &rows, err);
        table_free(t);
    }
    return r < 0 ? r : host_outf(host, err, json ? "{\"rows\":%llu}\n" : "%llu\n", (unsigned long long)rows);
}

static int show_as(table *t, const shoal_options *o, const shoal_host *host, shoal_error *err)
{
    int none = option_is_set(o, "rows") && option_i64(o, "rows") == 0; /* the head of the table alone */
    if (option_flag(o, "schema")) return show_schema(table_schema(t), option_flag(o, "json"), host, err);
    return option_flag(o, "json") ? show_json(t, none, host, err) : show_table(t, none, host, err);
}

int shoal_show(const shoal_options *o, const shoal_host *host, shoal_error *err)
{
    const char *const *args;
    size_t n = option_args(o, &args);
    table_spec spec;
    table *t = NULL;
    int r = table_spec_from(o, args, n, 0, &spec, err);
    if (r < 0) return r;
    spec.host = host;
    spec.skip = (uint64_t)option_i64(o, "skip");
    spec.limit = option_is_set(o, "rows") ? (uint64_t)option_i64(o, "rows") : ROWS_SHOWN;
    if ((r = table_quarantine(o, NULL, host, &spec.quarantine, err)) < 0) return r;
    if (option_flag(o, "count")) r = show_count(&spec, option_flag(o, "json"), host, err);
    else if ((r = table_open(&spec, &t, err)) == 0) r = show_as(t, o, host, err);
    table_free(t);
    if (r == 0 && spec.quarantine) r = quarantine_finish(spec.quarantine, err);
    quarantine_free(spec.quarantine);
    return r;
}
