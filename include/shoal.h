/* shoal.h: the public interface of libshoal, and the only header that the command line and bindings see.
 *
 * Conventions
 * - Functions that can fail return 0 (or a positive result where said) and a negative `shoal_code` otherwise; where a
 *   `shoal_error *` is taken it may be NULL, else it receives one line: what, where, what was expected, what to do.
 * - The library never prints and never exits. Everything it has to say goes through `shoal_host`.
 * - Strings are UTF-8, NUL-terminated, copied by the callee unless stated otherwise.
 * - No global state: several jobs may run in one process, each on its own options.
 */
#ifndef SHOAL_H
#define SHOAL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SHOAL_VERSION_MAJOR 0
#define SHOAL_VERSION_MINOR 1
#define SHOAL_VERSION_PATCH 0
#define SHOAL_VERSION "0.1.0"

#if defined(__GNUC__)
#define SHOAL_API __attribute__((visibility("default")))
#define SHOAL_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define SHOAL_API
#define SHOAL_PRINTF(f, a)
#endif

/* ---- errors ------------------------------------------------------------------------------------------------------ */

/* name, value, one line for people. The exit code of the program is the negated value. 1 is left to shells. */
#define SHOAL_CODES(X)                                                                            \
    X(OK, 0, "done: every planned row was counted and every output was read back")                \
    X(USAGE, -2, "the command line or a configuration is wrong")                                  \
    X(DATA, -3, "the data or a file's content is wrong")                                          \
    X(NOMEM, -4, "out of memory")                                                                 \
    X(STORAGE, -5, "storage failed: missing file, permission, disk full, input or output error")  \
    X(INTERRUPTED, -6, "interrupted; the state was saved and --resume continues")                 \
    X(WORKER_LOST, -7, "a worker was lost for good")                                              \
    X(DIVERGED, -8, "training diverged: the loss is not finite")                                  \
    X(STALLED, -9, "no progress for --stall-timeout")                                             \
    X(INTERNAL, -70, "a defect in shoal")

enum shoal_code {
#define SHOAL_CODE_ENUM(name, value, text) SHOAL_##name = value,
    SHOAL_CODES(SHOAL_CODE_ENUM)
#undef SHOAL_CODE_ENUM
};

#define SHOAL_ERROR_MAX 1024

typedef struct shoal_error {
    int code; /* a shoal_code */
    char message[SHOAL_ERROR_MAX];
} shoal_error;

/* "DATA", "STORAGE", ...; "UNKNOWN" for a number that is no code. Static strings. */
SHOAL_API const char *shoal_code_name(int code);
SHOAL_API const char *shoal_code_text(int code);
SHOAL_API const char *shoal_version(void);

/* ---- the Arrow C data interface (https://arrow.apache.org/docs/format/CDataInterface.html) ----------------------- */

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE
#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4
struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};
struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};
#endif
#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE
struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};
#endif

/* ---- options: one table serves parser, --help, man page, completion, YAML files and bindings --------------------- */

enum shoal_option_kind { SHOAL_OPT_FLAG, SHOAL_OPT_STRING, SHOAL_OPT_INT, SHOAL_OPT_FLOAT, SHOAL_OPT_CHOICE, SHOAL_OPT_LIST };

typedef struct shoal_option {
    const char *name; /* without the dashes */
    char letter;      /* short form, or 0 */
    enum shoal_option_kind kind;
    const char *value_name;    /* "N", "DIR", or NULL for a flag; for a choice "a|b|c" */
    const char *default_value; /* as typed, or NULL */
    double min, max;           /* bounds of numbers */
    const char *help;          /* one line */
    unsigned commands;         /* set of 1u << index into shoal_commands() */
} shoal_option;

typedef struct shoal_command {
    const char *name;      /* "convert" */
    const char *arguments; /* "SRC... DST" */
    int min_args, max_args; /* max_args < 0: any number */
    const char *help;      /* one line */
    const char *example;   /* a command that can be typed */
} shoal_command;

SHOAL_API const shoal_command *shoal_commands(size_t *n);
SHOAL_API const shoal_option *shoal_option_table(size_t *n);

/* Settings under a name, for `--preset`: the run files of presets/. */
typedef struct shoal_preset {
    const char *name; /* "bars/criteo_x4/deepfm" */
    const char *text; /* the run file */
} shoal_preset;

