/* specs.h: the list of layers as the YAML has it, after the override of the hidden layers, before any shape is known. */
#ifndef MODEL_SPECS_H
#define MODEL_SPECS_H

#include "model/layer.h"

typedef struct layer_spec {
    const layer_kind *kind;
    conf args;          /* the layer's map (borrowed children), or an empty one at its line */
    const char *name;   /* said in the file, or NULL */
    char given[LAYER_NAME_MAX]; /* the name it goes by */
    int input_above;    /* ignore `input`: the layer above */
    int64_t units;      /* override; 0: none */
} layer_spec;

typedef struct layer_specs {
    layer_spec *spec;
    size_t n;
    struct { conf *value, **keys; } *set; /* of model_overrides.set: what layers' args borrow */
    size_t n_set;
} layer_specs;

int specs_read(const conf *yaml, const model_overrides *o, layer_specs *out, shoal_error *err);
/* The keys that --set changes, in layers that have their names. */
int specs_set(layer_specs *s, const model_overrides *o, shoal_error *err);
/* Keys that the layer's kind does not have are refused. */
int specs_check_keys(const layer_spec *s, shoal_error *err);
void specs_release(layer_specs *s);

#endif
