/* text_stage.h: inside table/: files of text as batches: one thread at a time reads a piece of whole rows, as many as there are
 * parse pieces, and the batches come in the order of the files. What a row is, and what it becomes, is the format's. */
#ifndef TABLE_TEXT_STAGE_H
#define TABLE_TEXT_STAGE_H

#include "base/clocks.h" /* whose arguments are named as the type in: */
#include "base/stage.h"
#include "table/table.h"
#include "table/text_files.h"

#define TEXT_THREADS_MAX 16

/* Whole rows of one file, and the batches that they become. */
typedef struct text_piece {
    char *text; /* with TEXT_SLACK behind it */
    size_t n, cap;
    size_t file;
    int is_first;  /* of its file */
    uint64_t line; /* of the first: lines of the file in front of it */
    uint64_t lines;
    struct ArrowArray *batch;
    size_t n_batches, cap_batches, given;
    int too_long;
    int is_bad;         /* text that is no row, or no value, behind the rows of the batches: */
    size_t bad_at, bad_column; /* where that row starts, and whatever the format wants to know of it */
} text_piece;

typedef struct text_ops {
    /* At the start of a file that was opened: 1, 0 when nothing is in it. */
    int (*begin)(void *ctx, text_files *t, shoal_error *err);
    /* Bytes up to the end of the last row that ends in a text, which starts with a row and goes on behind its last byte; or 0. */
    size_t (*cut)(void *ctx, view text);
    /* Adds batches by text_piece_add and sets `lines`; `is_bad` where text is at fault. Several threads at a time. */
    int (*parse)(void *ctx, text_piece *p, int thread, shoal_error *err);
    /* The error of a piece that is bad, which has `line` lines of its file in front of it. */
    int (*explain)(void *ctx, const text_piece *p, uint64_t line, shoal_error *err);
} text_ops;

typedef struct text_stage {
    text_files text; /* until the start the caller's, then only `begin`'s */
    text_places places;
    const text_ops *ops;
    void *ctx;
    clocks *clocks;
    stage *stage;
    int threads; /* that parse, at least 1: what each has for itself is made before the start */
    int n_threads, fresh, ended;
    text_piece *pieces, *current;
    size_t n_pieces;
    uint64_t line; /* of the file in front of the current piece */
} text_stage;

/* Takes `files` over in any case; release in any case. */
int text_stage_init(text_stage *s, char **files, size_t n, const table_spec *spec, shoal_error *err);
void text_stage_release(text_stage *s); /* before anything that `parse` uses goes */
/* Goes on with the file that is open, of which begin is not asked again, or opens the next one. */
int text_stage_start(text_stage *s, const text_ops *ops, void *ctx, shoal_error *err);
/* Batches are checked by nobody else: 1, 0 at the end, negative. */
int text_stage_next(text_stage *s, struct ArrowArray *out, shoal_error *err);
/* Room for one batch more, to be filled; released with its piece. */
int text_piece_add(text_piece *p, struct ArrowArray **batch, shoal_error *err);

#endif
