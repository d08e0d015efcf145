/* inflate.h: a file's bytes in order, inflated when it is gzip or zlib, which its first bytes say; those of a TFRecord header
 * are taken for one even when they look like gzip's. gzip: any number of members of any size. zlib: one stream. Memory
 * depends on neither. */
#ifndef RECORDS_INFLATE_H
#define RECORDS_INFLATE_H

#include "base/hash.h"
#include "base/clocks.h"
#include "storage/file.h"

enum container { CONTAINER_PLAIN, CONTAINER_GZIP, CONTAINER_ZLIB };

/* Where a gzip member starts: in the file, and in the inflated bytes. */
typedef struct inflate_start { uint64_t file, data; } inflate_start;

typedef struct inflater inflater;
/* Takes the file over in any case. */
int inflater_new(file_reader *file, inflater **out, shoal_error *err);
/* From the middle of a file that is no pipe: a byte of a plain one, the start of a gzip member, or of a zlib stream a byte
 * behind a full flush (the checksum of the stream is then left out). `data` is the inflated offset of that place. */
int inflater_new_at(file_reader *file, enum container c, uint64_t offset, uint64_t data, inflater **out, shoal_error *err);
void inflater_free(inflater *z); /* NULL is nothing */
/* Reading and inflating from now on are measured. */
void inflater_measure(inflater *z, clocks *c);
/* Up to n bytes, 0 only at a clean end. A cut member, a wrong checksum or bytes behind the last member are DATA. */
int64_t inflater_read(inflater *z, void *p, size_t n, shoal_error *err);
uint64_t inflater_consumed(const inflater *z); /* bytes of the file behind what was given out */
enum container inflater_container(const inflater *z);
file_reader *inflater_file(const inflater *z);
const char *inflater_path(const inflater *z);

/* Before the first read: of gzip, only members that are whole are given out; of zlib, bytes in front of damage before its error;
 * and a damaged head does not hide that a file is gzip. Not for pipes. */
int inflater_tolerate(inflater *z, shoal_error *err);
/* After DATA: goes on at the next gzip member with which a record starts, or that is whole; of zlib nothing follows. [*from, *to)
 * of the file are lost. 1, or 0 when nothing follows: then *to is the end of the file. Not for pipes. */
int inflater_resync(inflater *z, uint64_t *from, uint64_t *to, shoal_error *err);
uint64_t inflater_data(const inflater *z); /* inflated bytes given out so far */

/* Before the first read: gzip members as Shoal writes them are inflated whole, ahead of the reader by `threads` threads (0: none), until
 * one of them is not; what is read, and what is said of damage, is the same. Does nothing for other files and pipes. */
void inflater_by_members(inflater *z, int threads);

/* Before the first read: starts of members are kept until they are taken, and the file's bytes are digested. */
int inflater_track(inflater *z, shoal_error *err);
/* 1 with the next start at or before `data`, else 0. */
int inflater_take_start(inflater *z, uint64_t data, inflate_start *out);
hash128 inflater_digest(const inflater *z); /* of all bytes of the file, once it has ended */

#endif
