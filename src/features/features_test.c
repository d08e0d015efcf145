/* The guess, the features file, the manifest, and the lines for people. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "features/features_private.h"
#include "features/features_testing.h"

static features_request label_y(void)
{
    return (features_request){"y", NULL, NULL, 0};
}

static features *guess(const testing_table *t, const features_request *r, int code, const char *message)
{
    features *f;
    shoal_error err = {0, ""};
    const struct ArrowArray *sample[1] = {&t->array};
    int rc = features_guess(&t->schema, sample, 1, r, &f, &err);
    assert_string_equal(err.message, message);
    assert_int_equal(rc, code);
    assert_true((f != NULL) == (code == 0));
    return f;
}

static const feature *find(const features *f, const char *name)
{
    for (uint32_t i = 0; i < f->n_features; i++)
        if (!strcmp(f->feature[i].name, name))
            return &f->feature[i];
    return NULL;
}

static const char *why_left_out(const features *f, const char *name)
{
    for (uint32_t i = 0; i < f->n_left_out; i++)
        if (!strcmp(f->left_out[i].column, name))
            return f->left_out[i].why;
    return "a feature";
}

/* `rows` rows printed by one format from the row number. */
static testing_table *numbered(const char *columns, int rows, void (*print)(char *out, size_t n, int row))
{
    size_t size = (size_t)rows * 256, at = 0;
    char *text = calloc(size, 1);
    for (int i = 0; i < rows; i++) {
        print(text + at, size - at, i);
        at += strlen(text + at);
        text[at++] = '|';
    }
    testing_table *t = testing_new(columns, text);
    free(text);
    return t;
}

static void print_all(char *out, size_t n, int i)
{
    snprintf(out, n, "%d u%d %d %d %d %g %d a;b 1;2 .5;1 %d %d train ~ %d very-long-text-that-is-an-id-%d", i & 1,
             i % 40, i % 3, i % 24, i * i, i / 7.0, i % 2, i, i, i * 7919 % 100003, i);
}

static void test_rule_of_the_guess(void **state)
{
    (void)state;
    testing_table *t = numbered("y:l text:u flag:b hour:i number:l float:g itemId:l tags:+u codes:+l scores:+g day:tdD "
                                "row:l part:u none:u key_id:l uuid:u", 200, print_all);
    features_request r = label_y();
    features *f = guess(t, &r, 0, "");
    assert_int_equal(find(f, "text")->kind, FEATURE_CATEGORICAL);
    assert_int_equal(find(f, "text")->min_count, 2); /* a small sample */
    assert_int_equal(find(f, "flag")->kind, FEATURE_CATEGORICAL);
    assert_int_equal(find(f, "hour")->kind, FEATURE_NUMERIC); /* 24 values in 200 rows: too few rows each */
    assert_int_equal(find(f, "number")->kind, FEATURE_NUMERIC);
    assert_int_equal(find(f, "number")->scale, SCALE_BUCKET);
    assert_int_equal(find(f, "number")->buckets, 32);
    assert_int_equal(find(f, "float")->kind, FEATURE_NUMERIC);
    assert_int_equal(find(f, "itemId")->kind, FEATURE_CATEGORICAL);
    assert_int_equal(find(f, "key_id")->kind, FEATURE_CATEGORICAL);
    assert_true(find(f, "tags")->is_list && find(f, "tags")->combiner == COMBINE_MEAN);
    assert_true(find(f, "codes")->is_list);
    assert_null(find(f, "y"));
    assert_string_equal(why_left_out(f, "row"), "it counts the rows");
    assert_string_equal(why_left_out(f, "part"), "the same value in the sample of 200 rows");
    assert_string_equal(why_left_out(f, "none"), "no value in the sample of 200 rows");
    assert_string_equal(why_left_out(f, "uuid"), "long text that never repeats in the sample of 200 rows");
    assert_non_null(strstr(why_left_out(f, "day"), "a point in time"));
    assert_non_null(strstr(why_left_out(f, "scores"), "only lists of text or whole numbers"));
    features_free(f);
    testing_free(t);
}

