/* modelfile_test.c: a model and its features come back from disk as they were; damage is named; the golden model of
 * tests/golden reads and scores as on the day it was written (SHOAL_GOLDEN_WRITE=1 writes it anew). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "train/manifest.h"
#include "train/modelfile.h"
#include "train/training_testing.h"

static testing_model fix;
static char dir[] = "/tmp/shoal-modelfile-XXXXXX";

static int start(void **state)
{
    (void)state;
    testing_model_init(&fix, 2); /* with optimiser state, which must not be written */
    return mkdtemp(dir) ? 0 : -1;
}
static int end(void **state)
{
    (void)state;
    testing_model_release(&fix);
    return file_remove_tree(dir, NULL);
}

static const char *path_of(const char *name)
{
    static char path[4][200];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
    return path[turn];
}

static json_t *features_json(const features *f)
{
    json_t *j;
    shoal_error err = {0};
    testing_ok(features_to_json(f, &j, &err), &err);
    return j;
}

static void same_features(const features *a, const features *b)
{
    json_t *x = features_json(a), *y = features_json(b);
    assert_true(json_equal(x, y));
    json_decref(x);
    json_decref(y);
    assert_int_equal(a->n_ids, b->n_ids);
    for (uint32_t i = 0; i < a->n_features; i++) {
        const uint8_t *p, *q;
        const uint64_t *u, *v;
        uint32_t n, k;
        if (!a->feature[i].vocab) continue;
        assert_int_equal(features_vocab_get(a, i, &p, &u, &n), 0);
        assert_int_equal(features_vocab_get(b, i, &q, &v, &k), 0);
        assert_int_equal(n, k);
        assert_memory_equal(u, v, (n + 1) * sizeof *u);
        assert_memory_equal(p, q, u[n]);
    }
}

/* Logits of the fixture's rows by the portable kernels. */
static void logits_of(const model *m, const weights *w, float *out)
{
    shoal_error err = {0};
    const kernels *k;
    exec *x;
    binding *b;
    raw_block raw;
    batch in;
    raw_ref ref[16];
    int64_t bad;
    const features *f = model_features(m);
    uint32_t n = (uint32_t)fix.rows->array.length, stride = features_raw_layout(f).stride;
    testing_ok(kernels_get("portable", &k, &err), &err);
    testing_ok(exec_new(m, k, 16, &x, &err), &err);
    testing_ok(binding_new(f, &fix.rows->schema, 1, &b, &err), &err);
    raw_block_init(&raw);
    batch_init(&in);
    testing_ok(binding_extract(b, &fix.rows->array, 0, n, &raw, &bad, &err), &err);
    for (uint32_t i = 0; i < n; i++) ref[i] = (raw_ref){raw.records.data + i * stride, raw.heap.data};
    testing_ok(features_transform(f, ref, n, &in, &err), &err);
    testing_ok(exec_predict(x, w, &in, out, &err), &err);
    batch_release(&in);
    raw_block_release(&raw);
    binding_free(b);
    exec_free(x);
}

static void test_round_trip(void **state)
{
    (void)state;
    shoal_error err = {0};
    modelfile back;
    float want[16], got[16];
    json_t *info = json_pack("{s:{s:f}, s:s}", "metrics", "auc", 0.1, "weights", "ours wins");
    testing_ok(modelfile_save(path_of("m"), fix.model, fix.weights, info, &err), &err);
    json_decref(info);
    for (int way = 0; way < 2; way++) {
        testing_ok(modelfile_load(path_of(way ? "m/model.json" : "m"), &back, &err), &err);
        same_features(fix.features, back.features);
        logits_of(fix.model, fix.weights, want);
        logits_of(back.model, back.weights, got);
        assert_memory_equal(want, got, (size_t)fix.rows->array.length * sizeof *want);
        assert_true(json_real_value(json_object_get(json_object_get(back.manifest, "metrics"), "auc")) == 0.1);
        assert_true(json_is_object(json_object_get(back.manifest, "weights")));
        modelfile_release(&back);
    }
}

