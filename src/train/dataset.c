#include "train/dataset.h"

#include <string.h>

#include "base/mem.h"
#include "train/ingest.h"
#include "train/manifest.h"
#include "train/modelfile.h"
#include "train/spool_owner.h"

#define DATA_VERSION 1
#define DATA_JSON_MAX (256u << 20)

/* ---- identity ---- */

/* The last component of a path, with the folders key=value before it, which are data too. */
static const char *base_name(const char *path)
{
    const char *base = path + strlen(path);
    for (int folder = 0;; folder = 1) {
        const char *start = base - (base > path && folder);
        while (start > path && start[-1] != '/')
            start--;
        if (start == base || (folder && !memchr(start, '=', (size_t)(base - start))))
            return base;
        base = start;
    }
}

static int add_file(json_t *to, const char *side, size_t i, const char *path, int with_time, shoal_error *err)
{
    file_print print;
    int rc = file_fingerprint(path, &print, err);
    if (rc < 0)
        return rc;
    char sample[17], *key = mem_sprintf("%s/%zu/%s", side, i, base_name(path));
    snprintf(sample, sizeof sample, "%016llx", (unsigned long long)print.sample);
    json_t *entry = json_pack("{s:I, s:s}", "bytes", (json_int_t)print.size, "sample", sample);
    if (entry && with_time && json_object_set_new(entry, "mtime_ns", json_integer(print.mtime_ns)) < 0)
        rc = SHOAL_NOMEM;
    if (!key || !entry || rc < 0 || json_object_set(to, key, entry) < 0)
        rc = error_nomem(err, 0, "the identity of the data");
    json_decref(entry);
    mem_free(key);
    return rc;
}

static int add_files(json_t *to, const table_spec *spec, const char *side, int with_time, shoal_error *err)
{
    char **files = NULL;
    size_t n = 0;
    int rc = table_files(spec, &files, &n, err);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = add_file(to, side, i, files[i], with_time, err);
    file_list_free(files, n);
    return rc;
}

static int files_json(const dataset_request *q, int with_time, json_t **out, shoal_error *err)
{
    json_t *files = json_object();
    if (!files)
        return error_nomem(err, 0, "the identity of the data");
    table_spec spec;
    int rc = table_spec_from(q->options, q->train, q->n_train, -1, &spec, err);
    if (rc == 0)
        rc = add_files(files, &spec, "train", with_time, err);
    if (rc == 0)
        rc = table_spec_valid(q->options, q->valid, q->n_valid, -1, &spec, err);
    if (rc == 0)
        rc = add_files(files, &spec, "valid", with_time, err);
    for (size_t i = 0; i < spec.n_tables && rc == 0; i++) {
        const char *path = table_side_path(spec.tables[i]);
        const table_spec side = {.paths = &path, .n_paths = path != NULL};
        rc = add_files(files, &side, spec.tables[i], with_time, err);
    }
    if (rc < 0) {
        json_decref(files);
        return rc;
    }
    *out = files;
    return 0;
}

int dataset_files(const dataset_request *q, json_t **out, shoal_error *err)
{
    return files_json(q, 0, out, err);
}

int dataset_features_digest(const char *path, char out[33], shoal_error *err)
{
    buf text = BUF_INIT;
    strcpy(out, "guess");
    int rc = path ? file_read_all(path, CONF_BYTES_MAX, &text, err) : 0;
    if (rc == 0 && path)
        hash128_hex(hash128_of(text.data ? text.data : (const uint8_t *)"", text.len), out);
    buf_release(&text);
    return rc;
}

