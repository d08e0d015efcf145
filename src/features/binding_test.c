/* Columns to raw rows: one test a statement of docs/features.md on values. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/mem.h"
#include "features/features_private.h"
#include "features/features_testing.h"

typedef struct fixture {
    features *f;
    binding *b;
    raw_block raw;
    int64_t bad_row;
    shoal_error err;
} fixture;

/* Features "name:kind" with kind n (number), c (category), b (bag), w (bag weighted by column "w"), x (cross with the columns
 * "o" and "p"). */
static features *features_of(const char *list, const char *label, const char *weight)
{
    features *f;
    feature *x;
    char name[2] = "x";
    assert_int_equal(features_new(&f, NULL), 0);
    for (const char *p = list; *p; p += 2 + (p[2] == ' '), p += *p == ' ') {
        name[0] = p[0];
        assert_int_equal(features_add(f, name, name, p[1] == 'n' ? FEATURE_NUMERIC : FEATURE_CATEGORICAL, &x, NULL), 0);
        x->is_list = p[1] == 'b' || p[1] == 'w';
        x->weights_column = p[1] == 'w' ? mem_strdup("w") : NULL;
        for (const char *o = p[1] == 'x' ? "o\0p\0" : ""; *o; o += 2)
            assert_int_equal(feature_add_column(x, o, NULL), 0);
    }
    f->label = label ? mem_strdup(label) : NULL;
    f->weight = weight ? mem_strdup(weight) : NULL;
    assert_int_equal(features_link(f, NULL), 0);
    return f;
}

static int extract(fixture *x, const testing_table *t, const char *list, const char *label, const char *weight)
{
    memset(x, 0, sizeof *x);
    raw_block_init(&x->raw);
    x->f = features_of(list, label, weight);
    int rc = binding_new(x->f, &t->schema, label != NULL, &x->b, &x->err);
    return rc ? rc : binding_extract(x->b, &t->array, 0, t->array.length, &x->raw, &x->bad_row, &x->err);
}

static void drop(fixture *x)
{
    binding_free(x->b);
    features_free(x->f);
    raw_block_release(&x->raw);
}

static uint64_t raw_u64(const fixture *x, uint32_t row, uint32_t feature_index)
{
    uint64_t v;
    memcpy(&v, x->raw.records.data + row * features_raw_layout(x->f).stride + x->f->feature[feature_index].raw, 8);
    return v;
}

static double raw_f64(const fixture *x, uint32_t row, uint32_t feature_index)
{
    uint64_t v = raw_u64(x, row, feature_index);
    double d;
    memcpy(&d, &v, 8);
    return d;
}

static uint64_t key(const char *s)
{
    return vocabulary_key(s, strlen(s), 0);
}

static void refused(const char *columns, const char *rows, const char *list, const char *label, const char *weight,
                    int code, int64_t row, const char *message)
{
    fixture x;
    testing_table *t = testing_new(columns, rows);
    int rc = extract(&x, t, list, label, weight);
    assert_string_equal(x.err.message, message);
    assert_int_equal(rc, code);
    assert_int_equal(x.bad_row, row);
    assert_int_equal(x.raw.records.len, 0);
    assert_int_equal(x.raw.heap.len, 0);
    drop(&x);
    testing_free(t);
}

static void test_one_category_in_every_type(void **state)
{
    (void)state;
    fixture x;
    testing_table *t = testing_new("a:u b:l c:i d:g e:c f:z g:f", "7 7 7 7 7 7 7 | -12 -12 -12 -12 -12 -12 -12");
    assert_int_equal(extract(&x, t, "ac bc cc dc ec fc gc", NULL, NULL), 0);
    for (uint32_t i = 0; i < 7; i++) {
        assert_true(raw_u64(&x, 0, i) == key("7"));
        assert_true(raw_u64(&x, 1, i) == key("-12"));
    }
    drop(&x);
    testing_free(t);
    t = testing_new("a:L b:b c:tdD", "18446744073709551615 1 19000");
    assert_int_equal(extract(&x, t, "ac bc cc", NULL, NULL), 0);
    assert_true(raw_u64(&x, 0, 0) == key("18446744073709551615"));
    assert_true(raw_u64(&x, 0, 1) == key("1"));
    assert_true(raw_u64(&x, 0, 2) == key("19000"));
    drop(&x);
    testing_free(t);
}

