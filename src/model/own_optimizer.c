/* own_optimizer.c: `optimizer: {ftrl: {lr: 0.1, l1: 0.001}}` of a layer, read and written back. */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "model/layer.h"

static const char *const kinds[] = {"sgd", "adagrad", "adam", "ftrl", NULL}; /* in the order of optimizer_kind */
#define N_KINDS 4

/* The keys: those that all kinds have, then those of one; bounds as of the options. */
static const struct setting {
    const char *key;
    size_t at;
    int kind; /* -1: all */
    double min, max;
} settings[] = {
    {"lr", offsetof(own_optimizer, lr), -1, 1e-12, 1e6},
    {"l2", offsetof(own_optimizer, l2), -1, 0, 1e6},
    {"momentum", offsetof(own_optimizer, momentum), OPTIMIZER_SGD, 0, 0.9999},
    {"accumulator", offsetof(own_optimizer, accumulator), OPTIMIZER_ADAGRAD, 0, 1e6},
    {"beta1", offsetof(own_optimizer, beta1), OPTIMIZER_ADAM, 0, 0.9999},
    {"beta2", offsetof(own_optimizer, beta2), OPTIMIZER_ADAM, 0, 0.999999},
    {"l1", offsetof(own_optimizer, l1), OPTIMIZER_FTRL, 0, 1e6},
    {"ftrl_beta", offsetof(own_optimizer, ftrl_beta), OPTIMIZER_FTRL, 0, 1e6},
};
#define N_SETTINGS (sizeof settings / sizeof *settings)

static double *setting_of(own_optimizer *o, const struct setting *s) { return (double *)(void *)((char *)o + s->at); }
static int belongs(const struct setting *s, enum optimizer_kind kind) { return s->kind < 0 || s->kind == (int)kind; }

static int read_settings(const conf *c, own_optimizer *o, shoal_error *err)
{
    const char *keys[N_SETTINGS + 1];
    size_t n = 0;
    char what[64];
    for (size_t i = 0; i < N_SETTINGS; i++)
        if (belongs(&settings[i], o->kind)) keys[n++] = settings[i].key;
    keys[n] = NULL;
    snprintf(what, sizeof what, "optimizer '%s'", kinds[o->kind]);
    int rc = conf_check_keys(c, what, keys, err);
    for (size_t i = 0; rc == 0 && i < N_SETTINGS; i++) {
        *setting_of(o, &settings[i]) = (double)NAN;
        if (belongs(&settings[i], o->kind) && conf_get(c, settings[i].key))
            rc = conf_f64_or(c, settings[i].key, 0, settings[i].min, settings[i].max, setting_of(o, &settings[i]), err);
    }
    return rc;
}

int layer_read_optimizer(layer *l, const conf *c, shoal_error *err)
{
    const conf *given = conf_get(c, "optimizer"), *map = NULL;
    if (!given) return 0;
    const char *name = given->kind == CONF_SCALAR ? given->text : NULL;
    if (given->kind == CONF_MAP && given->n_child == 1) {
        map = given->child[0];
        name = map->key;
    }
    int kind = 0;
    while (name && kind < N_KINDS && strcmp(kinds[kind], name) != 0) kind++;
    if (!name || kind == N_KINDS)
        return layer_error(l, given, err, "its optimizer is one of sgd, adagrad, adam, ftrl, as in 'optimizer: {ftrl: {lr: 0.1}}'");
    l->optimizer = mem_calloc(1, sizeof *l->optimizer);
    if (!l->optimizer) return error_nomem(err, sizeof *l->optimizer, "an optimizer");
    l->optimizer->kind = (enum optimizer_kind)kind;
    const conf nothing = {.kind = CONF_NULL};
    return read_settings(map ? map : &nothing, l->optimizer, err);
}

int layer_describe_optimizer(const layer *l, json_t *to)
{
    if (!l->optimizer) return 0;
    json_t *kind = json_object(), *keys = json_object();
    int bad = !kind || !keys;
    for (size_t i = 0; !bad && i < N_SETTINGS; i++) {
        const double v = *setting_of(l->optimizer, &settings[i]);
        if (!isnan(v)) bad = layer_json_real(keys, settings[i].key, v);
    }
    if (!bad) bad = json_object_set(kind, kinds[l->optimizer->kind], keys) || json_object_set(to, "optimizer", kind);
    json_decref(kind);
    json_decref(keys);
    return bad ? -1 : 0;
}
