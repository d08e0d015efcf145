/* activation.c: see activation.h. */
#include "model/activation.h"

#include <stdio.h>
#include <string.h>

#include "model/norm.h"

#define SLOPE_LEAKY 0.01
#define SLOPE_PRELU 0.25
#define DICE_EPSILON 1e-8f

enum { ALPHA, DICE_MEAN, DICE_VAR };

static const char *const names[] = {"none", "relu", "sigmoid", "tanh", "leaky_relu", "gelu", "prelu", "dice", NULL};

static int unknown(const layer *l, const conf *at, const char *key, const char *text, shoal_error *err)
{
    char list[128] = "";
    for (size_t i = 0, used = 0; names[i]; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
    const char *near = conf_nearest(text, names);
    return layer_error(l, at, err, "unknown %s '%s'; there are: %s%s%s%s", key, text, list, near ? "; did you mean '" : "",
                       near ? near : "", near ? "'?" : "");
}

static int has_slope(const activation *a)
{
    return a->kind == ACTIVATION_LEAKY_RELU || a->kind == ACTIVATION_PRELU || a->kind == ACTIVATION_DICE;
}

int activation_read(activation *a, const layer *l, const conf *c, const char *key, shoal_error *err)
{
    const char *text;
    int rc = conf_str_or(c, key, "none", &text, err);
    if (rc < 0) return rc;
    int i = 0;
    while (names[i] && strcmp(names[i], text) != 0) i++;
    if (!names[i]) return unknown(l, conf_get(c, key), key, text, err);
    a->kind = (enum activation_kind)i;
    const double usual = a->kind == ACTIVATION_LEAKY_RELU ? SLOPE_LEAKY : a->kind == ACTIVATION_PRELU ? SLOPE_PRELU : 0;
    rc = conf_f64_or(c, "slope", usual, 0, 1, &a->slope, err);
    if (rc == 0 && conf_get(c, "slope") && !has_slope(a))
        return layer_error(l, conf_get(c, "slope"), err, "'slope' is for leaky_relu, prelu and dice, not for '%s'", text);
    return rc;
}

int activation_declare(activation *a, layer *l, builder *b, uint32_t width, shoal_error *err)
{
    a->width = width;
    if (width == 0) a->kind = ACTIVATION_NONE; /* of columns that the data lacks */
    a->first = l->n_params;
    if (a->kind < ACTIVATION_GELU) return 0;
    a->before = layer_add_buffer(l, width, 0);
    if (a->kind == ACTIVATION_GELU) return 0;
    const param_spec specs[] = {
        [ALPHA] = {.suffix = "alpha", .kind = PARAM_DENSE, .rows = 1, .cols = width, .init = INIT_CONSTANT, .scale = a->slope},
        [DICE_MEAN] = {.suffix = "dice_mean", .kind = PARAM_AUX, .rows = 1, .cols = width, .momentum = (float)NORM_MOMENTUM},
        [DICE_VAR] = {.suffix = "dice_var", .kind = PARAM_AUX, .rows = 1, .cols = width, .init = INIT_CONSTANT, .scale = 1,
                      .momentum = (float)NORM_MOMENTUM},
    };
    int rc = 0;
    for (int i = ALPHA; rc == 0 && i <= (a->kind == ACTIVATION_DICE ? DICE_VAR : ALPHA); i++)
        rc = layer_add_param(l, b, &specs[i], err);
    return rc;
}

int activation_describe(const activation *a, const char *key, json_t *to)
{
    if (layer_json_str(to, key, names[a->kind])) return -1;
    return has_slope(a) ? layer_json_real(to, "slope", a->slope) : 0;
}

int activation_keeps_result(const activation *a)
{
    return a->kind == ACTIVATION_SIGMOID || a->kind == ACTIVATION_TANH || a->kind == ACTIVATION_LEAKY_RELU;
}

int activation_is_rectifier(const activation *a) { return a->kind == ACTIVATION_RELU || a->kind >= ACTIVATION_LEAKY_RELU; }

static void dice_forward(const activation *a, const layer *l, exec *x, const float *in, float *y)
{
    const float *mean = exec_aux(x, l, a->first + DICE_MEAN), *var = exec_aux(x, l, a->first + DICE_VAR);
    if (x->step) {
        float *batch_mean = exec_aux_batch(x, l, a->first + DICE_MEAN), *batch_var = exec_aux_batch(x, l, a->first + DICE_VAR);
        x->k->batch_norm_stats(x->b->rows, a->width, in, batch_mean, batch_var);
        mean = batch_mean;
        var = batch_var;
    }
    x->k->dice(x->max_rows, a->width, in, mean, var, DICE_EPSILON, exec_param(x, l, a->first + ALPHA), y);
}

void activation_forward(const activation *a, const layer *l, exec *x, float *y)
{
    const kernels *k = x->k;
    const size_t n = (size_t)x->max_rows * a->width;
    float *in = NULL;
    if (a->kind >= ACTIVATION_GELU) {
        in = exec_buffer(x, l, a->before);
        k->copy(x->max_rows, a->width, y, a->width, in, a->width);
    }
    switch (a->kind) {
    case ACTIVATION_NONE: break;
    case ACTIVATION_RELU: k->relu(n, y); break;
    case ACTIVATION_SIGMOID: k->sigmoid(n, y, y); break;
    case ACTIVATION_TANH: k->tanh(n, y, y); break;
    case ACTIVATION_LEAKY_RELU: k->leaky_relu(n, (float)a->slope, y); break;
    case ACTIVATION_GELU: k->gelu(n, in, y); break;
    case ACTIVATION_PRELU: k->prelu(x->max_rows, a->width, exec_param(x, l, a->first + ALPHA), in, y); break;
    case ACTIVATION_DICE: dice_forward(a, l, x, in, y); break;
    }
}

static void dice_backward(const activation *a, const layer *l, exec *x, float *g)
{
    x->k->dice_back(x->b->rows, a->width, exec_buffer(x, l, a->before), exec_aux_batch(x, l, a->first + DICE_MEAN),
                    exec_aux_batch(x, l, a->first + DICE_VAR), DICE_EPSILON, exec_param(x, l, a->first + ALPHA), g,
                    exec_param_grad_zeroed(x, l, a->first + ALPHA));
}

void activation_backward(const activation *a, const layer *l, exec *x, const float *y, float *g)
{
    const kernels *k = x->k;
    const size_t n = (size_t)x->max_rows * a->width;
    switch (a->kind) {
    case ACTIVATION_NONE: break;
    case ACTIVATION_RELU: k->relu_back(n, y, g); break;
    case ACTIVATION_SIGMOID: k->sigmoid_back(n, y, g); break;
    case ACTIVATION_TANH: k->tanh_back(n, y, g); break;
    case ACTIVATION_LEAKY_RELU: k->leaky_relu_back(n, (float)a->slope, y, g); break;
    case ACTIVATION_GELU: k->gelu_back(n, exec_buffer(x, l, a->before), g); break;
    case ACTIVATION_PRELU:
        k->prelu_back(x->max_rows, a->width, exec_param(x, l, a->first + ALPHA), exec_buffer(x, l, a->before), g,
                      exec_param_grad_zeroed(x, l, a->first + ALPHA));
        break;
    case ACTIVATION_DICE: dice_backward(a, l, x, g); break;
    }
}