static void test_missing_values(void **state)
{
    (void)state;
    fixture x;
    testing_table *t = testing_new("a:u b:l c:g d:g e:u f:n", "'' ~ nan nan '' ~ | ~ 0 ~ ~ ~ ~");
    assert_int_equal(extract(&x, t, "ac bc cc dn en fn", NULL, NULL), 0);
    assert_true(raw_u64(&x, 0, 0) == 0 && raw_u64(&x, 1, 0) == 0);
    assert_true(raw_u64(&x, 0, 1) == 0 && raw_u64(&x, 1, 1) == key("0"));
    assert_true(raw_u64(&x, 0, 2) == 0 && raw_u64(&x, 1, 2) == 0);
    for (uint32_t r = 0; r < 2; r++)
        for (uint32_t i = 3; i < 6; i++)
            assert_true(isnan(raw_f64(&x, r, i)));
    drop(&x);
    testing_free(t);
}

static void test_numbers_of_every_type(void **state)
{
    (void)state;
    fixture x;
    testing_table *t = testing_new("a:u b:l c:b d:g e:f", "-2.5e3 -7 1 0.1 0.5");
    assert_int_equal(extract(&x, t, "an bn cn dn en", NULL, NULL), 0);
    const double want[] = {-2500, -7, 1, 0.1, 0.5};
    for (uint32_t i = 0; i < 5; i++)
        assert_true(raw_f64(&x, 0, i) == want[i]);
    drop(&x);
    testing_free(t);
}

static void test_decimals_are_numbers(void **state)
{
    (void)state;
    fixture x;
    testing_table *t = testing_new("a:g", "0");
    static const __int128 v = -1234567;
    strcpy(t->column[0]->format, "d:9,3");
    t->column[0]->buffers[1] = &v;
    assert_int_equal(extract(&x, t, "an", NULL, NULL), 0);
    assert_true(raw_f64(&x, 0, 0) == -1234.567);
    drop(&x);
    testing_free(t);
}

static void test_labels_and_weights(void **state)
{
    (void)state;
    fixture x;
    float v[2];
    const char *const rows[] = {"1 0.5 a | 0 2 b", "1 0.5 a | 0 2 b", "1 0.5 a | 0 2 b", "1 0.5 a | 0 2 b"};
    const char *const columns[] = {"y:b w:g a:u", "y:l w:f a:u", "y:g w:g a:u", "y:u w:u a:u"};
    for (int i = 0; i < 4; i++) {
        testing_table *t = testing_new(columns[i], rows[i]);
        assert_int_equal(extract(&x, t, "ac", "y", "w"), 0);
        memcpy(v, x.raw.records.data, 8);
        assert_true(v[0] == 1 && v[1] == 0.5f);
        memcpy(v, x.raw.records.data + features_raw_layout(x.f).stride, 8);
        assert_true(v[0] == 0 && v[1] == 2);
        drop(&x);
        testing_free(t);
    }
    testing_table *t = testing_new("a:u", "a");
    assert_int_equal(extract(&x, t, "ac", NULL, NULL), 0);
    memcpy(v, x.raw.records.data, 8);
    assert_true(v[1] == 1);
    drop(&x);
    testing_free(t);
}

static void test_lists(void **state)
{
    (void)state;
    fixture x;
    testing_table *t = testing_new("a:+u w:+g", "p;q;r 1;2;3 | ~ ~ | () () | p;~;'';q 1;2;3;4");
    assert_int_equal(extract(&x, t, "aw", NULL, NULL), 0);
    const uint32_t length[] = {3, RAW_LIST_MISSING, 0, 2};
    uint32_t at = 0;
    for (uint32_t r = 0; r < 4; r++) {
        uint64_t ref = raw_u64(&x, r, 0);
        assert_int_equal((uint32_t)ref, at);
        assert_int_equal(ref >> 32, length[r]);
        at += length[r] == RAW_LIST_MISSING ? 0 : (uint32_t)raw_piece_bytes(length[r], 1);
    }
    assert_int_equal(x.raw.heap.len, at);
    const uint8_t *last = x.raw.heap.data + raw_piece_bytes(3, 1);
    uint64_t keys[2];
    float weights[2];
    memcpy(keys, last, 16);
    memcpy(weights, last + 16, 8);
    assert_true(keys[0] == key("p") && keys[1] == key("q"));
    assert_true(weights[0] == 1 && weights[1] == 4);
    drop(&x);
    testing_free(t);
}