/* What shapes the pack besides the files: everything that ingest looks at. */
static int request_json(const dataset_request *q, json_t **out, shoal_error *err)
{
    char digest_hex[33];
    *out = NULL;
    int rc = dataset_features_digest(q->features_yaml, digest_hex, err);
    if (rc < 0)
        return rc;
    json_t *drop = manifest_strings(q->drop, q->n_drop);
    if (drop)
        *out = json_pack("{s:s?, s:s?, s:O, s:s, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?}", "label", q->label, "weight", q->weight, "drop",
                         drop, "features", digest_hex, "sql", option_str(q->options, "sql"), "valid-sql",
                         option_str(q->options, "valid-sql"), "where", option_str(q->options, "where"), "valid-where",
                         option_str(q->options, "valid-where"), "format", option_str(q->options, "format"), "init-from", q->grow_id, "group-by", q->group_by);
    json_decref(drop);
    return *out ? 0 : error_nomem(err, 0, "the identity of the data");
}

/* ---- the spool ---- */

static char *spool_path(const dataset_request *q, const char *name)
{
    return mem_sprintf("%s/%s", q->spool_dir, name);
}

static int digest_json(dataset *d, shoal_error *err)
{
    char train[33], valid[33] = "";
    hash128_hex(pack_digest(d->train), train);
    if (d->valid)
        hash128_hex(pack_digest(d->valid), valid);
    d->digests = json_pack("{s:s, s:s}", "train", train, "valid", valid);
    int bad = !d->digests;
    if (!bad && d->groups) {
        hash128_hex(pack_digest(d->groups), valid);
        bad = json_object_set_new(d->digests, "groups", json_string(valid)) < 0;
    }
    return bad ? error_nomem(err, 0, "the identity of the data") : 0;
}

static int open_packs(const dataset_request *q, int has_valid, dataset *d, shoal_error *err)
{
    char *train = spool_path(q, "train.pack"), *valid = spool_path(q, "valid.pack"), *groups = spool_path(q, "groups.pack");
    int rc = train && valid && groups ? 0 : error_nomem(err, 0, "a path");
    if (rc == 0)
        rc = pack_open(train, &d->train, err);
    if (rc == 0 && has_valid)
        rc = pack_open(valid, &d->valid, err);
    if (rc == 0 && has_valid && q->group_by)
        rc = pack_open(groups, &d->groups, err);
    if (rc == 0)
        rc = digest_json(d, err);
    mem_free(train);
    mem_free(valid);
    mem_free(groups);
    return rc;
}

/* The passes of a run (a look at the first rows, statistics, validation) open the files anew. */
static int check_same(const json_t *before, json_t *files, shoal_error *err)
{
    const char *key;
    json_t *is;
    json_object_foreach(files, key, is) {
        if (!json_equal(json_object_get(before, key), is))
            return error_set(err, SHOAL_DATA, "%s changed while the run read it; run again when it is complete", strchr(strchr(key, '/') + 1, '/') + 1);
    }
    return 0;
}

/* Writes data.json: from now on the spool can be reused. `before`: the files as they were when the first of them was opened. */
static int spool_seal(const dataset_request *q, const json_t *before, const dataset *d, shoal_error *err)
{
    json_t *files = NULL, *request = NULL, *all = NULL;
    char *path = spool_path(q, "data.json"), *text = NULL;
    int rc = files_json(q, 1, &files, err);
    if (rc == 0)
        rc = check_same(before, files, err);
    if (rc == 0)
        rc = request_json(q, &request, err);
    if (rc < 0)
        goto out;
    all = json_pack("{s:i, s:O, s:O, s:O, s:f, s:b}", "version", DATA_VERSION, "files", files, "request", request,
                    "digests", d->digests, "base_rate", d->base_rate, "valid", d->valid != NULL);
    text = all ? json_dumps(all, JSON_SORT_KEYS | JSON_INDENT(1) | JSON_REAL_PRECISION(17)) : NULL;
    rc = path && text ? file_write_all(path, 1, text, strlen(text), err) : error_nomem(err, 0, "the spool's description");
out:
    json_decref(files);
    json_decref(request);
    json_decref(all);
    free(text); /* jansson's own */
    mem_free(path);
    return rc;
}

