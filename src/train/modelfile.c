/* modelfile.c: models and features in folders; see modelfile.h. */
#include "train/modelfile.h"

#include <string.h>

#include "base/mem.h"
#include "train/manifest.h"

#define FEATUREFILE_VERSION 1

/* The tensors of one file, while their list is gathered. Names are owned. */
typedef struct tensor_list {
    tensor_out *t;
    size_t n, cap;
} tensor_list;

static void list_release(tensor_list *l)
{
    for (size_t i = 0; i < l->n; i++) mem_free((char *)l->t[i].name);
    mem_free(l->t);
}

static int list_add(tensor_list *l, tensor_out t, const char *format, const char *name, shoal_error *err)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 32;
        tensor_out *grown = mem_realloc(l->t, cap * sizeof *grown);
        if (!grown) return error_nomem(err, cap * sizeof *grown, "the list of tensors");
        l->t = grown;
        l->cap = cap;
    }
    t.name = mem_sprintf(format, name);
    if (!t.name) return error_nomem(err, strlen(name), "the name of a tensor");
    l->t[l->n++] = t;
    return 0;
}

/* ---- vocabularies -------------------------------------------------------------------------------------------------- */

static int add_vocabularies(tensor_list *l, const features *f, shoal_error *err)
{
    int rc = 0;
    for (uint32_t i = 0; i < f->n_features && rc == 0; i++) {
        const uint8_t *bytes;
        const uint64_t *offsets;
        uint32_t n;
        if (!f->feature[i].vocab) continue;
        if ((rc = features_vocab_get(f, i, &bytes, &offsets, &n))) return error_set(err, rc, "no vocabulary of feature '%s'", f->feature[i].name);
        tensor_out b = {.type = TENSOR_U8, .rows = offsets[n], .data = bytes};
        tensor_out o = {.type = TENSOR_U64, .rows = (uint64_t)n + 1, .data = offsets};
        rc = list_add(l, b, "vocab.%s.bytes", f->feature[i].name, err);
        if (rc == 0) rc = list_add(l, o, "vocab.%s.offsets", f->feature[i].name, err);
    }
    return rc;
}

static int needs_vocabulary(const feature *x)
{
    return x->kind == FEATURE_CATEGORICAL && x->encoding == ENCODE_VOCABULARY;
}

static int check_offsets(const tensor_in *b, const uint64_t *offsets, uint64_t n, const char *path,
                         shoal_error *err)
{
    int good = offsets[0] == 0 && offsets[n] == b->bytes;
    for (uint64_t i = 0; i < n && good; i++) good = offsets[i] <= offsets[i + 1];
    return good ? 0 : error_set(err, SHOAL_DATA, "%s: the offsets of tensor '%s' do not fit its bytes; the file is damaged", path, b->name);
}

static int read_vocabulary(const safetensors *s, const char *path, features *f, uint32_t i, shoal_error *err)
{
    char *bytes_name = mem_sprintf("vocab.%s.bytes", f->feature[i].name);
    char *offsets_name = mem_sprintf("vocab.%s.offsets", f->feature[i].name);
    uint8_t *bytes = NULL;
    uint64_t *offsets = NULL;
    int rc = 0;
    if (!bytes_name || !offsets_name) {
        rc = error_nomem(err, 64, "the name of a tensor");
        goto out;
    }
    const tensor_in *b = safetensors_get(s, bytes_name), *o = safetensors_get(s, offsets_name);
    if (!b || !o || b->type != TENSOR_U8 || o->type != TENSOR_U64 || b->cols != 1 || o->cols != 1 || o->rows < 1 ||
        o->rows > UINT32_MAX) {
        rc = error_set(err, SHOAL_DATA, "%s: the vocabulary of feature '%s' is not there as tensors '%s' (U8) and '%s' (U64)",
                       path, f->feature[i].name, bytes_name, offsets_name);
        goto out;
    }
    bytes = mem_alloc(b->bytes + 1);
    offsets = mem_alloc(o->bytes);
    if (!bytes || !offsets) {
        rc = error_nomem(err, b->bytes + o->bytes, "a vocabulary");
        goto out;
    }
    rc = safetensors_read(s, b, bytes, 0, err);
    if (rc == 0) rc = safetensors_read(s, o, offsets, 0, err);
    if (rc == 0) rc = check_offsets(b, offsets, o->rows - 1, path, err);
    if (rc == 0) rc = features_vocab_set(f, i, bytes, b->bytes, offsets, (uint32_t)(o->rows - 1), err);
out:
    mem_free(bytes_name);
    mem_free(offsets_name);
    mem_free(bytes);
    mem_free(offsets);
    return rc;
}

