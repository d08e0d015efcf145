/* summary.c: the table of a model's layers. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "model/layer.h"

#define COLUMNS 4

typedef struct totals {
    uint64_t trained, aux, tables;
} totals;

static uint64_t count(const layer *l, totals *t)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < l->n_params; i++) {
        const param *p = layer_param(l, i);
        const uint64_t size = p->rows * p->cols;
        n += size;
        if (p->kind == PARAM_AUX)
            t->aux += size;
        else
            t->trained += size;
        if (p->kind == PARAM_TABLE) t->tables += size;
    }
    return n;
}

/* 1234567 -> "1,234,567" */
static void with_commas(uint64_t n, char *out, size_t room)
{
    char digits[24];
    const int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    size_t at = 0;
    for (int i = 0; i < len && at + 2 < room; i++) {
        if (i > 0 && (len - i) % 3 == 0) out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = 0;
}

static void shape_text(const layer *l, char *out, size_t room)
{
    if (l->out.rank == 3)
        snprintf(out, room, "(rows, %u, %u)", l->out.fields, l->out.width);
    else
        snprintf(out, room, "(rows, %u)", l->out.width);
}

static void inputs_text(const layer *l, char *out, size_t room)
{
    size_t used = 0;
    out[0] = 0;
    for (uint32_t i = 0; i < l->n_in && used < room; i++)
        used += (size_t)snprintf(out + used, room - used, "%s%s", i ? ", " : "", layer_input(l, i)->name);
}

/* A cell of `width` columns; what does not fit ends in "..". */
static int put_cell(buf *out, const char *text, int width, shoal_error *err)
{
    const int n = (int)strlen(text);
    if (n <= width) return buf_printf(out, err, "%-*s", width, text);
    return buf_printf(out, err, "%.*s%s", width > 2 ? width - 2 : width, text, width > 2 ? ".." : "");
}

static int put_row(buf *out, const char *const cell[COLUMNS], const int at[COLUMNS + 1], shoal_error *err)
{
    int rc = 0;
    for (int i = 0; rc == 0 && i < COLUMNS; i++) {
        const int width = at[i + 1] - at[i] - 1;
        if (i + 1 < COLUMNS) {
            rc = put_cell(out, cell[i], width, err);
            if (rc == 0) rc = buf_putc(out, ' ', err);
        } else {
            rc = buf_printf(out, err, "%.*s\n", width, cell[i]);
        }
    }
    return rc;
}

static int put_line(buf *out, char c, int width, shoal_error *err)
{
    int rc = 0;
    for (int i = 0; rc == 0 && i < width; i++) rc = buf_putc(out, c, err);
    return rc < 0 ? rc : buf_putc(out, '\n', err);
}

static int is_shown(const layer *l) { return l->index > 0 || l->consumers > 0; }

static int put_layer(const layer *l, const int at[COLUMNS + 1], totals *t, buf *out, shoal_error *err)
{
    char name[2 * LAYER_NAME_MAX], shape_[48], params[32], inputs[256];
    snprintf(name, sizeof name, "%s (%s)", l->name, l->index == 0 ? "input" : l->kind->name);
    shape_text(l, shape_, sizeof shape_);
    with_commas(count(l, t), params, sizeof params);
    inputs_text(l, inputs, sizeof inputs);
    return put_row(out, (const char *const[COLUMNS]){name, shape_, params, inputs}, at, err);
}

static int put_totals(const totals *t, buf *out, shoal_error *err)
{
    char all[32], trained[32], aux[32], bytes[32];
    with_commas(t->trained + t->aux, all, sizeof all);
    with_commas(t->trained, trained, sizeof trained);
    with_commas(t->aux, aux, sizeof aux);
    with_commas(t->tables * sizeof(float), bytes, sizeof bytes);
    return buf_printf(out, err,
                      "Total parameters: %s (trained %s, running statistics %s)\n"
                      "Embedding tables: %s bytes\n",
                      all, trained, aux, bytes);
}

int model_summary(const model *m, int width, buf *out, shoal_error *err)
{
    if (width < 40) width = 40;
    if (width > 120) width = 120;
    const int at[COLUMNS + 1] = {0, width * 30 / 100, width * 53 / 100, width * 70 / 100, width + 1};
    totals t = {0};
    int rc = buf_printf(out, err, "Model: %s%s%s%s\n", m->name, m->paper ? " (" : "", m->paper ? m->paper : "", m->paper ? ")" : "");
    if (rc == 0) rc = put_line(out, '_', width, err);
    if (rc == 0) rc = put_row(out, (const char *const[COLUMNS]){"Layer (type)", "Output shape", "Param #", "Connected to"}, at, err);
    if (rc == 0) rc = put_line(out, '=', width, err);
    for (uint32_t i = 0; rc == 0 && i < m->n_layers; i++)
        if (is_shown(&m->layer[i])) rc = put_layer(&m->layer[i], at, &t, out, err);
    if (rc == 0) rc = put_line(out, '=', width, err);
    return rc < 0 ? rc : put_totals(&t, out, err);
}

/* {name, type, output_shape, parameters, inputs}; NULL when out of memory. */
static json_t *layer_json(const layer *l, totals *t)
{
    json_t *o = json_object(), *shape_ = json_array(), *inputs = json_array();
    int bad = !o || !shape_ || !inputs || json_array_append_new(shape_, json_null());
    if (!bad && l->out.rank == 3) bad = json_array_append_new(shape_, json_integer(l->out.fields));
    if (!bad) bad = json_array_append_new(shape_, json_integer(l->out.width));
    for (uint32_t i = 0; !bad && i < l->n_in; i++) bad = json_array_append_new(inputs, json_string(layer_input(l, i)->name));
    if (!bad)
        bad = layer_json_str(o, "name", l->name) || layer_json_str(o, "type", l->index == 0 ? "input" : l->kind->name) ||
              json_object_set(o, "output_shape", shape_) || layer_json_int(o, "parameters", (int64_t)count(l, t)) ||
              json_object_set(o, "inputs", inputs);
    json_decref(shape_);
    json_decref(inputs);
    if (!bad) return o;
    json_decref(o);
    return NULL;
}

int model_summary_json(const model *m, json_t **out, shoal_error *err)
{
    totals t = {0};
    json_t *root = json_object(), *layers = json_array();
    int bad = !root || !layers || layer_json_str(root, "name", m->name) || (m->paper && layer_json_str(root, "paper", m->paper));
    for (uint32_t i = 0; !bad && i < m->n_layers; i++)
        if (is_shown(&m->layer[i])) bad = json_array_append_new(layers, layer_json(&m->layer[i], &t));
    if (!bad)
        bad = json_object_set(root, "layers", layers) || layer_json_int(root, "parameters", (int64_t)(t.trained + t.aux)) ||
              layer_json_int(root, "trained_parameters", (int64_t)t.trained) ||
              layer_json_int(root, "embedding_bytes", (int64_t)(t.tables * sizeof(float))) ||
              layer_json_real(root, "gemm_flop_per_row", model_gemm_flop(m));
    json_decref(layers);
    if (bad) {
        json_decref(root);
        return error_nomem(err, 0, "the model's summary");
    }
    *out = root;
    return 0;
}
