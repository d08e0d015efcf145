/* The layer language: what it refuses and how it says so, overrides, the way to JSON and back, the summary. */
#include "model/model_testing.h"

static const struct { const char *text, *message; } refused[] = {
    {"- linear", "a model is a map with the keys name, paper and layers"},
    {"name: x", "a model needs 'layers', a list of at least one layer"},
    {"layers: []", "a model needs 'layers', a list of at least one layer"},
    {"nam: x\nlayers: [linear]", "m.yaml:1: unknown key 'nam' of a model; did you mean 'name'?"},
    {"layers:\n  - dens: {units: 1}", "m.yaml:2: unknown layer kind 'dens'; there are: linear, embedding"},
    {"layers:\n  - dense: {unts: 1}", "m.yaml:2: unknown key 'unts' of layer 'dense'; did you mean 'units'?"},
    {"layers:\n  - linear: {input: numeric}", "unknown key 'input' of layer 'linear'"},
    {"layers: [[a]]", "a layer is written as '- KIND: {key: value, ...}'"},
    {"layers: [{linear: 3}]", "layer 'linear' needs a map of keys"},
    {"layers: [{dense: {units: 1}}]", "layer 'dense' (dense): it is the first layer, so it needs the key 'input'"},
    {"layers: [{dense: {input: numeric}}]", "layer 'dense' (dense): needs the key 'units'"},
    {"layers: [{dense: {input: numeric, units: 0}}]", "units"},
    {"layers: [{dense: {input: numeric, units: 1, activation: rel}}]", "unknown activation 'rel'; there are: none, relu, sigmoid, tanh, leaky_relu, gelu, prelu, dice; did you mean 'relu'?"},
    {"layers: [{dense: {input: numeric, units: 2, dropout: 1}}]", "dropout"},
    {"layers:\n  - linear:\n  - dense: {input: lineer, units: 1}",
     "m.yaml:3: layer 'dense' (dense): unknown input 'lineer'; inputs are 'numeric' and the layers above; did you mean 'linear'?"},
    {"layers: [{dense: {input: top, units: 1}}, {dense: {name: top, units: 1}}]",
     "input 'top' is not above it; a layer reads layers before it"},
    {"layers: [{linear: {name: a}}, {linear: {name: a}}]", "two layers are named 'a'"},
    {"layers: [{linear: {name: numeric}}]", "'numeric' cannot name a layer"},
    {"layers: [{linear: {name: a b}}]", "'a b' cannot name a layer"},
    {"layers: [linear, {add: {}}]", "layer 'add' (add): takes at least 2 inputs, not 1"},
    {"layers: [{embedding: {}}, {fm: {input: [embedding, embedding]}}]", "layer 'fm' (fm): takes 1 input, not 2"},
    {"layers: [linear, {fm: {}}]", "input 'linear' is not made of fields; it needs an embedding"},
    {"layers: [linear, {add: {input: [linear, numeric]}}]", "input 'numeric' has 3 numbers a row and 'linear' has 1"},
    {"layers: [{embedding: {}}]", "the last layer gives the logit, one number a row; this one gives 64"},
    {"layers: [linear, {dense: {input: numeric, units: 1}}]", "layer 'linear' (linear): no layer reads it"},
    {"layers: [{embedding: {dim: 0}}, {fm: {}}]", "dim"},
    {"layers: [{dense: {input: {a: b}, units: 1}}]", "'input' is a name or a list of names"},
    {"layers: [{dropout: {input: numeric}}]", "needs the key 'rate'"},
};

static void refusals(void **state)
{
    (void)state;
    fixture x;
    fixture_init(&x, T_FIELDS, T_DENSE, 1);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        model *m;
        shoal_error err = {0};
        const int rc = build_text(refused[i].text, &x.f, NULL, &m, &err);
        if (rc >= 0) fail_msg("accepted: %s", refused[i].text);
        if (!strstr(err.message, refused[i].message)) fail_msg("%s\n  says: %s\n  not:  %s", refused[i].text, err.message, refused[i].message);
        if (!strstr(err.message, "m.yaml:")) fail_msg("no place in: %s", err.message);
    }
}

static void data_refusals(void **state)
{
    (void)state;
    fixture x;
    model *m;
    shoal_error err;
    fixture_init(&x, 0, T_DENSE, 1);
    assert_true(build_zoo("fm", &x.f, NULL, &m, &err) < 0);
    assert_non_null(strstr(err.message, "layer 'second' (fm): the data has no categorical fields"));
    fixture_init(&x, T_FIELDS, 0, 1);
    assert_true(build_text("layers: [{dense: {input: numeric, units: 1}}]", &x.f, NULL, &m, &err) < 0);
    assert_non_null(strstr(err.message, "its inputs are empty"));
    conf *c;
    assert_int_equal(model_source("depfm", &c, &err), SHOAL_USAGE);
    assert_non_null(strstr(err.message, "unknown model 'depfm'; there are: "));
    assert_non_null(strstr(err.message, ", lr, "));
    assert_non_null(strstr(err.message, ", and files that end in .yaml; did you mean 'deepfm'?"));
}

static const uint32_t hidden[] = {7, 6, 5};

