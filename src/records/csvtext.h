/* csvtext.h: CSV text to rows of fields (RFC 4180). A field is quoted when its first byte is '"'; inside, '""' is one quote,
 * and delimiters and ends of lines are text. Rows end at \n, \r\n or \r. A pure function of its arguments. */
#ifndef RECORDS_CSVTEXT_H
#define RECORDS_CSVTEXT_H

#include "base/buf.h"

#define CSV_FIELDS_MAX 100000

typedef struct csv_field {
    size_t at, n; /* in the text, without its quotes */
    uint8_t quoted, escaped; /* escaped: quotes stand twice */
} csv_field;

/* One row; zeroed before the first use. */
typedef struct csv_row {
    csv_field *field;
    size_t n, cap;
    size_t bytes, lines; /* that it takes of the text, its end included */
    const char *fault;   /* after DATA, with the line of the row on which it is, from 0 */
    size_t fault_line;
} csv_row;
void csv_row_release(csv_row *r);

/* The row at the start of the text: 1; 0 when the text ends before the row does and at_end is 0, or is empty; DATA with a
 * fault; NOMEM. */
int csv_row_parse(view text, int at_end, char delimiter, csv_row *out);
/* A field as it is meant: a view of the text, or of `room`, whose content is replaced. */
int csv_field_text(view text, const csv_field *f, buf *room, view *out, shoal_error *err);
/* The delimiter that the first line has most often outside quotes: one of , ; | or a tab. */
char csv_guess_delimiter(view text);

#endif
