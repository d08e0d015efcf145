/* inflate_members.h: the members of a gzip file that Shoal wrote, inflated side by side and given in order.
 *
 * Such members start with the ten bytes that libdeflate puts there, which hold no time and no name:
 *
 *   1f 8b 08 | 00 flags | 00 00 00 00 time | XX | ff
 *
 * The file is cut wherever they stand, and each piece tried as one whole member. A piece that is none (it is damaged, cut, larger
 * than the limits, or the bytes stood in the midst of a member) ends this: whoever reads goes on from its start as if there had been
 * no threads, and finds out what it is. */
#ifndef RECORDS_INFLATE_MEMBERS_H
#define RECORDS_INFLATE_MEMBERS_H

#include "base/clocks.h"
#include "storage/file.h"

#define MEMBER_HEAD_BYTES 10u

/* A piece of the file, and what it inflates to when it is a whole member. */
typedef struct member {
    uint64_t from; /* its offset */
    buf packed, data;
    int whole;
} member;

typedef struct members members;
int members_head_is(const uint8_t *p); /* of MEMBER_HEAD_BYTES */
/* From `offset` on, with which a member starts. The file stays the caller's; `threads` 0: everything in members_next. `c` measures,
 * or is NULL. */
int members_new(file_reader *file, uint64_t offset, int threads, clocks *c, members **out, shoal_error *err);
void members_free(members *m); /* NULL is nothing */
/* 1 with the next piece, which is the caller's until the next call, 0 at the end of the file. */
int members_next(members *m, const member **out, shoal_error *err);

#endif