static void overrides(void **state)
{
    (void)state;
    fixture x;
    model *m;
    shoal_error err;
    fixture_init(&x, T_FIELDS, T_DENSE, 1);
    const model_overrides o = {.dropout = 0.5, .embedding_dim = 4, .hidden = hidden, .n_hidden = 3};
    assert_ok(build_zoo("deepfm", &x.f, &o, &m, &err), err);
    buf out = BUF_INIT;
    json_t *j;
    assert_ok(model_to_json(m, &j, &err), err);
    char *text = json_dumps(j, JSON_COMPACT);
    assert_non_null(strstr(text, "\"units\":7"));
    assert_non_null(strstr(text, "\"name\":\"h2\",\"input\":[\"dense\"],\"units\":5"));
    assert_non_null(strstr(text, "\"dropout\":0.5"));
    assert_non_null(strstr(text, "\"dim\":4"));
    /* weights: (4*4 + 3)*7 + 7, 7*6 + 6, 6*5 + 5, 5 + 1, tables 40 * 5, numbers 3 + bias 1 */
    assert_ok(model_summary(m, 80, &out, &err), err);
    assert_non_null(strstr(buf_str(&out), "Total parameters: 433 (trained 433, running statistics 0)"));
    /* The description builds the same model. */
    model *again;
    assert_ok(build_text(text, &x.f, NULL, &again, &err), err);
    json_t *k;
    assert_ok(model_to_json(again, &k, &err), err);
    assert_true(json_equal(j, k));
    assert_true(model_gemm_flop(m) == model_gemm_flop(again) && model_gemm_flop(m) > 0);
    free(text);
    json_decref(j);
    json_decref(k);
    buf_release(&out);
    model_free(again);
    model_free(m);
    const model_overrides one = {.dropout = -1, .hidden = hidden, .n_hidden = 1};
    assert_ok(build_zoo("deepfm", &x.f, &one, &m, &err), err);
    model_free(m);
}

static void overrides_that_do_not_fit(void **state)
{
    (void)state;
    fixture x;
    model *m;
    shoal_error err;
    fixture_init(&x, T_FIELDS, T_DENSE, 1);
    const model_overrides h = {.dropout = -1, .hidden = hidden, .n_hidden = 3}, d = {.dropout = 0.1},
                          e = {.dropout = -1, .embedding_dim = 4};
    assert_int_equal(build_zoo("lr", &x.f, &h, &m, &err), SHOAL_USAGE);
    assert_non_null(strstr(err.message, "the model has no hidden dense layers"));
    assert_int_equal(build_zoo("lr", &x.f, &d, &m, &err), SHOAL_USAGE);
    assert_non_null(strstr(err.message, "no hidden layer to drop from"));
    assert_int_equal(build_zoo("lr", &x.f, &e, &m, &err), SHOAL_USAGE);
    assert_non_null(strstr(err.message, "no embedding layer"));
}

static const char summary_of_fm[] =
    "Model: fm (Rendle 2010, doi:10.1109/ICDM.2010.127)\n"
    "________________________________________________________________________________\n"
    "Layer (type)            Output shape      Param #       Connected to\n"
    "================================================================================\n"
    "numeric (input)         (rows, 3)         0             \n"
    "linear (linear)         (rows, 1)         44            numeric\n"
    "e (embedding)           (rows, 4, 16)     640           \n"
    "second (fm)             (rows, 1)         0             e\n"
    "logit (add)             (rows, 1)         0             linear, second\n"
    "================================================================================\n"
    "Total parameters: 684 (trained 684, running statistics 0)\n"
    "Embedding tables: 2,720 bytes\n";

static void summary(void **state)
{
    (void)state;
    fixture x;
    model *m;
    shoal_error err;
    buf out = BUF_INIT;
    fixture_init(&x, T_FIELDS, T_DENSE, 1);
    assert_ok(build_zoo("fm", &x.f, NULL, &m, &err), err);
    assert_ok(model_summary(m, 80, &out, &err), err);
    assert_string_equal(buf_str(&out), summary_of_fm);
    json_t *j;
    assert_ok(model_summary_json(m, &j, &err), err);
    assert_int_equal(json_integer_value(json_object_get(j, "parameters")), 684);
    assert_int_equal(json_array_size(json_object_get(j, "layers")), 5);
    json_decref(j);
    buf_release(&out);
    model_free(m);
}

static void layout(void **state)
{
    (void)state;
    fixture x;
    model *m;
    shoal_error err;
    fixture_init(&x, T_FIELDS, T_DENSE, 1);
    assert_ok(build_zoo("deepfm", &x.f, NULL, &m, &err), err);
    size_t n, end = 0;
    const param *p = model_params(m, &n);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) assert_string_not_equal(p[i].name, p[j].name);
        if (p[i].kind != PARAM_DENSE) continue;
        assert_int_equal(p[i].offset % 16, 0);
        assert_true(p[i].offset >= end);
        end = p[i].offset + (size_t)(p[i].rows * p[i].cols);
    }
    assert_true(end <= model_dense_size(m));
    assert_int_equal(model_tables(m), 2);
    assert_int_equal(model_table_cols(m, 0), 1);
    assert_int_equal(model_table_cols(m, 1), 16);
    model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals), cmocka_unit_test(data_refusals), cmocka_unit_test(overrides),
        cmocka_unit_test(overrides_that_do_not_fit), cmocka_unit_test(summary), cmocka_unit_test(layout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
