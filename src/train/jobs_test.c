/* jobs_test.c: eval, predict and summary as their callers see them: results, refusals, nothing half done. */
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

#include "base/option.h"
#include "train/modelfile.h"
#include "train/stream_testing.h"

static testing_model fix;
static char dir[] = "/tmp/shoal-jobs-XXXXXX";
static char model_dir[64], out_path[64];
static buf said = BUF_INIT;

static int hear(void *ctx, const char *bytes, size_t n)
{
    (void)ctx;
    return buf_append(&said, bytes, n, NULL);
}
static const shoal_host HOST = {.out = hear, .columns = 100};

static int start(void **state)
{
    (void)state;
    shoal_error err = {0};
    testing_model_init(&fix, 0);
    if (!mkdtemp(dir)) return -1;
    snprintf(model_dir, sizeof model_dir, "%s/model", dir);
    snprintf(out_path, sizeof out_path, "%s/out.tfrecord", dir);
    testing_ok(modelfile_save(model_dir, fix.model, fix.weights, NULL, &err), &err);
    return 0;
}
static int end(void **state)
{
    (void)state;
    testing_model_release(&fix);
    buf_release(&said);
    return file_remove_tree(dir, NULL);
}

/* Runs a command line, split at blanks, on the rows of a stream. */
static int job(stream *x, const char *line, shoal_error *err)
{
    char words[400], *argv[32], *save = NULL;
    int argc = 0;
    snprintf(words, sizeof words, "%s", line);
    for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save)) argv[argc++] = w;
    memset(err, 0, sizeof *err);
    shoal_options *o = shoal_options_new(argv[0], err);
    testing_ok(o ? 0 : -1, err);
    int rc = shoal_options_parse(o, argc - 1, argv + 1, err);
    struct ArrowArrayStream s = testing_stream(x);
    if (rc == 0) rc = shoal_options_stream(o, 0, &s, err);
    if (rc == 0) {
        buf_clear(&said);
        rc = shoal_run(o, &HOST, err);
    }
    shoal_options_free(o);
    return rc;
}

static const char *line_of(const char *format)
{
    static char line[400];
    char *at = line;
    for (const char *p = format; *p && at < line + 300; p++) {
        if (*p == 'M' && p[1] == '!') at += sprintf(at, "%s", model_dir), p++;
        else if (*p == 'O' && p[1] == '!') at += sprintf(at, "%s", out_path), p++;
        else *at++ = *p;
    }
    *at = 0;
    return line;
}

static void test_eval(void **state)
{
    (void)state;
    shoal_error err;
    char first[600] = "";
    for (int threads = 1; threads <= 3; threads += 2) {
        char line[300];
        stream x = {.piece = 700, .bad = -1};
        snprintf(line, sizeof line, "eval --json --kernels portable --threads %d %s", threads, model_dir);
        testing_ok(job(&x, line, &err), &err);
        json_t *j = json_loadb((const char *)said.data, said.len, 0, NULL);
        assert_non_null(j);
        assert_int_equal(json_integer_value(json_object_get(j, "rows")), STREAM_ROWS);
        double auc = json_real_value(json_object_get(j, "auc")), loss = json_real_value(json_object_get(j, "logloss"));
        assert_true(auc > 0.4 && auc < 0.6 && loss > 0.5);
        assert_string_equal(json_string_value(json_object_get(j, "model")), "small");
        json_object_del(j, "seconds");
        char *text = json_dumps(j, JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
        if (*first) assert_string_equal(first, text);
        snprintf(first, sizeof first, "%s", text);
        free(text);
        json_decref(j);
    }
    stream x = {.piece = 700, .bad = -1};
    testing_ok(job(&x, line_of("eval M!"), &err), &err);
    assert_non_null(strstr(buf_str(&said), "\nrows             3000\nauc              0."));
    assert_non_null(strstr(buf_str(&said), "mean prediction / mean label; 1 is best"));
}

/* "y" of the stream by another name is not there; a bad label is named. */
static void test_eval_refuses(void **state)
{
    (void)state;
    shoal_error err;
    stream x = {.piece = 700, .bad = -1}, bad = {.piece = 700, .bad = 2100}, none = {.at = STREAM_ROWS, .piece = 1};
    assert_true(job(&x, line_of("eval M! --label clicked"), &err) < 0);
    assert_non_null(strstr(err.message, "clicked"));
    assert_int_equal(job(&bad, line_of("eval M!"), &err), SHOAL_DATA);
    assert_non_null(strstr(err.message, "row 2100"));
    assert_int_equal(job(&none, line_of("eval M!"), &err), SHOAL_DATA);
    assert_string_equal(err.message, "the source has no rows: there is nothing to evaluate");
    assert_int_equal(said.len, 0);
}

static void test_predict(void **state)
{
    (void)state;
    shoal_error err;
    stream x = {.piece = 333, .bad = -1};
    testing_ok(job(&x, line_of("predict M! O! --keep u --keep y --overwrite"), &err), &err);
    table_spec spec = {.paths = (const char *const[]){out_path}, .n_paths = 1};
    table *t;
    struct ArrowArray rows;
    int64_t n = 0;
    int rc;
    testing_ok(table_open(&spec, &t, &err), &err);
    const struct ArrowSchema *schema = table_schema(t);
    int64_t p = arrow_find(schema, "prediction"), y = arrow_find(schema, "y");
    assert_int_equal(schema->n_children, 3);
    assert_true(p >= 0 && y >= 0 && arrow_find(schema, "u") >= 0);
    assert_int_equal(arrow_type_of(schema->children[p]), ARROW_F32);
    while ((rc = table_next(t, &rows, &err)) > 0) {
        for (int64_t i = 0; i < rows.length; i++, n++) {
            double v = arrow_f64(ARROW_F32, rows.children[p], i);
            assert_true(v > 0 && v < 1);
            assert_int_equal(arrow_i64(ARROW_I64, rows.children[y], i), rng_below(rng_key(7, RNG_SAMPLE, (uint64_t)n, 0), 0, 2));
        }
        rows.release(&rows);
    }
    testing_ok(rc, &err);
    assert_int_equal(n, STREAM_ROWS);
    table_free(t);
}

static void test_predict_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int code;
        const char *words;
    } CASE[] = {
        {"predict M! O! --keep prediction", SHOAL_USAGE, "--keep prediction: that is the name of the column of predictions"},
        {"predict M! O! --keep p --output-column p", SHOAL_USAGE, "--keep p: that is the name of the column of predictions"},
        {"predict M! O! --keep u --keep u", SHOAL_USAGE, "--keep u is given twice"},
        {"predict M! O! --keep nothing", 0, "nothing"},
        {"predict M!x O!", SHOAL_STORAGE, "there is no such model folder"},
    };
    shoal_error err;
    unlink(out_path);
    for (size_t i = 0; i < sizeof CASE / sizeof CASE[0]; i++) {
        stream x = {.piece = 333, .bad = -1};
        int rc = job(&x, line_of(CASE[i].line), &err);
        assert_true(rc < 0);
        if (CASE[i].code) assert_int_equal(rc, CASE[i].code);
        if (!strstr(err.message, CASE[i].words)) fail_msg("%s\n  does not say: %s", err.message, CASE[i].words);
        assert_false(file_exists(out_path));
    }
}

