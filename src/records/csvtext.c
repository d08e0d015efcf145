#include "records/csvtext.h"

#include <string.h>

#include "base/mem.h"

#define FIELDS_FIRST 64

void csv_row_release(csv_row *r)
{
    mem_free(r->field);
    memset(r, 0, sizeof *r);
}

static int fault(csv_row *row, const char *what, size_t line)
{
    row->fault = what;
    row->fault_line = line;
    return SHOAL_DATA;
}

static csv_field *add_field(csv_row *row)
{
    if (row->n == row->cap) {
        size_t cap = row->cap ? 2 * row->cap : FIELDS_FIRST;
        csv_field *grown = mem_realloc(row->field, cap * sizeof *grown);
        if (!grown) return NULL;
        row->field = grown;
        row->cap = cap;
    }
    return &row->field[row->n++];
}

/* From behind the opening quote to behind the closing one; SIZE_MAX when the text ends before it. */
static size_t quoted_field(view text, size_t at, csv_field *f, size_t *lines)
{
    size_t i = at;
    f->at = at;
    for (; i < text.n; i++) {
        char c = text.p[i];
        *lines += c == '\n';
        if (c != '"') continue;
        if (i + 1 == text.n || text.p[i + 1] != '"') {
            f->n = i - at;
            return i + 1;
        }
        f->escaped = 1;
        i++;
    }
    return SIZE_MAX;
}

static size_t plain_field(view text, size_t at, char delimiter, csv_field *f)
{
    const char *p = text.p + at, *end = text.p + text.n;
    while (p < end && *p != delimiter && *p != '\n' && *p != '\r') p++;
    f->at = at;
    f->n = (size_t)(p - text.p) - at;
    return (size_t)(p - text.p);
}

int csv_row_parse(view text, int at_end, char delimiter, csv_row *row)
{
    row->n = row->lines = row->bytes = 0;
    if (text.n == 0) return 0;
    for (size_t i = 0;; i++) {
        csv_field *f = row->n < CSV_FIELDS_MAX ? add_field(row) : NULL;
        if (!f) return row->n < CSV_FIELDS_MAX ? SHOAL_NOMEM : fault(row, "more than 100000 fields", row->lines);
        f->quoted = i < text.n && text.p[i] == '"';
        f->escaped = 0;
        size_t opened = row->lines;
        i = f->quoted ? quoted_field(text, i + 1, f, &row->lines) : plain_field(text, i, delimiter, f);
        if (i == SIZE_MAX) return at_end ? fault(row, "a quote that opens here is not closed", opened) : 0;
        /* what is behind the last byte at hand may be the other half of "" or \r\n */
        if (!at_end && (i == text.n || (text.p[i] == '\r' && i + 1 == text.n))) return 0;
        if (i < text.n && text.p[i] == delimiter) continue;
        if (i < text.n && text.p[i] != '\n' && text.p[i] != '\r') return fault(row, "text stands behind a closing quote; a quote inside quotes is written \"\"", row->lines);
        row->lines++;
        row->bytes = i < text.n ? i + 1 + (text.p[i] == '\r' && i + 1 < text.n && text.p[i + 1] == '\n') : i;
        return 1;
    }
}

int csv_field_text(view text, const csv_field *f, buf *room, view *out, shoal_error *err)
{
    *out = view_of(text.p + f->at, f->n);
    if (!f->escaped) return 0;
    buf_clear(room);
    int r = buf_reserve(room, f->n, err);
    if (r < 0) return r;
    for (size_t i = 0; i < f->n; i++) {
        room->data[room->len++] = (uint8_t)out->p[i];
        if (out->p[i] == '"') i++;
    }
    *out = view_of((const char *)room->data, room->len);
    return 0;
}

char csv_guess_delimiter(view text)
{
    static const char CANDIDATE[] = ",\t;|";
    size_t count[sizeof CANDIDATE - 1] = {0}, best = 0;
    int quoted = 0;
    for (size_t i = 0; i < text.n && (quoted || (text.p[i] != '\n' && text.p[i] != '\r')); i++) {
        const char *at = text.p[i] ? strchr(CANDIDATE, text.p[i]) : NULL;
        if (text.p[i] == '"') quoted = !quoted;
        else if (at && !quoted) count[at - CANDIDATE]++;
    }
    for (size_t i = 1; i < sizeof count / sizeof count[0]; i++)
        if (count[i] > count[best]) best = i;
    return CANDIDATE[best];
}
