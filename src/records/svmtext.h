/* svmtext.h: the text of libsvm and libffm, parsed straight into columns. One row a line:
 *
 *   libsvm   LABEL INDEX:VALUE INDEX:VALUE ...
 *   libffm   LABEL FIELD:INDEX:VALUE ...
 *
 * LABEL and VALUE are numbers, read as the nearest float32 (nan, inf and -inf too); INDEX is 0 to 2^63 - 1, FIELD 0 to
 * 2^31 - 1. Spaces and tabs separate; \r before the end of a line, empty lines and what follows a # at the start of a token
 * are passed over. Entries stay as they are given: any order, repeated or not. Nothing else is accepted. */
#ifndef RECORDS_SVMTEXT_H
#define RECORDS_SVMTEXT_H

#include "base/buf.h"

enum svm_kind { SVM_LIBSVM, SVM_LIBFFM };

/* Columns of rows. `offset` has rows + 1 numbers, by which entries belong to rows. */
typedef struct svm_rows {
    size_t rows, entries;
    buf label;               /* float a row */
    buf offset;              /* int32 */
    buf field, index, value; /* int32 (libffm), int64, float an entry */
} svm_rows;

void svm_rows_init(svm_rows *r);
void svm_rows_release(svm_rows *r);
/* Room for so much, to begin with. */
int svm_rows_reserve(svm_rows *r, enum svm_kind kind, size_t rows, size_t entries, shoal_error *err);

/* Where and what the first bad token is. Line and column count from 1, from the start of the text. */
typedef struct svm_fault {
    size_t line, column;
    view token;
    const char *expected;
} svm_fault;

/* Appends rows of a text of whole lines (the last may lack its end) until it is used up or `out` has max_rows rows or about
 * a million entries; *used bytes and *lines lines were taken. DATA with *fault at a bad token, NOMEM in *err. A pure function of its arguments: parts
 * of a text may be parsed at the same time into rows of their own. */
int svm_parse(enum svm_kind kind, view text, size_t max_rows, svm_rows *out, size_t *used, size_t *lines, svm_fault *fault,
              shoal_error *err);

#endif