static void test_predict_all_or_nothing(void **state)
{
    (void)state;
    shoal_error err;
    int rc = -1;
    for (long n = 1; rc; n++) {
        stream x = {.piece = 1000, .bad = -1};
        file_remove_tree(out_path, NULL);
        file_fail_at(n, 28);
        rc = job(&x, line_of("predict M! O!"), &err);
        file_fail_at(0, 0);
        if (rc) assert_int_equal(rc, SHOAL_STORAGE);
        else assert_true(file_exists(out_path));
        assert_true(n < 100);
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    shoal_error err;
    int rc = -1;
    for (long n = 1; rc; n++) {
        shoal_options *o = shoal_options_new("summary", &err);
        testing_ok(shoal_options_add(o, model_dir, &err), &err);
        buf_clear(&said);
        testing_ok(buf_reserve(&said, 1 << 20, &err), &err);
        mem_fail_at(n, 0);
        rc = shoal_run(o, &HOST, &err);
        mem_fail_at(0, 0);
        if (rc) assert_int_equal(rc, SHOAL_NOMEM);
        shoal_options_free(o);
        assert_true(n < 100000);
    }
}

static void test_summary(void **state)
{
    (void)state;
    shoal_error err;
    stream x = {.piece = 1, .bad = -1};
    testing_ok(job(&x, line_of("summary M!"), &err), &err);
    assert_non_null(strstr(buf_str(&said), "h1"));
    assert_non_null(strstr(buf_str(&said), "weights: model.safetensors, "));
    testing_ok(job(&x, line_of("summary M! --json"), &err), &err);
    json_t *j = json_loadb((const char *)said.data, said.len, 0, NULL);
    assert_true(json_is_true(json_object_get(j, "trained")));
    json_decref(j);
    testing_ok(job(&x, "summary deepfm", &err), &err);
    assert_non_null(strstr(buf_str(&said), "[rows, fields, "));
    testing_ok(job(&x, "summary deepfm --json", &err), &err);
    j = json_loadb((const char *)said.data, said.len, 0, NULL);
    assert_true(json_array_size(json_object_get(j, "layers")) > 3);
    assert_true(json_is_false(json_object_get(j, "trained")));
    json_decref(j);
    assert_true(job(&x, "summary deepfn", &err) < 0);
    assert_non_null(strstr(err.message, "deepfm"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eval),    cmocka_unit_test(test_eval_refuses),    cmocka_unit_test(test_predict),
        cmocka_unit_test(test_predict_refuses), cmocka_unit_test(test_predict_all_or_nothing), cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_summary),
    };
    return cmocka_run_group_tests(tests, start, end);
}
