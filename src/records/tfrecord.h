/* tfrecord.h: framed records.
 *
 *   u64le length | u32le masked crc32c(length bytes) | data[length] | u32le masked crc32c(data)
 *
 * Plain, or inside GZIP (any number of members; written as independent members of about 1 MiB, cut at records), or inside
 * one ZLIB stream (written with a full flush after about every MiB, between two records). A tail that is not a whole record
 * is an error, of any length. */
#ifndef RECORDS_TFRECORD_H
#define RECORDS_TFRECORD_H

#include "base/thread.h"
#include "records/inflate.h"
#include "records/quarantine.h"
#include "records/record_index.h"

#define TFRECORD_BYTES_MAX (1ull << 31) /* one record; more is taken for damage */
#define TFRECORD_HEADER_BYTES 12u
#define TFRECORD_FOOTER_BYTES 4u

/* Whether the 12 bytes at p are the head of a record: the checksum of the length is right. */
int tfrecord_header_is_sound(const uint8_t *p);

typedef struct tfrecord_reader tfrecord_reader;
/* Compression is known by content. The path may be "-". */
int tfrecord_open(const char *path, tfrecord_reader **out, shoal_error *err);
/* From the first record of a block of the file's index on; offsets in messages are then those of the index. */
int tfrecord_open_at(const char *path, enum container c, const index_block *at, tfrecord_reader **out, shoal_error *err);
/* Before the first record: gzip members as Shoal writes them are inflated by so many threads, ahead of the reader. */
void tfrecord_inflate_by(tfrecord_reader *r, int threads);
/* Before the first record: container, blocks, count and digest of the file are kept in *x, which is complete at its end,
 * but for features and the fingerprint. */
int tfrecord_note_index(tfrecord_reader *r, record_index *x, shoal_error *err);
/* Reading and inflating from now on are measured. */
void tfrecord_measure(tfrecord_reader *r, clocks *c);
enum container tfrecord_container(const tfrecord_reader *r);
/* Before the first record: damage is set aside in q, and reading goes on behind it. Of a plain file that is the next place where a
 * record's length and data have the right checksums; of gzip, the next member; of zlib, nothing. Records are then numbered as
 * if each damaged place had been one. */
int tfrecord_tolerate(tfrecord_reader *r, quarantine *q, shoal_error *err);
/* The record that was given last holds nothing that can be used: it is set aside as well. */
int tfrecord_reject(tfrecord_reader *r, const char *reason, shoal_error *err);
/* 1 with *data valid until the next call, 0 at a clean end, negative on damage: the message names file, byte offset (in
 * the inflated bytes of a gzip file, and says so) and the record's number from 0. */
int tfrecord_next(tfrecord_reader *r, view *data, shoal_error *err);
/* The same, but the checksum of the data, in the four bytes behind it, is left to the caller: tfrecord_data_is_sound. */
int tfrecord_next_unchecked(tfrecord_reader *r, view *data, shoal_error *err);
int tfrecord_data_is_sound(view data);
/* What tfrecord_next says of a record whose data's checksum is wrong. */
int tfrecord_data_error(const char *path, int inflated, uint64_t index, uint64_t offset, shoal_error *err);
uint64_t tfrecord_index(const tfrecord_reader *r);  /* number of the next record */
uint64_t tfrecord_offset(const tfrecord_reader *r); /* of the next record, in the inflated file */
uint64_t tfrecord_framed(uint64_t n);               /* bytes of a record with n bytes of data */
void tfrecord_close(tfrecord_reader *r);

typedef struct tfrecord_writer tfrecord_writer;
/* `threads` (NULL: none) compress members of gzip side by side; the bytes of the file do not depend on them. */
int tfrecord_create(const char *path, int replace, enum container c, pool *threads, tfrecord_writer **out, shoal_error *err);
/* Before the first record: the container, blocks, counts and digest of the file are kept in *x, which is complete when
 * tfrecord_commit has returned, but for features and the fingerprint. */
int tfrecord_keep_index(tfrecord_writer *w, record_index *x, shoal_error *err);
int tfrecord_write(tfrecord_writer *w, const void *p, size_t n, shoal_error *err);
/* Any number of whole records that tfrecord_seal has framed. */
int tfrecord_write_framed(tfrecord_writer *w, const uint8_t *frames, size_t n, shoal_error *err);
uint64_t tfrecord_written(const tfrecord_writer *w);           /* bytes of the file so far, buffers included */
uint64_t tfrecord_count(const tfrecord_writer *w);
int tfrecord_commit(tfrecord_writer *w, shoal_error *err);     /* whole or not at all; frees w either way */
void tfrecord_abort(tfrecord_writer *w);

/* Header and footer around the n bytes that stand TFRECORD_HEADER_BYTES behind `frame`. */
void tfrecord_seal(uint8_t *frame, size_t n);
/* Frames one record at the end of b (event files that are appended to use this). */
int tfrecord_frame(buf *b, const void *p, size_t n, shoal_error *err);

#endif
