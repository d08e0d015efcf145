/* terminal.c: the host of a job that runs in a terminal, a pipe or a log file.
 *
 * Results go to standard output. Standard error gets lines for people; on a terminal the progress is one line that is
 * written over, elsewhere a line at intervals. Signals and the flag they set are the one thing here that has to be global;
 * the rest of the state lies beside it, since there is one terminal a process. */
#include "cli/cli.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define PROGRESS_TERMINAL_MS 250
#define PROGRESS_LOG_MS 10000
#define FLUSH_AFTER_MS 200
#define LINE_MAX_BYTES 2048
#define SECOND_SIGNAL_MS 500

static atomic_int signal_taken; /* the handler may run on any thread */
static _Atomic int64_t signal_ms; /* when that was */

static struct {
    shoal_host host;
    pthread_mutex_t lock; /* of everything below: results and log lines may come from different threads */
    bool err_is_terminal, out_is_terminal;
    bool progress_shown;
    int out_errno; /* why standard output failed first; 0 while it works */
    int64_t flushed_ms, progress_ms; /* when it was done last */
} terminal = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void write_error(const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t done = write(STDERR_FILENO, bytes, n);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return; /* nobody to tell */
        bytes += done;
        n -= (size_t)done;
    }
}

/* In one write, so that lines of several processes in one log stay whole. */
static void write_line(const char *before, const char *line, size_t room, const char *after)
{
    char text[LINE_MAX_BYTES];
    size_t n = strnlen(line, room < sizeof text - 64 ? room : sizeof text - 64);
    while (n > 0 && line[n] != 0 && ((unsigned char)line[n] & 0xC0) == 0x80) n--; /* cut before a UTF-8 character */
    int length = snprintf(text, sizeof text, "%s%.*s%s", before, (int)n, line, after);
    if (length > 0) write_error(text, (size_t)length);
}

static void erase_progress(void)
{
    if (!terminal.progress_shown) return;
    write_error("\r\033[K", 4);
    terminal.progress_shown = false;
}

/* ---- the functions of the host ---- */

static int host_write(void *ctx, const char *bytes, size_t n)
{
    (void)ctx;
    pthread_mutex_lock(&terminal.lock);
    if (terminal.out_is_terminal) erase_progress();
    int64_t now = now_ms();
    bool flush = terminal.out_is_terminal || now - terminal.flushed_ms >= FLUSH_AFTER_MS;
    bool ok = !terminal.out_errno && fwrite(bytes, 1, n, stdout) == n;
    if (ok && flush) {
        ok = fflush(stdout) == 0;
        terminal.flushed_ms = now;
    }
    if (!ok && !terminal.out_errno) terminal.out_errno = errno ? errno : EIO;
    pthread_mutex_unlock(&terminal.lock);
    return ok ? 0 : -1;
}

/* In a log file. Jobs that tell every file or batch need not look at the clock; those that do are a little early now and then. */
static bool progress_is_due(void)
{
    int64_t now = now_ms();
    if (now - terminal.progress_ms < PROGRESS_LOG_MS * 9 / 10) return false;
    terminal.progress_ms = now;
    return true;
}

static void host_say(void *ctx, enum shoal_level level, const char *line)
{
    (void)ctx;
    pthread_mutex_lock(&terminal.lock);
    if (level == SHOAL_LOG_PROGRESS && terminal.err_is_terminal) {
        write_line("\r", line, cli_terminal_columns() - 1, "\033[K");
        terminal.progress_shown = true;
    } else if (level != SHOAL_LOG_PROGRESS || progress_is_due()) {
        erase_progress();
        if (terminal.out_is_terminal) fflush(stdout);
        write_line(level == SHOAL_LOG_WARN ? "shoal: warning: " : "", line, SIZE_MAX, "\n");
    }
    pthread_mutex_unlock(&terminal.lock);
}

static int host_asks_to_end(void *ctx)
{
    (void)ctx;
    return atomic_load(&signal_taken);
}

/* The job cannot unwind, so neither can the process: no locks, no buffers, no exit handlers. */
static void host_end_stalled(void *ctx, const char *what)
{
    (void)ctx;
    write_line(terminal.progress_shown ? "\r\033[Kshoal: " : "shoal: ", what, SIZE_MAX, "\n");
    _exit(-SHOAL_STALLED);
}

/* Asked once, the job saves and ends; asked again, the process ends as the signal does. What comes at once is not a second
 * time: GNU timeout sends its signal to the process and to its group. */
static void on_signal(int number)
{
    if (!atomic_load(&signal_taken)) {
        atomic_store(&signal_ms, now_ms());
        atomic_store(&signal_taken, number);
    } else if (now_ms() - atomic_load(&signal_ms) >= SECOND_SIGNAL_MS) {
        signal(number, SIG_DFL);
        raise(number);
    }
}

/* ---- opening and closing ---- */

size_t cli_terminal_columns(void)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    long n = columns ? strtol(columns, NULL, 10) : 0;
    if (n >= 20 && n <= 10000) return (size_t)n; /* exported by somebody who means it: shells keep theirs to themselves */
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20) return size.ws_col;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20) return size.ws_col;
    return 80;
}

const shoal_host *cli_terminal_open(void)
{
    const char *kind = getenv("TERM");
    terminal.err_is_terminal = isatty(STDERR_FILENO) == 1 && !(kind && strcmp(kind, "dumb") == 0); /* which cannot erase a line */
    terminal.out_is_terminal = isatty(STDOUT_FILENO) == 1;
    terminal.progress_ms = now_ms();
    terminal.host = (shoal_host){
        .out = host_write,
        .log = host_say,
        .interrupted = host_asks_to_end,
        .stalled = host_end_stalled,
        .progress_every_ms = terminal.err_is_terminal ? PROGRESS_TERMINAL_MS : PROGRESS_LOG_MS,
        .columns = (int)cli_terminal_columns(),
    };
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_NODEFER; /* the second signal must get through while the first is handled */
    static const int ending[] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < sizeof ending / sizeof *ending; i++) {
        struct sigaction old;
        if (sigaction(ending[i], NULL, &old) == 0 && old.sa_handler == SIG_IGN) continue; /* nohup, background jobs */
        sigaction(ending[i], &action, NULL);
    }
    return &terminal.host;
}

int cli_terminal_close(shoal_error *err)
{
    erase_progress();
    if (!terminal.out_errno && fflush(stdout) != 0) terminal.out_errno = errno ? errno : EIO;
    if (!terminal.out_errno) return 0;
    if (terminal.out_errno == EPIPE) {
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    }
    err->code = SHOAL_STORAGE;
    snprintf(err->message, sizeof err->message, "standard output: cannot write: %s", strerror(terminal.out_errno));
    return SHOAL_STORAGE;
}

void cli_complain(const char *message)
{
    erase_progress();
    write_line("shoal: ", message, SIZE_MAX, "\n");
}
