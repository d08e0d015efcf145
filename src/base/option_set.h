/* option_set.h: the inside of shoal_options, shared by option.c and option_parse.c. */
#ifndef BASE_OPTION_SET_H
#define BASE_OPTION_SET_H

#include "base/option_private.h"

#define OPTION_STREAMS 2

typedef struct option_words {
    char **item;
    size_t n;
} option_words;

/* Who gave a value: what is given in so many words wins over what a preset says, whichever came first. */
enum option_giver { GIVEN_NOT, GIVEN_BY_PRESET, GIVEN };

typedef struct option_value {
    enum option_giver is_set;
    double number;      /* of numbers and flags */
    option_words words; /* as typed; one, or those of a list */
    size_t from_preset; /* of OPTION_SETTING: so many of the words are a preset's, and come first */
} option_value;

struct shoal_options {
    unsigned command; /* enum option_command_index */
    option_value value[OPTION_MAX];
    option_words args;
    enum option_giver giver; /* of what is assigned */
    struct ArrowArrayStream stream[OPTION_STREAMS];
    int taken[OPTION_STREAMS];
};

/* Index in the table of an option that the command has, or -1. */
int option_find(const shoal_options *o, const char *name);
/* USAGE, with a suggestion. */
int option_unknown(const shoal_options *o, const char *name, shoal_error *err);
/* Takes away what a preset gave. */
void option_forget_preset(option_value *v);
int option_assign(shoal_options *o, int index, const char *value, shoal_error *err);
/* Takes the options of a map, such as a run file's, that were not given; as `giver`'s. Complains with `name` and line. */
int option_load(shoal_options *o, const struct conf *map, const char *name, enum option_giver giver, shoal_error *err);
/* Puts the preset's values where nothing was given, in place of those of another preset. */
int option_preset(shoal_options *o, const char *name, shoal_error *err);

#endif
