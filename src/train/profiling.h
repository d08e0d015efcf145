/* profiling.h: what `train --profile` tells at the end of a run: a line for each layer and each stage of the steps. */
#ifndef TRAIN_PROFILING_H
#define TRAIN_PROFILING_H

#include <jansson.h>

#include "base/buf.h"
#include "model/profile.h"

int profiling_new(const model *m, int threads, profile **out, shoal_error *err);
void profiling_free(profile *of_threads, int threads);

typedef struct profiling {
    const model *model;
    const kernels *kernels;
    pool *pool;
    uint32_t micro;          /* rows of a micro-batch, at which the peak is measured */
    const profile *profiles; /* a thread each */
} profiling;

/* Measures the peak of the machine, which takes a moment. The table for people, and the same as JSON (docs/json.md). */
int profiling_find(const profiling *p, buf *text, json_t **out, shoal_error *err);

#endif
