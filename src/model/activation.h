/* activation.h: functions of one number, in place, and their gradients from the result. */
#ifndef MODEL_ACTIVATION_H
#define MODEL_ACTIVATION_H

#include "model/layer.h"

enum activation { ACTIVATION_NONE, ACTIVATION_RELU, ACTIVATION_SIGMOID, ACTIVATION_TANH };
const char *activation_name(enum activation a);
/* Reads `key` (default none). */
int activation_read(const layer *l, const conf *c, const char *key, enum activation *out, shoal_error *err);
void activation_forward(const kernels *k, enum activation a, size_t n, float *y);
/* g becomes the gradient before the function, whose result was y. */
void activation_backward(const kernels *k, enum activation a, size_t n, const float *y, float *g);

#endif
