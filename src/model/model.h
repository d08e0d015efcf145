/* model.h: a network as a list of layers, its parameters, and one micro-batch's way forward and back.
 *
 * The language (docs/models.md; the zoo lies in models):
 *
 *   name: deepfm
 *   paper: "Guo et al. 2017, arXiv:1703.04247"
 *   layers:
 *     - linear: {}                                   # first order: one weight a key, one a number, the bias
 *     - embedding: {name: e, dim: 16}                # [m x fields x dim] of the shared tables
 *     - fm: {name: second, input: e}
 *     - dense: {name: h1, input: [e, numeric], units: 400, activation: relu, batch_norm: false, dropout: 0.0}
 *     - dense: {units: 1}                            # input: the layer above when not said
 *     - add: {input: [linear, second, top]}
 *   output: ...                                      # the last layer: one logit a row
 *
 * `numeric` is the batch's numeric matrix. A layer kind is one file src/model/layer_KIND.c: shapes, parameters, forward,
 * backward, and a gradient test. */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "base/conf.h"
#include "features/features.h"
#include "kernels/kernels.h"

enum param_kind {
    PARAM_TABLE, /* rows x cols, one row an id of the feature id space; sparse gradients */
    PARAM_DENSE, /* rows x cols */
    PARAM_AUX    /* not trained: running means and variances of batch norm */
};
enum param_init {
    INIT_ZERO,
    INIT_CONSTANT, /* scale */
    INIT_NORMAL,   /* scale = std */
    INIT_UNIFORM,  /* +-scale */
    INIT_POSITIVE, /* uniform in [0, scale) */
    INIT_BIAS      /* log odds of the base rate */
};

/* An optimiser of a layer's own. What is not given (NAN) is the run's, but l1 and momentum, which are then 0. */
typedef struct own_optimizer {
    enum optimizer_kind kind;
    double lr, l1, l2, momentum, beta1, beta2, ftrl_beta, accumulator;
} own_optimizer;

typedef struct param {
    char name[96];      /* "e.table", "h1.weight", ... unique; the tensor's name in the model file */
    enum param_kind kind;
    uint64_t rows, cols;
    enum param_init init;
    double scale;
    int decay;          /* L1, L2 apply */
    size_t offset;      /* DENSE: floats into weights.dense; AUX: into weights.aux; TABLE: index of the table */
    const own_optimizer *optimizer; /* its layer's; NULL: the run's */
    float momentum;     /* AUX: running = momentum * running + (1 - momentum) * batch */
} param;

typedef struct model_overrides {
    double dropout;       /* < 0: the file's */
    int64_t embedding_dim; /* 0: the file's */
    const uint32_t *hidden; /* units of the hidden dense layers, replacing the file's run of them; NULL: the file's */
    size_t n_hidden;
    const char *const *set; /* "LAYER.KEY=VALUE" in order, before the others; names are the file's */
    size_t n_set;
} model_overrides;

typedef struct model model;
/* YAML of a zoo name, of a file when the name ends in .yaml or holds a '/', or itself YAML when it begins with '{'. An unknown name gets a suggestion. */
int model_source(const char *name, conf **out, shoal_error *err);
const char *const *model_zoo(void); /* NULL-terminated names */
/* Shapes come from the placed features. The model keeps f (not owned). */
int model_build(const conf *yaml, const features *f, const model_overrides *overrides, model **out, shoal_error *err);
void model_free(model *m);
const char *model_name(const model *m);
const features *model_features(const model *m);
/* The whole description after overrides, as JSON that model_build accepts again: goes into the manifest. */
int model_to_json(const model *m, json_t **out, shoal_error *err);
const param *model_params(const model *m, size_t *n);
size_t model_tables(const model *m);
uint32_t model_table_cols(const model *m, size_t index);
size_t model_dense_size(const model *m); /* floats of weights.dense, each parameter aligned to 16 floats, gaps zero */
size_t model_aux_size(const model *m);
/* As Keras prints it: layer, output shape, parameters, connected to; totals; embedding bytes. `width` columns. */
int model_summary(const model *m, int width, buf *out, shoal_error *err);
int model_summary_json(const model *m, json_t **out, shoal_error *err);
/* Floating-point operations of the matrix products, forward and backward, a row. */
double model_gemm_flop(const model *m);

/* ---- weights --------------------------------------------------------------------------------------------------------- */

/* Tables keep a row's optimiser state beside its weights: row r at table[t] + r * stride[t] holds cols weights, then
 * `slots` times cols state. Dense state lies in arrays of the same layout as dense. */
typedef struct weights {
    const model *model;
    int slots;
    float **table;   /* [tables] */
    size_t *stride;  /* floats */
    float *dense, *state[2];
    float *aux;
} weights;
int weights_new(const model *m, int slots, weights **out, shoal_error *err);
void weights_free(weights *w);
/* Initial values: element e of parameter p, row r is a function of (seed, name of p, r, e) alone. base_rate: clicks over rows. */
int weights_init_values(weights *w, uint64_t seed, double base_rate, pool *threads, shoal_error *err);

/* ---- one micro-batch -------------------------------------------------------------------------------------------------- */

#define MODEL_SHARDS 64 /* ids are dealt to shards by model_shard; gradients come grouped so that threads can share them out */
static inline uint32_t model_shard(uint32_t id) { return (uint32_t)(id * 0x9e3779b1u) >> 26; }

/* The contribution of one micro-batch to the step: what is summed in k order. */
typedef struct grads {
    double loss;          /* sum of weighted losses */
    double weight;        /* sum of row weights */
    uint32_t rows;
    float *dense;         /* [model_dense_size] */
    float *aux;           /* [model_aux_size] batch statistics; rows == 0: not to be applied */
    uint32_t n_ids;       /* distinct ids, grouped by shard */
    uint32_t *id;
    uint32_t shard[MODEL_SHARDS + 1]; /* group s is [shard[s], shard[s+1]) */
    float **table;        /* [tables]: [n_ids x cols] */
    size_t id_cap;        /* private */
} grads;
int grads_new(const model *m, grads **out, shoal_error *err);
void grads_free(grads *g, const model *m);

typedef struct exec exec;
/* A thread's workspace for micro-batches of at most max_rows rows. Matrix products always run with max_rows rows (short
 * batches are padded with zero rows), so that their bits do not depend on the row count. No allocation afterwards except
 * growth of lists longer than seen before. */
int exec_new(const model *m, const kernels *k, uint32_t max_rows, exec **out, shoal_error *err);
void exec_free(exec *x);

typedef struct exec_step {
    uint64_t key;    /* rng_key(seed, RNG_DROPOUT, epoch, step) */
    uint64_t row0;   /* position of the micro-batch's first row within the global batch */
    float scale;     /* 1 / rows of the global batch: gradients are of the mean loss */
} exec_step;
/* Where time goes from here on is added up in p (profile.h), the caller's; NULL: no longer. */
struct profile;
void exec_measure(exec *x, struct profile *p);
/* Scores: logits[rows]. Running statistics, no dropout. */
int exec_predict(exec *x, const weights *w, const batch *b, float *logits, shoal_error *err);
/* Training: forward, loss, backward; fills g. logits may be NULL. */
int exec_train(exec *x, const weights *w, const batch *b, const exec_step *s, grads *g, float *logits, shoal_error *err);

#endif
