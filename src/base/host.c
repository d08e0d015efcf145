/* host.c: one caller at a time. The locks are for all hosts together, so that a host needs none of its own; results
 * have another than lines, so that a reader who does not read cannot silence the warnings. */
#include "base/host.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"

#define HOST_LINE_BYTES 2048

static pthread_mutex_t host_log_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t host_out_lock = PTHREAD_MUTEX_INITIALIZER;

static void host_line(const shoal_host *h, enum shoal_level level, const char *line)
{
    pthread_mutex_lock(&host_log_lock);
    h->log(h->ctx, level, line);
    pthread_mutex_unlock(&host_log_lock);
}

__attribute__((format(printf, 3, 0))) static void host_format(const shoal_host *h, enum shoal_level level,
                                                               const char *format, va_list args)
{
    if (h == NULL || h->log == NULL)
        return;
    char line[HOST_LINE_BYTES];
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(line, sizeof line, format, args);
    char *longer = n >= (int)sizeof line ? mem_alloc((size_t)n + 1) : NULL;
    if (longer)
        vsnprintf(longer, (size_t)n + 1, format, again);
    va_end(again);
    if (n >= 0)
        host_line(h, level, longer ? longer : line);
    mem_free(longer);
}

void host_info(const shoal_host *h, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    host_format(h, SHOAL_LOG_INFO, format, args);
    va_end(args);
}

void host_warn(const shoal_host *h, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    host_format(h, SHOAL_LOG_WARN, format, args);
    va_end(args);
}

void host_progress(const shoal_host *h, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    host_format(h, SHOAL_LOG_PROGRESS, format, args);
    va_end(args);
}

int host_out(const shoal_host *h, const char *bytes, size_t n, shoal_error *err)
{
    if (h == NULL || h->out == NULL || n == 0)
        return 0;
    pthread_mutex_lock(&host_out_lock);
    int refused = h->out(h->ctx, bytes, n);
    pthread_mutex_unlock(&host_out_lock);
    if (refused)
        return error_set(err, SHOAL_STORAGE, "the output takes no more: it was closed or its disk is full");
    return 0;
}

int host_outf(const shoal_host *h, shoal_error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0)
        return error_set(err, SHOAL_INTERNAL, "a text cannot be formatted");
    char *text = mem_alloc((size_t)n + 1);
    if (text == NULL)
        return error_nomem(err, (size_t)n + 1, "output");
    va_start(args, format);
    vsnprintf(text, (size_t)n + 1, format, args);
    va_end(args);
    int rc = host_out(h, text, (size_t)n, err);
    mem_free(text);
    return rc;
}

int host_interrupted(const shoal_host *h)
{
    return h != NULL && h->interrupted != NULL && h->interrupted(h->ctx);
}
