/* example.h: tf.train.Example on the wire, without a schema and without copies.
 *
 *   Example  { 1: Features }            Feature { oneof 1: BytesList, 2: FloatList, 3: Int64List }
 *   Features { 1: entry, repeated }     *List   { 1: value, repeated; floats and integers packed or not }
 *   entry    { 1: key, 2: Feature }
 *
 * A cursor goes over the features of a record in the order of the wire; keys may repeat, and then the last one counts
 * (the caller's task, as it is the caller who knows keys). Every length is checked against its surroundings before it is
 * used; unknown fields are skipped. Writing puts the key before its value and packs numbers: one row, one sequence of
 * bytes. */
#ifndef RECORDS_EXAMPLE_H
#define RECORDS_EXAMPLE_H

#include "base/buf.h"

enum example_kind { EXAMPLE_NONE, EXAMPLE_BYTES, EXAMPLE_FLOAT, EXAMPLE_INT64 };
const char *example_kind_name(enum example_kind k); /* "bytes", "float", "int64", "nothing" */

typedef struct example_cursor {
    view rest;     /* of the record */
    view features; /* of the Features (or FeatureLists) message that is open */
    unsigned top;  /* its field in the record */
} example_cursor;

/* A feature and its values not yet given out. */
typedef struct example_feature {
    view key;
    enum example_kind kind; /* EXAMPLE_NONE: a feature without a list, that is, missing */
    view body, list, packed;
} example_feature;

void example_start(example_cursor *c, view record);
/* 1 with the next feature, 0 at the end, DATA when the bytes are no Example. */
int example_next(example_cursor *c, example_feature *f, shoal_error *err);
/* The same in its steps: the bytes of the next entry, its key and Feature message, and the Feature message opened. */
int example_next_entry(example_cursor *c, view *entry, shoal_error *err);
int example_entry(view entry, view *key, view *value, shoal_error *err);
int example_open(view value, example_feature *f, shoal_error *err);

/* The feature lists of a SequenceExample { 1: context, Features; 2: FeatureLists }, whose context is read like an Example. Entries
 * come by example_next_entry; the value of each is a FeatureList { 1: Feature, repeated }, of which this takes the next. */
void sequence_start(example_cursor *c, view record);
int sequence_next(view *list, example_feature *f, shoal_error *err);
/* Whether a record has any feature list; one that is no Example has none. */
int sequence_has_lists(view record);
/* Whether a record is an Example, or SequenceExample, in every value: 0 or DATA. */
int example_check(view record, shoal_error *err);

/* The next value of a feature of that kind: 1, 0 at the end, or DATA. */
int example_bytes(example_feature *f, view *v, shoal_error *err);
int example_f32(example_feature *f, float *v, shoal_error *err);
int example_i64(example_feature *f, int64_t *v, shoal_error *err);

typedef struct example_writer {
    buf body;
} example_writer;

void example_writer_init(example_writer *w);
void example_writer_release(example_writer *w);
int example_begin(example_writer *w, shoal_error *err); /* a new record; memory is kept */
int example_put_bytes(example_writer *w, view key, const view *v, size_t n, shoal_error *err);
int example_put_f32(example_writer *w, view key, const float *v, size_t n, shoal_error *err);
int example_put_i64(example_writer *w, view key, const int64_t *v, size_t n, shoal_error *err);
/* The finished record, valid until the next example_begin. */
view example_end(example_writer *w);

#endif
