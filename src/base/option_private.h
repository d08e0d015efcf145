/* option_private.h: the table and what its parser shares with it. */
#ifndef BASE_OPTION_PRIVATE_H
#define BASE_OPTION_PRIVATE_H

#include "base/option.h"

enum option_command_index { CMD_CONVERT, CMD_SHOW, CMD_CHECK, CMD_INDEX, CMD_SYNTH, CMD_PLAN, CMD_TRAIN, CMD_EVAL, CMD_PREDICT, CMD_EXPLAIN, CMD_SUMMARY, CMD_COUNT };

#define OPTION_MAX 96 /* options of the table at most */
#define OPTION_PRESET "preset"
#define OPTION_SETTING "LAYER.KEY=VALUE" /* value name of lists whose entries may hold commas between brackets */
#define OPTION_BYTES "BYTES" /* value name of whole numbers that may end in K, M, G or T (powers of 1024) */

extern const shoal_option option_table[];
extern const size_t option_table_size;
extern const shoal_command option_commands[CMD_COUNT];

#endif
