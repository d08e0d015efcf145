/* tfrecord.h: framed records.
 *
 *   u64le length | u32le masked crc32c(length bytes) | data[length] | u32le masked crc32c(data)
 *
 * Plain, or inside GZIP (any number of members; written as independent members of about 1 MiB, cut at records). A tail
 * that is not a whole record is an error, of any length. */
#ifndef RECORDS_TFRECORD_H
#define RECORDS_TFRECORD_H

#include "storage/file.h"

enum tfrecord_compression { TFRECORD_PLAIN, TFRECORD_GZIP };

#define TFRECORD_BYTES_MAX (1ull << 31) /* one record; more is taken for damage */

typedef struct tfrecord_reader tfrecord_reader;
/* Compression is known by content (gzip magic). The path may be "-". */
int tfrecord_open(const char *path, tfrecord_reader **out, shoal_error *err);
/* 1 with *data valid until the next call, 0 at a clean end, negative on damage: the message names file, byte offset (in
 * the inflated bytes of a gzip file, and says so) and the record's number from 0. */
int tfrecord_next(tfrecord_reader *r, view *data, shoal_error *err);
uint64_t tfrecord_index(const tfrecord_reader *r); /* number of the next record */
void tfrecord_close(tfrecord_reader *r);

typedef struct tfrecord_writer tfrecord_writer;
int tfrecord_create(const char *path, int replace, enum tfrecord_compression c, tfrecord_writer **out, shoal_error *err);
int tfrecord_write(tfrecord_writer *w, const void *p, size_t n, shoal_error *err);
uint64_t tfrecord_written(const tfrecord_writer *w);           /* bytes of the file so far, buffers included */
uint64_t tfrecord_count(const tfrecord_writer *w);
int tfrecord_commit(tfrecord_writer *w, shoal_error *err);     /* whole or not at all; frees w either way */
void tfrecord_abort(tfrecord_writer *w);

/* Frames one record at the end of b (event files that are appended to use this). */
int tfrecord_frame(buf *b, const void *p, size_t n, shoal_error *err);

#endif
