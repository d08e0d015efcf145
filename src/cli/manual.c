/* manual.c: manual pages as roff (man(7)), from the tables of commands and options: shoal(1) and shoal-COMMAND(1). */
#include "cli/cli.h"

#include <math.h>
#include <string.h>

/* Text for roff: dashes that can be copied, no line that looks like a request. */
static void manual_text(cli_text *t, const char *s)
{
    if (*s == '.' || *s == '\'') cli_text_add(t, "\\&");
    for (; *s; s++) {
        if (*s == '-') cli_text_add(t, "\\-");
        else if (*s == '\\') cli_text_add(t, "\\e");
        else cli_text_add(t, "%c", *s);
    }
}

static void manual_title(cli_text *t, const char *command, const char *help)
{
    cli_text_add(t, ".TH SHOAL%s", command ? "\\-" : "");
    for (const char *c = command; c && *c; c++) cli_text_add(t, "%c", *c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    cli_text_add(t, " 1 \"\" \"shoal %s\" \"Shoal\"\n.SH NAME\nshoal%s%s \\- ", shoal_version(), command ? "\\-" : "",
                 command ? command : "");
    manual_text(t, help);
    cli_text_add(t, "\n");
}

static void manual_bounds(cli_text *t, const shoal_option *o)
{
    if (o->kind != SHOAL_OPT_INT && o->kind != SHOAL_OPT_FLOAT) return;
    bool low = isfinite(o->min) && fabs(o->min) < 1e15, high = isfinite(o->max) && fabs(o->max) < 1e15;
    if (!(o->min < o->max)) return; /* no bounds set */
    if (low && high) cli_text_add(t, "From %g to %g.\n", o->min, o->max);
    else if (low) cli_text_add(t, "At least %g.\n", o->min);
    else if (high) cli_text_add(t, "At most %g.\n", o->max);
}

static void manual_option(cli_text *t, const shoal_option *o)
{
    cli_text_add(t, ".TP\n");
    if (o->letter) cli_text_add(t, "\\fB\\-%c\\fR, ", o->letter);
    cli_text_add(t, "\\fB\\-\\-");
    manual_text(t, o->name);
    cli_text_add(t, "\\fR");
    const char *value = cli_value_name(o);
    if (value) {
        cli_text_add(t, " \\fI");
        manual_text(t, value);
        cli_text_add(t, "\\fR");
    }
    cli_text_add(t, "\n");
    manual_text(t, o->help);
    cli_text_add(t, ".\n");
    if (o->kind == SHOAL_OPT_LIST) cli_text_add(t, "May be given again; each one adds a value.\n");
    manual_bounds(t, o);
    if (o->kind != SHOAL_OPT_FLAG && o->default_value && *o->default_value) {
        cli_text_add(t, "The default is \\fB");
        manual_text(t, o->default_value);
        cli_text_add(t, "\\fR.\n");
    }
}

static void manual_codes(cli_text *t)
{
    cli_text_add(t, ".SH EXIT STATUS\n");
#define MANUAL_CODE(name, value, text)                   \
    cli_text_add(t, ".TP\n\\fB%d\\fR\n", -SHOAL_##name); \
    manual_text(t, text);                                \
    cli_text_add(t, ".\n");
    SHOAL_CODES(MANUAL_CODE)
#undef MANUAL_CODE
}

void cli_manual_program(cli_text *t)
{
    size_t n;
    const shoal_command *commands = shoal_commands(&n);
    manual_title(t, NULL, "trains click-through-rate models where the data lies");
    cli_text_add(t, ".SH SYNOPSIS\n\\fBshoal\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR...] [\\fIARGUMENT\\fR...]\n.br\n"
                    "\\fBshoal\\fR \\fB\\-\\-help\\fR | \\fB\\-\\-version\\fR | \\fB\\-\\-man\\fR [\\fICOMMAND\\fR] | "
                    "\\fB\\-\\-completion bash\\fR | \\fB\\-\\-presets\\fR [\\fINAME\\fR]\n");
    cli_text_add(t, ".SH DESCRIPTION\nResults go to standard output, everything else to standard error. An error is one "
                    "line: what, where, what was expected, what to do.\n.SH COMMANDS\n");
    for (size_t i = 0; i < n; i++) {
        cli_text_add(t, ".TP\n\\fBshoal\\-%s\\fR(1) \\fI", commands[i].name);
        manual_text(t, commands[i].arguments);
        cli_text_add(t, "\\fR\n");
        manual_text(t, commands[i].help);
        cli_text_add(t, ".\n");
    }
    manual_codes(t);
}

int cli_manual_command(cli_text *t, const char *name)
{
    unsigned index;
    const shoal_command *command = cli_command_find(name, &index);
    if (!command) return SHOAL_USAGE;
    manual_title(t, name, command->help);
    cli_text_add(t, ".SH SYNOPSIS\n\\fBshoal %s\\fR [\\fIOPTION\\fR...] \\fI", name);
    manual_text(t, command->arguments);
    cli_text_add(t, "\\fR\n.SH DESCRIPTION\n");
    manual_text(t, command->help);
    cli_text_add(t, ".\n.SH OPTIONS\n");
    size_t n;
    const shoal_option *options = shoal_option_table(&n);
    for (size_t i = 0; i < n; i++)
        if (cli_option_of(&options[i], index)) manual_option(t, &options[i]);
    cli_text_add(t, ".TP\n\\fB\\-\\-help\\fR\nTells the options and ends.\n");
    if (command->example) {
        cli_text_add(t, ".SH EXAMPLE\n.nf\n");
        manual_text(t, command->example);
        cli_text_add(t, "\n.fi\n");
    }
    manual_codes(t);
    cli_text_add(t, ".SH SEE ALSO\n\\fBshoal\\fR(1)\n");
    return 0;
}
