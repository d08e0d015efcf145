/* layer_slice.c: some of the data's fields, by name, in the order in which they are named: [m x f x d] -> [m x named x d]. */
#include <string.h>

#include "model/exec_private.h"

static const char *const keys[] = {"fields", NULL};

/* The layer's own: the places of the named fields, [l->out.fields]. */
static int find_field(const layer *l, const conf *name, const features *f, uint32_t *out, shoal_error *err)
{
    if (name->kind != CONF_SCALAR) return layer_error(l, name, err, "'fields' is a list of names of fields");
    for (*out = 0; *out < f->n_fields; ++*out)
        if (strcmp(f->field[*out].name, name->text) == 0) return 0;
    return layer_error(l, name, err, "the data has no field '%s'", name->text);
}

static int configure(layer *l, const conf *c, builder *b, shoal_error *err)
{
    const conf *list = conf_get(c, "fields");
    int rc = layer_needs_fields(l, c, 0, err);
    if (rc < 0) return rc;
    const shape in = layer_input(l, 0)->out;
    if (!list || list->kind != CONF_LIST || list->n_child == 0)
        return layer_error(l, list ? list : c, err, "'fields' is a list of names of fields");
    if (in.fields != b->m->f->n_fields)
        return layer_error(l, c, err, "input '%s' has other fields than the data; slice an embedding", layer_input(l, 0)->name);
    uint32_t *field = layer_own(l, list->n_child * sizeof *field, err);
    if (!field) return SHOAL_NOMEM;
    l->out = (shape){.rank = 3, .fields = (uint32_t)list->n_child, .width = in.width};
    for (size_t i = 0; rc == 0 && i < list->n_child; i++) rc = find_field(l, list->child[i], b->m->f, &field[i], err);
    return rc;
}

static int describe(const layer *l, json_t *to)
{
    const uint32_t *field = l->own;
    json_t *list = json_array();
    int bad = list ? 0 : -1;
    for (uint32_t i = 0; !bad && i < l->out.fields; i++)
        bad = json_array_append_new(list, json_string(l->model->f->field[field[i]].name));
    if (!bad) return json_object_set_new(to, "fields", list);
    json_decref(list);
    return -1;
}

static void forward(const layer *l, exec *x)
{
    const uint32_t *field = l->own;
    const uint32_t d = l->out.width, from = layer_input(l, 0)->out.fields * d, to = l->out.fields * d;
    for (uint32_t i = 0; i < l->out.fields; i++)
        x->k->copy(x->max_rows, d, exec_in(x, l, 0) + field[i] * d, from, exec_out(x, l) + i * d, to);
}

static void backward(const layer *l, exec *x)
{
    const uint32_t *field = l->own;
    const uint32_t d = l->out.width, to = layer_input(l, 0)->out.fields * d, from = l->out.fields * d;
    float *g = exec_grad_in(x, l, 0);
    for (uint32_t i = 0; g && i < l->out.fields; i++)
        x->k->add_rows(x->max_rows, d, exec_grad(x, l) + i * d, from, g + field[i] * d, to);
}

const layer_kind layer_slice = {.name = "slice",
                                .keys = keys,
                                .min_in = 1,
                                .max_in = 1,
                                .configure = configure,
                                .describe = describe,
                                .forward = forward,
                                .backward = backward};
