/* layer.h: what a layer kind is, inside model/. A kind is one file layer_KIND.c with one layer_kind, named in the table of
 * layer_kinds.c. Layers hold numbers only; a micro-batch's tensors live in an exec (exec_private.h), and layers touch
 * them through kernels alone, because they may lie in the memory of a device. */
#ifndef MODEL_LAYER_H
#define MODEL_LAYER_H

#include "model/model.h"

#define LAYER_NAME_MAX 64
#define LAYER_PARAMS_MAX 32
#define LAYER_BUFFERS_MAX 6
#define LAYER_UNITS_MAX 65536
#define MODEL_LAYERS_MAX 1000
#define MODEL_FLOATS_MAX (1ull << 32) /* of one micro-batch row, or of the dense weights: a sane bound, not a need */

/* rank 2: [m x width]; rank 3: [m x fields x width]. Either may be empty. */
typedef struct shape {
    int rank;
    uint32_t fields, width;
} shape;
static inline uint64_t shape_size(shape s) { return s.rank == 3 ? (uint64_t)s.fields * s.width : s.width; }

typedef struct layer layer;
typedef struct builder builder;
struct exec;

/* Weights that a layer gives to fields or pairs: the entries of the output of `of` (gates.h). */
typedef struct layer_gate {
    const char *what;
    const layer *of;
    uint32_t n;       /* entries */
    uint32_t per_row; /* numbers a row, a multiple of n, in the layer's `buffer`; 0: the n numbers of its parameter `param` */
    uint32_t buffer, param;
    int by_entry;     /* the numbers of an entry lie side by side; else the entries do */
} layer_gate;

typedef struct layer_kind {
    const char *name;
    const char *const *keys;     /* besides name and input, NULL-terminated */
    uint32_t min_in, max_in;     /* inputs */
    int reads_numeric;           /* with max_in 0: `numeric` is its input without being said */
    /* Reads the keys, checks the inputs' shapes, sets out, declares parameters and buffers. */
    int (*configure)(layer *l, const conf *c, builder *b, shoal_error *err);
    /* The keys with their values as they are now. 0, or -1 when out of memory. NULL: none. */
    int (*describe)(const layer *l, json_t *to);
    /* Floating-point operations of matrix products a row, forward and backward. NULL: none. */
    double (*flop)(const layer *l);
    /* All others a row, both ways, where they are not about one for each number of the output each way. NULL: they are. */
    double (*work)(const layer *l);
    /* Whether it has such weights as it is configured, and which. NULL: none. */
    int (*gate)(const layer *l, layer_gate *out);
    void (*forward)(const layer *l, struct exec *x);
    /* From the gradient of out, adds to the gradients of the inputs and sets those of the parameters. */
    void (*backward)(const layer *l, struct exec *x);
} layer_kind;

struct layer {
    const layer_kind *kind;
    char name[LAYER_NAME_MAX];
    uint32_t index;             /* in model.layer; 0 is `numeric` */
    uint32_t n_in;
    uint32_t *in;               /* indices of layers before this one */
    shape out;
    int needs_grad;             /* it or a layer before it has parameters */
    uint32_t consumers;
    uint32_t n_params;
    size_t param[LAYER_PARAMS_MAX]; /* indices into model.param */
    uint32_t n_buffers;
    struct { size_t per_row, fixed; } buffer[LAYER_BUFFERS_MAX]; /* floats */
    own_optimizer *optimizer;   /* NULL: the run's */
    void *own;                  /* the kind's settings: layer_own */
    const model *model;
};

struct model {
    char *name, *paper; /* paper may be NULL */
    const features *f;
    layer *layer;
    uint32_t n_layers;
    param *param;
    size_t n_params, param_cap;
    size_t dense_size, aux_size, n_tables;
};

struct builder {
    model *m;
    const model_overrides *overrides; /* never NULL */
    int used_dim, used_dropout;       /* an override found a layer to act on */
};

extern const layer_kind layer_numeric; /* the model's input; not in the table */
extern const layer_kind *const layer_kinds[]; /* NULL-terminated */
const layer_kind *layer_kind_find(const char *name);

/* Refuses an input that is not [m x fields x width] with at least one field. */
int layer_needs_fields(const layer *l, const conf *c, uint32_t input, shoal_error *err);
/* Pairs i < j of that many fields, with self i <= j. */
static inline uint64_t layer_pairs_of(uint64_t fields, int self) { return (fields * fields - fields) / 2 + (self ? fields : 0); }
/* Zeroed settings of a kind; NULL with err filled when out of memory. */
void *layer_own(layer *l, size_t bytes, shoal_error *err);
const layer *layer_input(const layer *l, uint32_t i);
/* Sum of the inputs' sizes. */
uint64_t layer_in_size(const layer *l);
const param *layer_param(const layer *l, uint32_t i);
/* Declares the next parameter, named LAYER.suffix. Its index within the layer is l->n_params before the call. */
typedef struct param_spec {
    const char *suffix;
    enum param_kind kind;
    uint64_t rows, cols;
    enum param_init init;
    double scale;
    int decay;
    float momentum;
} param_spec;
int layer_add_param(layer *l, builder *b, const param_spec *p, shoal_error *err);
/* Declares a buffer of per_row floats a row and `fixed` more; returns its index. */
uint32_t layer_add_buffer(layer *l, size_t per_row, size_t fixed);
/* "layer 'h1' (dense): ..." with file and line in front. */
int layer_error(const layer *l, const conf *c, shoal_error *err, const char *format, ...) SHOAL_PRINTF(4, 5);
/* Reads `units`: a number, or the size of a layer above: LAYER (all its numbers of a row), LAYER.fields or LAYER.width,
 * times `times` over `over`, rounded down, at least 1. *of_layer tells the second form. */
int layer_read_units(const layer *l, const conf *c, uint32_t *out, int *of_layer, shoal_error *err);
/* Reads `dropout` (0 <= p < 1) with the override. */
int layer_dropout_rate(const conf *c, const char *key, builder *b, double *out, shoal_error *err);
/* The key `optimizer`, which every kind with parameters has: reads it into l->optimizer; writes it back (0, or -1 when out of
 * memory). */
int layer_read_optimizer(layer *l, const conf *c, shoal_error *err);
int layer_describe_optimizer(const layer *l, json_t *to);
/* For describe: 0, or -1 when out of memory. */
int layer_json_int(json_t *to, const char *key, int64_t value);
int layer_json_real(json_t *to, const char *key, double value);
int layer_json_bool(json_t *to, const char *key, int value);
int layer_json_str(json_t *to, const char *key, const char *value);

#endif