/* Features from their part of a manifest and the vocabularies of a tensor file, placed. */
static int read_features(const conf *tree, const char *where, const safetensors *s, const char *path, features **out,
                         shoal_error *err)
{
    const conf *part = conf_get(tree, "features");
    if (!part) return error_set(err, SHOAL_DATA, "%s: no \"features\"; the file is damaged", where);
    features *f = NULL;
    int rc = features_from_json(part, &f, err);
    for (uint32_t i = 0; rc == 0 && i < f->n_features; i++)
        if (needs_vocabulary(&f->feature[i])) rc = read_vocabulary(s, path, f, i, err);
    if (rc == 0) rc = features_place(f, err);
    if (rc) features_free(f);
    else *out = f;
    return rc;
}

/* ---- whole files ---------------------------------------------------------------------------------------------------- */

/* Opens the tensor file and holds it against the manifest's entry. */
static int open_checked(const json_t *entry, const char *manifest, const char *path, safetensors **out, shoal_error *err)
{
    hash128 sum;
    int rc = safetensors_open(path, out, err);
    if (rc == 0) rc = safetensors_digest(*out, &sum, err);
    if (rc == 0) rc = manifest_file_check(entry, manifest, path, safetensors_size(*out), sum, err);
    if (rc) {
        safetensors_close(*out);
        *out = NULL;
    }
    return rc;
}

/* What was just written must come back from the disk as it is in memory. */
static int read_back(const char *manifest_path, const char *tensors_path, const json_t *written, const char *format,
                     int version, const char *entry, shoal_error *err)
{
    json_t *is = NULL;
    safetensors *s = NULL;
    int rc = manifest_read(manifest_path, format, version, &is, NULL, err);
    if (rc == 0 && !json_equal(is, written))
        rc = error_set(err, SHOAL_STORAGE, "%s: does not read back as it was written", manifest_path);
    if (rc == 0) rc = open_checked(json_object_get(is, entry), manifest_path, tensors_path, &s, err);
    safetensors_close(s);
    json_decref(is);
    return rc;
}

/* The two files of a pair in a folder, and their names while they are written. */
typedef struct pair_paths {
    char *manifest, *tensors, *new_manifest, *new_tensors;
} pair_paths;

static int paths_of(const char *dir, const char *manifest, const char *tensors, pair_paths *p, shoal_error *err)
{
    p->manifest = mem_sprintf("%s/%s", dir, manifest);
    p->tensors = mem_sprintf("%s/%s", dir, tensors);
    p->new_manifest = mem_sprintf("%s/.%s.new", dir, manifest);
    p->new_tensors = mem_sprintf("%s/.%s.new", dir, tensors);
    return p->manifest && p->tensors && p->new_manifest && p->new_tensors ? 0 : error_nomem(err, strlen(dir), "a path");
}

static void paths_release(pair_paths *p)
{
    mem_free(p->manifest);
    mem_free(p->tensors);
    mem_free(p->new_manifest);
    mem_free(p->new_tensors);
}

