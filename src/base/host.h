/* host.h: speaking to the job's host. A NULL host, or one without a function, hears nothing. Thread-safe. */
#ifndef BASE_HOST_H
#define BASE_HOST_H

#include "base/error.h"

void host_info(const shoal_host *h, const char *format, ...) SHOAL_PRINTF(2, 3);
void host_warn(const shoal_host *h, const char *format, ...) SHOAL_PRINTF(2, 3);
void host_progress(const shoal_host *h, const char *format, ...) SHOAL_PRINTF(2, 3);
/* STORAGE when the host refuses the bytes. */
int host_out(const shoal_host *h, const char *bytes, size_t n, shoal_error *err);
int host_outf(const shoal_host *h, shoal_error *err, const char *format, ...) SHOAL_PRINTF(3, 4);
int host_interrupted(const shoal_host *h);

#endif
