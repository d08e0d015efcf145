/* activation.h: functions of one number, in place, and their gradients; some with parameters of their own.
 *
 *   relu, sigmoid, tanh          gelu: x Phi(x) (Hendrycks 2016)
 *   leaky_relu: x < 0 ? slope x : x           prelu (He 2015): the same with a slope a column, trained ("alpha")
 *   dice (Zhou 2018, arXiv:1706.06978): x (p + alpha (1 - p)), p = sigmoid of x after batch norm without scale and shift;
 *   alpha a column, trained; running statistics "dice_mean", "dice_var" when predicting. */
#ifndef MODEL_ACTIVATION_H
#define MODEL_ACTIVATION_H

#include "model/exec_private.h"

enum activation_kind {
    ACTIVATION_NONE,
    ACTIVATION_RELU,
    ACTIVATION_SIGMOID,
    ACTIVATION_TANH,
    ACTIVATION_LEAKY_RELU,
    ACTIVATION_GELU,
    ACTIVATION_PRELU,
    ACTIVATION_DICE
};

typedef struct activation {
    enum activation_kind kind;
    double slope;    /* of leaky_relu; what prelu and dice start with */
    uint32_t width;  /* columns */
    uint32_t first;  /* the layer's parameter where those of the function begin */
    uint32_t before; /* buffer of what came in, where the gradient needs that */
} activation;

/* Reads `key` (default none) and `slope`. */
int activation_read(activation *a, const layer *l, const conf *c, const char *key, shoal_error *err);
/* Declares parameters and a buffer for [max_rows x width]. */
int activation_declare(activation *a, layer *l, builder *b, uint32_t width, shoal_error *err);
/* For describe: 0, or -1 when out of memory. */
int activation_describe(const activation *a, const char *key, json_t *to);
/* The gradient is computed from the result, so the result has to last until then. */
int activation_keeps_result(const activation *a);
/* The first W of a layer before the function is that of He 2015. */
int activation_is_rectifier(const activation *a);
void activation_forward(const activation *a, const layer *l, exec *x, float *y);
/* g becomes the gradient before the function, whose result was y. */
void activation_backward(const activation *a, const layer *l, exec *x, const float *y, float *g);

#endif
