/* complete.c: completion for bash, from the tables of commands and options. Anything that is no option, and the value of an
 * option that has no choices, completes to file names. */
#include "cli/cli.h"

#include <string.h>

static void complete_options(cli_text *t, unsigned command)
{
    size_t n;
    const shoal_option *options = shoal_option_table(&n);
    for (size_t i = 0; i < n; i++)
        if (cli_option_of(&options[i], command)) cli_text_add(t, "--%s ", options[i].name);
    cli_text_add(t, "--help");
}

static void complete_presets(cli_text *t)
{
    size_t n;
    const shoal_preset *p = shoal_presets(&n);
    cli_text_add(t, " COMPREPLY=($(compgen -W \"");
    for (size_t i = 0; i < n; i++) cli_text_add(t, "%s ", p[i].name);
    cli_text_add(t, "\" -- \"$word\"));");
}

/* The case that completes the value of the option before the cursor. */
static void complete_values(cli_text *t)
{
    size_t n;
    const shoal_option *options = shoal_option_table(&n);
    cli_text_add(t, "    case $before in\n");
    for (size_t i = 0; i < n; i++) {
        const shoal_option *o = &options[i];
        if (o->kind == SHOAL_OPT_FLAG) continue;
        cli_text_add(t, "    --%s", o->name);
        if (o->letter) cli_text_add(t, "|-%c", o->letter);
        cli_text_add(t, ")");
        if (!strcmp(o->name, "preset")) complete_presets(t);
        if (o->kind == SHOAL_OPT_CHOICE && o->value_name) {
            cli_text_add(t, " COMPREPLY=($(compgen -W \"");
            for (const char *c = o->value_name; *c; c++) cli_text_add(t, "%c", *c == '|' ? ' ' : *c);
            cli_text_add(t, "\" -- \"$word\"));");
        }
        cli_text_add(t, " return ;;\n");
    }
    cli_text_add(t, "    esac\n");
}

void cli_completion_bash(cli_text *t)
{
    size_t n;
    const shoal_command *commands = shoal_commands(&n);
    cli_text_add(t, "# Completion of shoal for bash, made by `shoal --completion bash`.\n_shoal() {\n"
                    "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}\n"
                    "    COMPREPLY=()\n    if [ \"$COMP_CWORD\" = 1 ]; then\n        COMPREPLY=($(compgen -W \"");
    for (size_t i = 0; i < n; i++) cli_text_add(t, "%s ", commands[i].name);
    cli_text_add(t, "--help --version --man --completion --presets\" -- \"$word\"))\n        return\n    fi\n");
    cli_text_add(t, "    case $command in --man|--help) COMPREPLY=($(compgen -W \"");
    for (size_t i = 0; i < n; i++) cli_text_add(t, "%s%s", i ? " " : "", commands[i].name);
    cli_text_add(t, "\" -- \"$word\")); return ;; esac\n");
    cli_text_add(t, "    case $command in --presets)");
    complete_presets(t);
    cli_text_add(t, " return ;; esac\n");
    complete_values(t);
    cli_text_add(t, "    case $word in\n    -*)\n        case $command in\n");
    for (size_t i = 0; i < n; i++) {
        cli_text_add(t, "        %s) COMPREPLY=($(compgen -W \"", commands[i].name);
        complete_options(t, (unsigned)i);
        cli_text_add(t, "\" -- \"$word\")) ;;\n");
    }
    cli_text_add(t, "        esac ;;\n    esac\n}\ncomplete -o default -F _shoal shoal\n");
}