/* The weights change places with older ones, so that these can come back when the manifest cannot follow. */
static int place_pair(const pair_paths *p, shoal_error *err)
{
    int older = file_exists(p->tensors);
    int rc = older ? file_exchange(p->new_tensors, p->tensors, err) : file_rename(p->new_tensors, p->tensors, err);
    if (rc == 0 && (rc = file_rename(p->new_manifest, p->manifest, err)) && older && file_exists(p->new_manifest))
        file_exchange(p->new_tensors, p->tensors, NULL);
    return rc;
}

static int write_pair(const pair_paths *p, const char *tensors_name, json_t *manifest, const char *format, int version,
                      const char *entry, tensor_list *l, shoal_error *err)
{
    hash128 sum;
    safetensors *s = NULL;
    int rc = safetensors_write(p->new_tensors, 1, l->t, l->n, &sum, err);
    if (rc == 0) rc = safetensors_open(p->new_tensors, &s, err);
    if (rc == 0) rc = manifest_put(manifest, entry, manifest_file(tensors_name, safetensors_size(s), sum), err);
    safetensors_close(s);
    if (rc == 0) rc = manifest_write(p->new_manifest, manifest, err);
    if (rc == 0) rc = read_back(p->new_manifest, p->new_tensors, manifest, format, version, entry, err);
    if (rc == 0) rc = place_pair(p, err);
    file_remove_tree(p->new_manifest, NULL); /* what failed, or the older weights */
    file_remove_tree(p->new_tensors, NULL);
    return rc;
}

static int put_features(json_t *manifest, const features *f, shoal_error *err)
{
    json_t *j = NULL;
    int rc = features_to_json(f, &j, err);
    return rc ? rc : manifest_put(manifest, "features", j, err);
}

/* ---- models --------------------------------------------------------------------------------------------------------- */

static int add_weights(tensor_list *l, const model *m, const weights *w, shoal_error *err)
{
    size_t n;
    const param *p = model_params(m, &n);
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        tensor_out t = {.type = TENSOR_F32, .rows = p[i].rows, .cols = p[i].cols};
        switch (p[i].kind) {
        case PARAM_TABLE: t.data = w->table[p[i].offset]; t.stride = w->stride[p[i].offset]; break;
        case PARAM_DENSE: t.data = w->dense + p[i].offset; break;
        case PARAM_AUX: t.data = w->aux + p[i].offset; break;
        }
        rc = list_add(l, t, "%s", p[i].name, err);
    }
    return rc;
}

static int read_weights(const safetensors *s, const model *m, weights *w, shoal_error *err)
{
    size_t n;
    const param *p = model_params(m, &n);
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        tensor_in t;
        rc = safetensors_find(s, p[i].name, TENSOR_F32, p[i].rows, p[i].cols, &t, err);
        if (rc) break;
        switch (p[i].kind) {
        case PARAM_TABLE: rc = safetensors_read(s, &t, w->table[p[i].offset], w->stride[p[i].offset], err); break;
        case PARAM_DENSE: rc = safetensors_read(s, &t, w->dense + p[i].offset, 0, err); break;
        case PARAM_AUX: rc = safetensors_read(s, &t, w->aux + p[i].offset, 0, err); break;
        }
    }
    return rc;
}

int modelfile_save(const char *dir, const model *m, const weights *w, json_t *info, shoal_error *err)
{
    pair_paths path = {0};
    tensor_list l = {0};
    json_t *described = NULL, *manifest = manifest_new("shoal-model", MODELFILE_VERSION);
    int rc = manifest ? 0 : error_nomem(err, 0, "JSON");
    if (rc == 0) rc = paths_of(dir, MODELFILE_MANIFEST, MODELFILE_WEIGHTS, &path, err);
    if (rc == 0) rc = manifest_put(manifest, "shoal", json_string(SHOAL_VERSION), err);
    if (rc == 0) rc = put_features(manifest, model_features(m), err);
    if (rc == 0) rc = model_to_json(m, &described, err);
    if (rc == 0) rc = manifest_put(manifest, "model", described, err);
    if (rc == 0 && info && json_object_update_missing(manifest, info)) rc = error_nomem(err, 0, "JSON");
    if (rc == 0) rc = add_weights(&l, m, w, err);
    if (rc == 0) rc = add_vocabularies(&l, model_features(m), err);
    if (rc == 0)
        rc = write_pair(&path, MODELFILE_WEIGHTS, manifest, "shoal-model", MODELFILE_VERSION, "weights",
                        &l, err);
    json_decref(manifest);
    list_release(&l);
    paths_release(&path);
    return rc;
}

