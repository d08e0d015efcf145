/* bytefind.h: where any of four bytes stand in a text, 64 bytes at a time where the processor can. */
#ifndef RECORDS_BYTEFIND_H
#define RECORDS_BYTEFIND_H

#include "base/buf.h"

#define BYTEFIND_ROOM 64 /* entries of `at` that may be written behind those that are counted */

typedef struct bytefind {
    uint32_t *at; /* offsets, ascending; room for as many as there are, and BYTEFIND_ROOM */
    size_t n;
    int has_last; /* set[3] is among them */
    int has_high; /* some byte of the text is not ASCII */
} bytefind;

/* Appends the places of a text of less than 4 GiB, each raised by `base`. */
void bytefind_any(view text, const char set[4], uint32_t base, bytefind *out);
/* The same by plain C, on any machine. */
void bytefind_any_portable(view text, const char set[4], uint32_t base, bytefind *out);

#endif