static void test_a_single_value_is_a_list_of_one(void **state)
{
    (void)state;
    fixture x;
    testing_table *t = testing_new("a:u", "p | ~");
    assert_int_equal(extract(&x, t, "ab", NULL, NULL), 0);
    assert_int_equal(raw_u64(&x, 0, 0) >> 32, 1);
    assert_int_equal(raw_u64(&x, 1, 0) >> 32, RAW_LIST_MISSING);
    drop(&x);
    testing_free(t);
}

static void test_offsets_of_batch_and_column(void **state)
{
    (void)state;
    fixture x;
    testing_table *t = testing_new("a:u b:b c:+u", "p 0 k | q 1 l;m | r 0 n | ~ 1 ~");
    t->array.offset = 1;
    t->arrays[0]->offset = 1;
    t->array.length = 2;
    assert_int_equal(extract(&x, t, "ac bn cb", NULL, NULL), 0);
    assert_true(raw_u64(&x, 0, 0) == key("r") && raw_u64(&x, 1, 0) == 0);
    assert_true(raw_f64(&x, 0, 1) == 1 && raw_f64(&x, 1, 1) == 0);
    assert_int_equal(raw_u64(&x, 0, 2) >> 32, 2);
    uint64_t k;
    memcpy(&k, x.raw.heap.data, 8);
    assert_true(k == key("l"));
    drop(&x);
    testing_free(t);
}

static void test_pieces_of_a_batch_append(void **state)
{
    (void)state;
    fixture x;
    testing_table *t = testing_new("a:+u b:u", "p;q k | r l | s m");
    assert_int_equal(extract(&x, t, "ab bc", NULL, NULL), 0);
    raw_block parts;
    raw_block_init(&parts);
    assert_int_equal(binding_extract(x.b, &t->array, 0, 1, &parts, &x.bad_row, NULL), 0);
    assert_int_equal(binding_extract(x.b, &t->array, 1, 1, &parts, &x.bad_row, NULL), 0);
    assert_int_equal(binding_extract(x.b, &t->array, 1, 3, &parts, &x.bad_row, NULL), 0);
    assert_int_equal(parts.rows, 3);
    assert_memory_equal(parts.records.data, x.raw.records.data, x.raw.records.len);
    assert_memory_equal(parts.heap.data, x.raw.heap.data, x.raw.heap.len);
    raw_block_release(&parts);
    drop(&x);
    testing_free(t);
}

static void test_bad_values_are_refused(void **state)
{
    (void)state;
    refused("y:l a:u", "0 p | 2 q", "ac", "y", NULL, SHOAL_DATA, 1, "label column 'y' is 2, expected 0 or 1");
    refused("y:l a:u", "0 p | ~ q", "ac", "y", NULL, SHOAL_DATA, 1, "label column 'y' is null, expected 0 or 1");
    refused("y:u a:u", "yes p", "ac", "y", NULL, SHOAL_DATA, 0, "label column 'y' is 'yes', expected 0 or 1");
    refused("y:f a:u", "0 p | 1 p | -1 q", "ac", "y", NULL, SHOAL_DATA, 2, "label column 'y' is -1, expected 0 and 1, or -1 and 1, not all of them");
    refused("y:g a:u", "0.5 p", "ac", "y", NULL, SHOAL_DATA, 0, "label column 'y' is 0.5, expected 0 or 1");
    refused("y:l w:g a:u", "0 1 p | 1 -1 q", "ac", "y", "w", SHOAL_DATA, 1,
            "weight column 'w' is -1, expected a finite number of 0 or more");
    refused("y:l w:g a:u", "0 inf p", "ac", "y", "w", SHOAL_DATA, 0,
            "weight column 'w' is inf, expected a finite number of 0 or more");
    refused("y:l w:g a:u", "0 ~ p", "ac", "y", "w", SHOAL_DATA, 0,
            "weight column 'w' is null, expected a finite number of 0 or more");
    refused("a:g", "1 | -inf", "an", NULL, NULL, SHOAL_DATA, 1,
            "column 'a' is -infinity; give feature 'a' a clip: [LOW, HIGH], or make it null");
    refused("a:u", "1 | x1", "an", NULL, NULL, SHOAL_DATA, 1, "column 'a': 'x1' is not a number; repair it, or make the feature categorical");
    refused("a:u", "ok | a\\xff", "ac", NULL, NULL, SHOAL_DATA, 1,
            "column 'a': 'a?' is not UTF-8; give it as binary or repair it");
    refused("a:g", "1 | 1.5", "ac", NULL, NULL, SHOAL_DATA, 1,
            "column 'a': 1.5 is not a whole number and cannot be a category; make the feature numeric or round it");
    refused("a:+u w:+g", "p;q 1", "aw", NULL, NULL, SHOAL_DATA, 0,
            "weights column 'w' has 1 numbers beside the 2 entries of 'a'");
    refused("a:+u w:+g", "p;q 1;-2", "aw", NULL, NULL, SHOAL_DATA, 0,
            "weights column 'w' has -2, expected finite numbers of 0 or more, or combiner: sum");
}

