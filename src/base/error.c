/* error.c: the table of codes, and filling shoal_error. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *shoal_code_name(int code)
{
    switch (code) {
#define CODE_NAME(name, value, text) case value: return #name;
        SHOAL_CODES(CODE_NAME)
#undef CODE_NAME
    default: return "UNKNOWN";
    }
}

const char *shoal_code_text(int code)
{
    switch (code) {
#define CODE_TEXT(name, value, text) case value: return text;
        SHOAL_CODES(CODE_TEXT)
#undef CODE_TEXT
    default: return "no code of shoal";
    }
}

const char *shoal_version(void)
{
    return SHOAL_VERSION;
}

/* A message is one line, whatever a file name or a value in it holds. */
static void error_one_line(char *s)
{
    for (; *s; s++)
        if (*s == '\n' || *s == '\r')
            *s = ' ';
}

int error_set(shoal_error *err, int code, const char *format, ...)
{
    if (err == NULL)
        return code;
    va_list args;
    va_start(args, format);
    if (vsnprintf(err->message, sizeof err->message, format, args) < 0)
        err->message[0] = '\0';
    va_end(args);
    err->code = code;
    error_one_line(err->message);
    return code;
}

int error_where(shoal_error *err, int code, const char *format, ...)
{
    if (err == NULL)
        return code;
    char prefix[SHOAL_ERROR_MAX], rest[SHOAL_ERROR_MAX];
    va_list args;
    va_start(args, format);
    if (vsnprintf(prefix, sizeof prefix, format, args) < 0)
        prefix[0] = '\0';
    va_end(args);
    memcpy(rest, err->message, sizeof rest);
    rest[sizeof rest - 1] = '\0';
    size_t used = strlen(prefix), room = sizeof err->message - 1;
    /* When both do not fit, the cause is worth more than the place. */
    size_t keep = strlen(rest) + 2 < room ? room - strlen(rest) - 2 : 0;
    if (used > keep)
        used = keep;
    memcpy(err->message, prefix, used);
    size_t at = used;
    if (used > 0) {
        memcpy(err->message + at, ": ", 2);
        at += 2;
    }
    size_t tail = strlen(rest) < room - at ? strlen(rest) : room - at;
    memcpy(err->message + at, rest, tail);
    err->message[at + tail] = '\0';
    err->code = code;
    error_one_line(err->message);
    return code;
}

int error_nomem(shoal_error *err, size_t bytes, const char *what)
{
    return error_set(err, SHOAL_NOMEM, "out of memory: %zu bytes for %s", bytes, what);
}

int error_errno(shoal_error *err, const char *what, const char *path, int errnum)
{
    char text[128];
    /* The GNU form: returns the text, which need not lie in the buffer. */
    const char *reason = strerror_r(errnum, text, sizeof text);
    if (errnum == ENOMEM)
        return error_set(err, SHOAL_NOMEM, "%s %s: %s", what, path, reason);
    return error_set(err, SHOAL_STORAGE, "%s %s: %s", what, path, reason);
}

void error_abort(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: a defect in shoal: '%s' does not hold\n", file, line, condition);
    abort();
}
