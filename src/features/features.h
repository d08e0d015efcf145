/* features.h: from columns of a table to the inputs of a model.
 *
 *   Arrow batch --extract--> raw rows --transform--> batch
 *
 * Extract depends on the configuration alone (no statistics): numbers as f64, category values as 64-bit XXH3 keys.
 * Transform applies the statistics of the training data, which are stored in the model, so that training and scoring
 * cannot differ. Between the two lies the pack (pack.h), which training reads in mixed order.
 *
 * Id space: each field owns a run of rows [base, base + rows) of the embedding tables, fields in order. Within a field:
 * row 0 is "missing"; then out-of-vocabulary rows (vocabulary) or hash buckets; then vocabulary entries, or the
 * quantile buckets of a number. Fields that share rows have one run. */
#ifndef FEATURES_FEATURES_H
#define FEATURES_FEATURES_H

#include <jansson.h>

#include "base/conf.h"
#include "base/host.h"
#include "base/thread.h"
#include "features/batch.h"
#include "table/table.h"

enum feature_kind { FEATURE_NUMERIC, FEATURE_CATEGORICAL };
enum feature_scale { SCALE_NONE, SCALE_STANDARD, SCALE_MINMAX, SCALE_BUCKET };
enum feature_encoding { ENCODE_VOCABULARY, ENCODE_HASH, ENCODE_SHARED };
enum feature_combiner { COMBINE_SUM, COMBINE_MEAN, COMBINE_MAX };

#define FEATURES_MAX 16384           /* features of one model */
#define FEATURE_BUCKETS_MAX 4096     /* quantile buckets of a number */
#define FEATURE_OOV_MAX 1000000u     /* out-of-vocabulary rows of a field */
#define FEATURE_HASH_MAX 0x40000000u /* hash buckets of a field */
#define FEATURE_LIST_MAX (1u << 20)  /* entries of one list of one row */
#define FEATURE_CROSS_MAX 16         /* columns of a cross */
#define FEATURE_NONE UINT32_MAX

typedef struct vocabulary vocabulary;

typedef struct feature_column {
    char *name;
    char *type; /* in the training data, as arrow_type_name has it; NULL: not known */
} feature_column;

typedef struct feature {
    char *name;   /* unique; the column's name unless the configuration says otherwise */
    feature_column *column;      /* [n_columns]; more than one: a cross, whose category is made of a value of each (cross.h) */
    uint32_t n_columns;
    enum feature_kind kind;
    /* numeric */
    int log1p;                   /* sign(x) * log(1 + |x|), own series, after the clip and before the scale */
    double clip_low, clip_high;  /* first of all; -inf, inf: none */
    enum feature_scale scale;
    uint32_t buckets;            /* SCALE_BUCKET: wanted number of quantile buckets */
    int embed;                   /* a number that is not bucketed also enters as a field of two rows: missing, and one
                                  * weighted by its value */
    /* categorical */
    enum feature_encoding encoding;
    uint32_t hash_buckets;
    uint64_t hash_seed;
    uint64_t min_count;
    uint32_t max_size;           /* most frequent entries kept; 0: all */
    uint32_t n_oov;
    char *share;                 /* ENCODE_SHARED: the feature whose rows it takes; keys, counts and vocabulary are that one's */
    uint32_t owner, next_sharer; /* that feature, and the next of those that share its rows (its own: the first), or FEATURE_NONE */
    int is_list;                 /* a bag */
    enum feature_combiner combiner;
    char *weights_column;        /* list of numbers beside a bag, or NULL */
    char *where_column;          /* list of whole numbers beside a bag, or NULL: only entries beside `where` count */
    int64_t where;
    /* statistics, after scan_finish or load */
    uint64_t count, missing;     /* rows with and without a value */
    double mean, std, min, max;  /* after clip and log1p; population deviation */
    uint32_t n_edges;
    double *edges;               /* ascending; bucket b holds edges[b-1] < x <= edges[b] */
    vocabulary *vocab;
    /* place in the batch */
    int32_t dense_column;        /* first of its columns in batch.dense, or -1 */
    int32_t dense_width;         /* 1, or 2 with a missing indicator */
    int32_t field;               /* index of its field, or -1 */
    uint32_t raw;                /* byte offset of its value in a raw row */
    char *note;                  /* why it was guessed so, or NULL */
} feature;

/* A column that is not a feature, and why: for people. */
typedef struct feature_left_out {
    char *column;
    char *why;
} feature_left_out;

typedef struct feature_field {
    const char *name;
    uint32_t base, rows;
    int32_t feature;
    int largest; /* as of batch_field */
} feature_field;

typedef struct features {
    feature *feature;
    uint32_t n_features;
    char *label;    /* column, or NULL */
    char *weight;   /* column, or NULL */
    feature_left_out *left_out;
    uint32_t n_left_out;
    /* after features_place */
    feature_field *field;
    uint32_t n_fields, n_dense;
    uint32_t n_ids; /* rows of the embedding tables */
} features;

typedef struct features_request {
    const char *label;   /* required for training; NULL: none */
    const char *weight;  /* or NULL */
    const char *const *drop;
    size_t n_drop;
} features_request;

/* Guesses from the schema and a sample (the first batches of the source). The rule is in docs/features.md. */
int features_guess(const struct ArrowSchema *schema, const struct ArrowArray *const *sample, size_t n_sample,
                   const features_request *request, features **out, shoal_error *err);
/* From the user's YAML (docs/features.md); columns that it does not name are no features, unless it says `others:
 * guess`. Label and weight of the request win over the file's. */
