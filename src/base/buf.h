/* buf.h: a growable byte buffer, and a bounded view of bytes that others own. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/error.h"

typedef struct buf {
    uint8_t *data;
    size_t len, cap;
} buf;

#define BUF_INIT {0, 0, 0}

void buf_init(buf *b);
void buf_release(buf *b);
void buf_clear(buf *b); /* length 0, memory kept */
/* Makes room for n more bytes: b->data + b->len may then be written for n bytes. */
int buf_reserve(buf *b, size_t n, shoal_error *err);
int buf_append(buf *b, const void *p, size_t n, shoal_error *err);
int buf_puts(buf *b, const char *s, shoal_error *err);
int buf_putc(buf *b, char c, shoal_error *err);
int buf_printf(buf *b, shoal_error *err, const char *format, ...) SHOAL_PRINTF(3, 4);
/* Appends s as a JSON string, quoted; bytes that are not UTF-8 become \ufffd. */
int buf_put_json(buf *b, const char *s, size_t n, shoal_error *err);
/* Appends the shortest decimal form that reads back as the same double (float); NaN and infinities as null. */
int buf_put_f64(buf *b, double v, shoal_error *err);
int buf_put_f32(buf *b, float v, shoal_error *err);
#define F64_TEXT 32
/* The same for messages, where there is no buffer; "nan", "inf". Returns out. */
const char *f64_text(double v, char out[F64_TEXT]);
/* NUL behind the data (not counted), for use as a string. NULL when out of memory. */
const char *buf_str(buf *b);

typedef struct view {
    const char *p;
    size_t n;
} view;

static inline view view_of(const char *p, size_t n) { view v = {p, n}; return v; }
int view_eq(view v, const char *s);
/* Nonzero when all bytes are well-formed UTF-8. */
int view_is_utf8(view v);
/* Strict decimal numbers, the whole view; 0 or SHOAL_DATA. */
int view_to_i64(view v, int64_t *out);
int view_to_f64(view v, double *out);
int view_to_f32(view v, float *out); /* rounded once, from the digits */

#endif