static void print_hour(char *out, size_t n, int i)
{
    snprintf(out, n, "%d %d %d", i & 1, i % 24, i % 257);
}

static void test_few_whole_numbers_are_categories(void **state)
{
    (void)state;
    testing_table *t = numbered("y:l hour:i more:i", 3000, print_hour);
    features_request r = label_y();
    features *f = guess(t, &r, 0, "");
    assert_int_equal(find(f, "hour")->kind, FEATURE_CATEGORICAL);
    assert_int_equal(find(f, "more")->kind, FEATURE_NUMERIC);
    features_free(f);
    const struct ArrowArray *many[5] = {&t->array, &t->array, &t->array, &t->array, &t->array};
    assert_int_equal(features_guess(&t->schema, many, 5, &r, &f, NULL), 0);
    assert_int_equal(find(f, "hour")->min_count, 5); /* 15,000 rows are no small sample */
    features_free(f);
    testing_free(t);
}

static void test_request_is_checked(void **state)
{
    (void)state;
    const char *drop[] = {"b"}, *wrong[] = {"bee"};
    testing_table *t = testing_new("label:l amount:g a:u b:u", "1 2 p q | 0 1 p r | 1 1 s t");
    features_request r = {"label", "amount", drop, 1};
    features *f = guess(t, &r, 0, "");
    assert_string_equal(f->label, "label");
    assert_string_equal(f->weight, "amount");
    assert_int_equal(f->n_features, 1);
    assert_string_equal(f->feature[0].name, "a");
    features_free(f);
    r = (features_request){"lable", NULL, NULL, 0};
    guess(t, &r, SHOAL_USAGE, "label column 'lable' is not in the source; did you mean 'label'?");
    r = (features_request){"label", "amuont", NULL, 0};
    guess(t, &r, SHOAL_USAGE, "weight column 'amuont' is not in the source; did you mean 'amount'?");
    r = (features_request){"label", "label", NULL, 0};
    guess(t, &r, SHOAL_USAGE, "column 'label' cannot be both label and weight");
    r = (features_request){"label", NULL, wrong, 1};
    guess(t, &r, SHOAL_USAGE, "column 'bee' to drop is not in the source; there are: label, amount, a, b");
    testing_free(t);
    t = testing_new("y:l part:u", "1 p | 0 p");
    r = label_y();
    guess(t, &r, SHOAL_DATA, "no column can be a feature (part: the same value in the sample of 2 rows); name features "
          "in a YAML by --features");
    testing_free(t);
}

/* ---- the features file ---- */

static int configure(const testing_table *t, const char *yaml, features **f, shoal_error *err)
{
    conf *c;
    const struct ArrowArray *sample[1] = {&t->array};
    const features_request r = {NULL, NULL, NULL, 0};
    *f = NULL;
    int rc = conf_parse("f.yaml", yaml, strlen(yaml), &c, err);
    if (rc)
        return rc;
    rc = features_configure(c, &t->schema, sample, 1, &r, f, err);
    conf_free(c);
    return rc;
}

#define COLUMNS "y:l w:g user:u price:g genres:+u gw:+g extra:l"
#define COLUMN_NAMES "y, w, user, price, genres, gw, extra"
#define ROWS "1 1 ann 2.5 a;b 1;2 5 | 0 2 bob 3 a 1 6 | 1 1 ann ~ ~ ~ 7"