/* Whether the manifest is that of the weights that are there. */
static int describes(const char *manifest, const char *tensors, int *does, shoal_error *err)
{
    json_t *j = NULL;
    safetensors *s = NULL;
    *does = 0;
    shoal_error why = {0};
    int rc = file_exists(manifest) ? manifest_read(manifest, "shoal-model", MODELFILE_VERSION, &j, NULL, &why) : SHOAL_DATA;
    if (rc == 0) rc = open_checked(json_object_get(j, "weights"), manifest, tensors, &s, &why);
    safetensors_close(s);
    json_decref(j);
    *does = rc == 0;
    return rc == SHOAL_NOMEM ? error_nomem(err, 0, "a manifest") : 0;
}

/* The weights were put in place and their manifest was not. */
static int half_placed(const pair_paths *p, int *is, shoal_error *err)
{
    int older = 0, rc = 0;
    *is = 0;
    if (!file_exists(p->new_manifest)) return 0;
    rc = describes(p->manifest, p->tensors, &older, err);
    return rc || older ? rc : describes(p->new_manifest, p->tensors, is, err);
}

int modelfile_settle(const char *dir, shoal_error *err)
{
    pair_paths path = {0};
    int half = 0, rc = paths_of(dir, MODELFILE_MANIFEST, MODELFILE_WEIGHTS, &path, err);
    if (rc == 0) rc = half_placed(&path, &half, err);
    if (rc == 0 && half) rc = file_rename(path.new_manifest, path.manifest, err);
    if (rc == 0) rc = file_remove_tree(path.new_manifest, err);
    if (rc == 0) rc = file_remove_tree(path.new_tensors, err);
    paths_release(&path);
    return rc;
}

static int parts_from(modelfile_parts *out, shoal_error *err)
{
    pair_paths path = {0};
    int half = 0, rc = paths_of(out->dir, MODELFILE_MANIFEST, MODELFILE_WEIGHTS, &path, err);
    if (rc == 0) rc = half_placed(&path, &half, err);
    if (rc == 0) rc = manifest_read(half ? path.new_manifest : path.manifest, "shoal-model", MODELFILE_VERSION, &out->manifest, &out->tree, err);
    if (rc == 0) rc = open_checked(json_object_get(out->manifest, "weights"), path.manifest, path.tensors, &out->tensors, err);
    if (rc == 0) rc = read_features(out->tree, path.manifest, out->tensors, path.tensors, &out->features, err);
    if (rc == 0) out->network = conf_get(out->tree, "model");
    if (rc == 0 && !out->network) rc = error_set(err, SHOAL_DATA, "%s: no \"model\"; the file is damaged", path.manifest);
    paths_release(&path);
    return rc;
}

static int parts_open(const char *path, modelfile_parts *out, shoal_error *err)
{
    size_t n = strlen(path), tail = strlen(MODELFILE_MANIFEST);
    if (!file_exists(path))
        return error_set(err, SHOAL_STORAGE, "%s: there is no such model folder; 'shoal train --out DIR' makes one", path);
    int names_manifest = n >= tail && strcmp(path + n - tail, MODELFILE_MANIFEST) == 0 && !file_is_dir(path);
    if (!names_manifest && !file_is_dir(path))
        return error_set(err, SHOAL_USAGE, "%s is a file, expected the folder of a model: it comes first, and then the rows", path);
    if (names_manifest)
        out->dir = n == tail ? mem_strdup(".") : mem_strndup(path, n - tail - 1);
    else
        out->dir = mem_strdup(path);
    char *manifest = out->dir ? mem_sprintf("%s/%s", out->dir, MODELFILE_MANIFEST) : NULL;
    int rc = manifest ? 0 : error_nomem(err, n, "a path");
    if (rc == 0 && !file_exists(manifest))
        rc = error_set(err, SHOAL_DATA, "%s: no model: there is no " MODELFILE_MANIFEST "; a run that has finished has one", path);
    if (rc == 0) rc = parts_from(out, err);
    mem_free(manifest);
    return rc == SHOAL_USAGE ? error_where(err, SHOAL_DATA, "cannot load %s", out->dir) : rc; /* nobody typed it */
}

