/* features_private.h: what the files of this folder share and nobody else needs. */
#ifndef FEATURES_FEATURES_PRIVATE_H
#define FEATURES_FEATURES_PRIVATE_H

#include <math.h>

#include "base/mathx.h"
#include "base/mem.h"
#include "features/features.h"
#include "features/vocab.h"

#define FEATURE_DEFAULT_BUCKETS 32
#define FEATURE_DEFAULT_HASH_BUCKETS (1u << 18)
#define FEATURE_DEFAULT_MIN_COUNT 5
#define FEATURE_DEFAULT_OOV 1

int features_new(features **out, shoal_error *err);
/* Adds a feature with the defaults of its kind; the pointer holds until the next is added. */
int features_add(features *f, const char *name, const char *column, enum feature_kind kind, feature **out,
                 shoal_error *err);
/* Makes the category one of one column more. */
int feature_add_column(feature *x, const char *column, shoal_error *err);
int features_leave_out(features *f, const char *column, char *why, shoal_error *err); /* takes `why`, NULL is NOMEM */
/* Checks names and assigns places in the raw row; called once all features are there. */
int features_link(features *f, shoal_error *err);
/* Adds a guess for each column that `taken` (by index of the schema's children) does not exclude. */
int features_guess_into(features *f, const struct ArrowSchema *schema, const struct ArrowArray *const *sample,
                        size_t n_sample, const uint8_t *taken, shoal_error *err);
/* Copies label and weight and checks that the schema has them. */
int features_roles(features *f, const struct ArrowSchema *schema, const char *label, const char *weight,
                   shoal_error *err);
/* Marks the columns that the request drops. */
int features_drop(const struct ArrowSchema *schema, const features_request *r, uint8_t *taken, shoal_error *err);
#define FEATURES_HINT 320
/* The schema's column nearest to `name` as "; did you mean 'x'?", else what there is as "; there are: a, b, ...". */
const char *features_suggest(const struct ArrowSchema *schema, const char *name, char *out, size_t n);

/* DATA when `there`, what the source has of the feature's column k, is of a type that gives other values than the one that
 * was trained on. */
int feature_type_check(const feature *f, uint32_t k, const struct ArrowSchema *there, shoal_error *err);

/* For tests: lowers the memory of a scan below its minimum, so that counts go to disk after every batch. */
void scan_memory_set(scan *s, size_t memory);

static inline int feature_is_bucketed(const feature *f)
{
    return f->kind == FEATURE_NUMERIC && f->scale == SCALE_BUCKET;
}
static inline int feature_is_cross(const feature *f)
{
    return f->n_columns > 1;
}
static inline int feature_has_vocab(const feature *f)
{
    return f->kind == FEATURE_CATEGORICAL && f->encoding == ENCODE_VOCABULARY;
}
static inline int feature_is_weighted(const feature *f)
{
    return f->is_list && f->weights_column != NULL;
}
static inline int feature_is_largest(const feature *f)
{
    return f->is_list && f->combiner == COMBINE_MAX;
}
/* Bytes of a list's piece of the heap. */
static inline uint64_t raw_piece_bytes(uint64_t length, int weighted)
{
    return length * 8 + (weighted ? (length * 4 + 7) / 8 * 8 : 0);
}
/* The feature whose rows a feature's keys find. */
static inline const feature *feature_owner(const features *fs, const feature *f)
{
    return f->encoding == ENCODE_SHARED ? &fs->feature[f->owner] : f;
}
/* A number as statistics, edges and scales see it. */
static inline double feature_prepare(const feature *f, double x)
{
    x = x < f->clip_low ? f->clip_low : x;
    x = x > f->clip_high ? f->clip_high : x;
    if (f->log1p && x == x)
        x = x < 0 ? -math_log1p(-x) : math_log1p(x);
    return x;
}

#endif
