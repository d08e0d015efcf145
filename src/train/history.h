/* history.h: OUT/history.jsonl, one JSON object a line and epoch. */
#ifndef TRAIN_HISTORY_H
#define TRAIN_HISTORY_H

#include "base/buf.h"

#define HISTORY_BYTES_MAX (256u << 20)

/* Appends one line, of manifest_line. */
int history_append(const char *path, const buf *line, shoal_error *err);
/* Keeps the lines with "step" <= step and "epoch" < epoch; others, and a line that a crash cut, go. A missing file is
 * nothing. Whole or not at all. */
int history_rewind(const char *path, uint64_t step, uint64_t epoch, shoal_error *err);

#endif
