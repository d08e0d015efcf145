#include "records/csvblock.h"

#include <string.h>

#include "base/mem.h"
#include "records/bytefind.h"

void csv_block_release(csv_block *b)
{
    mem_free(b->cell);
    mem_free(b->mark);
    memset(b, 0, sizeof *b);
}

/* ---- where rows end -------------------------------------------------------------------------------------------------------- */

/* Behind the last end of a row in text without quotes, in [from, to); 0 when there is none. */
static size_t last_end(view text, size_t from, size_t to)
{
    const char *feed = to > from ? memrchr(text.p + from, '\n', to - from) : NULL;
    if (feed) return (size_t)(feed - text.p) + 1;
    /* a \r that is the last byte may have its \n behind it */
    while (to > from && (text.p[to - 1] != '\r' || to == text.n)) to--;
    return to > from ? to : 0;
}

/* Behind the quote that closes the field that opens at `at`; SIZE_MAX when it does not, or the text ends with that quote. */
static size_t behind_quoted(view text, size_t at)
{
    for (const char *p = text.p + at + 1, *end = text.p + text.n; (p = memchr(p, '"', (size_t)(end - p))); p += 2) {
        if (p + 1 == end) break;
        if (p[1] != '"') return (size_t)(p - text.p) + 1;
    }
    return SIZE_MAX;
}

size_t csv_rows_end(view text, char delimiter)
{
    size_t last = 0, gap = 0, at = 0, end;
    for (const char *p; (p = memchr(text.p + at, '"', text.n - at));) {
        at = (size_t)(p - text.p);
        if (at > 0 && p[-1] != delimiter && p[-1] != '\n' && p[-1] != '\r') {
            at++; /* within a field, a quote is a letter */
            continue;
        }
        if ((end = last_end(text, gap, at)) > 0) last = end;
        if ((gap = at = behind_quoted(text, at)) == SIZE_MAX) return last;
    }
    end = last_end(text, gap, text.n);
    return end > 0 ? end : last;
}

/* ---- fields ---------------------------------------------------------------------------------------------------------------- */

static int find_marks(view text, char delimiter, csv_block *b, bytefind *found, shoal_error *err)
{
    const char set[4] = {delimiter, '\n', '\r', '"'};
    const size_t piece = 64u << 10;
    for (size_t i = 0; i < text.n; i += piece) {
        const size_t n = text.n - i < piece ? text.n - i : piece, need = found->n + n + BYTEFIND_ROOM;
        if (need > b->mark_cap) {
            const size_t cap = need > 2 * b->mark_cap ? need : 2 * b->mark_cap;
            uint32_t *grown = mem_realloc(b->mark, cap * sizeof *grown);
            if (!grown) return error_nomem(err, cap * sizeof *grown, "a block of rows");
            b->mark = grown;
            b->mark_cap = cap;
        }
        found->at = b->mark;
        bytefind_any(view_of(text.p + i, n), set, (uint32_t)i, found);
    }
    return 0;
}

typedef struct walk {
    view text;
    const uint32_t *mark, *end;
    size_t lines;
} walk;

/* The field with a quote at `at`, on which w->mark stands; the place behind it, or SIZE_MAX when the text ends before it does, or
 * something stands behind its quote. */
static size_t quoted_cell(walk *w, size_t at, csv_cell *cell)
{
    uint32_t flags = CSV_CELL_QUOTED;
    for (w->mark++; w->mark < w->end; w->mark++) {
        const size_t p = *w->mark;
        w->lines += w->text.p[p] == '\n';
        if (w->text.p[p] != '"') continue;
        if (p + 1 < w->text.n && w->text.p[p + 1] == '"') {
            flags |= CSV_CELL_ESCAPED;
            w->mark++;
            continue;
        }
        w->mark++;
        *cell = (csv_cell){(uint32_t)at + 1, (uint32_t)(p - at - 1) | flags};
        return p + 1 == w->text.n || (w->mark < w->end && *w->mark == p + 1) ? p + 1 : SIZE_MAX;
    }
    return SIZE_MAX;
}

/* One row from `at` on: behind its end, or SIZE_MAX when it is none of so many fields. *blank: an empty line. */
static inline size_t one_row(walk *w, size_t at, char delimiter, size_t columns, int has_quotes, csv_cell *cell, int *blank)
{
    const view text = w->text;
    for (size_t k = 0; k < columns; k++) {
        size_t end;
        if (has_quotes && at < text.n && text.p[at] == '"') {
            if ((end = quoted_cell(w, at, &cell[k])) == SIZE_MAX) return SIZE_MAX;
        } else {
            while (has_quotes && w->mark < w->end && text.p[*w->mark] == '"') w->mark++;
            end = w->mark < w->end ? *w->mark : text.n;
            cell[k] = (csv_cell){(uint32_t)at, (uint32_t)(end - at)};
        }
        const char c = end < text.n ? text.p[end] : '\n';
        w->mark++; /* may go one behind the end, with the text */
        at = end + 1;
        if (c == delimiter) continue;
        if (k + 1 < columns) {
            *blank = k == 0 && cell[0].n == 0;
            if (!*blank) return SIZE_MAX;
        }
        if (c == '\r' && at < text.n && text.p[at] == '\n') {
            w->mark++;
            at++;
        }
        return at < text.n ? at : text.n;
    }
    return SIZE_MAX;
}

static inline void split(walk *w, char delimiter, size_t columns, int has_quotes, csv_block *b)
{
    csv_cell *cell = b->cell;
    b->stop = 0;
    b->rows = b->lines = 0;
    while (b->stop < w->text.n) {
        int blank = 0;
        const size_t next = one_row(w, b->stop, delimiter, columns, has_quotes, cell, &blank);
        if (next == SIZE_MAX) break;
        b->stop = next;
        b->lines = ++w->lines;
        if (blank) continue;
        b->rows++;
        cell += columns;
    }
}

int csv_block_split(view text, char delimiter, size_t columns, csv_block *b, shoal_error *err)
{
    bytefind found = {0};
    int r = find_marks(text, delimiter, b, &found, err);
    if (r < 0) return r;
    const size_t need = found.n + columns + 1; /* each field but the last ends at a mark; a row may be given up at any */
    if (need > b->cap) {
        mem_free(b->cell);
        b->cap = 0;
        if (!(b->cell = mem_alloc(need * sizeof *b->cell))) return error_nomem(err, need * sizeof *b->cell, "a block of rows");
        b->cap = need;
    }
    walk w = {text, b->mark, b->mark + found.n, 0};
    b->is_ascii = !found.has_high;
    if (found.has_last) split(&w, delimiter, columns, 1, b);
    else split(&w, delimiter, columns, 0, b);
    return 0;
}
