/* text_files.h: inside table/: files of text, plain or gzip, or standard input, one after another through a window that grows
 * with the longest row and not with the files. */
#ifndef TABLE_TEXT_FILES_H
#define TABLE_TEXT_FILES_H

#include "base/buf.h"
#include "records/inflate.h"

#define TEXT_ROW_MAX (256u << 20) /* bytes of one row */

typedef struct text_files {
    char **path;
    size_t n, file; /* file: the one that is open, or the next */
    inflater *bytes;
    char *window; /* [begin, end) is read and not yet taken */
    size_t begin, end, cap;
    int at_end;    /* of the file: nothing comes behind the window */
    uint64_t line; /* lines of the file before the window */
    uint64_t rows; /* the source's, counted by the caller */
    struct text_mark { uint64_t first_row; size_t file; } *marks;
    size_t n_marks;
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
/* Closes the file at its end. DATA when it is another one now than when it was opened. */
int text_files_close(text_files *t, shoal_error *err);
/* The file that was opened last, by its number. */
static inline size_t text_files_last(const text_files *t) { return t->marks[t->n_marks - 1].file; }
/* "part-3.csv row 17" of a row over all files; returns out. */
const char *text_files_row_name(const text_files *t, uint64_t row, char *out, size_t n);

#endif
