/* norm.h: batch norm (Ioffe and Szegedy 2015) as a part of layers: y = (x - mean) / sqrt(var + eps) * gamma + beta over the
 * rows of the micro-batch; running mean and variance when predicting. The variance is the biased one, in both. */
#ifndef MODEL_NORM_H
#define MODEL_NORM_H

#include "model/exec_private.h"

#define NORM_EPSILON 1e-3
#define NORM_MOMENTUM 0.99

/* Four parameters of a layer, from index `first`: gamma, beta, mean, var. */
typedef struct norm {
    uint32_t first, width;
    float epsilon;
} norm;
int norm_declare(norm *n, layer *l, builder *b, uint32_t width, double epsilon, double momentum, shoal_error *err);
/* x and y [max_rows x width], distinct. */
void norm_forward(const norm *n, const layer *l, exec *e, const float *x, float *y);
/* gx and gy distinct; x is what forward saw. */
void norm_backward(const norm *n, const layer *l, exec *e, const float *x, const float *gy, float *gx);

#endif
