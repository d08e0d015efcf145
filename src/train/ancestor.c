/* ancestor.c: see ancestor.h. */
#include "train/ancestor.h"

#include <string.h>

#include "base/mem.h"
#include "train/dataset.h"
#include "train/state.h"

struct ancestor {
    char *path, *id;
    modelfile_parts parts;
    safetensors *state; /* NULL: none */
    uint64_t steps;
};

static const char *const GIVEN[] = {"label", "weight", "features", "drop", "model", "hidden", "embedding-dim", "dropout"};

int ancestor_gives(const char *name)
{
    for (size_t i = 0; i < sizeof GIVEN / sizeof *GIVEN; i++)
        if (strcmp(GIVEN[i], name) == 0)
            return 1;
    return 0;
}

const json_t *ancestor_setting(const ancestor *a, const char *name)
{
    const json_t *v = json_object_get(json_object_get(a->parts.manifest, "settings"), name);
    return json_is_null(v) ? NULL : v;
}

const features *ancestor_features(const ancestor *a) { return a->parts.features; }
const conf *ancestor_network(const ancestor *a) { return a->parts.network; }
const char *ancestor_path(const ancestor *a) { return a->path; }
const char *ancestor_id(const ancestor *a) { return a->id; }
int ancestor_has_state(const ancestor *a) { return a->state != NULL; }
uint64_t ancestor_steps(const ancestor *a) { return a->steps; }

/* ---- what is refused ---- */

static int refuse(const ancestor *a, const char *option, const char *was, const char *is, shoal_error *err)
{
    return error_set(err, SHOAL_USAGE, "--init-from %s: '%s' is %s there, but %s here; give it as it is there, or train anew without --init-from",
                     a->path, option, was, is);
}

static int check_column(const ancestor *a, const shoal_options *o, const char *option, const char *was, shoal_error *err)
{
    const char *is = option_str(o, option);
    return !is || (was && strcmp(was, is) == 0) ? 0 : refuse(a, option, was ? was : "not set", is, err);
}

static int check_drop(const ancestor *a, const shoal_options *o, shoal_error *err)
{
    const char *const *items;
    size_t n = option_list(o, "drop", &items);
    manifest_difference d;
    if (n == 0)
        return 0;
    json_t *is = manifest_strings(items, n);
    int rc = !is ? error_nomem(err, 0, "JSON") : manifest_differ(ancestor_setting(a, "drop"), is, &d) ? refuse(a, "drop", d.was, d.is, err) : 0;
    json_decref(is);
    return rc;
}

static int check_features(const ancestor *a, const shoal_options *o, shoal_error *err)
{
    char is[33];
    const char *path = option_str(o, "features"), *was = json_string_value(ancestor_setting(a, "features"));
    int rc = path ? dataset_features_digest(path, is, err) : 0;
    if (rc < 0 || !path || (was && strcmp(was, is) == 0))
        return rc;
    return error_set(err, SHOAL_USAGE, "--init-from %s: the model was not trained with --features %s as it is now; leave it out, or train "
                     "anew without --init-from", a->path, path);
}

static int check_options(const ancestor *a, const shoal_options *o, shoal_error *err)
{
    const char *optimizer = json_string_value(ancestor_setting(a, "optimizer")), *out = option_str(o, "out");
    char *mine = NULL, *theirs = NULL;
    int rc = check_column(a, o, "label", a->parts.features->label, err);
    if (rc == 0)
        rc = check_column(a, o, "weight", a->parts.features->weight, err);
    if (rc == 0)
        rc = check_features(a, o, err);
    if (rc == 0)
        rc = check_drop(a, o, err);
    if (rc == 0 && a->state && optimizer && strcmp(optimizer, option_str(o, "optimizer")) != 0)
        rc = refuse(a, "optimizer", optimizer, option_str(o, "optimizer"), err);
    if (rc == 0 && out && file_exists(out)) {
        rc = file_real_path(out, &mine, err);
        if (rc == 0)
            rc = file_real_path(a->parts.dir, &theirs, err);
        if (rc == 0 && strcmp(mine, theirs) == 0)
            rc = error_set(err, SHOAL_USAGE, "--out and --init-from are both %s: give the new model a folder of its own", out);
    }
    mem_free(mine);
    mem_free(theirs);
    return rc;
}