/* Reads data.json when it describes the same request and untouched files; NULL in *out when it does not. */
static int spool_match(const dataset_request *q, json_t **out, shoal_error *err)
{
    buf text = BUF_INIT;
    json_t *all = NULL, *files = NULL, *request = NULL;
    char *path = spool_path(q, "data.json");
    int rc = path ? 0 : error_nomem(err, 0, "a path");
    *out = NULL;
    if (rc < 0 || !file_exists(path) || q->n_train == 0)
        goto out;
    rc = file_read_all(path, DATA_JSON_MAX, &text, err);
    if (rc == 0)
        rc = files_json(q, 1, &files, err);
    if (rc == 0)
        rc = request_json(q, &request, err);
    if (rc < 0)
        goto out;
    all = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    if (all && json_integer_value(json_object_get(all, "version")) == DATA_VERSION &&
        json_equal(json_object_get(all, "files"), files) && json_equal(json_object_get(all, "request"), request))
        *out = json_incref(all);
out:
    json_decref(all);
    json_decref(files);
    json_decref(request);
    buf_release(&text);
    mem_free(path);
    return rc;
}

static int spool_reuse(const dataset_request *q, const json_t *data, dataset *d, shoal_error *err)
{
    int rc = featurefile_load(q->spool_dir, &d->features, err);
    if (rc == 0)
        rc = open_packs(q, json_is_true(json_object_get(data, "valid")), d, err);
    if (rc < 0)
        return rc;
    d->base_rate = json_number_value(json_object_get(data, "base_rate"));
    if (!json_equal(json_object_get(data, "digests"), d->digests) ||
        pack_stride(d->train) != features_raw_layout(d->features).stride)
        return error_set(err, SHOAL_DATA, "%s does not hold what its data.json says; remove that folder and run again",
                         q->spool_dir);
    return 0;
}

static int spool_build(const dataset_request *q, pool *threads, report *r, dataset *d, shoal_error *err)
{
    json_t *before = NULL;
    int rc = files_json(q, 1, &before, err);
    if (rc == 0)
        rc = file_remove_tree(q->spool_dir, err);
    if (rc == 0)
        rc = file_mkdirs(q->spool_dir, err);
    if (rc == 0 && q->spool_owner)
        rc = spool_owner_write(q->spool_dir, q->spool_owner, err);
    if (rc == 0)
        rc = ingest_train(q, threads, r, d, err);
    int has_valid = 0;
    if (rc == 0 && q->sample_rows == 0)
        rc = ingest_valid(q, threads, r, d, &has_valid, err);
    if (rc == 0)
        rc = featurefile_save(q->spool_dir, d->features, err);
    if (rc == 0)
        rc = open_packs(q, has_valid, d, err);
    if (rc == 0)
        rc = spool_seal(q, before, d, err);
    json_decref(before);
    return rc;
}

int dataset_open(const dataset_request *q, int reuse, pool *threads, report *r, dataset *out, shoal_error *err)
{
    json_t *data = NULL;
    memset(out, 0, sizeof *out);
    int rc = reuse ? spool_match(q, &data, err) : 0;
    if (rc == 0)
        rc = data ? spool_reuse(q, data, out, err) : spool_build(q, threads, r, out, err);
    if (rc == 0)
        rc = files_json(q, 0, &out->files, err);
    json_decref(data);
    if (rc < 0)
        dataset_release(out);
    return rc;
}

int dataset_is_whole(const dataset_request *q)
{
    char *path = spool_path(q, "data.json");
    int is = path && file_exists(path);
    mem_free(path);
    return is;
}

void dataset_release(dataset *d)
{
    pack_close(d->train);
    pack_close(d->valid);
    pack_close(d->groups);
    features_free(d->features);
    json_decref(d->files);
    json_decref(d->digests);
    memset(d, 0, sizeof *d);
}
