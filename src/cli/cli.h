/* cli.h: the program around libshoal. It parses nothing by itself but the words before the command: options, their help,
 * the manual and completion all come from the library's one table.
 *
 * Texts are written to a `cli_text`, which grows and never fails half-way: when memory ends, cli_text_print says so. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "shoal.h"

/* ---- text.c: building texts --------------------------------------------------------------------------------------- */

typedef struct cli_text {
    char *bytes; /* not terminated */
    size_t n, room;
    bool failed; /* an allocation failed; what follows is dropped */
} cli_text;

void cli_text_add(cli_text *t, const char *format, ...) SHOAL_PRINTF(2, 3);
/* Words of `s` from the present column on, in lines of at most `columns`; following lines are indented by `indent`.
 * Ends the last line. */
void cli_text_wrap(cli_text *t, const char *s, size_t indent, size_t columns);
/* Writes it to standard output and releases it; returns the exit code. */
int cli_text_print(cli_text *t);

/* ---- the option table as people see it (help.c) --------------------------------------------------------------------- */

/* NULL when there is no such command; *index is its place in shoal_commands(). */
const shoal_command *cli_command_find(const char *name, unsigned *index);
bool cli_option_of(const shoal_option *o, unsigned command_index);
/* "NAME", "a|b|c", or NULL for a flag. */
const char *cli_value_name(const shoal_option *o);

/* A term and its description in columns. */
void cli_help_entry(cli_text *t, const char *term, const char *text, size_t columns);
void cli_help_program(cli_text *t, size_t columns);
int cli_help_command(cli_text *t, const char *command, size_t columns); /* SHOAL_USAGE when unknown */

/* ---- manual.c, complete.c ------------------------------------------------------------------------------------------- */

void cli_manual_program(cli_text *t);
int cli_manual_command(cli_text *t, const char *command); /* SHOAL_USAGE when unknown */
void cli_completion_bash(cli_text *t);

/* ---- presets.c ------------------------------------------------------------------------------------------------------ */

void cli_presets(cli_text *t, size_t columns);                     /* names and what they are */
int cli_preset(cli_text *t, const char *name, shoal_error *err); /* one as it stands; SHOAL_USAGE when unknown */

/* ---- terminal.c: the host of a job: streams, progress, signals ------------------------------------------------------ */

/* Streams are looked at and signal handlers set: SIGINT and SIGTERM ask the job to save and end; the second one ends the
 * process at once. There is one terminal a process. */
const shoal_host *cli_terminal_open(void);
/* Erases a progress line that is still there and flushes results. 0, or SHOAL_STORAGE with err filled when results could
 * not be written. When the reader of a pipe went away, the process ends as SIGPIPE ends others. */
int cli_terminal_close(shoal_error *err);
size_t cli_terminal_columns(void);
/* "shoal: MESSAGE" as one line on standard error. */
void cli_complain(const char *message);

#endif
