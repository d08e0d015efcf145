/* model.c: where a model comes from, what it says about itself, and its end. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "model/layer.h"
#include "model/zoo.h"

const char *const *model_zoo(void) { return zoo_names; }

int model_source(const char *name, conf **out, shoal_error *err)
{
    const size_t n = strlen(name);
    if (name[0] == '{') return conf_parse("--model", name, n, out, err);
    if (strchr(name, '/') || (n > 5 && strcmp(name + n - 5, ".yaml") == 0)) return conf_load(name, out, err);
    for (const zoo_entry *e = zoo_entries; e->name; e++) {
        if (strcmp(e->name, name) != 0) continue;
        char file[96];
        snprintf(file, sizeof file, "model '%s'", name);
        return conf_parse(file, e->text, e->bytes, out, err);
    }
    char list[512] = "";
    for (size_t i = 0, used = 0; zoo_names[i] && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", zoo_names[i]);
    const char *near = conf_nearest(name, zoo_names);
    return error_set(err, SHOAL_USAGE, "unknown model '%s'; there are: %s, and files that end in .yaml%s%s%s", name, list,
                     near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

void model_free(model *m)
{
    if (!m) return;
    for (uint32_t i = 0; i < m->n_layers; i++) {
        mem_free(m->layer[i].in);
        mem_free(m->layer[i].own);
        mem_free(m->layer[i].optimizer);
    }
    mem_free(m->layer);
    mem_free(m->param);
    mem_free(m->name);
    mem_free(m->paper);
    mem_free(m);
}

const char *model_name(const model *m) { return m->name; }
const features *model_features(const model *m) { return m->f; }
const param *model_params(const model *m, size_t *n)
{
    *n = m->n_params;
    return m->param;
}
size_t model_tables(const model *m) { return m->n_tables; }
size_t model_dense_size(const model *m) { return m->dense_size; }
size_t model_aux_size(const model *m) { return m->aux_size; }

uint32_t model_table_cols(const model *m, size_t index)
{
    for (size_t i = 0; i < m->n_params; i++)
        if (m->param[i].kind == PARAM_TABLE && m->param[i].offset == index) return (uint32_t)m->param[i].cols;
    error_abort(__FILE__, __LINE__, "table exists");
}

double model_gemm_flop(const model *m)
{
    double sum = 0;
    for (uint32_t i = 0; i < m->n_layers; i++)
        if (m->layer[i].kind->flop) sum += m->layer[i].kind->flop(&m->layer[i]);
    return sum;
}

/* {KIND: {name, input, keys}}; NULL when out of memory. */
static json_t *layer_to_json(const layer *l)
{
    json_t *item = json_object(), *args = json_object(), *input = json_array();
    int bad = !item || !args || !input || layer_json_str(args, "name", l->name);
    for (uint32_t i = 0; !bad && i < l->n_in; i++) bad = json_array_append_new(input, json_string(layer_input(l, i)->name));
    if (!bad && l->kind->max_in > 0) bad = json_object_set(args, "input", input);
    if (!bad && l->kind->describe) bad = l->kind->describe(l, args);
    if (!bad) bad = layer_describe_optimizer(l, args);
    if (!bad) bad = json_object_set(item, l->kind->name, args);
    json_decref(args);
    json_decref(input);
    if (!bad) return item;
    json_decref(item);
    return NULL;
}

int model_to_json(const model *m, json_t **out, shoal_error *err)
{
    json_t *root = json_object(), *layers = json_array();
    int bad = !root || !layers || layer_json_str(root, "name", m->name) || (m->paper && layer_json_str(root, "paper", m->paper));
    for (uint32_t i = 1; !bad && i < m->n_layers; i++) bad = json_array_append_new(layers, layer_to_json(&m->layer[i]));
    if (!bad) bad = json_object_set(root, "layers", layers);
    json_decref(layers);
    if (bad) {
        json_decref(root);
        return error_nomem(err, 0, "the model's description");
    }
    *out = root;
    return 0;
}
