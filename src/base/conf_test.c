#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/mem.h"

static conf *parse(const char *text)
{
    conf *c;
    shoal_error err;
    if (conf_parse("m.yaml", text, strlen(text), &c, &err) != 0)
        fail_msg("%s", err.message);
    return c;
}

static void refused(const char *text, const char *message)
{
    conf *c;
    shoal_error err;
    assert_int_equal(conf_parse("m.yaml", text, strlen(text), &c, &err), SHOAL_USAGE);
    assert_null(c);
    assert_string_equal(err.message, message);
}

static const char EXAMPLE[] = "# a model\n"
                              "name: \"deep\"\n"
                              "units: [400, 400]\n"
                              "layers:\n"
                              "  - dense: {units: 7, rate: 0.25, bias: true}\n"
                              "nothing:\n"
                              "text: '12'\n";

static void test_tree(void **state)
{
    (void)state;
    conf *c = parse(EXAMPLE);
    assert_int_equal(c->kind, CONF_MAP);
    assert_int_equal(c->n_child, 5);
    const conf *units = conf_get(c, "units"), *layers = conf_get(c, "layers");
    assert_int_equal(units->kind, CONF_LIST);
    assert_int_equal(units->n_child, 2);
    assert_string_equal(units->child[1]->text, "400");
    assert_int_equal(units->child[1]->line, 3);
    assert_string_equal(units->child[1]->file, "m.yaml");
    assert_ptr_equal(units->child[1]->root, c);
    const conf *dense = conf_get(layers->child[0], "dense");
    assert_int_equal(dense->line, 5);
    int64_t n;
    double rate;
    int bias;
    const char *s;
    assert_int_equal(conf_i64_or(dense, "units", 1, 1, 10, &n, NULL), 0);
    assert_int_equal(n, 7);
    assert_int_equal(conf_i64_or(dense, "more", 3, 1, 10, &n, NULL), 0);
    assert_int_equal(n, 3);
    assert_int_equal(conf_f64_or(dense, "rate", 0, 0, 1, &rate, NULL), 0);
    assert_true(rate == 0.25);
    assert_int_equal(conf_bool_or(dense, "bias", 0, &bias, NULL), 0);
    assert_int_equal(bias, 1);
    assert_int_equal(conf_str(c, "name", &s, NULL), 0);
    assert_string_equal(s, "deep");
    assert_int_equal(conf_get(c, "nothing")->kind, CONF_NULL);
    assert_int_equal(conf_str_or(c, "nothing", "default", &s, NULL), 0);
    assert_string_equal(s, "default");
    assert_null(conf_get(units, "x"));
    conf_free(c);
    conf_free(NULL);
}

static void test_json_is_yaml(void **state)
{
    (void)state;
    conf *c = parse("{\"a\": [1, 2.5, null, true], \"b\": {\"c\": \"x\\ny\"}}");
    assert_int_equal(conf_get(c, "a")->n_child, 4);
    assert_int_equal(conf_get(c, "a")->child[2]->kind, CONF_NULL);
    assert_string_equal(conf_get(conf_get(c, "b"), "c")->text, "x\ny");
    conf_free(c);
    c = parse("");
    assert_int_equal(c->kind, CONF_NULL);
    assert_int_equal(conf_check_keys(c, "a model", (const char *[]){NULL}, NULL), 0);
    conf_free(c);
}

static void test_typed_complaints(void **state)
{
    (void)state;
    conf *c = parse(EXAMPLE);
    shoal_error err;
    int64_t n;
    double v;
    int flag;
    const char *s;
    assert_int_equal(conf_i64_or(c, "text", 1, 1, 100, &n, &err), SHOAL_USAGE);
    assert_string_equal(err.message, "m.yaml:7: 'text' must be a whole number, not '12'");
    const conf *dense = conf_get(conf_get(c, "layers")->child[0], "dense");
    assert_int_equal(conf_i64_or(dense, "units", 1, 8, 100, &n, &err), SHOAL_USAGE);
    assert_string_equal(err.message, "m.yaml:5: 'units' must be between 8 and 100, not 7");
    assert_int_equal(conf_f64_or(dense, "rate", 1, 0.5, 1, &v, &err), SHOAL_USAGE);
    assert_string_equal(err.message, "m.yaml:5: 'rate' must be between 0.5 and 1, not 0.25");
    assert_int_equal(conf_f64_or(dense, "bias", 1, 0.5, 1, &v, &err), SHOAL_USAGE);
    assert_int_equal(conf_bool_or(dense, "units", 1, &flag, &err), SHOAL_USAGE);
    assert_string_equal(err.message, "m.yaml:5: 'units' must be true or false, not '7'");
    assert_int_equal(conf_str(c, "units", &s, &err), SHOAL_USAGE);
    assert_string_equal(err.message, "m.yaml:3: 'units' must be a single value, not a list");
    assert_int_equal(conf_str(c, "label", &s, &err), SHOAL_USAGE);
    assert_string_equal(err.message, "m.yaml:2: 'label' is missing");
    assert_int_equal(conf_str(c, "nothing", &s, &err), SHOAL_USAGE);
    assert_string_equal(err.message, "m.yaml:6: 'nothing' needs a value");
    conf_free(c);
}

