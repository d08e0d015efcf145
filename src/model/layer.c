/* layer.c: what layer kinds share: parameters, buffers, messages, descriptions. */
#include "model/layer.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define PARAM_ALIGN 16 /* floats */

void *layer_own(layer *l, size_t bytes, shoal_error *err)
{
    l->own = mem_calloc(1, bytes);
    if (!l->own) error_nomem(err, bytes, "a layer");
    return l->own;
}

const layer *layer_input(const layer *l, uint32_t i) { return &l->model->layer[l->in[i]]; }

uint64_t layer_in_size(const layer *l)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < l->n_in; i++) n += shape_size(layer_input(l, i)->out);
    return n;
}

const param *layer_param(const layer *l, uint32_t i) { return &l->model->param[l->param[i]]; }

static size_t align_up(size_t n) { return (n + PARAM_ALIGN - 1) / PARAM_ALIGN * PARAM_ALIGN; }

static size_t place(model *m, const param_spec *s)
{
    size_t at, n = align_up((size_t)(s->rows * s->cols));
    switch (s->kind) {
    case PARAM_TABLE: return m->n_tables++;
    case PARAM_DENSE:
        at = m->dense_size;
        m->dense_size += n;
        return at;
    default:
        at = m->aux_size;
        m->aux_size += n;
        return at;
    }
}

static int grow_params(model *m, shoal_error *err)
{
    if (m->n_params < m->param_cap) return 0;
    const size_t cap = m->param_cap ? 2 * m->param_cap : 16;
    param *p = mem_realloc(m->param, cap * sizeof *p);
    if (!p) return error_nomem(err, cap * sizeof *p, "parameters");
    m->param = p;
    m->param_cap = cap;
    return 0;
}

int layer_add_param(layer *l, builder *b, const param_spec *s, shoal_error *err)
{
    model *m = b->m;
    CHECK(l->n_params < LAYER_PARAMS_MAX && s->rows <= UINT32_MAX && s->cols <= UINT32_MAX);
    if (s->kind != PARAM_TABLE && m->dense_size + s->rows * s->cols > MODEL_FLOATS_MAX)
        return error_set(err, SHOAL_USAGE, "layer '%s' (%s) has %llu x %llu weights, which is beyond all reason", l->name,
                         l->kind->name, (unsigned long long)s->rows, (unsigned long long)s->cols);
    int rc = grow_params(m, err);
    if (rc < 0) return rc;
    param *p = &m->param[m->n_params];
    memset(p, 0, sizeof *p);
    snprintf(p->name, sizeof p->name, "%s.%s", l->name, s->suffix);
    p->kind = s->kind;
    p->rows = s->rows;
    p->cols = s->cols;
    p->init = s->init;
    p->scale = s->scale;
    p->decay = s->decay;
    p->momentum = s->momentum;
    p->optimizer = l->optimizer;
    p->offset = place(m, s);
    l->param[l->n_params++] = m->n_params++;
    if (s->kind != PARAM_AUX) l->needs_grad = 1;
    return 0;
}

uint32_t layer_add_buffer(layer *l, size_t per_row, size_t fixed)
{
    CHECK(l->n_buffers < LAYER_BUFFERS_MAX);
    l->buffer[l->n_buffers].per_row = per_row;
    l->buffer[l->n_buffers].fixed = fixed;
    return l->n_buffers++;
}

int layer_error(const layer *l, const conf *c, shoal_error *err, const char *format, ...)
{
    char text[SHOAL_ERROR_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return conf_error(c, err, "layer '%s' (%s): %s", l->name, l->kind->name, text);
}

int layer_needs_fields(const layer *l, const conf *c, uint32_t input, shoal_error *err)
{
    const layer *in = layer_input(l, input);
    if (in->out.rank != 3) return layer_error(l, c, err, "input '%s' is not made of fields; it needs an embedding", in->name);
    if (in->out.fields == 0)
        return layer_error(l, c, err, "the data has no categorical fields; declare some, or use model 'lr'");
    return 0;
}

/* The layer above that `text` (LAYER[.fields|.width]) names, and the number of it; NULL when there is none. */
static const layer *sized_layer(const layer *l, const char *text, uint64_t *size)
{
    const char *dot = strchr(text, '.');
    const size_t n = dot ? (size_t)(dot - text) : strlen(text);
    for (uint32_t i = 0; i < l->index; i++) {
        const layer *from = &l->model->layer[i];
        if (strlen(from->name) != n || memcmp(from->name, text, n) != 0) continue;
        const int fields = dot && strcmp(dot, ".fields") == 0;
        if (dot && !fields && strcmp(dot, ".width") != 0) return NULL;
        *size = fields ? (from->out.rank == 3 ? from->out.fields : 1) : dot ? from->out.width : shape_size(from->out);
        return from;
    }
    return NULL;
}

static int read_size(const layer *l, const conf *c, const conf *at, uint32_t *out, shoal_error *err)
{
    uint64_t size = 0;
    int64_t times, over;
    int rc = conf_i64_or(c, "times", 1, 1, LAYER_UNITS_MAX, &times, err);
    if (rc == 0) rc = conf_i64_or(c, "over", 1, 1, LAYER_UNITS_MAX, &over, err);
    if (rc < 0) return rc;
    if (!sized_layer(l, at->text, &size))
        return layer_error(l, at, err, "'units' is '%s'; expected a number, or the size of a layer above as in e, e.fields or e.width",
                           at->text);
    size = size * (uint64_t)times / (uint64_t)over;
    if (size > LAYER_UNITS_MAX)
        return layer_error(l, at, err, "%llu units; a layer has at most %d", (unsigned long long)size, LAYER_UNITS_MAX);
    *out = size > 0 ? (uint32_t)size : 1;
    return 0;
}

int layer_read_units(const layer *l, const conf *c, uint32_t *out, int *of_layer, shoal_error *err)
{
    const conf *at = conf_get(c, "units");
    if (!at) return layer_error(l, c, err, "needs the key 'units'");
    *of_layer = at->kind == CONF_SCALAR && (isalpha((unsigned char)at->text[0]) || at->text[0] == '_');
    if (*of_layer) return read_size(l, c, at, out, err);
    if (conf_get(c, "times") || conf_get(c, "over"))
        return layer_error(l, c, err, "'times' and 'over' go with the size of a layer, as in {units: e, over: 3}");
    int64_t units;
    int rc = conf_i64_or(c, "units", 1, 1, LAYER_UNITS_MAX, &units, err);
    *out = (uint32_t)units;
    return rc;
}

int layer_dropout_rate(const conf *c, const char *key, builder *b, double *out, shoal_error *err)
{
    int rc = conf_f64_or(c, key, 0, 0, 0.9999, out, err);
    if (rc < 0 || b->overrides->dropout < 0) return rc;
    if (b->overrides->dropout > 0.9999)
        return error_set(err, SHOAL_USAGE, "dropout %g: expected 0 <= rate < 1", b->overrides->dropout);
    *out = b->overrides->dropout;
    b->used_dropout = 1;
    return 0;
}

int layer_json_int(json_t *to, const char *key, int64_t value) { return json_object_set_new(to, key, json_integer(value)); }
int layer_json_real(json_t *to, const char *key, double value) { return json_object_set_new(to, key, json_real(value)); }
int layer_json_bool(json_t *to, const char *key, int value) { return json_object_set_new(to, key, json_boolean(value)); }
int layer_json_str(json_t *to, const char *key, const char *value) { return json_object_set_new(to, key, json_string(value)); }