static const char everything[] =
    "label: y\n"
    "weight: w\n"
    "others: leave\n"
    "features:\n"
    "  user: categorical\n"
    "  user_h: {column: user, type: categorical, encoding: hash, buckets: 1000, seed: 7}\n"
    "  user_v: {column: user, type: categorical, encoding: vocabulary, min_count: 10, max_size: 500, oov: 3}\n"
    "  user_p: {cross: [user, price], type: categorical, min_count: 3}\n"
    "  price: {type: numeric, log1p: true, scale: standard, clip: [0, 1e4], embed: true}\n"
    "  price_b: {column: price, type: numeric, scale: bucket, buckets: 20, clip: [null, 99.5]}\n"
    "  price_m: {column: price, type: numeric, scale: minmax}\n"
    "  price_n: {column: price, type: numeric, scale: none, clip: [-.inf, .inf]}\n"
    "  genres: {type: bag, combiner: sum, weights: gw, min_count: 1}\n"
    "  genres_m: {column: genres, type: bag}\n"
    "  genres_x: {column: genres, type: bag, combiner: max}\n"
    "  genres_s: {column: genres, type: bag, combiner: sum, share: user_h, weights: gw}\n"
    "  extra_s: {column: user, type: categorical, share: user}\n";

static void test_every_key_of_the_file(void **state)
{
    (void)state;
    features *f;
    shoal_error err = {0, ""};
    testing_table *t = testing_new(COLUMNS, ROWS);
    int rc = configure(t, everything, &f, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(rc, 0);
    assert_string_equal(f->label, "y");
    assert_string_equal(f->weight, "w");
    const feature *x = find(f, "user");
    assert_true(x->encoding == ENCODE_VOCABULARY && x->min_count == 5 && x->max_size == 0 && x->n_oov == 1);
    x = find(f, "user_h");
    assert_true(x->encoding == ENCODE_HASH && x->hash_buckets == 1000 && x->hash_seed == 7);
    assert_string_equal(x->column->name, "user");
    x = find(f, "user_v");
    assert_true(x->min_count == 10 && x->max_size == 500 && x->n_oov == 3);
    x = find(f, "user_p");
    assert_int_equal(x->n_columns, 2);
    assert_string_equal(x->column[1].name, "price");
    assert_int_equal(x->min_count, 3);
    x = find(f, "price");
    assert_true(x->log1p && x->scale == SCALE_STANDARD && x->clip_low == 0 && x->clip_high == 1e4 && x->embed);
    x = find(f, "price_b");
    assert_true(x->scale == SCALE_BUCKET && x->buckets == 20 && x->clip_low == -INFINITY && x->clip_high == 99.5);
    assert_true(find(f, "price_m")->scale == SCALE_MINMAX);
    x = find(f, "price_n");
    assert_true(x->scale == SCALE_NONE && x->clip_low == -INFINITY && x->clip_high == INFINITY);
    x = find(f, "genres");
    assert_true(x->is_list && x->combiner == COMBINE_SUM);
    assert_string_equal(x->weights_column, "gw");
    x = find(f, "genres_m");
    assert_true(x->is_list && x->combiner == COMBINE_MEAN && !x->weights_column);
    assert_true(find(f, "genres_x")->combiner == COMBINE_MAX);
    x = find(f, "genres_s");
    assert_true(x->encoding == ENCODE_SHARED && &f->feature[x->owner] == find(f, "user_h") && x->hash_seed == 7);
    assert_true(&f->feature[find(f, "user_h")->next_sharer] == x && x->next_sharer == FEATURE_NONE);
    assert_string_equal(why_left_out(f, "extra"), "the configuration does not name it");
    features_free(f);
    testing_free(t);
}

static void test_others_are_guessed_on_request(void **state)
{
    (void)state;
    features *f;
    testing_table *t = testing_new(COLUMNS, ROWS);
    assert_int_equal(configure(t, "others: guess\nlabel: y\ndrop: [gw, w]\nfeatures: {user: {type: categorical, "
                               "encoding: hash}, both: {type: categorical, cross: [user, price]}}", &f, NULL), 0);
    assert_int_equal(find(f, "user")->encoding, ENCODE_HASH);
    assert_non_null(find(f, "price"));
    assert_non_null(find(f, "genres"));
    assert_null(find(f, "w"));
    assert_null(find(f, "y"));
    features_free(f);
    assert_int_equal(configure(t, "label: y", &f, NULL), 0); /* no features: all are guessed */
    assert_non_null(find(f, "user"));
    features_free(f);
    testing_free(t);
}

static void test_yaml_gives_the_same_features(void **state)
{
    (void)state;
    features *f, *g;
    shoal_error err = {0, ""};
    buf a = BUF_INIT, b = BUF_INIT;
    testing_table *t = testing_new(COLUMNS, ROWS);
    assert_int_equal(configure(t, everything, &f, NULL), 0);
    assert_int_equal(features_to_yaml(f, &a, NULL), 0);
    int rc = configure(t, buf_str(&a), &g, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(rc, 0);
    assert_int_equal(features_to_yaml(g, &b, NULL), 0);
    assert_string_equal(buf_str(&a), buf_str(&b));
    assert_int_equal(g->n_features, f->n_features);
    assert_non_null(strstr(buf_str(&a), "\"user_v\": {column: \"user\", type: categorical, min_count: 10, "
                                        "max_size: 500, oov: 3}\n"));
    features_free(f);
    features_free(g);
    buf_release(&a);
    buf_release(&b);
    testing_free(t);
}

static void test_mistakes_in_the_file(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *message;
    } cases[] = {
        {"feature: {user: categorical}",
         "f.yaml:1: unknown key 'feature' of the features file; did you mean 'features'?"},
        {"features: [user]", "f.yaml:1: features: takes a map of names, as in 'features: {user_id: categorical}'"},
        {"features: {user: categorial}",
         "f.yaml:1: type 'categorial' is unknown; there are numeric, categorical, bag; did you mean 'categorical'?"},
        {"features: {user: {min_count: 3}}", "f.yaml:1: feature 'user' has no type: numeric, categorical or bag"},
        {"features: {user: [categorical]}",
         "f.yaml:1: feature 'user' takes a type, as in 'user: categorical' or 'user: {type: numeric, ...}'"},
        {"features:\n  user: {type: categorical, min_cuont: 3}",
         "f.yaml:2: unknown key 'min_cuont' of categorical feature 'user'; did you mean 'min_count'?"},
        {"features: {user: {type: categorical, encoding: hash, min_count: 3}}",
         "f.yaml:1: min_count of feature 'user' needs encoding: vocabulary"},
        {"features: {user: {type: categorical, buckets: 3}}",
         "f.yaml:1: buckets of feature 'user' needs encoding: hash"},
        {"features: {price: {type: numeric, scale: minmax, buckets: 3}}",
         "f.yaml:1: buckets of feature 'price' needs scale: bucket"},
        {"features: {price: {type: numeric, embed: true}}",
         "f.yaml:1: embed of feature 'price' needs another scale than bucket: buckets are embedded anyway"},
        {"features: {price: {type: numeric, clip: 3}}",
         "f.yaml:1: clip of feature 'price' takes two numbers, as in clip: [0, 100]"},
        {"features: {price: {type: numeric, clip: [5, 3]}}",
         "f.yaml:1: clip of feature 'price' has its low bound above its high one"},
        {"features: {price: {type: numeric, clip: [x, 3]}}",
         "f.yaml:1: clip bound 'x' is not a number; null is no bound"},
        {"features: {price: {type: numeric, clip: [.inf, 3]}}", "f.yaml:1: clip bound .inf leaves nothing"},
        {"features: {usr: categorical}", "f.yaml:1: feature column 'usr' is not in the source; did you mean 'user'?"},
        {"features: {genres: categorical}", "f.yaml: categorical column 'genres' has type list<utf8>, "
         "expected a single value (a list needs type: bag)"},
        {"label: y\nfeatures: {y: categorical}",
         "f.yaml:2: feature 'y' reads column 'y', which is the label or the weight"},
        {"label: x\nfeatures: {user: categorical}", "label column 'x' is not in the source; there are: " COLUMN_NAMES},
        {"others: maybe\nfeatures: {user: categorical}", "f.yaml:1: others 'maybe' is unknown; there are leave, guess"},
        {"features: {b: {type: categorical, cross: [user]}}",
         "f.yaml:1: cross of feature 'b' takes 2 to 16 columns, as in cross: [user_city, item_genre]"},
        {"features: {b: {type: categorical, cross: [user, {}]}}", "f.yaml:1: cross of feature 'b' takes names of columns"},
        {"features: {b: {type: categorical, cross: [user, extra, user]}}", "f.yaml:1: cross of feature 'b' has column 'user' twice"},
        {"features: {b: {type: categorical, column: user, cross: [user, extra]}}",
         "f.yaml:1: feature 'b' has a column and a cross of columns; take one of them"},
        {"features: {b: {type: categorical, cross: [user, usr]}}",
         "f.yaml:1: feature column 'usr' is not in the source; did you mean 'user'?"},
        {"features: {b: {type: categorical, cross: [user, genres]}}",
         "f.yaml: cross column 'genres' has type list<utf8>, expected text, a whole number or a date"},
        {"label: y\nfeatures: {b: {type: categorical, cross: [user, y]}}",
         "f.yaml:2: feature 'b' reads column 'y', which is the label or the weight"},
        {"features: {b: {type: bag, cross: [user, extra]}}", "f.yaml:1: unknown key 'cross' of bag feature 'b'; there are: type, "
         "column, share, encoding, min_count, max_size, oov, buckets, seed, combiner, weights, where"},
        {"features: {a: {type: bag, column: genres, share: b, min_count: 3}}",
         "f.yaml:1: min_count of feature 'a' is that of 'b', whose rows it shares"},
        {"features: {a: {type: bag, column: genres, share: b}}", "feature 'a' shares the rows of 'b', which is no feature"},
        {"features: {a: {type: bag, column: genres, share: price}, price: numeric}", "feature 'a' cannot share the rows of 'price': both "
         "are categories or bags of one column, and the second has rows of its own"},
        {"features: {a: {type: bag, column: genres, share: a}}", "feature 'a' cannot share the rows of 'a': both "
         "are categories or bags of one column, and the second has rows of its own"},
        {"features: {user: categorical, a: {type: categorical, cross: [user, extra], share: user}}", "feature 'a' cannot share the rows "
         "of 'user': both are categories or bags of one column, and the second has rows of its own"},
        {"features: {}", "f.yaml:1: no features: name at least one column under features:, or say others: guess"},
        {"drop: [usr]\nothers: guess", "f.yaml:1: column 'usr' to drop is not in the source; did you mean 'user'?"},
        {"[1]", "f.yaml:1: expected a map with features:, label: and others:"},
    };
    testing_table *t = testing_new(COLUMNS, ROWS);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        features *f;
        shoal_error err = {0, ""};
        int rc = configure(t, cases[i].yaml, &f, &err);
        assert_string_equal(err.message, cases[i].message);
        assert_true(rc == SHOAL_USAGE || rc == SHOAL_DATA);
    }
    testing_free(t);
}