static void test_same_bytes(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"model.safetensors", "model.json"};
    shoal_error err = {0};
    testing_ok(modelfile_save(path_of("one"), fix.model, fix.weights, NULL, &err), &err);
    testing_ok(modelfile_save(path_of("two"), fix.model, fix.weights, NULL, &err), &err);
    for (int i = 0; i < 2; i++) {
        char a[300], b[300];
        buf x = BUF_INIT, y = BUF_INIT;
        snprintf(a, sizeof a, "%s/one/%s", dir, NAMES[i]);
        snprintf(b, sizeof b, "%s/two/%s", dir, NAMES[i]);
        testing_ok(file_read_all(a, 1 << 24, &x, &err), &err);
        testing_ok(file_read_all(b, 1 << 24, &y, &err), &err);
        assert_int_equal(x.len, y.len);
        assert_memory_equal(x.data, y.data, x.len);
        buf_release(&x);
        buf_release(&y);
    }
}

static void edit(const char *path, const char *from, const char *to)
{
    buf b = BUF_INIT;
    shoal_error err = {0};
    testing_ok(file_read_all(path, 1 << 24, &b, &err), &err);
    char *at = memmem(b.data, b.len, from, strlen(from));
    if (!at) fail_msg("%s: no '%s'", path, from);
    assert_int_equal(strlen(from), strlen(to));
    memcpy(at, to, strlen(to));
    testing_ok(file_write_all(path, 1, b.data, b.len, &err), &err);
    buf_release(&b);
}

static void test_damage(void **state)
{
    (void)state;
    static const struct {
        const char *file, *from, *to, *message;
    } CASE[] = {
        {"model.json", "\"version\": 1,\n  \"weights\"", "\"version\": 2,\n  \"weights\"", "model.json: shoal-model version 2 is newer than this program reads (1); use a newer shoal"},
        {"model.json", "shoal-model", "shoal-mould", "model.json: not a shoal-model file: its \"format\" is 'shoal-mould'"},
        {"model.json", "\"features\"", "\"fixtures\"", "model.json: no \"features\"; the file is damaged"},
        {"model.json", "\"model\": {", "\"mudel\": {", "model.json: no \"model\"; the file is damaged"},
        {"model.json", "{", "[", "model.json:"},
        {"model.json", "\"bytes\": ", "\"bytes\": 9", "model.json says 9"},
        {"model.safetensors", "first.", "fIrst.", "model.safetensors: digest "},
    };
    shoal_error err = {0};
    modelfile back;
    for (size_t i = 0; i < sizeof CASE / sizeof CASE[0]; i++) {
        char path[300];
        testing_ok(modelfile_save(path_of("bad"), fix.model, fix.weights, NULL, &err), &err);
        snprintf(path, sizeof path, "%s/bad/%s", dir, CASE[i].file);
        if (strcmp(CASE[i].from, "\"bytes\": ") == 0) {
            json_t *j = json_load_file(path, 0, NULL);
            json_object_set_new(json_object_get(j, "weights"), "bytes", json_integer(9));
            testing_ok(manifest_write(path, j, &err), &err);
            json_decref(j);
        } else {
            edit(path, CASE[i].from, CASE[i].to);
        }
        assert_int_equal(modelfile_load(path_of("bad"), &back, &err), SHOAL_DATA);
        if (!strstr(err.message, CASE[i].message)) fail_msg("%s\n  does not say: %s", err.message, CASE[i].message);
    }
    assert_int_equal(modelfile_load(path_of("nowhere"), &back, &err), SHOAL_STORAGE);
    assert_non_null(strstr(err.message, "nowhere: there is no such model folder"));
    testing_ok(file_mkdirs(path_of("empty"), &err), &err);
    assert_int_equal(modelfile_load(path_of("empty"), &back, &err), SHOAL_DATA);
    assert_non_null(strstr(err.message, "empty: no model: there is no model.json"));
}

