/* training_testing.h: a small model with features of every kind, for the tests of this folder. */
#ifndef TRAIN_TRAINING_TESTING_H
#define TRAIN_TRAINING_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "features/features_testing.h"
#include "model/model.h"

#define TESTING_TRAIN_COLUMNS "y:l x:g u:u tags:+u"
#define TESTING_TRAIN_ROWS                                                                                          \
    "1 0.5 ann a;b | 0 1.5 bob a | 1 -2.25 ann () | 0 ~ cid b;c | 1 3 ~ ~ | 0 0 bob c;c | 0 8 d\\xc3\\xbc a;b;c | 1 2 ann b"
#define TESTING_FEATURES                                                                                             \
    "features:\n"                                                                                                    \
    "  x: {type: numeric, scale: standard}\n"                                                                        \
    "  size: {column: x, type: numeric, scale: bucket, buckets: 3}\n"                                                \
    "  u: {type: categorical, min_count: 1}\n"                                                                       \
    "  hashed: {column: u, type: categorical, encoding: hash, buckets: 7, seed: 3}\n"                                \
    "  tags: {type: bag, combiner: mean, min_count: 1}\n"
#define TESTING_NETWORK                                                                                              \
    "name: small\n"                                                                                                  \
    "layers:\n"                                                                                                      \
    "  - linear: {name: first}\n"                                                                                    \
    "  - embedding: {name: e, dim: 4}\n"                                                                             \
    "  - fm: {name: second, input: e}\n"                                                                             \
    "  - dense: {name: h1, input: [e, numeric], units: 8, activation: relu, batch_norm: true, dropout: 0.1}\n"        \
    "  - dense: {name: top, units: 1}\n"                                                                             \
    "  - add: {input: [first, second, top]}\n"

typedef struct testing_model {
    testing_table *rows;
    features *features;
    pool *threads;
    conf *yaml;
    model *model;
    weights *weights;
} testing_model;

static inline void testing_ok(int rc, const shoal_error *err)
{
    if (rc < 0) fail_msg("%s: %s", shoal_code_name(rc), err->message);
}

static inline features *testing_features(const testing_table *t, pool *threads)
{
    shoal_error err = {0};
    features *f;
    binding *b;
    scan *s;
    raw_block raw;
    int64_t bad;
    const struct ArrowArray *sample = &t->array;
    features_request request = {.label = "y"};
    conf *yaml;
    testing_ok(conf_parse("features.yaml", TESTING_FEATURES, sizeof TESTING_FEATURES - 1, &yaml, &err), &err);
    testing_ok(features_configure(yaml, &t->schema, &sample, 1, &request, &f, &err), &err);
    conf_free(yaml);
    testing_ok(binding_new(f, &t->schema, 1, &b, &err), &err);
    raw_block_init(&raw);
    testing_ok(binding_extract(b, &t->array, 0, t->array.length, &raw, &bad, &err), &err);
    testing_ok(scan_new(f, 1 << 24, "/tmp", threads, &s, &err), &err);
    testing_ok(scan_add(s, b, &t->array, &raw, &err), &err);
    testing_ok(scan_finish(s, f, &err), &err);
    scan_free(s);
    raw_block_release(&raw);
    binding_free(b);
    return f;
}

/* Weights and state are filled with numbers that are all different. */
static inline void testing_fill(weights *w, uint64_t seed)
{
    size_t n;
    const param *p = model_params(w->model, &n);
    for (size_t i = 0; i < n; i++)
        for (uint64_t r = 0; r < p[i].rows; r++)
            for (uint64_t c = 0; c < p[i].cols; c++)
                for (int s = 0; s <= w->slots; s++) {
                    uint64_t at = (r * p[i].cols + c) * 3 + (uint64_t)s;
                    float v = (float)(rng_f64(rng_key(seed, RNG_SAMPLE, i, 0), at) - (s ? 0 : 0.5));
                    if (p[i].kind == PARAM_TABLE)
                        w->table[p[i].offset][r * w->stride[p[i].offset] + (uint64_t)s * p[i].cols + c] = v;
                    else if (p[i].kind == PARAM_DENSE)
                        (s ? w->state[s - 1] : w->dense)[p[i].offset + r * p[i].cols + c] = v;
                    else if (s == 0)
                        w->aux[p[i].offset + r * p[i].cols + c] = v + 1;
                }
}

static inline void testing_model_init(testing_model *m, int slots)
{
    shoal_error err = {0};
    testing_ok(pool_new(1, NULL, &m->threads, &err), &err);
    m->rows = testing_new(TESTING_TRAIN_COLUMNS, TESTING_TRAIN_ROWS);
    m->features = testing_features(m->rows, m->threads);
    testing_ok(conf_parse("small.yaml", TESTING_NETWORK, sizeof TESTING_NETWORK - 1, &m->yaml, &err), &err);
    testing_ok(model_build(m->yaml, m->features, NULL, &m->model, &err), &err);
    testing_ok(weights_new(m->model, slots, &m->weights, &err), &err);
    testing_fill(m->weights, 1);
}

static inline void testing_model_release(testing_model *m)
{
    weights_free(m->weights);
    model_free(m->model);
    conf_free(m->yaml);
    features_free(m->features);
    testing_free(m->rows);
    pool_free(m->threads);
}

/* Nonzero when both hold the same bits, state included. */
static inline int testing_same(const weights *a, const weights *b)
{
    size_t n;
    const param *p = model_params(a->model, &n);
    int same = a->slots == b->slots;
    for (size_t i = 0; i < n && same; i++)
        for (uint64_t r = 0; r < p[i].rows && same; r++) {
            uint64_t bytes = p[i].cols * 4, at = p[i].offset + r * p[i].cols;
            if (p[i].kind == PARAM_TABLE)
                same = !memcmp(a->table[p[i].offset] + r * a->stride[p[i].offset], b->table[p[i].offset] + r * b->stride[p[i].offset],
                               bytes * (uint64_t)(1 + a->slots));
            else if (p[i].kind == PARAM_AUX)
                same = !memcmp(a->aux + at, b->aux + at, bytes);
            else
                for (int s = -1; s < a->slots && same; s++)
                    same = !memcmp((s < 0 ? a->dense : a->state[s]) + at, (s < 0 ? b->dense : b->state[s]) + at, bytes);
        }
    return same;
}

#endif
