/* help.c: `shoal --help` and `shoal COMMAND --help`, from the tables of commands and options. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

#define HELP_COLUMN 28 /* where descriptions start */
#define HELP_COLUMN_NARROW 10
#define HELP_COLUMNS_MAX 100

const shoal_command *cli_command_find(const char *name, unsigned *index)
{
    size_t n;
    const shoal_command *all = shoal_commands(&n);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(all[i].name, name)) continue;
        if (index) *index = (unsigned)i;
        return &all[i];
    }
    return NULL;
}

bool cli_option_of(const shoal_option *o, unsigned command_index)
{
    return (o->commands >> command_index) & 1u;
}

const char *cli_value_name(const shoal_option *o)
{
    if (o->kind == SHOAL_OPT_FLAG) return NULL;
    return o->value_name ? o->value_name : "VALUE";
}

static size_t help_columns(size_t columns)
{
    return columns < 40 ? 40 : columns > HELP_COLUMNS_MAX ? HELP_COLUMNS_MAX : columns;
}

/* A term and its description: beside it, or below it when the term is long or the terminal narrow. */
void cli_help_entry(cli_text *t, const char *term, const char *text, size_t columns)
{
    size_t indent = columns < 2 * HELP_COLUMN ? HELP_COLUMN_NARROW : HELP_COLUMN;
    cli_text_add(t, "  %s", term);
    cli_text_add(t, strlen(term) + 4 > indent ? "\n" : "  ");
    cli_text_wrap(t, text, indent, columns);
}

static void help_option(cli_text *t, const shoal_option *o, size_t columns)
{
    char term[256], text[1024];
    const char *value = cli_value_name(o);
    int n = o->letter ? snprintf(term, sizeof term, "-%c, ", o->letter) : snprintf(term, sizeof term, "    ");
    snprintf(term + n, sizeof term - (size_t)n, "--%s%s%s", o->name, value ? " " : "", value ? value : "");
    bool told = o->kind != SHOAL_OPT_FLAG && o->default_value && *o->default_value;
    snprintf(text, sizeof text, "%s%s%s%s%s", o->help, o->kind == SHOAL_OPT_LIST ? " (may be given again)" : "",
             told ? " (default: " : "", told ? o->default_value : "", told ? ")" : "");
    cli_help_entry(t, term, text, columns);
}

void cli_help_program(cli_text *t, size_t columns)
{
    size_t n;
    const shoal_command *commands = shoal_commands(&n);
    columns = help_columns(columns);
    cli_text_add(t, "shoal %s: trains click-through-rate models where the data lies\n\n", shoal_version());
    cli_text_add(t, "usage: shoal COMMAND [OPTION...] [ARGUMENT...]\n\ncommands:\n");
    for (size_t i = 0; i < n; i++) {
        char term[256];
        snprintf(term, sizeof term, "%s %s", commands[i].name, commands[i].arguments);
        cli_help_entry(t, term, commands[i].help, columns);
    }
    cli_text_add(t, "\nmore:\n");
    cli_help_entry(t, "COMMAND --help", "the options of a command", columns);
    cli_help_entry(t, "--man [COMMAND]", "the manual page, as roff: shoal --man train | man -l -", columns);
    cli_help_entry(t, "--completion bash", "completion for the shell: eval \"$(shoal --completion bash)\"", columns);
    cli_help_entry(t, "--presets [NAME]", "the presets of train, or what one of them says", columns);
    cli_help_entry(t, "--version", "the version", columns);
    cli_text_add(t, "\nexit codes:\n");
#define HELP_CODE(name, value, text)                     \
    {                                                    \
        char term[16];                                   \
        snprintf(term, sizeof term, "%d", -SHOAL_##name); \
        cli_help_entry(t, term, text, columns);              \
    }
    SHOAL_CODES(HELP_CODE)
#undef HELP_CODE
}

int cli_help_command(cli_text *t, const char *name, size_t columns)
{
    unsigned index;
    const shoal_command *command = cli_command_find(name, &index);
    if (!command) return SHOAL_USAGE;
    columns = help_columns(columns);
    cli_text_add(t, "usage: shoal %s [OPTION...] %s\n\n", command->name, command->arguments);
    cli_text_wrap(t, command->help, 0, columns);
    cli_text_add(t, "\noptions:\n");
    size_t n;
    const shoal_option *options = shoal_option_table(&n);
    for (size_t i = 0; i < n; i++)
        if (cli_option_of(&options[i], index)) help_option(t, &options[i], columns);
    cli_help_entry(t, "    --help", "this text", columns);
    if (command->example) cli_text_add(t, "\nexample:\n  %s\n", command->example);
    return 0;
}
