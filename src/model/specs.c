/* specs.c: see specs.h. */
#include "model/specs.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define KIND_KEYS_MAX 16
#define KINDS_MAX 64

static int unknown_kind(const conf *at, const char *name, shoal_error *err)
{
    const char *names[KINDS_MAX];
    size_t n = 0;
    for (; layer_kinds[n] && n + 1 < KINDS_MAX; n++) names[n] = layer_kinds[n]->name;
    names[n] = NULL;
    const char *near = conf_nearest(name, names);
    char list[512] = "";
    for (size_t i = 0, used = 0; i < n && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
    return conf_error(at, err, "unknown layer kind '%s'; there are: %s%s%s%s", name, list,
                      near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

int specs_check_keys(const layer_spec *s, shoal_error *err)
{
    const char *all[KIND_KEYS_MAX + 4];
    size_t n = 0;
    all[n++] = "name";
    all[n++] = "optimizer";
    if (s->kind->max_in > 0) all[n++] = "input";
    for (size_t i = 0; s->kind->keys[i]; i++) {
        CHECK(n < KIND_KEYS_MAX + 3);
        all[n++] = s->kind->keys[i];
    }
    all[n] = NULL;
    char what[96];
    snprintf(what, sizeof what, "layer '%s'", s->kind->name);
    return conf_check_keys(&s->args, what, all, err);
}

static int name_ok(const char *name)
{
    const size_t n = strlen(name);
    if (n == 0 || n >= LAYER_NAME_MAX - 8) return 0;
    for (size_t i = 0; i < n; i++) {
        const char ch = name[i];
        if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '_' || ch == '-'))
            return 0;
    }
    return 1;
}

/* `- dense: {...}`, `- linear:` or `- linear`. */
static int read_one(const conf *item, layer_spec *s, shoal_error *err)
{
    const conf *args = NULL;
    const char *kind = NULL;
    if (item->kind == CONF_SCALAR) {
        kind = item->text;
    } else if (item->kind == CONF_MAP && item->n_child == 1) {
        args = item->child[0];
        kind = args->key;
    }
    if (!kind) return conf_error(item, err, "a layer is written as '- KIND: {key: value, ...}', one kind an entry");
    s->kind = layer_kind_find(kind);
    if (!s->kind) return unknown_kind(item, kind, err);
    if (args && args->kind == CONF_MAP) {
        s->args = *args;
    } else if (args && args->kind != CONF_NULL) {
        return conf_error(args, err, "layer '%s' needs a map of keys, as in '- %s: {name: x}'", kind, kind);
    } else {
        s->args = *item;
        s->args.kind = CONF_MAP;
        s->args.child = NULL;
        s->args.n_child = 0;
    }
    int rc = specs_check_keys(s, err);
    if (rc == 0) rc = conf_str_or(&s->args, "name", NULL, &s->name, err);
    if (rc < 0) return rc;
    if (s->name && (!name_ok(s->name) || strcmp(s->name, layer_numeric.name) == 0))
        return conf_error(conf_get(&s->args, "name"), err,
                          "'%s' cannot name a layer; expected letters, digits, '_' or '-', at most %d, and not 'numeric'",
                          s->name, LAYER_NAME_MAX - 9);
    return 0;
}

static int64_t units_of(const layer_spec *s)
{
    int64_t units = 0;
    if (strcmp(s->kind->name, "dense") != 0 || conf_i64_or(&s->args, "units", 0, 0, INT64_MAX, &units, NULL) < 0) return 0;
    return units;
}

/* Replaces the first run of dense layers of more than one unit. The first of the new run reads what the first of the old
 * one read, the last goes by the name of the last, so that the layers around the run need not know. */
static int replace_hidden(layer_specs *s, const model_overrides *o, shoal_error *err)
{
    size_t begin = 0, end;
    while (begin < s->n && units_of(&s->spec[begin]) <= 1) begin++;
    for (end = begin; end < s->n && units_of(&s->spec[end]) > 1;) end++;
    if (begin == end || o->n_hidden == 0)
        return error_set(err, SHOAL_USAGE, "--hidden: %s",
                         begin == end ? "the model has no hidden dense layers; leave it out" : "no size is given; expected at least one");
    if (s->n + o->n_hidden > MODEL_LAYERS_MAX)
        return error_set(err, SHOAL_USAGE, "%zu hidden layers: a model has at most %d layers", o->n_hidden, MODEL_LAYERS_MAX);
    const size_t old = end - begin, n = s->n - old + o->n_hidden;
    layer_spec *made = mem_calloc(n, sizeof *made);
    if (!made) return error_nomem(err, n * sizeof *made, "layers");
    memcpy(made, s->spec, begin * sizeof *made);
    for (size_t j = 0; j < o->n_hidden; j++) {
        layer_spec *to = &made[begin + j];
        const int last = j + 1 == o->n_hidden;
        *to = s->spec[begin + (j < old ? j : old - 1)];
        to->name = last ? s->spec[end - 1].name : j + 1 < old ? to->name : NULL;
        if (j > 0) to->input_above = 1;
        to->units = o->hidden[j];
    }
    memcpy(made + begin + o->n_hidden, s->spec + end, (s->n - end) * sizeof *made);
    mem_free(s->spec);
    s->spec = made;
    s->n = n;
    return 0;
}

static int taken(const layer_specs *s, const char *name)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->spec[i].given, name) == 0) return 1;
    return 0;
}