static void test_no_memory(void **state)
{
    (void)state;
    shoal_error err = {0};
    int rc = -1;
    long n = 1;
    for (; rc; n++) {
        modelfile back = {0};
        mem_fail_at(n, 0);
        rc = modelfile_save(path_of("mem"), fix.model, fix.weights, NULL, &err);
        if (rc == 0) rc = modelfile_load(path_of("mem"), &back, &err);
        mem_fail_at(0, 0);
        if (rc) assert_int_equal(rc, SHOAL_NOMEM);
        modelfile_release(&back);
        assert_true(n < 20000);
    }
    assert_true(n > 50);
}

static void test_no_disk(void **state)
{
    (void)state;
    shoal_error err = {0};
    int rc = -1;
    for (long n = 1; rc; n++) {
        modelfile back;
        testing_ok(file_remove_tree(path_of("full"), &err), &err);
        file_fail_at(n, 28);
        rc = modelfile_save(path_of("full"), fix.model, fix.weights, NULL, &err);
        file_fail_at(0, 0);
        if (rc) assert_int_equal(rc, SHOAL_STORAGE);
        int read = modelfile_load(path_of("full"), &back, &err); /* whole, or no model at all */
        assert_true(read == 0 || (rc && (read == SHOAL_DATA || read == SHOAL_STORAGE)));
        modelfile_release(&back);
        assert_true(n < 100);
    }
}

static void test_featurefile(void **state)
{
    (void)state;
    shoal_error err = {0};
    features *back;
    char path[300];
    testing_ok(featurefile_save(path_of("f"), fix.features, &err), &err);
    testing_ok(featurefile_load(path_of("f"), &back, &err), &err);
    same_features(fix.features, back);
    features_free(back);
    snprintf(path, sizeof path, "%s/f/vocab.safetensors", dir);
    edit(path, "ann", "ANN");
    assert_int_equal(featurefile_load(path_of("f"), &back, &err), SHOAL_DATA);
    assert_non_null(strstr(err.message, "vocab.safetensors: digest "));
}

/* ---- golden ---------------------------------------------------------------------------------------------------------------- */

#define GOLDEN SHOAL_SOURCE_DIR "/tests/golden/model"

static void golden_write(void)
{
    shoal_error err = {0};
    float logit[16];
    json_t *j = json_array(), *o = json_object();
    testing_ok(modelfile_save(GOLDEN, fix.model, fix.weights, NULL, &err), &err);
    logits_of(fix.model, fix.weights, logit);
    for (int64_t i = 0; i < fix.rows->array.length; i++) json_array_append_new(j, json_real((double)logit[i]));
    json_object_set_new(o, "logits", j);
    testing_ok(manifest_write(GOLDEN "/logits.json", o, &err), &err);
    json_decref(o);
}

static void test_golden(void **state)
{
    (void)state;
    shoal_error err = {0};
    modelfile back;
    float logit[16];
    if (getenv("SHOAL_GOLDEN_WRITE")) golden_write();
    testing_ok(modelfile_load(GOLDEN, &back, &err), &err);
    logits_of(back.model, back.weights, logit);
    json_t *j = json_load_file(GOLDEN "/logits.json", 0, NULL), *want = json_object_get(j, "logits");
    assert_int_equal(json_array_size(want), fix.rows->array.length);
    for (size_t i = 0; i < json_array_size(want); i++)
        assert_true((float)json_real_value(json_array_get(want, i)) == logit[i]);
    json_decref(j);
    modelfile_release(&back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_same_bytes), cmocka_unit_test(test_damage),
        cmocka_unit_test(test_no_memory),  cmocka_unit_test(test_no_disk),    cmocka_unit_test(test_featurefile),
        cmocka_unit_test(test_golden),
    };
    return cmocka_run_group_tests(tests, start, end);
}
