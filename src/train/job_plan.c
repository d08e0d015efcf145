/* job_plan.c: `shoal plan`: what `train` with the same arguments would read and need, and whether it can fit. Nothing is
 * left behind. */
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/option.h"
#include "train/forecast.h"
#include "train/manifest.h"

static char *scratch_path(const shoal_options *o)
{
    const char *dir = option_str(o, "spool-dir"), *tmp = getenv("TMPDIR");
    return mem_sprintf("%s/shoal-plan-%ld", dir ? dir : tmp && *tmp ? tmp : "/tmp", (long)getpid());
}

static int print(const forecast *f, int json, const shoal_host *host, shoal_error *err)
{
    buf text = BUF_INIT;
    json_t *j = json ? forecast_json(f) : NULL;
    int rc = json && !j ? error_nomem(err, 0, "JSON") : 0;
    if (rc == 0) rc = json ? manifest_line(j, &text, err) : forecast_text(f, &text, err);
    if (rc == 0) rc = host_out(host, (const char *)text.data, text.len, err);
    json_decref(j);
    buf_release(&text);
    return rc;
}

SHOAL_API int shoal_plan(const shoal_options *o, const shoal_host *host, shoal_error *err)
{
    forecast f;
    char *scratch = scratch_path(o);
    int rc = scratch ? forecast_make(o, host, scratch, &f, err) : error_nomem(err, 0, "a path");
    mem_free(scratch);
    if (rc == 0) rc = print(&f, option_flag(o, "json"), host, err);
    if (rc == 0) rc = forecast_fits(&f, err);
    if (rc == 0 && f.memory_bytes.expected > (double)f.memory_free)
        host_warn(host, "it may run out of memory: more is expected to be needed than is free");
    return rc;
}
