/* stream_testing.h: a caller's stream of STREAM_ROWS rows that fit the model of training_testing.h, in batches of a given
 * size, some of them empty. */
#ifndef TRAIN_STREAM_TESTING_H
#define TRAIN_STREAM_TESTING_H

#include "table/arrow.h"
#include "train/training_testing.h"

#define STREAM_ROWS 3000

typedef struct stream {
    int64_t at, piece;
    int64_t bad; /* this row's label is 7 */
    int empty_next;
} stream;

static inline int stream_schema(struct ArrowArrayStream *s, struct ArrowSchema *out)
{
    (void)s;
    shoal_error err = {0};
    testing_ok(arrow_schema_struct(out, 4, &err), &err);
    testing_ok(arrow_schema_set(out->children[0], "y", "l", 0, &err), &err);
    testing_ok(arrow_schema_set(out->children[1], "x", "g", 1, &err), &err);
    testing_ok(arrow_schema_set(out->children[2], "u", "u", 1, &err), &err);
    testing_ok(arrow_schema_set_list(out->children[3], "tags", "u", &err), &err);
    return 0;
}

static inline int stream_next(struct ArrowArrayStream *s, struct ArrowArray *out)
{
    static const char *const USERS[] = {"ann", "bob", "cid", "nobody"}, *const TAGS[] = {"a", "b", "c", "z"};
    stream *x = s->private_data;
    shoal_error err = {0};
    struct ArrowSchema schema;
    arrow_builder *b;
    memset(out, 0, sizeof *out);
    if (x->at == STREAM_ROWS) return 0;
    stream_schema(s, &schema);
    testing_ok(arrow_builder_new(&schema, &b, &err), &err);
    int64_t n = x->empty_next ? 0 : STREAM_ROWS - x->at < x->piece ? STREAM_ROWS - x->at : x->piece;
    x->empty_next = x->piece % 2 && !x->empty_next;
    for (int64_t i = 0; i < n; i++, x->at++) {
        uint64_t key = rng_key(7, RNG_SAMPLE, (uint64_t)x->at, 0);
        const char *u = USERS[rng_below(key, 1, 4)];
        testing_ok(arrow_builder_i64(b, 0, x->at == x->bad ? 7 : (int64_t)rng_below(key, 0, 2), &err), &err);
        testing_ok(arrow_builder_f64(b, 1, rng_normal(key, 2), &err), &err);
        testing_ok(arrow_builder_text(b, 2, view_of(u, strlen(u)), &err), &err);
        testing_ok(arrow_builder_list_open(b, 3, &err), &err);
        for (uint64_t t = 0; t < rng_below(key, 7, 4); t++)
            testing_ok(arrow_builder_text(b, 3, view_of(TAGS[rng_below(key, 8 + t, 4)], 1), &err), &err);
        testing_ok(arrow_builder_list_close(b, 3, &err), &err);
    }
    testing_ok(arrow_builder_finish(b, out, &err), &err);
    arrow_builder_free(b);
    schema.release(&schema);
    return 0;
}
static inline const char *stream_error(struct ArrowArrayStream *s)
{
    (void)s;
    return "none";
}
static inline void stream_release(struct ArrowArrayStream *s) { s->release = NULL; }

static inline struct ArrowArrayStream testing_stream(stream *x)
{
    return (struct ArrowArrayStream){stream_schema, stream_next, stream_error, stream_release, x};
}

#endif