/* ---- the manifest ---- */

static void set_statistics(features *f)
{
    const uint8_t bytes[] = "annbob";
    const uint64_t offsets[] = {0, 3, 6};
    for (uint32_t i = 0; i < f->n_features; i++) {
        feature *x = &f->feature[i];
        x->count = 100 + i;
        x->missing = i;
        x->mean = 0.1 + i;
        x->std = 1.0 / 3;
        x->min = -1e-300;
        x->max = 1e300;
        if (feature_is_bucketed(x)) {
            x->edges = mem_calloc(3, sizeof *x->edges);
            x->edges[0] = 0.1;
            x->edges[1] = 0.1 + 0.2;
            x->edges[2] = 12345678901.25;
            x->n_edges = 3;
        }
        if (feature_has_vocab(x))
            assert_int_equal(features_vocab_set(f, i, bytes, 6, offsets, 2, NULL), 0);
    }
    assert_int_equal(features_place(f, NULL), 0);
}

static int from_text(const char *text, features **f, shoal_error *err)
{
    conf *c;
    *f = NULL;
    int rc = conf_parse("m.json", text, strlen(text), &c, err);
    if (!rc) {
        rc = features_from_json(c, f, err);
        conf_free(c);
    }
    return rc;
}

static void test_manifest_round_trip(void **state)
{
    (void)state;
    features *f, *g;
    shoal_error err = {0, ""};
    json_t *o, *p;
    testing_table *t = testing_new(COLUMNS, ROWS);
    assert_int_equal(configure(t, everything, &f, NULL), 0);
    set_statistics(f);
    assert_int_equal(features_to_json(f, &o, NULL), 0);
    char *text = json_dumps(o, JSON_INDENT(1));
    int rc = from_text(text, &g, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(rc, 0);
    for (uint32_t i = 0; i < f->n_features; i++) {
        const feature *x = &f->feature[i], *y = &g->feature[i];
        assert_int_equal(x->raw, y->raw);
        assert_true(x->mean == y->mean || x->kind == FEATURE_CATEGORICAL);
        assert_int_equal(x->n_edges, y->n_edges);
        assert_memory_equal(x->edges ? x->edges : &x->mean, y->edges ? y->edges : &x->mean, x->n_edges * 8);
        if (feature_has_vocab(x)) {
            const uint8_t *bytes;
            const uint64_t *offsets;
            uint32_t n;
            assert_int_equal(features_vocab_get(f, i, &bytes, &offsets, &n), 0);
            assert_int_equal(features_vocab_set(g, i, bytes, offsets[n], offsets, n, NULL), 0);
        }
    }
    assert_int_equal(features_place(g, NULL), 0);
    assert_int_equal(g->n_ids, f->n_ids);
    assert_int_equal(g->n_dense, f->n_dense);
    assert_int_equal(features_to_json(g, &p, NULL), 0);
    assert_true(json_equal(o, p));
    json_decref(o);
    json_decref(p);
    free(text);
    features_free(f);
    features_free(g);
    testing_free(t);
}

/* libsvm's lists are one bag, libffm's one a field; the YAML and the JSON of the guess give it again. */
static void test_entries_are_bags(void **state)
{
    (void)state;
    const features_request r = {.label = "label"};
    testing_table *t = testing_new("label:f index:+l value:+f", "1 5;7 1;2 | 0 5 -1 | 0 () ()");
    const struct ArrowArray *sample[1] = {&t->array};
    features *f, *g;
    assert_int_equal(features_guess(&t->schema, sample, 1, &r, &f, NULL), 0);
    assert_int_equal(f->n_features, 1);
    assert_true(f->feature[0].is_list && f->feature[0].combiner == COMBINE_SUM && !f->feature[0].where_column);
    assert_string_equal(f->feature[0].weights_column, "value");
    features_free(f);
    testing_free(t);

    t = testing_new("label:f field:+i index:+l value:+f", "1 9;0 5;7 1;2 | 0 2 5 -1 | 0 () () ()");
    sample[0] = &t->array;
    assert_int_equal(features_guess(&t->schema, sample, 1, &r, &f, NULL), 0);
    assert_int_equal(f->n_features, 3);
    const feature *x = find(f, "field_9");
    assert_true(x && x->where == 9 && x->is_list && x->combiner == COMBINE_SUM);
    assert_string_equal(x->column->name, "index");
    assert_string_equal(x->where_column, "field");
    buf a = BUF_INIT, b = BUF_INIT;
    assert_int_equal(features_to_yaml(f, &a, NULL), 0);
    assert_non_null(strstr(buf_str(&a), ", combiner: sum, weights: \"value\", where: {\"field\": 9}}"));
    assert_int_equal(configure(t, buf_str(&a), &g, NULL), 0);
    assert_int_equal(features_to_yaml(g, &b, NULL), 0);
    assert_string_equal(buf_str(&a), buf_str(&b));
    features_free(g);
    json_t *o;
    assert_int_equal(features_to_json(f, &o, NULL), 0);
    char *text = json_dumps(o, 0);
    assert_int_equal(from_text(text, &g, NULL), 0);
    x = find(g, "field_2");
    assert_true(x && x->where == 2);
    assert_string_equal(x->where_column, "field");
    const char **names;
    size_t n;
    assert_int_equal(features_columns(g, 1, &names, &n, NULL), 0);
    assert_int_equal(n, 4);
    mem_free((void *)names);
    free(text);
    json_decref(o);
    features_free(f);
    features_free(g);
    buf_release(&a);
    buf_release(&b);
    testing_free(t);
}

static void test_bad_manifests(void **state)
{
    (void)state;
    static const struct {
        const char *json, *message;
    } cases[] = {
        {"[]", "m.json:1: features must be an object"},
        {"{\"version\": 2, \"features\": []}",
         "m.json:1: features of version 2, this program knows up to 1: use a newer shoal"},
        {"{\"version\": 1}", "m.json:1: no list of features"},
        {"{\"version\": 1, \"features\": []}", "no features: name at least one column"},
        {"{\"version\": 1, \"features\": [3]}", "m.json:1: a feature must be an object"},
        {"{\"version\": 1, \"features\": [{\"name\": \"a\", \"column\": \"a\", \"type\": \"odd\"}]}",
         "m.json:1: type 'odd' is unknown"},
        {"{\"version\": 1, \"features\": [{\"name\": \"a\", \"column\": \"a\", \"type\": \"numeric\", \"scale\": "
         "\"bucket\", \"edges\": [2, 1]}]}", "m.json:1: edges of feature 'a' are not ascending numbers"},
        {"{\"version\": 1, \"features\": [{\"name\": \"a\", \"column\": \"a\", \"type\": \"numeric\", \"scale\": "
         "\"bucket\"}]}", "m.json:1: feature 'a' has no list of fewer than 4096 edges"},
        {"{\"version\": 1, \"features\": [{\"name\": \"a\", \"column\": \"a\", \"type\": \"numeric\", \"scale\": "
         "\"none\"}, {\"name\": \"a\", \"column\": \"b\", \"type\": \"numeric\", \"scale\": \"none\"}]}",
         "two features are named 'a'; names must differ"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        features *f;
        shoal_error err = {0, ""};
        assert_true(from_text(cases[i].json, &f, &err) < 0);
        assert_string_equal(err.message, cases[i].message);
    }
}

static void test_bad_vocabularies(void **state)
{
    (void)state;
    features *f;
    feature *x;
    shoal_error err;
    const uint8_t bytes[] = "annann";
    const uint64_t twice[] = {0, 3, 6}, backwards[] = {0, 4, 3, 6}, beyond[] = {0, 7}, empty[] = {0, 0, 6};
    assert_int_equal(features_new(&f, NULL), 0);
    assert_int_equal(features_add(f, "user", "user", FEATURE_CATEGORICAL, &x, NULL), 0);
    assert_int_equal(features_vocab_set(f, 0, bytes, 6, twice, 2, &err), SHOAL_DATA);
    assert_string_equal(err.message, "vocabulary of 'user': entry 1 is there twice");
    assert_int_equal(features_vocab_set(f, 0, bytes, 6, backwards, 3, &err), SHOAL_DATA);
    assert_string_equal(err.message, "vocabulary of 'user': entry 1 is empty or its offsets run backwards");
    assert_int_equal(features_vocab_set(f, 0, bytes, 6, beyond, 1, &err), SHOAL_DATA);
    assert_string_equal(err.message, "vocabulary of 'user': offsets run from 0 to 7, expected 0 to 6");
    assert_int_equal(features_vocab_set(f, 0, bytes, 6, empty, 2, &err), SHOAL_DATA);
    features_free(f);
}

/* ---- the rest ---- */

static void test_columns_to_read(void **state)
{
    (void)state;
    features *f;
    const char **names;
    size_t n;
    testing_table *t = testing_new(COLUMNS, ROWS);
    assert_int_equal(configure(t, everything, &f, NULL), 0);
    assert_int_equal(features_columns(f, 1, &names, &n, NULL), 0);
    const char *const want[] = {"user", "price", "genres", "gw", "y", "w"};
    assert_int_equal(n, 6);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(names[i], want[i]);
    mem_free(names);
    assert_int_equal(features_columns(f, 0, &names, &n, NULL), 0);
    assert_int_equal(n, 4);
    mem_free(names);
    features_free(f);
    testing_free(t);
}

static void test_description(void **state)
{
    (void)state;
    features *f;
    buf out = BUF_INIT;
    testing_table *t = testing_new(COLUMNS, ROWS);
    assert_int_equal(configure(t, "label: y\nfeatures:\n  user: {type: categorical, min_count: 2}\n"
                               "  both: {type: categorical, encoding: hash, buckets: 9, cross: [user, extra]}\n"
                               "  price: {type: numeric, log1p: true}\n  genres: bag\n", &f, NULL), 0);
    assert_int_equal(features_describe(f, &out, NULL), 0);
    assert_string_equal(buf_str(&out),
                        "y        label\n"
                        "user     categorical  vocabulary, min_count 2\n"
                        "both     categorical  hash into 9 buckets of user x extra\n"
                        "price    numeric      log1p, 32 quantile buckets\n"
                        "genres   bag          vocabulary, min_count 5, mean\n"
                        "w        not used     the configuration does not name it\n"
                        "gw       not used     the configuration does not name it\n");
    buf_release(&out);
    features_free(f);
    testing_free(t);
}

static void test_failed_allocations(void **state)
{
    (void)state;
    testing_table *t = testing_new(COLUMNS, ROWS);
    const features_request r = label_y();
    const struct ArrowArray *sample[1] = {&t->array};
    for (long n = 1;; n++) {
        features *f = NULL, *g = NULL;
        buf out = BUF_INIT;
        mem_fail_at(n, 1);
        int rc = configure(t, everything, &f, NULL);
        if (!rc)
            rc = features_to_yaml(f, &out, NULL);
        if (!rc)
            rc = features_describe(f, &out, NULL);
        if (!rc)
            rc = features_guess(&t->schema, sample, 1, &r, &g, NULL);
        mem_fail_at(0, 0);
        features_free(f);
        features_free(g);
        buf_release(&out);
        if (!rc)
            break;
        assert_int_equal(rc, SHOAL_NOMEM);
    }
    testing_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rule_of_the_guess),
        cmocka_unit_test(test_few_whole_numbers_are_categories),
        cmocka_unit_test(test_entries_are_bags),
        cmocka_unit_test(test_request_is_checked),
        cmocka_unit_test(test_every_key_of_the_file),
        cmocka_unit_test(test_others_are_guessed_on_request),
        cmocka_unit_test(test_yaml_gives_the_same_features),
        cmocka_unit_test(test_mistakes_in_the_file),
        cmocka_unit_test(test_manifest_round_trip),
        cmocka_unit_test(test_bad_manifests),
        cmocka_unit_test(test_bad_vocabularies),
        cmocka_unit_test(test_columns_to_read),
        cmocka_unit_test(test_description),
        cmocka_unit_test(test_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
