/* main.c: `shoal COMMAND ...`. Finds the command, lets the library parse its options, runs it on this terminal, and turns
 * what comes back into one line and an exit code. */
#include "cli/cli.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

/* Exit codes are the negated codes of the library; what is no code of it is a defect. */
static int exit_code(int code)
{
    return code >= 0 ? 0 : code < -125 ? -SHOAL_INTERNAL : -code;
}

static int fail(const shoal_error *err, int code)
{
    cli_complain(err->message[0] ? err->message : shoal_code_text(code));
    return exit_code(code);
}

/* The library knows which command comes nearest. */
static int fail_unknown_command(const char *name)
{
    shoal_error err = {0};
    shoal_options *o = shoal_options_new(name, &err);
    shoal_options_free(o);
    return fail(&err, SHOAL_USAGE);
}

static int print_help(const char *command)
{
    cli_text t = {0};
    if (!command) cli_help_program(&t, cli_terminal_columns());
    else if (cli_help_command(&t, command, cli_terminal_columns()) < 0) return fail_unknown_command(command);
    return exit_code(cli_text_print(&t));
}

static int print_manual(const char *command)
{
    cli_text t = {0};
    if (!command) cli_manual_program(&t);
    else if (cli_manual_command(&t, command) < 0) return fail_unknown_command(command);
    return exit_code(cli_text_print(&t));
}

static int print_completion(const char *shell)
{
    if (!shell || strcmp(shell, "bash") != 0) {
        shoal_error err = {0};
        snprintf(err.message, sizeof err.message, "--completion: unknown shell '%s'; expected bash", shell ? shell : "");
        return fail(&err, SHOAL_USAGE);
    }
    cli_text t = {0};
    cli_completion_bash(&t);
    return exit_code(cli_text_print(&t));
}

static int print_commands(void)
{
    size_t n;
    const shoal_command *commands = shoal_commands(&n);
    cli_text t = {0};
    for (size_t i = 0; i < n; i++) cli_text_add(&t, "%s\n", commands[i].name);
    return exit_code(cli_text_print(&t));
}

static int print_presets(const char *name)
{
    cli_text t = {0};
    shoal_error err = {0};
    if (!name) cli_presets(&t, cli_terminal_columns());
    else if (cli_preset(&t, name, &err) < 0) return fail(&err, err.code);
    return exit_code(cli_text_print(&t));
}

static int print_version(void)
{
    cli_text t = {0};
    cli_text_add(&t, "shoal %s\n", shoal_version());
    return exit_code(cli_text_print(&t));
}

/* --help or -h anywhere among a command's options asks for help, unless after "--". */
static bool asks_for_help(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) return true;
    return false;
}

static int run(const char *command, int argc, char **argv)
{
    shoal_error err = {0}, out_err = {0};
    shoal_options *o = shoal_options_new(command, &err);
    if (!o) return fail(&err, err.code ? err.code : SHOAL_USAGE);
    int code = shoal_options_parse(o, argc, argv, &err);
    if (code < 0) {
        shoal_options_free(o);
        return fail(&err, code);
    }
    const shoal_host *host = cli_terminal_open();
    code = shoal_run(o, host, &err);
    shoal_options_free(o);
    int out = cli_terminal_close(&out_err);
    if (out < 0 && (code >= 0 || code == SHOAL_STORAGE)) return fail(&out_err, out);
    return code < 0 ? fail(&err, code) : 0;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* a pipe that closes is an error of a write, seen where the write is */
    signal(SIGXFSZ, SIG_IGN); /* so is a file that grows beyond ulimit -f */
    const char *word = argc > 1 ? argv[1] : NULL;
    const char *next = argc > 2 ? argv[2] : NULL;
    if (!word) {
        cli_complain("a command is missing; shoal --help lists them");
        return exit_code(SHOAL_USAGE);
    }
    if (!strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help")) return print_help(next);
    if (!strcmp(word, "--version")) return print_version();
    if (!strcmp(word, "--man")) return print_manual(next);
    if (!strcmp(word, "--completion")) return print_completion(next);
    if (!strcmp(word, "--presets")) return print_presets(next);
    if (!strcmp(word, "--commands")) return print_commands();
    if (cli_command_find(word, NULL) && asks_for_help(argc - 2, argv + 2)) return print_help(word);
    return run(word, argc - 2, argv + 2);
}
