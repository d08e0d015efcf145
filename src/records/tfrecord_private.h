/* tfrecord_private.h: the reader, shared by tfrecord_read.c and what it does on damage, tfrecord_salvage.c. */
#ifndef RECORDS_TFRECORD_PRIVATE_H
#define RECORDS_TFRECORD_PRIVATE_H

#include "records/quarantine.h"
#include "records/tfrecord.h"

struct tfrecord_reader {
    inflater *bytes;
    uint8_t *window; /* [begin, end) is read and not yet given out */
    size_t begin, end, cap;
    uint64_t offset; /* of window[begin] in the (inflated) file */
    uint64_t index;
    uint64_t skip; /* bytes in front of the first record, not yet passed over */
    size_t last; /* bytes of the record that was given out last, in front of `begin` */
    int at_end;
    record_index *keep; /* the caller's, or NULL */
    quarantine *quarantine; /* the caller's, or NULL: damage is an error */
    int broken;             /* the bytes end where they do because of broken_error */
    shoal_error broken_error;
    inflate_start member; /* the last one that starts at or before `offset` */
};


/* Tries to have n bytes in the window; fewer only at the end of the file (or, when damage is tolerated, in front of it). */
int tfrecord_want(tfrecord_reader *t, size_t n, shoal_error *err);
/* DATA, with file, record and offset. */
int tfrecord_damaged(const tfrecord_reader *t, shoal_error *err, const char *what);
/* 1 with the bytes of the whole record at the front of the window, 0 when nothing is left there, DATA on a wrong frame. */
int tfrecord_frame_at(tfrecord_reader *t, size_t *whole, shoal_error *err);
/* Gives the record out that tfrecord_frame_at found: 1. */
int tfrecord_take(tfrecord_reader *t, size_t whole, view *data);
uint64_t tfrecord_length(const uint8_t *header);
/* tfrecord_next that sets damage aside. */
int tfrecord_next_sound(tfrecord_reader *t, view *data, shoal_error *err);

#endif