int modelfile_open(const char *path, modelfile_parts *out, shoal_error *err)
{
    memset(out, 0, sizeof *out);
    int rc = parts_open(path, out, err);
    if (rc) modelfile_parts_release(out);
    return rc;
}

void modelfile_parts_release(modelfile_parts *p)
{
    features_free(p->features);
    safetensors_close(p->tensors);
    conf_free(p->tree);
    json_decref(p->manifest);
    mem_free(p->dir);
    memset(p, 0, sizeof *p);
}

int modelfile_load(const char *path, modelfile *out, shoal_error *err)
{
    modelfile_parts p;
    memset(out, 0, sizeof *out);
    int rc = modelfile_open(path, &p, err);
    if (rc) return rc;
    rc = model_build(p.network, p.features, NULL, &out->model, err);
    if (rc == 0) rc = weights_new(out->model, 0, &out->weights, err);
    if (rc == 0) rc = read_weights(p.tensors, out->model, out->weights, err);
    if (rc == SHOAL_USAGE) rc = error_where(err, SHOAL_DATA, "cannot load %s", p.dir); /* nobody typed it */
    out->features = p.features;
    out->manifest = p.manifest;
    p.features = NULL;
    p.manifest = NULL;
    modelfile_parts_release(&p);
    if (rc) modelfile_release(out);
    return rc;
}

void modelfile_release(modelfile *m)
{
    weights_free(m->weights);
    model_free(m->model);
    features_free(m->features);
    json_decref(m->manifest);
    memset(m, 0, sizeof *m);
}

/* ---- features alone --------------------------------------------------------------------------------------------------- */

int featurefile_save(const char *dir, const features *f, shoal_error *err)
{
    pair_paths path = {0};
    tensor_list l = {0};
    json_t *manifest = manifest_new("shoal-features", FEATUREFILE_VERSION);
    int rc = manifest ? 0 : error_nomem(err, 0, "JSON");
    if (rc == 0) rc = paths_of(dir, "features.json", "vocab.safetensors", &path, err);
    if (rc == 0) rc = put_features(manifest, f, err);
    if (rc == 0) rc = add_vocabularies(&l, f, err);
    if (rc == 0)
        rc = write_pair(&path, "vocab.safetensors", manifest, "shoal-features", FEATUREFILE_VERSION,
                        "vocabularies", &l, err);
    json_decref(manifest);
    list_release(&l);
    paths_release(&path);
    return rc;
}

int featurefile_load(const char *dir, features **out, shoal_error *err)
{
    pair_paths path = {0};
    json_t *manifest = NULL;
    conf *tree = NULL;
    safetensors *s = NULL;
    *out = NULL;
    int rc = paths_of(dir, "features.json", "vocab.safetensors", &path, err);
    if (rc == 0) rc = manifest_read(path.manifest, "shoal-features", FEATUREFILE_VERSION, &manifest, &tree, err);
    if (rc == 0) rc = open_checked(json_object_get(manifest, "vocabularies"), path.manifest, path.tensors, &s, err);
    if (rc == 0) rc = read_features(tree, path.manifest, s, path.tensors, out, err);
    safetensors_close(s);
    conf_free(tree);
    json_decref(manifest);
    paths_release(&path);
    return rc;
}
