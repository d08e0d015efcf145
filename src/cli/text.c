/* text.c: a growing text. */
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static bool text_reserve(cli_text *t, size_t more)
{
    if (t->failed) return false;
    if (t->room - t->n >= more) return true;
    size_t room = t->room * 2 + more + 1024;
    char *bytes = realloc(t->bytes, room);
    if (!bytes) {
        t->failed = true;
        return false;
    }
    t->bytes = bytes;
    t->room = room;
    return true;
}

void cli_text_add(cli_text *t, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n >= 0 && text_reserve(t, (size_t)n + 1)) {
        vsnprintf(t->bytes + t->n, (size_t)n + 1, format, again);
        t->n += (size_t)n;
    }
    va_end(again);
}

static size_t text_column(const cli_text *t)
{
    size_t column = 0;
    while (column < t->n && t->bytes[t->n - 1 - column] != '\n') column++;
    return column;
}

void cli_text_wrap(cli_text *t, const char *s, size_t indent, size_t columns)
{
    size_t column = text_column(t);
    if (column < indent) {
        cli_text_add(t, "%*s", (int)(indent - column), "");
        column = indent;
    }
    bool line_is_empty = true;
    while (*(s += strspn(s, " \n")) != 0) {
        size_t word = strcspn(s, " \n");
        if (!line_is_empty && column + 1 + word > columns) {
            cli_text_add(t, "\n%*s", (int)indent, "");
            column = indent;
            line_is_empty = true;
        }
        cli_text_add(t, "%s%.*s", line_is_empty ? "" : " ", (int)word, s);
        column += word + !line_is_empty;
        line_is_empty = false;
        s += word;
    }
    cli_text_add(t, "\n");
}

int cli_text_print(cli_text *t)
{
    int code = 0;
    if (t->failed) {
        cli_complain("out of memory");
        code = SHOAL_NOMEM;
    } else if ((t->n && fwrite(t->bytes, 1, t->n, stdout) != t->n) || fflush(stdout)) {
        if (errno != EPIPE) {
            char message[128];
            snprintf(message, sizeof message, "standard output: cannot write: %s", strerror(errno));
            cli_complain(message);
        }
        code = SHOAL_STORAGE;
    }
    free(t->bytes);
    *t = (cli_text){0};
    return code;
}
