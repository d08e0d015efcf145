/* job_summary.c: `shoal summary MODEL|models/x.yaml|NAME`: the layers, sizes and features of a trained model, or the
 * layers of a model that is not trained yet. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/option.h"
#include "train/human.h"
#include "train/manifest.h"
#include "train/modelfile.h"
#include "train/outline.h"

static int is_trained(const char *path)
{
    size_t n = strlen(path), tail = strlen(MODELFILE_MANIFEST);
    return file_is_dir(path) || (n >= tail && strcmp(path + n - tail, MODELFILE_MANIFEST) == 0);
}

static int put_recorded(const json_t *manifest, buf *out, shoal_error *err)
{
    static const struct {
        const char *key, *label;
    } KNOWN[] = {{"auc", "auc"}, {"logloss", "log loss"}, {"calibration", "calibration"}};
    const json_t *file = json_object_get(manifest, "weights"), *metrics = json_object_get(manifest, "metrics");
    const json_t *valid = json_object_get(metrics, "valid");
    char size[HUMAN_BYTES];
    int rc = buf_printf(out, err, "\nweights: %s, %s\n", json_string_value(json_object_get(file, "file")),
                        human_bytes((double)json_integer_value(json_object_get(file, "bytes")), size));
    if (!json_is_object(valid)) valid = metrics;
    for (size_t i = 0; i < sizeof KNOWN / sizeof KNOWN[0] && rc == 0; i++) {
        const json_t *v = json_object_get(valid, KNOWN[i].key);
        if (json_is_number(v)) rc = buf_printf(out, err, "validation %s: %.6f\n", KNOWN[i].label, json_number_value(v));
    }
    return rc;
}

static int trained_text(const modelfile *f, int width, buf *out, shoal_error *err)
{
    int rc = model_summary(f->model, width, out, err);
    if (rc == 0) rc = buf_puts(out, "\nfeatures\n", err);
    if (rc == 0) rc = features_describe(f->features, out, err);
    return rc ? rc : put_recorded(f->manifest, out, err);
}

static int trained_json(const modelfile *f, json_t **out, shoal_error *err)
{
    int rc = model_summary_json(f->model, out, err);
    if (rc) return rc;
    rc = manifest_put(*out, "trained", json_true(), err);
    static const char *const COPIED[] = {"metrics", "weights", "features", "kernels"};
    for (size_t i = 0; i < sizeof COPIED / sizeof COPIED[0] && rc == 0; i++) {
        json_t *v = json_object_get(f->manifest, COPIED[i]);
        if (v) rc = manifest_put(*out, COPIED[i], json_incref(v), err);
    }
    return rc;
}

static int of_trained(const char *path, int json, int width, buf *text, json_t **out, shoal_error *err)
{
    modelfile f;
    int rc = modelfile_load(path, &f, err);
    if (rc) return rc;
    rc = json ? trained_json(&f, out, err) : trained_text(&f, width, text, err);
    modelfile_release(&f);
    return rc;
}

static int of_source(const char *name, int json, int width, buf *text, json_t **out, shoal_error *err)
{
    conf *network = NULL;
    int rc = model_source(name, &network, err);
    if (rc == 0) rc = json ? outline_json(network, out, err) : outline_text(network, width, text, err);
    conf_free(network);
    return rc;
}

SHOAL_API int shoal_summary(const shoal_options *o, const shoal_host *host, shoal_error *err)
{
    const char *const *args;
    size_t n = option_args(o, &args);
    int json = option_flag(o, "json"), width = host && host->columns > 0 ? host->columns : 80;
    json_t *j = NULL;
    buf text = BUF_INIT;
    if (n != 1) return error_set(err, SHOAL_USAGE, "shoal summary takes one model: a folder, a .yaml file, or a name of the zoo");
    int rc = is_trained(args[0]) ? of_trained(args[0], json, width, &text, &j, err) : of_source(args[0], json, width, &text, &j, err);
    if (rc == 0 && j) rc = manifest_line(j, &text, err);
    if (rc == 0) rc = host_out(host, (const char *)text.data, text.len, err);
    json_decref(j);
    buf_release(&text);
    return rc;
}
