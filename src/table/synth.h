/* synth.h: a planted click log. The row with number r is a function of the settings and r alone (base/rng.h), the same on
 * every machine.
 *
 *   n0, n1, ..  float32, exp(mu + sigma z) with z normal, cut to quarters; some missing
 *   c0, c1, ..  utf8, eight hex digits; key k of 1 .. C with the bounded Pareto form of Zipf's law: density ~ k^-skew
 *   logit       bias + sum_j b_j z_j  (or m_j where missing)  + sum_f w_f(k_f) + sum over pairs (f, g) of <v_f(k_f), v_g(k_g)>
 *   label       1 with probability 1 / (1 + exp(-logit))
 *
 * w and v are normal, drawn by (seed, field, key); the pairs are
 * (f, f + half) and, in the first half, (f, f + 1), so that what one field adds to another is there to be learned by an FM, and not by a regression. */
#ifndef TABLE_SYNTH_H
#define TABLE_SYNTH_H

#include "table/arrow.h"

#define SYNTH_COLUMNS_MAX 1000 /* of each of the two kinds */
#define SYNTH_LATENT 4
#define SYNTH_BINS (1u << 20)

typedef struct synth_model {
    uint64_t seed;
    int numeric, categorical; /* columns of each kind */
    double skew;
    double bias;
    double mu[SYNTH_COLUMNS_MAX], sigma[SYNTH_COLUMNS_MAX], slope[SYNTH_COLUMNS_MAX], absent[SYNTH_COLUMNS_MAX], absent_effect[SYNTH_COLUMNS_MAX];
    uint64_t keys[SYNTH_COLUMNS_MAX]; /* of each field */
    uint64_t field_key[SYNTH_COLUMNS_MAX];
    double log_keys[SYNTH_COLUMNS_MAX], tail[SYNTH_COLUMNS_MAX]; /* ln(C + 1), (C + 1)^(1 - skew) - 1 */
} synth_model;

void synth_model_init(synth_model *m, uint64_t seed, int numeric, int categorical, uint64_t cardinality, double skew);

typedef struct synth_row {
    int label;
    double p;
    float number[SYNTH_COLUMNS_MAX];
    uint8_t missing[SYNTH_COLUMNS_MAX];
    uint64_t key[SYNTH_COLUMNS_MAX]; /* 1 .. C */
} synth_row;

void synth_row_make(const synth_model *m, uint64_t row, synth_row *out);
/* The eight hex digits of a key, another order of them in every field. */
void synth_key_text(const synth_model *m, int field, uint64_t key, char out[8]);

/* What the best model reaches: expected AUC and log loss under the true probabilities. Sums are of integers, so that the
 * order of rows does not matter. */
typedef struct synth_best {
    uint64_t *count;    /* [SYNTH_BINS] rows by probability */
    uint64_t *positive; /* [SYNTH_BINS] sum of p, in units of 2^-24 */
    uint64_t entropy;   /* sum of -p ln p - (1 - p) ln(1 - p), in units of 2^-28 */
    uint64_t rows, clicks;
} synth_best;

int synth_best_init(synth_best *b, shoal_error *err);
void synth_best_release(synth_best *b);
void synth_best_add(synth_best *b, const synth_row *row);
void synth_best_merge(synth_best *into, const synth_best *from);
void synth_best_value(const synth_best *b, double *auc, double *logloss);

#endif
