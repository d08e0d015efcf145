/* specs_set.c: --set LAYER.KEY=VALUE. A layer's keys are replaced or added before shapes are known; what they may be is checked
 * where the layer reads them, and complaints name the option in place of a file. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "model/specs.h"

static layer_spec *find(layer_specs *s, const char *name, size_t n)
{
    for (size_t i = 0; i < s->n; i++)
        if (strlen(s->spec[i].given) == n && memcmp(s->spec[i].given, name, n) == 0) return &s->spec[i];
    return NULL;
}

static int unknown_layer(const layer_specs *s, const char *set, int n, shoal_error *err)
{
    const char *names[MODEL_LAYERS_MAX + 1];
    char name[LAYER_NAME_MAX];
    for (size_t i = 0; i < s->n; i++) names[i] = s->spec[i].given;
    names[s->n] = NULL;
    snprintf(name, sizeof name, "%.*s", n, set);
    const char *near = conf_nearest(name, names);
    return error_set(err, SHOAL_USAGE, "--set %s: the model has no layer '%s'%s%s%s", set, name, near ? "; did you mean '" : "; shoal summary MODEL lists them",
                     near ? near : "", near ? "'?" : "");
}

/* The value as YAML, under its key. */
static int read_value(const char *set, const char *key, const char *equals, conf **out, shoal_error *err)
{
    char where[128];
    snprintf(where, sizeof where, "--set %.100s", set);
    int rc = conf_parse(where, equals + 1, strlen(equals + 1), out, err);
    if (rc == 0 && !((*out)->key = mem_strndup(key, (size_t)(equals - key)))) rc = error_nomem(err, 0, "a setting");
    return rc;
}

/* The layer's map with the value in the place of the key, or behind all others. */
static int put(layer_spec *to, conf *value, conf ***keys, shoal_error *err)
{
    conf **made = mem_calloc(to->args.n_child + 1, sizeof *made);
    if (!made) return error_nomem(err, to->args.n_child * sizeof *made, "a setting");
    *keys = made;
    size_t at = 0;
    if (to->args.n_child > 0) memcpy(made, to->args.child, to->args.n_child * sizeof *made);
    while (at < to->args.n_child && strcmp(made[at]->key, value->key) != 0) at++;
    made[at] = value;
    to->args.child = made;
    to->args.n_child += at == to->args.n_child;
    return specs_check_keys(to, err);
}

static int set_one(layer_specs *s, const char *set, shoal_error *err)
{
    const char *equals = strchr(set, '='), *dot = strchr(set, '.');
    if (!equals || !dot || dot > equals || dot == set || dot + 1 == equals || !equals[1])
        return error_set(err, SHOAL_USAGE, "--set is '%s', expected LAYER.KEY=VALUE, such as cross.layers=4", set);
    layer_spec *to = find(s, set, (size_t)(dot - set));
    if (!to) return unknown_layer(s, set, (int)(dot - set), err);
    if (equals - dot == 5 && memcmp(dot, ".name", 5) == 0)
        return error_set(err, SHOAL_USAGE, "--set %s: a layer's name cannot be changed", set);
    size_t i = s->n_set++;
    int rc = read_value(set, dot + 1, equals, &s->set[i].value, err);
    return rc < 0 ? rc : put(to, s->set[i].value, &s->set[i].keys, err);
}

int specs_set(layer_specs *s, const model_overrides *o, shoal_error *err)
{
    s->set = mem_calloc(o->n_set, sizeof *s->set);
    if (!s->set) return error_nomem(err, o->n_set * sizeof *s->set, "settings");
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < o->n_set; i++) rc = set_one(s, o->set[i], err);
    return rc;
}
