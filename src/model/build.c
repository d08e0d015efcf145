/* build.c: from the list of layers to a model: inputs by name, shapes, parameters. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "model/specs.h"

/* Index of the layer of that name among the first n, or -1. */
static int64_t find(const model *m, uint32_t n, const char *name)
{
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(m->layer[i].name, name) == 0) return i;
    return -1;
}

static int unknown_input(const layer *l, const layer_specs *s, const conf *at, const char *name, shoal_error *err)
{
    const model *m = l->model;
    for (size_t i = l->index - 1; i < s->n; i++)
        if (strcmp(s->spec[i].given, name) == 0)
            return layer_error(l, at, err, "input '%s' is not above it; a layer reads layers before it", name);
    const char *names[MODEL_LAYERS_MAX + 2];
    for (uint32_t i = 0; i < l->index; i++) names[i] = m->layer[i].name;
    names[l->index] = NULL;
    const char *near = conf_nearest(name, names);
    return layer_error(l, at, err, "unknown input '%s'; inputs are 'numeric' and the layers above%s%s%s", name,
                       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int add_input(layer *l, const layer_specs *s, const conf *at, const char *name, shoal_error *err)
{
    int64_t i = find(l->model, l->index, name);
    if (i < 0) return unknown_input(l, s, at, name, err);
    l->in[l->n_in++] = (uint32_t)i;
    return 0;
}

static int room_for_inputs(layer *l, size_t n, shoal_error *err)
{
    l->in = mem_calloc(n ? n : 1, sizeof *l->in);
    return l->in ? 0 : error_nomem(err, n * sizeof *l->in, "a layer's inputs");
}

/* `input: name`, `input: [name, ...]`, or the layer above. A linear layer reads the numbers without being told. */
static int resolve_inputs(layer *l, const layer_specs *all, const layer_spec *s, shoal_error *err)
{
    const conf *input = s->input_above ? NULL : conf_get(&s->args, "input");
    const size_t listed = input && input->kind == CONF_LIST ? input->n_child : 1;
    int rc = room_for_inputs(l, listed, err);
    if (rc < 0) return rc;
    if (l->kind->max_in == 0) {
        if (l->kind->reads_numeric) l->in[l->n_in++] = 0;
        return 0;
    }
    if (!input) {
        if (l->index == 1) return layer_error(l, &s->args, err, "it is the first layer, so it needs the key 'input'");
        l->in[l->n_in++] = l->index - 1;
    } else if (input->kind == CONF_SCALAR) {
        rc = add_input(l, all, input, input->text, err);
    } else if (input->kind != CONF_LIST) {
        return layer_error(l, input, err, "'input' is a name or a list of names");
    }
    for (size_t i = 0; rc == 0 && input && input->kind == CONF_LIST && i < input->n_child; i++) {
        if (input->child[i]->kind != CONF_SCALAR) return layer_error(l, input, err, "'input' is a name or a list of names");
        rc = add_input(l, all, input->child[i], input->child[i]->text, err);
    }
    if (rc < 0) return rc;
    if (l->n_in < l->kind->min_in || l->n_in > l->kind->max_in)
        return layer_error(l, &s->args, err, "takes %s%u input%s, not %u", l->kind->max_in > l->kind->min_in ? "at least " : "",
                           l->kind->min_in, l->kind->min_in == 1 ? "" : "s", l->n_in);
    return 0;
}

/* Checks that hold for every kind, and the flags that follow from the inputs. */
static int finish_layer(layer *l, const conf *at, shoal_error *err)
{
    for (uint32_t i = 0; i < l->n_in; i++) {
        layer *in = &((model *)l->model)->layer[l->in[i]];
        in->consumers++;
        if (in->needs_grad) l->needs_grad = 1;
    }
    if (l->optimizer && l->n_params == 0)
        return layer_error(l, at, err, "it has nothing to train, so 'optimizer' has no effect; leave it out");
    if (shape_size(l->out) > UINT32_MAX / 4)
        return layer_error(l, at, err, "its output has %llu numbers a row, which is beyond all reason",
                           (unsigned long long)shape_size(l->out));
    return 0;
}

static int make_layer(builder *b, const layer_specs *all, const layer_spec *s, shoal_error *err)
{
    model *m = b->m;
    layer *l = &m->layer[m->n_layers];
    l->kind = s->kind;
    l->index = m->n_layers++;
    l->model = m;
    memcpy(l->name, s->given, sizeof l->name);
    int rc = resolve_inputs(l, all, s, err);
    for (uint32_t i = 0; rc == 0 && i < l->n_in; i++)
        if (layer_input(l, i)->needs_grad) l->needs_grad = 1;
    uint64_t in = rc == 0 ? layer_in_size(l) : 0;
    if (in > UINT32_MAX / 4)
        return layer_error(l, &s->args, err, "it reads %llu numbers a row, which is beyond all reason", (unsigned long long)in);
    if (rc == 0) rc = layer_read_optimizer(l, &s->args, err);
    if (rc < 0) return rc;
    if (s->units == 0) {
        rc = s->kind->configure(l, &s->args, b, err);
    } else { /* the override stands in the place of the key */
        char text[32];
        snprintf(text, sizeof text, "%lld", (long long)s->units);
        conf units = s->args, map = s->args, *child[32];
        size_t n = 0;
        units.kind = CONF_SCALAR;
        units.key = "units";
        units.text = text;
        units.child = NULL;
        units.n_child = 0;
        child[n++] = &units;
        for (size_t i = 0; i < map.n_child; i++)
            if (strcmp(map.child[i]->key, "units") != 0 && n < 32) child[n++] = map.child[i];
        map.child = child;
        map.n_child = n;
        rc = s->kind->configure(l, &map, b, err);
    }
    return rc < 0 ? rc : finish_layer(l, &s->args, err);
}

/* The last layer is the logit; every other one has to lead to it. */
static int check_ends(const model *m, const layer_specs *s, shoal_error *err)
{
    const layer *last = &m->layer[m->n_layers - 1];
    if (last->out.rank != 2 || last->out.width != 1)
        return layer_error(last, &s->spec[s->n - 1].args, err,
                           "the last layer gives the logit, one number a row; this one gives %llu. End with 'dense: {units: 1}'",
                           (unsigned long long)shape_size(last->out));
    for (uint32_t i = 1; i + 1 < m->n_layers; i++)
        if (m->layer[i].consumers == 0)
            return layer_error(&m->layer[i], &s->spec[i - 1].args, err,
                               "no layer reads it; name it as an input of another, or remove it");
    if (!last->needs_grad) return layer_error(last, &s->spec[s->n - 1].args, err, "the model has nothing to train");
    return 0;
}

static int check_overrides(const builder *b, shoal_error *err)
{
    const model_overrides *o = b->overrides;
    if (o->embedding_dim > 0 && !b->used_dim)
        return error_set(err, SHOAL_USAGE, "--embedding-dim: model '%s' has no embedding layer; leave it out", b->m->name);
    if (o->dropout > 0 && !b->used_dropout)
        return error_set(err, SHOAL_USAGE, "--dropout: model '%s' has no hidden layer to drop from; leave it out", b->m->name);
    return 0;
}

static int start(model *m, const conf *yaml, const layer_specs *s, shoal_error *err)
{
    const char *name, *paper;
    int rc = conf_str_or(yaml, "name", "model", &name, err);
    if (rc == 0) rc = conf_str_or(yaml, "paper", NULL, &paper, err);
    if (rc < 0) return rc;
    m->name = mem_strdup(name);
    m->paper = paper ? mem_strdup(paper) : NULL;
    m->layer = mem_calloc(s->n + 1, sizeof *m->layer);
    if (!m->name || (paper && !m->paper) || !m->layer) return error_nomem(err, (s->n + 1) * sizeof *m->layer, "the model");
    m->layer[0].kind = &layer_numeric;
    m->layer[0].model = m;
    snprintf(m->layer[0].name, sizeof m->layer[0].name, "%s", layer_numeric.name);
    m->n_layers = 1;
    return 0;
}

int model_build(const conf *yaml, const features *f, const model_overrides *overrides, model **out, shoal_error *err)
{
    const model_overrides none = {.dropout = -1};
    layer_specs specs = {0};
    builder b = {.overrides = overrides ? overrides : &none};
    *out = NULL;
    int rc = specs_read(yaml, b.overrides, &specs, err);
    if (rc < 0) goto out;
    model *m = b.m = mem_calloc(1, sizeof *m);
    if (!m) {
        rc = error_nomem(err, sizeof *m, "the model");
        goto out;
    }
    m->f = f;
    rc = start(m, yaml, &specs, err);
    if (rc == 0) rc = layer_numeric.configure(&m->layer[0], NULL, &b, err);
    for (size_t i = 0; rc == 0 && i < specs.n; i++) rc = make_layer(&b, &specs, &specs.spec[i], err);
    if (rc == 0) rc = check_ends(m, &specs, err);
    if (rc == 0) rc = check_overrides(&b, err);
out:
    specs_release(&specs);
    if (rc < 0)
        model_free(b.m);
    else
        *out = b.m;
    return rc;
}
