/* inflate.h: a file's bytes in order, inflated when it is gzip (known by its magic number). Any number of members of any
 * size; memory does not depend on either. */
#ifndef RECORDS_INFLATE_H
#define RECORDS_INFLATE_H

#include "storage/file.h"

typedef struct inflater inflater;
/* Takes the file over in any case. */
int inflater_new(file_reader *file, inflater **out, shoal_error *err);
void inflater_free(inflater *z); /* NULL is nothing */
/* Up to n bytes, 0 only at a clean end. A cut member, a wrong checksum or bytes behind the last member are DATA. */
int64_t inflater_read(inflater *z, void *p, size_t n, shoal_error *err);
int inflater_is_gzip(const inflater *z);
const char *inflater_path(const inflater *z);

#endif