static void test_keys(void **state)
{
    (void)state;
    static const char *const keys[] = {"units", "activation", "dropout", NULL};
    shoal_error err;
    conf *c = parse("units: 1\nunts: 2\n");
    assert_int_equal(conf_check_keys(c, "layer 'dense'", keys, &err), SHOAL_USAGE);
    assert_string_equal(err.message, "m.yaml:2: unknown key 'unts' of layer 'dense'; did you mean 'units'?");
    conf_free(c);
    c = parse("quite_different: 1");
    assert_int_equal(conf_check_keys(c, "layer 'dense'", keys, &err), SHOAL_USAGE);
    assert_string_equal(err.message, "m.yaml:1: unknown key 'quite_different' of layer 'dense'; there are: units, activation, dropout");
    conf_free(c);
    c = parse("[1]");
    assert_int_equal(conf_check_keys(c, "a layer", keys, &err), SHOAL_USAGE);
    conf_free(c);
    assert_string_equal(conf_nearest("Dropuot", keys), "dropout");
    assert_string_equal(conf_nearest("activatoin", keys), "activation");
    assert_null(conf_nearest("un", keys));
    assert_null(conf_nearest("zebra", keys));
    assert_null(conf_nearest("", keys));
}

static void test_refusals(void **state)
{
    (void)state;
    refused("a: 1\nb: 2\na: 3\n", "m.yaml:3: key 'a' stands here again; it was given in line 1");
    refused("a: &x 1\n", "m.yaml:1: anchors and aliases (& and *) are not supported; write the value out");
    refused("a: 1\nb: *x\n", "m.yaml:2: anchors and aliases (& and *) are not supported; write the value out");
    refused("a: !int 1\n", "m.yaml:1: tags (!) are not supported; put the text in quotes");
    refused("a: 1\n---\nb: 1\n", "m.yaml:2: a second document begins (---); one is expected");
    refused("? [a]\n: 1\n", "m.yaml:1: a key must be a text, not a list or a map");
    refused("a: \"x\\0y\"\n", "m.yaml:1: a text holds a NUL character");
    refused("a: [1\n", "m.yaml:2: did not find expected ',' or ']', while parsing a flow sequence that begins in line 1");
    char deep[2 * CONF_DEPTH_MAX];
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = 0;
    refused(deep, "m.yaml:1: lists and maps are nested more than 64 deep");
    shoal_error err;
    conf *c;
    assert_int_equal(conf_parse("m.yaml", "a: \xff\n", 5, &c, &err), SHOAL_USAGE);
    assert_non_null(strstr(err.message, "m.yaml: "));
    assert_int_equal(conf_parse("m.yaml", "", (size_t)CONF_BYTES_MAX + 1, &c, &err), SHOAL_USAGE);
}

static void test_load(void **state)
{
    (void)state;
    char path[] = "/tmp/conf_test.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, EXAMPLE, sizeof EXAMPLE - 1), (ssize_t)sizeof EXAMPLE - 1);
    close(fd);
    conf *c;
    shoal_error err;
    assert_int_equal(conf_load(path, &c, &err), 0);
    assert_string_equal(c->file, path);
    conf_free(c);
    unlink(path);
    assert_int_equal(conf_load("no/such.yaml", &c, &err), SHOAL_STORAGE);
    assert_string_equal(err.message, "cannot open no/such.yaml: No such file or directory");
    assert_int_equal(conf_load("/tmp", &c, &err), SHOAL_STORAGE);
}

static void test_every_allocation_fails(void **state)
{
    (void)state;
    conf *c;
    shoal_error err;
    int rc = SHOAL_NOMEM;
    long n = 1;
    for (; rc != 0 && n < 1000; n++) {
        mem_fail_at(n, 0);
        rc = conf_parse("m.yaml", EXAMPLE, sizeof EXAMPLE - 1, &c, &err);
        if (rc != 0)
            assert_int_equal(rc, SHOAL_NOMEM);
    }
    mem_fail_at(0, 0);
    assert_int_equal(rc, 0);
    assert_true(n > 20);
    conf_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree),     cmocka_unit_test(test_json_is_yaml), cmocka_unit_test(test_typed_complaints),
        cmocka_unit_test(test_keys),     cmocka_unit_test(test_refusals),     cmocka_unit_test(test_load),
        cmocka_unit_test(test_every_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