int features_configure(const conf *yaml, const struct ArrowSchema *schema, const struct ArrowArray *const *sample,
                       size_t n_sample, const features_request *request, features **out, shoal_error *err);
void features_free(features *f);
/* Keeps the types of the features' columns, which the schema of the training data has. */
int features_note_types(features *f, const struct ArrowSchema *schema, shoal_error *err);
/* YAML that features_configure accepts and that gives the same features. */
int features_to_yaml(const features *f, buf *out, shoal_error *err);
/* A few lines for people: one a feature, with what was guessed and why not otherwise known. */
int features_describe(const features *f, buf *out, shoal_error *err);

/* For the model's manifest: configuration and statistics, without vocabularies. */
int features_to_json(const features *f, json_t **out, shoal_error *err);
/* `where` names the file in messages. Call features_vocab_set for each vocabulary feature, then features_place. */
int features_from_json(const conf *json, features **out, shoal_error *err);
/* Configuration, statistics and vocabularies again, placed. */
int features_copy(const features *f, features **out, shoal_error *err);
/* Vocabularies as tensors: entries in id order, UTF-8 (or integer values in decimal) bytes back to back; offsets
 * [n + 1]. Pointers stay the vocabulary's. */
int features_vocab_get(const features *f, uint32_t feature, const uint8_t **bytes, const uint64_t **offsets,
                       uint32_t *n);
int features_vocab_set(features *f, uint32_t feature, const uint8_t *bytes, size_t n_bytes, const uint64_t *offsets,
                       uint32_t n, shoal_error *err);
/* Assigns dense columns, fields and id ranges once statistics are known. */
int features_place(features *f, shoal_error *err);

/* The types of the categories' columns as table_spec.wishes has them; free by features_wishes_free. */
int features_wishes(const features *f, char ***wishes, size_t *n, shoal_error *err);
void features_wishes_free(char **wishes, size_t n);

/* ---- raw rows ---- */

/* One row, fixed width, little-endian, row-major so that mixed rows are read in one piece:
 *   f32 label | f32 weight | f64 number[n_numbers] (NaN: missing) | u64 key[n_keys] (0: missing)
 *   | {u32 offset, u32 length} list[n_lists] (into the block's heap; length UINT32_MAX: missing)
 * Lists with weights come first. The heap holds the pieces of the lists in order of row, then list, back to back: u64
 * keys, then (n_weighted first lists) their f32 weights, padded with zeros to 8 bytes. A missing or empty list has the
 * offset that its piece would have, so the piece of a row begins where its first list says. */
typedef struct raw_layout {
    uint32_t n_numbers, n_keys, n_lists, stride;
    uint32_t n_weighted;
} raw_layout;
#define RAW_LIST_MISSING UINT32_MAX
#define RAW_HEAP_MAX 0xfffffff0u /* bytes of one block's heap */
raw_layout features_raw_layout(const features *f);

typedef struct raw_block {
    uint32_t rows;
    uint32_t n_lists, n_weighted; /* set by binding_extract and pack_read; the same for all that is appended */
    buf records; /* rows * stride bytes */
    buf heap;
} raw_block;
void raw_block_init(raw_block *b);
void raw_block_clear(raw_block *b); /* no rows, memory kept */
void raw_block_release(raw_block *b);

typedef struct raw_ref {
    const uint8_t *record;
    const uint8_t *heap;
} raw_ref;

/* Which column of a source feeds which feature. One a source; read-only while extracting, so threads share it. */
typedef struct binding binding;
/* Missing columns and wrong types are refused by name. With need_label the label column must be there and usable. */
int binding_new(const features *f, const struct ArrowSchema *schema, int need_label, binding **out, shoal_error *err);
void binding_free(binding *b);
/* Appends the rows [begin, end) of the batch to out. On bad values (label missing or not 0/1, infinities, negative or
 * missing weight, broken UTF-8) fails naming the column and what was found; *bad_row is the row within the batch, which
 * the caller turns into file and row by table_row_name. */
int binding_extract(const binding *b, const struct ArrowArray *batch, int64_t begin, int64_t end, raw_block *out,
                    int64_t *bad_row, shoal_error *err);

/* Columns of a source that the features need (label and weights included): for column pruning. Pointers stay f's. */
int features_columns(const features *f, int with_label, const char ***names, size_t *n, shoal_error *err);

/* ---- statistics: one streaming pass ---- */

typedef struct scan scan;
/* Bounded by `memory` bytes; vocabularies beyond it are spilled as sorted runs under spool_dir. Fields are spread over
 * the pool's threads; the result does not depend on their number. */
int scan_new(const features *f, size_t memory, const char *spool_dir, pool *threads, scan **out, shoal_error *err);
/* Batches in source order, each with the raw block that was extracted from it. */
int scan_add(scan *s, const binding *b, const struct ArrowArray *batch, const raw_block *raw, shoal_error *err);
/* Writes the statistics into f and places it. Frees nothing. Refuses an empty source and a constant label by name. */
int scan_finish(scan *s, features *f, shoal_error *err);
/* Vocabularies grow: what they have keeps its place, new entries come behind. All other statistics stay as they are. */
void scan_grow(scan *s);
/* What follows is a sample of the source: a label that is constant in it is no error. */
void scan_of_sample(scan *s);
void scan_free(scan *s);
/* Weighted rows and clicks so far, for the first guess of the bias. */
void scan_label(const scan *s, uint64_t *rows, double *weight, double *positive_weight);

/* ---- transform ---- */

/* Fills out from n rows in the given order (f must be placed). The result is a pure function of the rows and f. Safe
 * from many threads, each with its own batch. */
int features_transform(const features *f, const raw_ref *rows, uint32_t n, batch *out, shoal_error *err);

#endif
