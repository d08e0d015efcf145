/* stamps.h: inside table/: whether the files of a source are still those that it was opened on. They are read by several openings
 * (footers, columns, a look for types), so that one that is replaced meanwhile could give parts of both. */
#ifndef TABLE_STAMPS_H
#define TABLE_STAMPS_H

#include "storage/file.h"

typedef struct stamps {
    char **path;
    file_stamp *stamp;
    size_t n;
} stamps;

/* Before any of them is read. */
int stamps_add(stamps *s, char *const *files, size_t n, shoal_error *err);
/* DATA, naming it, when one was written to, replaced or removed since. */
int stamps_check(const stamps *s, shoal_error *err);
void stamps_release(stamps *s);

#endif
