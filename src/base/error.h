/* error.h: one error type for the whole library, the public shoal_error.
 * A function that fails fills the caller's error once, at the place that knows most, and returns its code; callers on
 * the way up return the code unchanged or add where they were with error_where(). err may always be NULL. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "shoal.h"

/* Fills *err and returns code, so that `return error_set(err, SHOAL_DATA, "...")` is the usual form. */
int error_set(shoal_error *err, int code, const char *format, ...) SHOAL_PRINTF(3, 4);
/* Puts "<prefix>: " in front of the message; returns err->code (or SHOAL_INTERNAL when err is NULL: keep your own). */
int error_where(shoal_error *err, int code, const char *format, ...) SHOAL_PRINTF(3, 4);
/* "out of memory: N bytes for WHAT" */
int error_nomem(shoal_error *err, size_t bytes, const char *what);
/* STORAGE, from errno: "WHAT PATH: No such file or directory" */
int error_errno(shoal_error *err, const char *what, const char *path, int errnum);

/* Programmer's errors in cold code: always on, prints file and line to stderr and aborts. */
#define CHECK(condition) ((condition) ? (void)0 : error_abort(__FILE__, __LINE__, #condition))
/* The same in hot code: only in debug and sanitizer builds. */
#ifdef SHOAL_DEBUG
#define DCHECK(condition) CHECK(condition)
#else
#define DCHECK(condition) ((void)0)
#endif
_Noreturn void error_abort(const char *file, int line, const char *condition);

#endif