static void test_binary_is_taken_as_it_is(void **state)
{
    (void)state;
    fixture x;
    testing_table *t = testing_new("a:z", "a\\xff");
    assert_int_equal(extract(&x, t, "ac", NULL, NULL), 0);
    assert_true(raw_u64(&x, 0, 0) == key("a\xff"));
    drop(&x);
    testing_free(t);
}

static void test_clip_accepts_infinities(void **state)
{
    (void)state;
    fixture x;
    testing_table *t = testing_new("a:g", "inf | -inf");
    memset(&x, 0, sizeof x);
    x.f = features_of("an", NULL, NULL);
    x.f->feature[0].clip_high = 10;
    assert_int_equal(binding_new(x.f, &t->schema, 0, &x.b, NULL), 0);
    assert_int_equal(binding_extract(x.b, &t->array, 0, 1, &x.raw, &x.bad_row, NULL), 0);
    assert_int_equal(binding_extract(x.b, &t->array, 1, 2, &x.raw, &x.bad_row, NULL), SHOAL_DATA);
    drop(&x);
    testing_free(t);
}

static void test_columns_that_do_not_fit(void **state)
{
    (void)state;
    refused("user:u", "p", "ac", NULL, NULL, SHOAL_DATA, 0, "feature column 'a' is not in the source; there are: user");
    refused("a:tss:", "1", "an", NULL, NULL, SHOAL_DATA, 0,
            "numeric column 'a' has type timestamp[s], expected a number");
    refused("a:+u", "p", "ac", NULL, NULL, SHOAL_DATA, 0,
            "categorical column 'a' has type list<utf8>, expected a single value (a list needs type: bag)");
}

/* What training saw against what scoring is given: same values or a refusal. */
static void test_types_of_training(void **state)
{
    (void)state;
    static const struct {
        const char *trained, *here;
        int rc;
    } pairs[] = {{"a:u", "a:l", 0}, {"a:l", "a:u", 0}, {"a:b", "a:c", 0}, {"a:u", "a:z", 0}, {"a:u", "a:n", 0}, {"a:u", "a:b", SHOAL_DATA},
                 {"a:b", "a:u", SHOAL_DATA}, {"a:tdD", "a:u", SHOAL_DATA}, {"a:u", "a:tdD", SHOAL_DATA}, {"a:tdD", "a:i", SHOAL_DATA}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        testing_table *trained = testing_new(pairs[i].trained, "~"), *here = testing_new(pairs[i].here, "~");
        features *f = features_of("ac", NULL, NULL);
        binding *b = NULL;
        shoal_error err;
        assert_int_equal(features_note_types(f, &trained->schema, NULL), 0);
        assert_int_equal(binding_new(f, &trained->schema, 0, &b, NULL), 0);
        binding_free(b);
        assert_int_equal(binding_new(f, &here->schema, 0, &b, &err), pairs[i].rc);
        binding_free(b);
        features_free(f);
        testing_free(trained);
        testing_free(here);
    }
    testing_table *trained = testing_new("a:+u", "p;q"), *here = testing_new("a:u", "[p,q]");
    features *f = features_of("ab", NULL, NULL);
    binding *b = NULL;
    shoal_error err;
    assert_int_equal(features_note_types(f, &trained->schema, NULL), 0);
    assert_int_equal(binding_new(f, &here->schema, 0, &b, &err), SHOAL_DATA);
    assert_string_equal(err.message, "feature column 'a' is utf8 here, but was list<utf8> when the model was trained: its values would be "
                                     "others; cast it by --sql, or read a format that keeps types");
    features_free(f);
    testing_free(trained);
    testing_free(here);
}

