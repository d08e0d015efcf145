/* result.c: see result.h. */
#include "train/result.h"

#include "base/mem.h"
#include "train/manifest.h"
#include "train/modelfile.h"

static int put_from(json_t *to, const char *key, const json_t *from, const char *as, shoal_error *err)
{
    json_t *v = json_object_get(from, key);
    return manifest_put(to, as, v ? json_incref(v) : json_null(), err);
}

static int describe(const char *dir, const json_t *manifest, double seconds, json_t *out, shoal_error *err)
{
    static const char *const COUNT[] = {"rows", "steps", "epochs"};
    const json_t *training = json_object_get(manifest, "training");
    int rc = put_from(out, "name", json_object_get(manifest, "model"), "model", err);
    if (rc == 0) rc = manifest_put(out, "path", json_string(dir), err);
    for (size_t i = 0; rc == 0 && i < sizeof COUNT / sizeof COUNT[0]; i++) rc = put_from(out, COUNT[i], training, COUNT[i], err);
    if (rc == 0) rc = put_from(out, "best", manifest, "best", err);
    if (rc == 0) rc = put_from(out, "valid", json_object_get(manifest, "metrics"), "valid", err);
    return rc ? rc : manifest_put(out, "seconds", manifest_real(seconds), err);
}

int result_tell(const char *dir, double seconds, json_t *profile, const shoal_host *host, shoal_error *err)
{
    buf line = BUF_INIT;
    json_t *manifest = NULL, *j = json_object();
    char *path = mem_sprintf("%s/" MODELFILE_MANIFEST, dir);
    int rc = j && path ? manifest_read(path, "shoal-model", MODELFILE_VERSION, &manifest, NULL, err) : error_nomem(err, 0, "JSON");
    if (rc == 0) rc = describe(dir, manifest, seconds, j, err);
    if (rc == 0 && profile) rc = manifest_put(j, "profile", json_incref(profile), err);
    if (rc == 0) rc = manifest_line(j, &line, err);
    if (rc == 0) rc = host_out(host, (const char *)line.data, line.len, err);
    json_decref(manifest);
    json_decref(j);
    mem_free(path);
    buf_release(&line);
    return rc;
}
