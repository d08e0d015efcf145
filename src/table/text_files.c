#include "table/text_files.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "table/source.h"

#define WINDOW_BYTES (1u << 20)

int text_files_init(text_files *t, char **files, size_t n, shoal_error *err)
{
    memset(t, 0, sizeof *t);
    t->path = files;
    t->n = n;
    t->cap = WINDOW_BYTES;
    return (t->window = mem_alloc(t->cap + TEXT_SLACK)) ? 0 : error_nomem(err, t->cap, "a source");
}

void text_files_release(text_files *t)
{
    inflater_free(t->bytes);
    mem_free(t->window);
    file_list_free(t->path, t->n);
    memset(t, 0, sizeof *t);
}

int text_files_open(text_files *t, shoal_error *err)
{
    file_reader *f;
    if (t->file == t->n) return 0;
    int r = file_open(t->path[t->file], &f, err);
    if (r == 0) r = inflater_new(f, &t->bytes, err);
    if (r < 0) return r;
    t->begin = t->end = 0;
    t->at_end = 0;
    t->line = 0;
    inflater_measure(t->bytes, t->clocks);
    return 1;
}

static int make_room(text_files *t, shoal_error *err)
{
    if (t->begin > 0) {
        memmove(t->window, t->window + t->begin, t->end - t->begin);
        t->end -= t->begin;
        t->begin = 0;
    }
    if (t->end < t->cap) return 0;
    t->too_long = t->cap >= TEXT_ROW_MAX;
    if (t->too_long)
        return error_set(err, SHOAL_DATA, "%s: line %llu is longer than 256 MiB: no row that shoal reads is that long", text_files_path(t),
                         (unsigned long long)t->line + 1);
    char *p = mem_realloc(t->window, 2 * t->cap + TEXT_SLACK);
    if (!p) return error_nomem(err, 2 * t->cap, "a line");
    t->window = p;
    t->cap *= 2;
    return 0;
}

int text_files_more(text_files *t, shoal_error *err)
{
    int r = make_room(t, err);
    if (r < 0) return r;
    int64_t got = inflater_read(t->bytes, t->window + t->end, t->cap - t->end, err);
    if (got < 0) return (int)got;
    t->end += (size_t)got;
    t->at_end = got == 0;
    return 0;
}

void text_files_take(text_files *t, size_t bytes, size_t lines)
{
    t->begin += bytes;
    t->line += lines;
}

/* The window itself, when most of it goes, with the rest moved to the caller's memory. */
int text_files_hand(text_files *t, size_t n, char **p, size_t *cap, shoal_error *err)
{
    const size_t rest = t->end - t->begin - n;
    const int swaps = t->begin == 0 && rest <= n;
    const size_t need = swaps && rest < WINDOW_BYTES ? WINDOW_BYTES : swaps ? rest : n;
    if (*cap < need || *cap > 2 * need + WINDOW_BYTES) {
        mem_free(*p);
        *cap = 0;
        if (!(*p = mem_alloc(need + TEXT_SLACK))) return error_nomem(err, need, "a block of text");
        *cap = need;
    }
    if (!swaps) {
        memcpy(*p, t->window + t->begin, n);
        t->begin += n;
        return 0;
    }
    const text_files was = *t;
    memcpy(*p, t->window + n, rest);
    t->window = *p;
    t->cap = *cap;
    t->end = rest;
    *p = was.window;
    *cap = was.cap;
    return 0;
}

int text_files_close(text_files *t, shoal_error *err)
{
    int r = file_check_unchanged(inflater_file(t->bytes), err);
    inflater_free(t->bytes);
    t->bytes = NULL;
    t->file++;
    return r;
}

const char *text_files_name(const text_files *t, size_t file) { return strcmp(t->path[file], "-") == 0 ? "standard input" : t->path[file]; }

int text_places_init(text_places *p, size_t files, shoal_error *err)
{
    memset(p, 0, sizeof *p);
    p->mark = mem_calloc(files, sizeof *p->mark);
    return p->mark ? 0 : error_nomem(err, files * sizeof *p->mark, "a source");
}

void text_places_release(text_places *p) { mem_free(p->mark); }

void text_places_note(text_places *p, size_t file, uint64_t rows)
{
    if (p->n == 0 || text_places_last(p) != file) p->mark[p->n++] = (struct text_mark){p->rows, file};
    p->rows += rows;
}

const char *text_places_row_name(const text_places *p, const text_files *t, uint64_t row, char *out, size_t n)
{
    size_t k = p->n;
    while (k > 1 && p->mark[k - 1].first_row > row) k--;
    if (k == 0) snprintf(out, n, "row %llu", (unsigned long long)row);
    else snprintf(out, n, "%s row %llu", path_base(t->path[p->mark[k - 1].file]), (unsigned long long)(row - p->mark[k - 1].first_row));
    return out;
}
