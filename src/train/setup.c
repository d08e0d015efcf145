#include "train/setup.h"

#include <string.h>

#include "train/manifest.h"

#define HIDDEN_MAX 64

int setup_request(const shoal_options *o, const shoal_host *host, const ancestor *from, dataset_request *out, shoal_error *err)
{
    memset(out, 0, sizeof *out);
    out->n_train = option_args(o, &out->train);
    out->n_valid = option_list(o, "valid", &out->valid);
    out->n_drop = option_list(o, "drop", &out->drop);
    out->label = option_str(o, "label");
    out->weight = option_str(o, "weight");
    out->group_by = option_str(o, "group-by");
    out->features_yaml = option_str(o, "features");
    out->memory = (size_t)option_i64(o, "memory");
    out->options = o;
    out->host = host;
    if (from) {
        out->grow = ancestor_features(from);
        out->grow_id = ancestor_id(from);
    }
    if (!out->group_by && strcmp(option_str(o, "monitor"), "gauc") == 0)
        return error_set(err, SHOAL_USAGE, "--monitor gauc needs --group-by COLUMN: the column that tells whose rows belong together");
    if (!out->label && !out->features_yaml && !from) /* a features file may name it */
        return error_set(err, SHOAL_USAGE, "--label COLUMN is missing: the column of 0 and 1 that the model learns");
    return 0;
}

static int parse_hidden(const shoal_options *o, uint32_t *units, size_t *n, shoal_error *err)
{
    const char *const *words;
    *n = option_list(o, "hidden", &words);
    if (*n > HIDDEN_MAX)
        return error_set(err, SHOAL_USAGE, "--hidden names %zu layers, expected at most %d", *n, HIDDEN_MAX);
    for (size_t i = 0; i < *n; i++) {
        int64_t v = 0;
        if (view_to_i64(view_of(words[i], strlen(words[i])), &v) < 0 || v < 1 || v > 65536)
            return error_set(err, SHOAL_USAGE, "--hidden is '%s', expected whole numbers from 1 to 65536", words[i]);
        units[i] = (uint32_t)v;
    }
    return 0;
}

static int network_from_options(const shoal_options *o, const ancestor *from, const features *f, model **out, shoal_error *err)
{
    uint32_t units[HIDDEN_MAX];
    conf *yaml = NULL;
    model_overrides over = {.dropout = -1};
    int rc = parse_hidden(o, units, &over.n_hidden, err);
    const int given = !from || option_is_set(o, "model");
    if (rc == 0 && given)
        rc = model_source(option_str(o, "model"), &yaml, err);
    if (rc < 0)
        return rc;
    if (option_is_set(o, "dropout"))
        over.dropout = option_f64(o, "dropout");
    over.n_set = option_list(o, "set", &over.set);
    over.embedding_dim = option_i64(o, "embedding-dim");
    over.hidden = over.n_hidden ? units : NULL;
    rc = model_build(given ? yaml : ancestor_network(from), f, &over, out, err);
    conf_free(yaml);
    return rc;
}

/* What the options make of the network must be what the model has. */
static int check_network(const shoal_options *o, const ancestor *from, const model *theirs, shoal_error *err)
{
    model *mine = NULL;
    json_t *was = NULL, *is = NULL;
    manifest_difference d;
    int rc = network_from_options(o, from, model_features(theirs), &mine, err);
    if (rc == 0)
        rc = model_to_json(theirs, &was, err);
    if (rc == 0)
        rc = model_to_json(mine, &is, err);
    if (rc == 0 && manifest_differ(was, is, &d))
        rc = error_set(err, SHOAL_USAGE, "--init-from %s: the network's '%s' is %s there, but %s by the options; leave --model and what "
                       "changes it out, or train anew without --init-from", ancestor_path(from), d.path, d.was, d.is);
    json_decref(was);
    json_decref(is);
    model_free(mine);
    return rc;
}

int setup_model(const shoal_options *o, const ancestor *from, const features *f, model **out, shoal_error *err)
{
    static const char *const changing[] = {"model", "hidden", "embedding-dim", "dropout", "set"};
    if (!from)
        return network_from_options(o, NULL, f, out, err);
    int rc = model_build(ancestor_network(from), f, NULL, out, err), any = 0;
    for (size_t i = 0; i < sizeof changing / sizeof *changing; i++)
        any |= option_is_set(o, changing[i]);
    return rc == 0 && any ? check_network(o, from, *out, err) : rc;
}

void setup_plan(const shoal_options *o, const pack *rows, plan *out)
{
    uint64_t bytes = 0;
    for (uint32_t b = 0; b < pack_blocks(rows); b++)
        bytes += pack_block_bytes(rows, b);
    plan_init(out, pack_rows(rows), pack_blocks(rows), PACK_BLOCK_ROWS, bytes, (uint64_t)option_i64(o, "seed"),
              (uint32_t)option_i64(o, "batch-size"), (uint32_t)option_i64(o, "micro-batch"));
}
