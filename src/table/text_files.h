/* text_files.h: inside table/: files of text, plain or gzip, or standard input, one after another through a window that grows
 * with the longest row and not with the files. */
#ifndef TABLE_TEXT_FILES_H
#define TABLE_TEXT_FILES_H

#include "base/buf.h"
#include "records/inflate.h"

#define TEXT_ROW_MAX (256u << 20) /* bytes of one row */
#define TEXT_SLACK 64             /* bytes of room behind a window: readers may look at them, and learn nothing */

typedef struct text_files {
    char **path;
    size_t n, file; /* file: the one that is open, or the next */
    inflater *bytes;
    char *window; /* [begin, end) is read and not yet taken */
    size_t begin, end, cap;
    int at_end;    /* of the file: nothing comes behind the window */
    int too_long;  /* a row, so that text_files_more failed */
    uint64_t line; /* lines of the file before the window */
    clocks *clocks; /* of reading; set by the caller; NULL: none */
} text_files;

/* Takes `files` over in any case; release in any case. */
int text_files_init(text_files *t, char **files, size_t n, shoal_error *err);
void text_files_release(text_files *t);
/* Opens the next file: 1, or 0 when there is none. */
int text_files_open(text_files *t, shoal_error *err);
static inline view text_files_view(const text_files *t) { return view_of(t->window + t->begin, t->end - t->begin); }
/* Of the open file, for messages. */
static inline const char *text_files_path(const text_files *t) { return inflater_path(t->bytes); }
/* Reads more behind the window, which may move, or sets at_end. DATA when a row is longer than TEXT_ROW_MAX. */
int text_files_more(text_files *t, shoal_error *err);
void text_files_take(text_files *t, size_t bytes, size_t lines);
/* Takes n bytes as memory of their own, with TEXT_SLACK behind them. *p of *cap bytes is what the caller does not need any more (NULL
 * and 0 for nothing). */
int text_files_hand(text_files *t, size_t n, char **p, size_t *cap, shoal_error *err);
/* Closes the file at its end. DATA when it is another one now than when it was opened. */
int text_files_close(text_files *t, shoal_error *err);
/* The name of a file for messages. */
const char *text_files_name(const text_files *t, size_t file);

/* Which file the rows of a source came from: each file is noted in front of its first row. */
typedef struct text_places {
    uint64_t rows;
    struct text_mark { uint64_t first_row; size_t file; } *mark; /* as many as there are files */
    size_t n;
} text_places;
int text_places_init(text_places *p, size_t files, shoal_error *err);
void text_places_release(text_places *p);
void text_places_note(text_places *p, size_t file, uint64_t rows); /* further rows, of a file */
static inline size_t text_places_last(const text_places *p) { return p->mark[p->n - 1].file; }
/* "part-3.csv row 17" of a row over all files; returns out. */
const char *text_places_row_name(const text_places *p, const text_files *t, uint64_t row, char *out, size_t n);

#endif