/* Said names first; the others go by their kind, with _2, _3, ... when that is taken. */
static int give_names(layer_specs *s, shoal_error *err)
{
    for (size_t i = 0; i < s->n; i++) {
        layer_spec *p = &s->spec[i];
        if (!p->name) continue;
        if (taken(s, p->name)) return conf_error(&p->args, err, "two layers are named '%s'", p->name);
        snprintf(p->given, sizeof p->given, "%s", p->name);
    }
    for (size_t i = 0; i < s->n; i++) {
        layer_spec *p = &s->spec[i];
        if (p->name) continue;
        char name[LAYER_NAME_MAX];
        snprintf(name, sizeof name, "%s", p->kind->name);
        for (int k = 2; taken(s, name); k++) snprintf(name, sizeof name, "%.40s_%d", p->kind->name, k);
        memcpy(p->given, name, sizeof name);
    }
    return 0;
}

int specs_read(const conf *yaml, const model_overrides *o, layer_specs *out, shoal_error *err)
{
    static const char *const keys[] = {"name", "paper", "layers", NULL};
    if (yaml->kind != CONF_MAP) return conf_error(yaml, err, "a model is a map with the keys name, paper and layers");
    int rc = conf_check_keys(yaml, "a model", keys, err);
    if (rc < 0) return rc;
    const conf *list = conf_get(yaml, "layers");
    if (!list || list->kind != CONF_LIST || list->n_child == 0)
        return conf_error(list ? list : yaml, err, "a model needs 'layers', a list of at least one layer");
    if (list->n_child > MODEL_LAYERS_MAX)
        return conf_error(list, err, "%zu layers: a model has at most %d", list->n_child, MODEL_LAYERS_MAX);
    out->n = list->n_child;
    out->spec = mem_calloc(out->n, sizeof *out->spec);
    if (!out->spec) return error_nomem(err, out->n * sizeof *out->spec, "layers");
    for (size_t i = 0; rc == 0 && i < out->n; i++) rc = read_one(list->child[i], &out->spec[i], err);
    if (rc == 0 && o->n_set) {
        rc = give_names(out, err);
        if (rc == 0) rc = specs_set(out, o, err);
        for (size_t i = 0; i < out->n; i++) out->spec[i].given[0] = '\0';
    }
    if (rc == 0 && o->hidden) rc = replace_hidden(out, o, err);
    if (rc == 0) rc = give_names(out, err);
    return rc;
}

void specs_release(layer_specs *s)
{
    for (size_t i = 0; i < s->n_set; i++) {
        conf_free(s->set[i].value);
        mem_free(s->set[i].keys);
    }
    mem_free(s->set);
    mem_free(s->spec);
    *s = (layer_specs){0};
}
