/* ending.c: see ending.h. */
#include "train/ending.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/option.h"
#include "train/manifest.h"
#include "train/modelfile.h"

/* NULL when it is missing or cannot be read: then it tells nothing that is worth keeping. */
static int read_run(const char *out, json_t **j, shoal_error *err)
{
    char *path = mem_sprintf("%s/run.json", out);
    *j = NULL;
    int rc = path ? manifest_read(path, "shoal-run", REPORT_VERSION, j, NULL, NULL) : error_nomem(err, 0, "a path");
    mem_free(path);
    return rc == SHOAL_NOMEM ? rc : 0;
}

static double real(const json_t *j, const char *key)
{
    const json_t *v = json_object_get(j, key);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

static uint64_t count(const json_t *j, const char *key) { return (uint64_t)json_integer_value(json_object_get(j, key)); }

static void counts_of(const json_t *manifest, const json_t *was, const shoal_options *o, report_step *at)
{
    const json_t *t = json_object_get(manifest, "training");
    *at = (report_step){.epoch = count(t, "epochs"), .epochs = (uint64_t)option_i64(o, "epochs"), .step = count(t, "steps"),
                        .rows_trained = count(t, "rows"), .loss = real(was, "loss"), .lr = real(was, "lr")};
    at->epoch_rows_planned = at->epoch ? at->rows_trained / at->epoch : 0; /* all epochs are of the same rows */
}

static int tell(const char *out, const shoal_options *o, const shoal_host *host, const json_t *run, const json_t *manifest, shoal_error *err)
{
    report *r = NULL;
    report_step at;
    int same = run && count(run, "step") == count(json_object_get(manifest, "training"), "steps");
    const json_t *was = same ? json_object_get(run, "metrics") : NULL;
    counts_of(manifest, was, o, &at);
    int rc = report_new(out, o, host, 0, &r, err);
    if (rc < 0) return rc;
    report_ended(r, &at, json_object_get(was, "valid"), json_object_get(was, "best"));
    return report_finish(r, 0, err);
}

int ending_tell(const char *out, const shoal_options *o, const shoal_host *host, shoal_error *err)
{
    json_t *run = NULL, *manifest = NULL;
    char *path = mem_sprintf("%s/" MODELFILE_MANIFEST, out);
    int rc = path ? read_run(out, &run, err) : error_nomem(err, 0, "a path");
    const char *state = json_string_value(json_object_get(run, "state"));
    if (rc == 0 && !(state && strcmp(state, "finished") == 0)) {
        rc = manifest_read(path, "shoal-model", MODELFILE_VERSION, &manifest, NULL, err);
        if (rc == 0) rc = tell(out, o, host, run, manifest, err);
    }
    json_decref(run);
    json_decref(manifest);
    mem_free(path);
    return rc;
}
