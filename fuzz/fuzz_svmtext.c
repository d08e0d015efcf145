/* fuzz_svmtext.c: any bytes as libsvm and as libffm text: rows or a fault within the text; and the same rows, or the same
 * fault, when the text is parsed a row at a time. */
#include <string.h>

#include "base/error.h"
#include "records/svmtext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_as(enum svm_kind kind, const uint8_t *data, size_t size)
{
    view text = view_of((const char *)data, size);
    svm_rows whole, row;
    svm_fault fault, again;
    size_t used, lines, at = 0, line = 0, rows = 0;
    shoal_error err;
    int r, end;
    svm_rows_init(&whole);
    svm_rows_init(&row);
    r = svm_parse(kind, text, SIZE_MAX, &whole, &used, &lines, &fault, &err);
    do {
        svm_rows_release(&row);
        end = svm_parse(kind, view_of(text.p + at, size - at), 1, &row, &used, &lines, &again, &err);
        if (end < 0) break;
        at += used;
        line += lines;
        CHECK(row.rows <= 1 && rows + row.rows <= whole.rows);
        if (row.rows == 1) CHECK(memcmp(row.label.data, whole.label.data + 4 * rows, 4) == 0);
        rows += row.rows;
    } while (at < size);
    CHECK(end == r);
    if (r == SHOAL_DATA) {
        CHECK(fault.token.p >= text.p && fault.token.p + fault.token.n <= text.p + size);
        CHECK(again.token.p == fault.token.p && again.line + line == fault.line && again.expected == fault.expected);
    } else if (r == 0) {
        CHECK(rows == whole.rows && whole.index.len == 8 * whole.entries && whole.value.len == 4 * whole.entries);
    }
    svm_rows_release(&row);
    svm_rows_release(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_as(SVM_LIBSVM, data, size);
    try_as(SVM_LIBFFM, data, size);
    return 0;
}
