/* The layer language: any text, over data with fields and numbers. What is accepted must describe itself, build again from
 * that, and be summarised. */
#include <stdlib.h>
#include <string.h>

#include "model/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Networks larger than this would only fuzz the allocator. */
#define DENSE_MAX (1u << 22)

static model *build(const char *text, size_t n, const features *f)
{
    conf *c = NULL;
    model *m = NULL;
    shoal_error err;
    if (conf_parse("fuzz.yaml", text, n, &c, &err) == 0 && model_build(c, f, NULL, &m, &err) < 0 && err.message[0] == 0) abort();
    conf_free(c);
    return m;
}

static void check(model *m, const features *f)
{
    json_t *j;
    buf out = BUF_INIT;
    if (model_to_json(m, &j, NULL) < 0 || model_summary(m, 80, &out, NULL) < 0) abort();
    char *text = json_dumps(j, JSON_COMPACT);
    if (!text) abort();
    model *again = build(text, strlen(text), f);
    if (!again || model_dense_size(again) != model_dense_size(m) || model_tables(again) != model_tables(m)) abort();
    free(text);
    json_decref(j);
    model_free(again);
    buf_release(&out);
}

static void run_once(model *m)
{
    weights *w = NULL;
    if (model_dense_size(m) < DENSE_MAX) weights_new(m, 0, &w, NULL);
    weights_free(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    feature_field field[] = {{.name = "a", .base = 0, .rows = 3}, {.name = "b", .base = 3, .rows = 4}};
    features f = {.field = field, .n_fields = 2, .n_dense = 2, .n_ids = 7};
    if (size > 4096) return 0;
    model *m = build((const char *)data, size, &f);
    if (!m) return 0;
    check(m, &f);
    run_once(m);
    model_free(m);
    return 0;
}
