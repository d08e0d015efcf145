/* What fits and what does not: a forecast's numbers against what is free; its texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "train/forecast.h"

static forecast some(void)
{
    forecast f = {
        .train = {.files = 2, .rows = 20000000, .exact = 1, .bytes = 5000000000, .read_bytes = 3000000000},
        .columns = 40, .columns_used = 27, .sample_rows = 131072, .threads = 2,
        .ids = {31000, 410000, 5e6}, .model_bytes = {2e6, 3e7, 4e8}, .checkpoint_bytes = {6e6, 9e7, 12e8},
        .memory_bytes = {3e8, 5e8, 2e9}, .spool_bytes = 6e9, .out_bytes = 4e7, .batch = 4096, .steps = 4883, .epochs = 3,
        .read_rate = 400000, .train_rate = 50000, .read_seconds = 50, .train_seconds = 1200,
        .memory_free = 8000000000, .spool_free = 70000000000, .out_free = 70000000000,
        .largest = {"c3 (1.2M)", "c7 (0.4M)", ""},
    };
    return f;
}

static void fits(void **state)
{
    (void)state;
    shoal_error err;
    forecast f = some();
    assert_int_equal(forecast_fits(&f, &err), 0);
    f.memory_bytes.expected = f.memory_bytes.most = 1e12; /* not certain: no refusal */
    assert_int_equal(forecast_fits(&f, &err), 0);
    f.memory_bytes.least = 8.1e9;
    assert_int_equal(forecast_fits(&f, &err), SHOAL_NOMEM);
    assert_string_equal(err.message, "this run cannot fit: it needs 7.5 GiB of memory at least, and 7.5 GiB are free; hash the largest "
                                     "vocabularies (c3 (1.2M), c7 (0.4M)), lower --embedding-dim, or give it more memory");
    f = some();
    f.spool_free = 5999999999;
    assert_int_equal(forecast_fits(&f, &err), SHOAL_STORAGE);
    assert_string_equal(err.message, "this run cannot fit: its spool takes 5.6 GiB, and 5.6 GiB are free there; choose another "
                                     "--spool-dir, or --drop columns");
    f = some();
    f.out_free = 1000;
    assert_int_equal(forecast_fits(&f, &err), SHOAL_STORAGE);
    assert_string_equal(err.message, "this run cannot fit: its model and checkpoints take 38.1 MiB, and 1000 B are free there; choose "
                                     "another --out, or a smaller model");
}

static void texts(void **state)
{
    (void)state;
    forecast f = some();
    buf text = BUF_INIT;
    assert_int_equal(forecast_text(&f, &text, NULL), 0);
    const char *t = buf_str(&text);
    assert_non_null(strstr(t, "training     20.0M rows, 2.8 GiB of 4.7 GiB in 2 files\n"));
    assert_non_null(strstr(t, "table rows   about 410k; at least 31.0k, at most 5.0M\n"));
    assert_non_null(strstr(t, "time         about 20:50: reading 0:50, training 20:00, validating 0:00 (400k and 50.0k rows/s, 2 threads)\n"));
    assert_null(strstr(t, "validation"));
    buf_release(&text);
    json_t *j = forecast_json(&f);
    assert_non_null(j);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(j, "train"), "rows")), 20000000);
    assert_true(json_is_null(json_object_get(j, "valid")));
    json_decref(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fits), cmocka_unit_test(texts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
