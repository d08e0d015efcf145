/* outline.c: see outline.h. */
#include "train/outline.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "train/manifest.h"

#define CELL 200

/* A layer as it is written: {KIND: {attributes}}. */
typedef struct outline_layer {
    const char *kind;
    const conf *attributes;
    char name[CELL], input[CELL], output[CELL], settings[CELL];
} outline_layer;

static void append(char cell[CELL], const char *gap, const char *word)
{
    size_t n = strlen(cell);
    const char *part[2] = {n ? gap : "", word};
    for (int i = 0; i < 2; i++)
        for (const char *p = part[i]; *p && n + 1 < CELL; p++) cell[n++] = *p;
    cell[n] = 0;
}

static const char *text_of(const conf *c, const char *key, const char *otherwise)
{
    const conf *v = conf_get(c, key);
    return v && v->kind == CONF_SCALAR && v->text ? v->text : otherwise;
}

static void list_text(const conf *v, char cell[CELL])
{
    if (v->kind == CONF_SCALAR && v->text) append(cell, ", ", v->text);
    for (size_t i = 0; i < v->n_child; i++)
        if (v->child[i]->text) append(cell, ", ", v->child[i]->text);
}

static int one_of(const char *word, const char *const *list)
{
    while (*list && strcmp(*list, word) != 0) list++;
    return *list != NULL;
}

/* What is known of the output without features. */
static void output_of(const outline_layer *l, char cell[CELL])
{
    static const char *const numbers[] = {"linear", "fm", "ffm", NULL};
    static const char *const same[] = {"add",     "cross",      "cross_v2",   "activation",
                                       "dropout", "batch_norm", "layer_norm", "multiply", NULL};
    if (strcmp(l->kind, "embedding") == 0) snprintf(cell, CELL, "[rows, fields, %.40s]", text_of(l->attributes, "dim", "?"));
    else if (strcmp(l->kind, "dense") == 0) snprintf(cell, CELL, "[rows, %.40s]", text_of(l->attributes, "units", "?"));
    else if (one_of(l->kind, numbers)) snprintf(cell, CELL, "[rows, 1]");
    else if (one_of(l->kind, same)) snprintf(cell, CELL, "as its inputs");
    else snprintf(cell, CELL, "?");
}

static int read_layer(const conf *c, const char *above, size_t index, outline_layer *l, shoal_error *err)
{
    memset(l, 0, sizeof *l);
    if (c->kind != CONF_MAP || c->n_child != 1)
        return conf_error(c, err, "layer %zu must be one kind with its settings, as in '- dense: {units: 1}'", index + 1);
    l->kind = c->child[0]->key;
    l->attributes = c->child[0];
    snprintf(l->name, CELL, "%.100s", text_of(l->attributes, "name", l->kind));
    const conf *input = conf_get(l->attributes, "input");
    if (input) list_text(input, l->input);
    else if (strcmp(l->kind, "embedding") == 0) append(l->input, "", "keys");
    else if (strcmp(l->kind, "linear") == 0) append(l->input, "", "keys, numeric");
    else append(l->input, "", above ? above : "numeric");
    for (size_t i = 0; i < l->attributes->n_child; i++) {
        const conf *a = l->attributes->child[i];
        char word[CELL];
        if (!a->key || strcmp(a->key, "name") == 0 || strcmp(a->key, "input") == 0) continue;
        char value[CELL] = "";
        if (a->kind == CONF_MAP && a->n_child > 0) append(value, "", a->child[0]->key); /* optimizer: {ftrl: {...}} */
        else list_text(a, value);
        snprintf(word, sizeof word, a->kind == CONF_LIST ? "%.60s=[%.60s]" : "%.60s=%.60s", a->key, value);
        append(l->settings, " ", word);
    }
    output_of(l, l->output);
    return 0;
}

typedef int (*layer_fn)(void *ctx, const outline_layer *l, shoal_error *err);

