/* inflate_private.h: the inflater, shared by inflate.c and its reading on behind damage, inflate_resync.c. */
#ifndef RECORDS_INFLATE_PRIVATE_H
#define RECORDS_INFLATE_PRIVATE_H

#include <zlib.h>

#include "records/inflate.h"
#include "records/inflate_members.h"

struct inflater {
    file_reader *file;
    clocks *clocks;    /* or NULL */
    uint8_t *in;       /* [begin, end) is read and not used */
    size_t begin, end;
    uint64_t in_end;   /* offset of in[end] in the file */
    int at_end;        /* of the file */
    int by_offset;     /* read by file_pread: it was opened in the middle */
    enum container container;
    int member_open, stream_made, raw;
    int tolerates, failed;    /* failed: the code of damage behind what was given out */
    uint64_t used;            /* of a zlib stream, bytes that inflated without an error */
    uint64_t member_at;       /* where the member starts in the file */
    digest *digest;    /* when it tracks */
    uint64_t digested; /* the offset in the file behind what is */
    int wants_members, threads; /* members are to be inflated apart, by so many */
    members *members;           /* while they are */
    const member *piece;        /* of which the first `given` bytes are given out */
    size_t given;
    uint64_t member, data; /* number of the member; inflated bytes given out */
    buf starts;            /* inflate_start, not yet taken; the first `taken` bytes are */
    size_t taken;
    z_stream z;
};

void *inflate_alloc(void *ctx, unsigned count, unsigned size);
void inflate_free(void *ctx, void *p);
/* Sets the stream up for the container. */
int inflater_stream_new(inflater *z, shoal_error *err);
/* The next read is from there. */
void inflater_go_to(inflater *z, uint64_t offset);
/* Inflates the gzip member at member_at apart: zlib's code, and whether the file ended in it. */
int inflater_try_member(inflater *z, int *code, int *ended, shoal_error *err);

#endif