/* In order of name. */
SHOAL_API const shoal_preset *shoal_presets(size_t *n);

typedef struct shoal_options shoal_options;

/* A new set of options for one command, all at their defaults; NULL with err set when the command is unknown. */
SHOAL_API shoal_options *shoal_options_new(const char *command, shoal_error *err);
SHOAL_API void shoal_options_free(shoal_options *o);
/* Options given in so many words win over those of a preset, whichever is set first. Sets one option by name, checked against the table (unknown names get a suggestion). Flags take "true" / "false".
 * Of a list option, each call adds one value. */
SHOAL_API int shoal_options_set(shoal_options *o, const char *name, const char *value, shoal_error *err);
/* Adds one positional argument. */
SHOAL_API int shoal_options_add(shoal_options *o, const char *argument, shoal_error *err);
/* Takes every option of a YAML file that has not been set by shoal_options_set: flags win over the file. */
SHOAL_API int shoal_options_load(shoal_options *o, const char *yaml_path, shoal_error *err);
/* Parses argv (without program and command names) in the usual way: --name value, --name=value, -x value, --. A single
 * positional argument ending in .yaml of a command that takes a run file is loaded. */
SHOAL_API int shoal_options_parse(shoal_options *o, int argc, char **argv, shoal_error *err);
/* Hands over a stream as the source "SRC" (or, as slot 1, the validation source); the options own it from here on. */
SHOAL_API int shoal_options_stream(shoal_options *o, int slot, struct ArrowArrayStream *stream, shoal_error *err);

/* ---- the host: how a job speaks to whoever runs it ---------------------------------------------------------------- */

enum shoal_level { SHOAL_LOG_INFO, SHOAL_LOG_WARN, SHOAL_LOG_PROGRESS /* replaces the last progress line */ };

typedef struct shoal_host {
    void *ctx;
    /* Results (tables, JSON); bytes as they are to appear on standard output. Returns 0, or nonzero to stop the job. */
    int (*out)(void *ctx, const char *bytes, size_t n);
    /* A line without its end, for people. May be NULL. Called from one thread at a time. */
    void (*log)(void *ctx, enum shoal_level level, const char *line);
    /* Asked often; nonzero ends the job in order: state saved, SHOAL_INTERRUPTED. May be NULL. Async-safe by contract. */
    int (*interrupted)(void *ctx);
    /* A stalled job that cannot unwind (a read that never returns): run.json is already written, the host decides how
     * the process ends. Called on the watchdog's thread. May be NULL. */
    void (*stalled)(void *ctx, const char *what);
    int progress_every_ms; /* 0: 1000 */
    int columns;           /* width of the terminal for tables and summaries; 0: 80 */
} shoal_host;

/* ---- jobs: one function a command --------------------------------------------------------------------------------- */

SHOAL_API int shoal_convert(const shoal_options *o, const shoal_host *host, shoal_error *err);
SHOAL_API int shoal_show(const shoal_options *o, const shoal_host *host, shoal_error *err);
SHOAL_API int shoal_check(const shoal_options *o, const shoal_host *host, shoal_error *err);
SHOAL_API int shoal_index(const shoal_options *o, const shoal_host *host, shoal_error *err);
SHOAL_API int shoal_synth(const shoal_options *o, const shoal_host *host, shoal_error *err);
SHOAL_API int shoal_plan(const shoal_options *o, const shoal_host *host, shoal_error *err);
SHOAL_API int shoal_train(const shoal_options *o, const shoal_host *host, shoal_error *err);
SHOAL_API int shoal_eval(const shoal_options *o, const shoal_host *host, shoal_error *err);
SHOAL_API int shoal_predict(const shoal_options *o, const shoal_host *host, shoal_error *err);
SHOAL_API int shoal_explain(const shoal_options *o, const shoal_host *host, shoal_error *err);
SHOAL_API int shoal_summary(const shoal_options *o, const shoal_host *host, shoal_error *err);
/* Runs the command that `o` was made for. */
SHOAL_API int shoal_run(const shoal_options *o, const shoal_host *host, shoal_error *err);

/* Opens the source that `o` names as a stream of Arrow batches; the caller releases it. */
SHOAL_API int shoal_read(const shoal_options *o, struct ArrowArrayStream *out, shoal_error *err);

#ifdef __cplusplus
}
#endif
#endif
