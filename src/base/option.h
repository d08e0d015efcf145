/* option.h: reading a job's options inside the library. The table, its parser and the public calls are in option.c;
 * values were checked when they were set, so reads cannot fail. */
#ifndef BASE_OPTION_H
#define BASE_OPTION_H

#include "base/error.h"

const char *option_command(const shoal_options *o);
int option_is_set(const shoal_options *o, const char *name);        /* given by flag or file, not by default */
const char *option_str(const shoal_options *o, const char *name);   /* NULL when neither set nor defaulted */
int option_flag(const shoal_options *o, const char *name);
int64_t option_i64(const shoal_options *o, const char *name);       /* 0 when unset */
int option_threads(const shoal_options *o);                          /* of "threads", where 0 stands for one a processor */
double option_f64(const shoal_options *o, const char *name);        /* 0 when unset */
size_t option_list(const shoal_options *o, const char *name, const char *const **items);
size_t option_args(const shoal_options *o, const char *const **args);
/* The stream handed in for a slot, or NULL; taken at most once (the caller then owns it). */
struct ArrowArrayStream *option_take_stream(const shoal_options *o, int slot);

#endif
