#include "train/identity.h"

#include <string.h>

#include "base/mem.h"
#include "train/manifest.h"
#include "train/modelfile.h"

/* Options that the result depends on. Threads, memory, intervals and folders are not among them. */
static const char *const SHAPING[] = {
    "label", "weight", "sql", "valid-sql", "where", "valid-where", "model", "embedding-dim", "dropout", "batch-size", "micro-batch", "epochs",
    "steps-per-epoch", "optimizer", "lr", "lr-schedule", "warmup-steps", "l1", "l2", "embedding-l2", "embedding-update",
    "momentum", "beta1", "beta2", "epsilon", "ftrl-beta", "accumulator", "seed", "patience", "monitor",
};
static const char *const SHAPING_LISTS[] = {"drop", "hidden", "table"};

static json_t *text_setting(const shoal_options *o, const ancestor *from, const char *name)
{
    if (from && ancestor_gives(name) && !option_is_set(o, name)) {
        const json_t *theirs = ancestor_setting(from, name);
        return theirs ? json_deep_copy(theirs) : json_null();
    }
    const char *v = option_str(o, name);
    return v ? json_string(v) : json_null();
}

static json_t *list_setting(const shoal_options *o, const ancestor *from, const char *name)
{
    const char *const *items;
    size_t n = option_list(o, name, &items);
    const json_t *theirs = n == 0 && from && ancestor_gives(name) ? ancestor_setting(from, name) : NULL;
    return theirs ? json_deep_copy(theirs) : manifest_strings(items, n);
}

static json_t *features_setting(const shoal_options *o, const ancestor *from, const char *hex)
{
    const json_t *theirs = from && !option_is_set(o, "features") ? ancestor_setting(from, "features") : NULL;
    return theirs ? json_deep_copy(theirs) : json_string(hex);
}

static int settings_json(const shoal_options *o, const ancestor *from, json_t **out, shoal_error *err)
{
    char features_hex[33];
    json_t *settings = json_object();
    int rc = settings ? 0 : error_nomem(err, 0, "the run's settings");
    for (size_t i = 0; i < sizeof SHAPING / sizeof *SHAPING && rc == 0; i++)
        rc = manifest_put(settings, SHAPING[i], text_setting(o, from, SHAPING[i]), err);
    for (size_t i = 0; i < sizeof SHAPING_LISTS / sizeof *SHAPING_LISTS && rc == 0; i++)
        rc = manifest_put(settings, SHAPING_LISTS[i], list_setting(o, from, SHAPING_LISTS[i]), err);
    if (rc == 0)
        rc = dataset_features_digest(option_str(o, "features"), features_hex, err);
    if (rc == 0)
        rc = manifest_put(settings, "features", features_setting(o, from, features_hex), err);
    if (rc == 0 && option_str(o, "group-by"))
        rc = manifest_put(settings, "group-by", json_string(option_str(o, "group-by")), err);
    if (rc == 0 && option_str(o, "preset"))
        rc = manifest_put(settings, "preset", json_string(option_str(o, "preset")), err);
    const char *const *set;
    const size_t n_set = option_list(o, "set", &set);
    if (rc == 0 && n_set > 0)
        rc = manifest_put(settings, "set", manifest_strings(set, n_set), err);
    if (rc == 0 && from)
        rc = manifest_put(settings, "init-from", json_string(ancestor_id(from)), err);
    if (rc == 0 && (from || option_flag(o, "save-state")))
        rc = manifest_put(settings, "save-state", json_true(), err);
    if (rc < 0) {
        json_decref(settings);
        return rc;
    }
    *out = settings;
    return 0;
}

int identity_new(const shoal_options *o, const ancestor *from, const dataset *d, const model *m, const kernels *k,
                 checkpoint_identity *out, shoal_error *err)
{
    char digest_hex[33];
    json_t *layers = NULL;
    memset(out, 0, sizeof *out);
    int rc = settings_json(o, from, &out->settings, err);
    if (rc == 0)
        rc = model_to_json(m, &layers, err);
    if (rc == 0)
        rc = manifest_put(out->settings, "layers", layers, err);
    if (rc == 0)
        rc = kernels_digest(k, digest_hex, err);
    if (rc == 0) {
        out->kernels = json_pack("{s:s, s:s}", "name", k->name, "digest", digest_hex);
        out->data = json_pack("{s:O, s:O, s:I}", "files", d->files, "digests", d->digests, "rows",
                              (json_int_t)pack_rows(d->train));
        if (!out->kernels || !out->data)
            rc = error_nomem(err, 0, "the run's identity");
    }
    if (rc < 0)
        checkpoint_identity_release(out);
    return rc;
}

int identity_of_model(const char *dir, checkpoint_identity *out, shoal_error *err)
{
    json_t *all = NULL;
    memset(out, 0, sizeof *out);
    char *path = mem_sprintf("%s/" MODELFILE_MANIFEST, dir);
    int rc = path ? manifest_read(path, "shoal-model", MODELFILE_VERSION, &all, NULL, err) : error_nomem(err, 0, "a path");
    if (rc == 0) {
        out->settings = json_incref(json_object_get(all, "settings"));
        out->data = json_incref(json_object_get(all, "data"));
        out->kernels = json_incref(json_object_get(all, "kernels"));
        if (!out->settings || !out->data || !out->kernels)
            rc = error_set(err, SHOAL_DATA, "%s does not say which run made it; give --overwrite to replace it", path);
    }
    json_decref(all);
    mem_free(path);
    return rc;
}

int identity_check_early(const shoal_options *o, const ancestor *from, json_t *files, const checkpoint_identity *was,
                         shoal_error *err)
{
    checkpoint_identity now = {0};
    int rc = settings_json(o, from, &now.settings, err);
    if (rc == 0) {
        /* what only the whole run knows is taken from before */
        json_object_set(now.settings, "layers", json_object_get(was->settings, "layers"));
        now.data = json_copy(was->data);
        now.kernels = json_incref(was->kernels);
        if (!now.data || json_object_set(now.data, "files", files) < 0)
            rc = error_nomem(err, 0, "the run's identity");
    }
    if (rc == 0)
        rc = checkpoint_compare(was, &now, err);
    checkpoint_identity_release(&now);
    return rc;
}