static void test_crosses(void **state)
{
    (void)state;
    static const char *const want[] = {"1:a2:bc1:7", "2:ab1:c2:-3", "--1:1", "1:1--", NULL, "3:a1:2:b-1:0"};
    fixture x;
    testing_table *t = testing_new("a:u o:u p:l", "a bc 7 | ab c -3 | ~ '' 1 | 1 ~ ~ | '' '' ~ | a1: b- 0");
    assert_int_equal(extract(&x, t, "ax oc", NULL, NULL), 0);
    for (uint32_t i = 0; i < 6; i++)
        assert_true(raw_u64(&x, i, 0) == (want[i] ? key(want[i]) : 0));
    assert_true(raw_u64(&x, 0, 1) == key("bc"));
    drop(&x);
    testing_free(t);
    t = testing_new("a:b o:tdD p:g", "1 3 7");
    assert_int_equal(extract(&x, t, "ax", NULL, NULL), 0);
    assert_true(raw_u64(&x, 0, 0) == key("1:11:31:7"));
    drop(&x);
    testing_free(t);
    refused("a:u o:u", "1 2", "ax", NULL, NULL, SHOAL_DATA, 0, "feature column 'p' is not in the source; there are: a, o");
    refused("a:u o:u p:+u", "1 2 3", "ax", NULL, NULL, SHOAL_DATA, 0,
            "cross column 'p' has type list<utf8>, expected text, a whole number or a date");
    refused("a:u o:g p:u", "1 2 3 | 1 2.5 3", "ax", NULL, NULL, SHOAL_DATA, 1,
            "column 'o': 2.5 is not a whole number and cannot be a category; make the feature numeric or round it");
    refused("a:u o:u p:u", "1 2 \\xff", "ax", NULL, NULL, SHOAL_DATA, 0,
            "column 'p': '?' is not UTF-8; give it as binary or repair it");
}

/* Each column of a cross keeps the type that training saw. */
static void test_types_of_a_cross(void **state)
{
    (void)state;
    testing_table *trained = testing_new("a:u o:u p:tdD", "1 2 3"), *here = testing_new("a:l o:u p:l", "1 2 3");
    features *f = features_of("ax", NULL, NULL);
    binding *b = NULL;
    shoal_error err;
    char **wishes;
    size_t n;
    assert_int_equal(features_note_types(f, &trained->schema, NULL), 0);
    assert_int_equal(features_wishes(f, &wishes, &n, NULL), 0);
    assert_int_equal(n, 3);
    assert_string_equal(wishes[0], "a=utf8");
    assert_string_equal(wishes[2], "p=date32");
    features_wishes_free(wishes, n);
    assert_int_equal(binding_new(f, &here->schema, 0, &b, &err), SHOAL_DATA);
    assert_non_null(strstr(err.message, "feature column 'p' is int64 here, but was date32 when"));
    features_free(f);
    testing_free(trained);
    testing_free(here);
}

static void test_failed_allocations(void **state)
{
    (void)state;
    testing_table *t = testing_new("y:l a:+u w:+g b:u c:g o:u p:l", "1 p;q 1;2 k 3 o 4 | 0 ~ ~ l ~ ~ 5");
    for (long n = 1;; n++) {
        features *f = features_of("aw bx cn", "y", NULL);
        binding *b = NULL;
        raw_block raw;
        int64_t bad;
        raw_block_init(&raw);
        mem_fail_at(n, 1);
        int rc = binding_new(f, &t->schema, 1, &b, NULL);
        if (!rc)
            rc = binding_extract(b, &t->array, 0, 2, &raw, &bad, NULL);
        mem_fail_at(0, 0);
        binding_free(b);
        features_free(f);
        raw_block_release(&raw);
        if (!rc)
            break;
        assert_int_equal(rc, SHOAL_NOMEM);
    }
    testing_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_category_in_every_type),
        cmocka_unit_test(test_missing_values),
        cmocka_unit_test(test_numbers_of_every_type),
        cmocka_unit_test(test_decimals_are_numbers),
        cmocka_unit_test(test_labels_and_weights),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_a_single_value_is_a_list_of_one),
        cmocka_unit_test(test_offsets_of_batch_and_column),
        cmocka_unit_test(test_pieces_of_a_batch_append),
        cmocka_unit_test(test_bad_values_are_refused),
        cmocka_unit_test(test_binary_is_taken_as_it_is),
        cmocka_unit_test(test_clip_accepts_infinities),
        cmocka_unit_test(test_columns_that_do_not_fit),
        cmocka_unit_test(test_types_of_training),
        cmocka_unit_test(test_crosses),
        cmocka_unit_test(test_types_of_a_cross),
        cmocka_unit_test(test_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
