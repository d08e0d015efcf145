#include "table/synth.h"

#include <string.h>

#include "base/mathx.h"
#include "base/mem.h"
#include "base/rng.h"

#define MAIN_SCALE 0.16
#define PAIR_SCALE 0.14
#define NUMBER_SCALE 0.16
#define BIAS (-1.3)
#define SKEW_NEAR_ONE 1e-6

/* What draws of a row are for: blocks of numbers under the row's key. */
enum { DRAW_LABEL, DRAW_ABSENT = 1, DRAW_KEY = 2000, DRAW_NORMAL = 2000 };
/* normals use draws 3i .. 3i + 2, so from 6000 on */
/* First coordinates of the model's own keys. */
enum { KEY_ROW, KEY_NUMBER, KEY_FIELD };

void synth_model_init(synth_model *m, uint64_t seed, int numeric, int categorical, uint64_t cardinality, double skew)
{
    memset(m, 0, sizeof *m);
    m->seed = seed;
    m->numeric = numeric;
    m->categorical = categorical;
    m->skew = skew - 1.0 < SKEW_NEAR_ONE && 1.0 - skew < SKEW_NEAR_ONE ? 1.0 : skew;
    m->bias = BIAS;
    for (int j = 0; j < m->numeric; j++) {
        uint64_t key = rng_key(seed, RNG_SYNTH, KEY_NUMBER, (uint64_t)j);
        m->mu[j] = rng_f64(key, 0) * 4.0;
        m->sigma[j] = 0.5 + rng_f64(key, 1);
        m->absent[j] = j % 3 == 0 ? 0.0 : 0.4 * rng_f64(key, 2);
        m->slope[j] = NUMBER_SCALE * rng_normal(key, 1);
        m->absent_effect[j] = NUMBER_SCALE * rng_normal(key, 2);
    }
    for (int f = 0; f < m->categorical; f++) {
        /* fields of all sizes: from a handful of keys to all of them, as logs have them */
        uint64_t n = cardinality;
        for (int k = f % 6; k > 0; k--) n = n / 8 + 2;
        m->keys[f] = n < cardinality ? n : cardinality;
        m->field_key[f] = rng_key(seed, RNG_SYNTH, KEY_FIELD, (uint64_t)f);
        m->log_keys[f] = math_log((double)m->keys[f] + 1.0);
        m->tail[f] = math_exp((1.0 - m->skew) * m->log_keys[f]) - 1.0;
    }
}

/* Inverse of the distribution function of the density ~ x^-skew on [1, C + 1), cut to whole numbers. */
static uint64_t key_of(const synth_model *m, int f, double u)
{
    double ln = m->skew == 1.0 ? u * m->log_keys[f] : math_log1p(u * m->tail[f]) / (1.0 - m->skew);
    double x = math_exp(ln);
    uint64_t k = x >= 1.0 ? (uint64_t)x : 1;
    return k < m->keys[f] ? k : m->keys[f];
}

static double dot(const double *a, const double *b)
{
    double s = 0;
    for (int i = 0; i < SYNTH_LATENT; i++) s += a[i] * b[i];
    return s;
}

static double categories_logit(const synth_model *m, const synth_row *row)
{
    double v[SYNTH_COLUMNS_MAX][SYNTH_LATENT], logit = 0;
    int half = m->categorical / 2;
    for (int f = 0; f < m->categorical; f++) {
        uint64_t key = rng_fold(m->field_key[f], row->key[f]);
        logit += MAIN_SCALE * rng_normal(key, 0);
        for (int i = 0; i < SYNTH_LATENT; i++) v[f][i] = rng_normal(key, (uint64_t)i + 1);
    }
    for (int f = 0; f < half; f++) logit += PAIR_SCALE * dot(v[f], v[f + half]);
    for (int f = 0; f + 1 < half; f++) logit += PAIR_SCALE * dot(v[f], v[f + 1]);
    return logit;
}