/* ---- opening ---- */

static int open_state(ancestor *a, const shoal_host *host, shoal_error *err)
{
    const json_t *entry = json_object_get(a->parts.manifest, "state");
    if (!entry) {
        host_warn(host, "%s has no optimiser state (--save-state keeps it): the optimiser starts anew", a->path);
        return 0;
    }
    char *manifest = mem_sprintf("%s/" MODELFILE_MANIFEST, a->parts.dir);
    int rc = manifest ? statefile_open(a->parts.dir, manifest, entry, &a->state, &a->steps, err) : error_nomem(err, 0, "a path");
    mem_free(manifest);
    return rc;
}

static int make_id(ancestor *a, shoal_error *err)
{
    const json_t *all = a->parts.manifest;
    const char *values = json_string_value(json_object_get(json_object_get(all, "weights"), "xxh3_128"));
    const char *state = json_string_value(json_object_get(json_object_get(all, "state"), "xxh3_128"));
    a->id = mem_sprintf("%s%s%s", values, state ? "+" : "", state ? state : "");
    return a->id ? 0 : error_nomem(err, 0, "the model's identity");
}

int ancestor_open(const shoal_options *o, const shoal_host *host, ancestor **out, shoal_error *err)
{
    const char *path = option_str(o, "init-from");
    *out = NULL;
    if (!path)
        return 0;
    ancestor *a = mem_calloc(1, sizeof *a);
    if (!a || !(a->path = mem_strdup(path))) {
        mem_free(a);
        return error_nomem(err, sizeof *a, "the model to go on from");
    }
    int rc = modelfile_open(path, &a->parts, err);
    if (rc == 0)
        rc = open_state(a, host, err);
    if (rc == 0)
        rc = check_options(a, o, err);
    if (rc == 0)
        rc = make_id(a, err);
    if (rc < 0)
        ancestor_free(a);
    else
        *out = a;
    return rc;
}

void ancestor_free(ancestor *a)
{
    if (!a)
        return;
    modelfile_parts_release(&a->parts);
    safetensors_close(a->state);
    mem_free(a->path);
    mem_free(a->id);
    mem_free(a);
}

/* ---- values ---- */

typedef struct filling {
    const ancestor *a;
    const features *now;
} filling;

/* Each field's rows, to where the field is now. */
static int read_table(const filling *f, const safetensors *from, const tensor_in *t, float *data, uint64_t stride, shoal_error *err)
{
    const features *was = f->a->parts.features;
    int rc = 0;
    CHECK(was->n_fields == f->now->n_fields);
    for (uint32_t i = 0; i < was->n_fields && rc == 0; i++) {
        CHECK(was->field[i].rows <= f->now->field[i].rows);
        rc = safetensors_read_rows(from, t, was->field[i].base, was->field[i].rows, data + f->now->field[i].base * stride, stride, err);
    }
    return rc;
}

/* State that the model's run did not have is zero, as in a new run. */
static int read_value(void *ctx, const param *p, int slot, const char *name, float *data, uint64_t stride, shoal_error *err)
{
    const filling *f = ctx;
    const safetensors *from = slot < 0 ? f->a->parts.tensors : f->a->state;
    const uint64_t rows = p->kind == PARAM_TABLE ? f->a->parts.features->n_ids : p->rows;
    tensor_in t;
    if (slot >= 0 && (!from || !safetensors_get(from, name)))
        return 0;
    int rc = safetensors_find(from, name, TENSOR_F32, rows, p->cols, &t, err);
    if (rc < 0)
        return rc;
    return p->kind == PARAM_TABLE ? read_table(f, from, &t, data, stride, err) : safetensors_read(from, &t, data, stride, err);
}

int ancestor_values(const ancestor *a, weights *w, shoal_error *err)
{
    filling f = {a, model_features(w->model)};
    return state_each(w, -1, read_value, &f, err);
}
