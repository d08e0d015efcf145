/* option_set.h: the inside of shoal_options, shared by option.c and option_parse.c. */
#ifndef BASE_OPTION_SET_H
#define BASE_OPTION_SET_H

#include "base/option_private.h"

#define OPTION_STREAMS 2

typedef struct option_words {
    char **item;
    size_t n;
} option_words;

typedef struct option_value {
    int is_set;
    double number;      /* of numbers and flags */
    option_words words; /* as typed; one, or those of a list */
} option_value;

struct shoal_options {
    unsigned command; /* enum option_command_index */
    option_value value[OPTION_MAX];
    option_words args;
    struct ArrowArrayStream stream[OPTION_STREAMS];
    int taken[OPTION_STREAMS];
};

/* Index in the table of an option that the command has, or -1. */
int option_find(const shoal_options *o, const char *name);
/* USAGE, with a suggestion. */
int option_unknown(const shoal_options *o, const char *name, shoal_error *err);
int option_assign(shoal_options *o, int index, const char *value, shoal_error *err);

#endif