void synth_row_make(const synth_model *m, uint64_t r, synth_row *out)
{
    uint64_t key = rng_key(m->seed, RNG_SYNTH, KEY_ROW, r);
    double logit = m->bias;
    for (int j = 0; j < m->numeric; j++) {
        double z = rng_normal(key, (uint64_t)(DRAW_NORMAL + j));
        out->missing[j] = rng_f64(key, (uint64_t)(DRAW_ABSENT + j)) < m->absent[j];
        out->number[j] = out->missing[j] ? 0 : (float)((double)(uint64_t)(4.0 * math_exp(m->mu[j] + m->sigma[j] * z)) * 0.25);
        logit += out->missing[j] ? m->absent_effect[j] : m->slope[j] * z;
    }
    for (int f = 0; f < m->categorical; f++) out->key[f] = key_of(m, f, rng_f64(key, (uint64_t)(DRAW_KEY + f)));
    logit += categories_logit(m, out);
    out->p = 1.0 / (1.0 + math_exp(-logit));
    out->label = rng_f64(key, DRAW_LABEL) < out->p;
}

/* A bijection of 32 bits, the finaliser of MurmurHash3 (github.com/aappleby/smhasher):
 * different keys stay different. */
static uint32_t scramble(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x85ebca6bu;
    x ^= x >> 13;
    x *= 0xc2b2ae35u;
    return x ^ x >> 16;
}

void synth_key_text(const synth_model *m, int field, uint64_t key, char out[8])
{
    uint32_t x = scramble((uint32_t)key + (uint32_t)m->field_key[field]);
    for (int i = 7; i >= 0; i--, x >>= 4) out[i] = "0123456789abcdef"[x & 15];
}

/* ---- the best that can be reached ------------------------------------------------------------------------------------ */

#define P_UNIT 0x1p24
#define ENTROPY_UNIT 0x1p28

int synth_best_init(synth_best *b, shoal_error *err)
{
    memset(b, 0, sizeof *b);
    b->count = mem_calloc(SYNTH_BINS, sizeof *b->count);
    b->positive = mem_calloc(SYNTH_BINS, sizeof *b->positive);
    if (b->count && b->positive) return 0;
    synth_best_release(b);
    return error_nomem(err, SYNTH_BINS * sizeof *b->count, "a histogram");
}

void synth_best_release(synth_best *b)
{
    mem_free(b->count);
    mem_free(b->positive);
    memset(b, 0, sizeof *b);
}

void synth_best_add(synth_best *b, const synth_row *row)
{
    double p = row->p, q = 1.0 - p;
    uint32_t bin = (uint32_t)(p * SYNTH_BINS);
    if (bin >= SYNTH_BINS) bin = SYNTH_BINS - 1;
    b->count[bin]++;
    b->positive[bin] += (uint64_t)(p * P_UNIT + 0.5);
    double entropy = (p > 0 ? -p * math_log(p) : 0) + (q > 0 ? -q * math_log(q) : 0);
    b->entropy += (uint64_t)(entropy * ENTROPY_UNIT + 0.5);
    b->rows++;
    b->clicks += (uint64_t)row->label;
}

void synth_best_merge(synth_best *into, const synth_best *from)
{
    for (size_t i = 0; i < SYNTH_BINS; i++) {
        into->count[i] += from->count[i];
        into->positive[i] += from->positive[i];
    }
    into->entropy += from->entropy;
    into->rows += from->rows;
    into->clicks += from->clicks;
}

/* AUC = P(score of a click > score of none) + half of ties, with each row a click with its own p. */
void synth_best_value(const synth_best *b, double *auc, double *logloss)
{
    double below = 0, won = 0, clicks = 0;
    for (size_t i = 0; i < SYNTH_BINS; i++) {
        double pos = (double)b->positive[i] / P_UNIT, neg = (double)b->count[i] - pos;
        won += pos * (below + 0.5 * neg);
        below += neg;
        clicks += pos;
    }
    *auc = clicks > 0 && below > 0 ? won / (clicks * below) : 0.5;
    *logloss = b->rows > 0 ? (double)b->entropy / ENTROPY_UNIT / (double)b->rows : 0;
}
