/* model_testing.h: small data and models for the tests of this folder. Included by *_test.c only. */
#ifndef MODEL_MODEL_TESTING_H
#define MODEL_MODEL_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "model/model.h"

#define T_ROWS 13
#define T_FIELDS 4
#define T_DENSE 3
#define T_IDS 40

typedef struct fixture {
    features f;
    feature_field field[T_FIELDS];
    batch b;
    batch_field bf[T_FIELDS];
    uint32_t id[T_FIELDS][4 * T_ROWS], offset[T_FIELDS][T_ROWS + 1];
    float bag_weight[4 * T_ROWS], dense[T_ROWS * T_DENSE], label[T_ROWS], weight[T_ROWS];
} fixture;

/* Fields of one key a row, but the third a bag (some empty) and the fourth a weighted bag. */
static inline void fixture_init(fixture *x, uint32_t n_fields, uint32_t n_dense, uint64_t seed)
{
    static const char *const names[] = {"user", "item", "tags", "scores"};
    memset(x, 0, sizeof *x);
    for (uint32_t i = 0; i < T_FIELDS; i++) {
        x->field[i] = (feature_field){.name = names[i], .base = i * 10, .rows = 10};
        x->bf[i].id = x->id[i];
        x->bf[i].n_id = T_ROWS;
        for (uint32_t j = 0; j < 4 * T_ROWS; j++)
            x->id[i][j] = i * 10 + (uint32_t)rng_below(rng_fold(seed, i), j, 10);
        if (i < 2) continue;
        for (uint32_t r = 0; r < T_ROWS; r++)
            x->offset[i][r + 1] = x->offset[i][r] + (uint32_t)rng_below(rng_fold(seed, 10 + i), r, 4);
        x->bf[i].offset = x->offset[i];
        x->bf[i].n_id = x->offset[i][T_ROWS];
    }
    for (uint32_t j = 0; j < 4 * T_ROWS; j++) x->bag_weight[j] = (float)(rng_f64(rng_fold(seed, 20), j) * 2);
    x->bf[3].weight = x->bag_weight;
    for (uint32_t j = 0; j < T_ROWS * T_DENSE; j++) x->dense[j] = (float)(rng_f64(rng_fold(seed, 21), j) * 2 - 1);
    for (uint32_t r = 0; r < T_ROWS; r++) {
        x->label[r] = (float)(rng_u64(rng_fold(seed, 22), r) & 1);
        x->weight[r] = (float)(0.5 + rng_f64(rng_fold(seed, 23), r));
    }
    x->f = (features){.field = x->field, .n_fields = n_fields, .n_dense = n_dense, .n_ids = 10 * n_fields};
    x->b = (batch){.rows = T_ROWS, .n_dense = n_dense, .n_fields = n_fields, .dense = n_dense ? x->dense : NULL,
                   .field = x->bf, .label = x->label, .weight = x->weight};
}

/* Makes the third field's bags those of which the largest counts. */
static inline void fixture_largest(fixture *x)
{
    x->field[2].largest = x->bf[2].largest = 1;
}

/* Gives the third and the fourth field, both bags, one run of rows. */
static inline void fixture_shared(fixture *x)
{
    x->field[3].base = x->field[2].base;
    for (uint32_t j = 0; j < 4 * T_ROWS; j++) x->id[3][j] -= 10;
    x->f.n_ids -= 10;
}

static inline int build_text(const char *text, const features *f, const model_overrides *o, model **out, shoal_error *err)
{
    conf *c = NULL;
    int rc = conf_parse("m.yaml", text, strlen(text), &c, err);
    *out = NULL;
    if (rc == 0) rc = model_build(c, f, o, out, err);
    conf_free(c);
    return rc;
}

static inline int build_zoo(const char *name, const features *f, const model_overrides *o, model **out, shoal_error *err)
{
    conf *c = NULL;
    int rc = model_source(name, &c, err);
    *out = NULL;
    if (rc == 0) rc = model_build(c, f, o, out, err);
    conf_free(c);
    return rc;
}

/* A model of the zoo with few weights: hidden layers of 6 and 4 units and embeddings of width 3, as far as it has any; a file as
 * it is. */
static inline int build_small(const char *name, const features *f, model **out, shoal_error *err)
{
    static const uint32_t hidden[] = {6, 4};
    const model_overrides sizes[] = {{.dropout = -1, .embedding_dim = 3, .hidden = hidden, .n_hidden = 2},
                                     {.dropout = -1, .embedding_dim = 3},
                                     {.dropout = -1, .hidden = hidden, .n_hidden = 2},
                                     {.dropout = -1}};
    if (strchr(name, '.')) return build_zoo(name, f, NULL, out, err);
    int rc = SHOAL_USAGE;
    for (size_t i = 0; rc == SHOAL_USAGE && i < sizeof sizes / sizeof *sizes; i++) rc = build_zoo(name, f, &sizes[i], out, err);
    return rc;
}

/* One optimiser step of table t by one micro-batch. */
static inline void step_table(const kernels *k, const optimizer_step *o, size_t t, weights *w, const grads *g)
{
    uint32_t *first = mem_alloc((g->n_ids + 1) * sizeof *first);
    kernel_touch *touch = mem_alloc(g->n_ids * sizeof *touch);
    assert_true(first && touch);
    for (uint32_t i = 0; i < g->n_ids; i++) touch[i] = (kernel_touch){0, first[i] = i};
    first[g->n_ids] = g->n_ids;
    const float *const gradients = g->table[t];
    k->optimize_rows(o, g->n_ids, model_table_cols(w->model, t), g->id, w->table[t], w->stride[t], first, touch, &gradients);
    mem_free(first);
    mem_free(touch);
}

#define assert_ok(call, err) do { if ((call) < 0) fail_msg("%s: %s", #call, (err).message); } while (0)

#endif
