/* jsontext.h: JSON (RFC 8259) read value by value from a text that is there as a whole. The caller follows the structure:
 *
 *   jsontext_peek tells the kind of the value at the cursor; jsontext_scalar takes one that is no list and no object;
 *   jsontext_open takes '[' or '{', then jsontext_more tells whether an item (or jsontext_key and a value) follows, and takes the end.
 *
 * NaN, Infinity and -Infinity are taken as numbers, as Python writes them. The first fault stays in the cursor. */
#ifndef RECORDS_JSONTEXT_H
#define RECORDS_JSONTEXT_H

#include "base/buf.h"

#define JSON_DEPTH_MAX 64

enum jsontext_kind { JSON_BAD, JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_LIST, JSON_OBJECT };

typedef struct jsontext_cursor {
    const char *p, *end;
    const char *fault, *fault_at; /* NULL: none so far */
    int fresh;                    /* behind '[' or '{': no comma yet */
} jsontext_cursor;

static inline jsontext_cursor jsontext_cursor_of(view text) { jsontext_cursor c = {.p = text.p, .end = text.p + text.n}; return c; }

/* Bytes of the object at the start of the text: 1; 0 when the text ends before it. Only brackets and quotes are looked at. */
int jsontext_object_bytes(view text, size_t *bytes);

enum jsontext_kind jsontext_peek(jsontext_cursor *c);
/* Takes a value that is no list and no object: 0 or DATA. Of a string the text between its quotes. */
int jsontext_scalar(jsontext_cursor *c, enum jsontext_kind *kind, view *raw);
int jsontext_open(jsontext_cursor *c);             /* DATA at neither '[' nor '{' */
int jsontext_more(jsontext_cursor *c, char close); /* 1, 0 (the end was taken), DATA */
int jsontext_key(jsontext_cursor *c, view *raw);   /* and its colon */
/* Takes any value; *raw is all of its text. */
int jsontext_skip(jsontext_cursor *c, view *raw);
/* Strings as they are meant: a view of raw, or of `room`, whose content is replaced. DATA when it is no UTF-8 or an escape is
 * none. */
int jsontext_string(view raw, buf *room, view *out, shoal_error *err);

#endif
