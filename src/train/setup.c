#include "train/setup.h"

#include <string.h>

#define HIDDEN_MAX 64

int setup_request(const shoal_options *o, const shoal_host *host, dataset_request *out, shoal_error *err)
{
    memset(out, 0, sizeof *out);
    out->n_train = option_args(o, &out->train);
    out->n_valid = option_list(o, "valid", &out->valid);
    out->n_drop = option_list(o, "drop", &out->drop);
    out->label = option_str(o, "label");
    out->weight = option_str(o, "weight");
    out->features_yaml = option_str(o, "features");
    out->memory = (size_t)option_i64(o, "memory");
    out->options = o;
    out->host = host;
    if (!out->label && !out->features_yaml) /* a features file may name it */
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

int setup_model(const shoal_options *o, const features *f, model **out, shoal_error *err)
{
    uint32_t units[HIDDEN_MAX];
    conf *yaml = NULL;
    model_overrides over = {.dropout = -1};
    int rc = parse_hidden(o, units, &over.n_hidden, err);
    if (rc == 0)
        rc = model_source(option_str(o, "model"), &yaml, err);
    if (rc < 0)
        return rc;
    if (option_is_set(o, "dropout"))
        over.dropout = option_f64(o, "dropout");
    over.embedding_dim = option_i64(o, "embedding-dim");
    over.hidden = over.n_hidden ? units : NULL;
    rc = model_build(yaml, f, &over, out, err);
    conf_free(yaml);
    return rc;
}

void setup_plan(const shoal_options *o, const pack *rows, plan *out)
{
    uint64_t bytes = 0;
    for (uint32_t b = 0; b < pack_blocks(rows); b++)
        bytes += pack_block_bytes(rows, b);
    plan_init(out, pack_rows(rows), pack_blocks(rows), PACK_BLOCK_ROWS, bytes, (uint64_t)option_i64(o, "seed"),
              (uint32_t)option_i64(o, "batch-size"), (uint32_t)option_i64(o, "micro-batch"));
}