static int each_layer(const conf *network, layer_fn fn, void *ctx, shoal_error *err)
{
    const conf *layers = conf_get(network, "layers");
    outline_layer l;
    char above[CELL] = "";
    if (!layers || layers->kind != CONF_LIST) return conf_error(network, err, "a model needs 'layers:', a list of them");
    int rc = 0;
    for (size_t i = 0; i < layers->n_child && rc == 0; i++) {
        rc = read_layer(layers->child[i], i ? above : NULL, i, &l, err);
        if (rc == 0) rc = fn(ctx, &l, err);
        if (rc == 0) snprintf(above, sizeof above, "%s", l.name);
    }
    return rc;
}

/* ---- for people ---------------------------------------------------------------------------------------------------------- */

typedef struct text_out {
    buf *out;
    int name, shape, input; /* widths */
} text_out;

static int widen(int width, const char *cell)
{
    int n = (int)strlen(cell);
    return n > width ? n : width;
}

static int measure_layer(void *ctx, const outline_layer *l, shoal_error *err)
{
    text_out *t = ctx;
    char cell[2 * CELL];
    (void)err;
    snprintf(cell, sizeof cell, "%s (%s)", l->name, l->kind);
    t->name = widen(t->name, cell);
    t->shape = widen(t->shape, l->output);
    t->input = widen(t->input, l->input);
    return 0;
}

static int print_layer(void *ctx, const outline_layer *l, shoal_error *err)
{
    text_out *t = ctx;
    char cell[2 * CELL];
    snprintf(cell, sizeof cell, "%s (%s)", l->name, l->kind);
    int rc = buf_printf(t->out, err, "%-*s  %-*s  %-*s  %s", t->name, cell, t->shape, l->output, t->input, l->input, l->settings);
    while (rc == 0 && t->out->len && t->out->data[t->out->len - 1] == ' ') t->out->len--;
    return rc ? rc : buf_putc(t->out, '\n', err);
}

static int rule(buf *out, int width, shoal_error *err)
{
    int rc = 0;
    for (int i = 0; i < width && rc == 0; i++) rc = buf_putc(out, '-', err);
    return rc ? rc : buf_putc(out, '\n', err);
}

int outline_text(const conf *network, int width, buf *out, shoal_error *err)
{
    text_out t = {out, 12, 12, 12};
    const char *paper = text_of(network, "paper", NULL);
    int rc = each_layer(network, measure_layer, &t, err);
    if (rc == 0) rc = buf_printf(out, err, "%s%s%s\n", text_of(network, "name", "model"), paper ? ": " : "", paper ? paper : "");
    if (rc == 0) rc = rule(out, width, err);
    if (rc == 0)
        rc = buf_printf(out, err, "%-*s  %-*s  %-*s  %s\n", t.name, "layer (kind)", t.shape, "output shape", t.input, "connected to",
                        "settings");
    if (rc == 0) rc = rule(out, width, err);
    if (rc == 0) rc = each_layer(network, print_layer, &t, err);
    if (rc == 0) rc = rule(out, width, err);
    if (rc == 0)
        rc = buf_puts(out, "fields, keys and numeric are known once features are: 'shoal summary' of a trained model has the sizes\n", err);
    return rc;
}

/* ---- for programs --------------------------------------------------------------------------------------------------------- */

static int layer_json(void *ctx, const outline_layer *l, shoal_error *err)
{
    json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", l->name, "kind", l->kind, "output", l->output, "input", l->input,
                          "settings", l->settings);
    return j && json_array_append_new(ctx, j) == 0 ? 0 : error_nomem(err, 0, "JSON");
}

int outline_json(const conf *network, json_t **out, shoal_error *err)
{
    json_t *layers = json_array();
    int rc = layers ? each_layer(network, layer_json, layers, err) : error_nomem(err, 0, "JSON");
    *out = rc ? NULL : json_pack("{s:s, s:b, s:O}", "name", text_of(network, "name", "model"), "trained", 0, "layers", layers);
    json_decref(layers);
    return rc || *out ? rc : error_nomem(err, 0, "JSON");
}
