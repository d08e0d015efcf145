/* activation.c: see activation.h. */
#include "model/activation.h"

#include <string.h>

static const char *const names[] = {"none", "relu", "sigmoid", "tanh", NULL};

const char *activation_name(enum activation a) { return names[a]; }

int activation_read(const layer *l, const conf *c, const char *key, enum activation *out, shoal_error *err)
{
    const char *text;
    int rc = conf_str_or(c, key, "none", &text, err);
    if (rc < 0) return rc;
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], text) == 0) {
            *out = (enum activation)i;
            return 0;
        }
    const char *near = conf_nearest(text, names);
    return layer_error(l, conf_get(c, key), err, "unknown %s '%s'; there are: none, relu, sigmoid, tanh%s%s%s", key, text,
                       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

void activation_forward(const kernels *k, enum activation a, size_t n, float *y)
{
    switch (a) {
    case ACTIVATION_NONE: break;
    case ACTIVATION_RELU: k->relu(n, y); break;
    case ACTIVATION_SIGMOID: k->sigmoid(n, y, y); break;
    case ACTIVATION_TANH: k->tanh(n, y, y); break;
    }
}

void activation_backward(const kernels *k, enum activation a, size_t n, const float *y, float *g)
{
    switch (a) {
    case ACTIVATION_NONE: break;
    case ACTIVATION_RELU: k->relu_back(n, y, g); break;
    case ACTIVATION_SIGMOID: k->sigmoid_back(n, y, g); break;
    case ACTIVATION_TANH: k->tanh_back(n, y, g); break;
    }
}
