/* The features of a manifest: any bytes give features or an error; what is accepted can be placed, written and read. */
#include <stdlib.h>
#include <string.h>

#include "features/features.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_json(const char *text, size_t n, features **f)
{
    conf *c;
    *f = NULL;
    if (conf_parse("fuzz", text, n, &c, NULL))
        return -1;
    int rc = features_from_json(c, f, NULL);
    conf_free(c);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    features *f, *g;
    json_t *o;
    buf out = BUF_INIT;
    if (read_json((const char *)data, size, &f))
        return 0;
    features_place(f, NULL);
    if (features_describe(f, &out, NULL))
        abort();
    if (features_to_json(f, &o, NULL) == 0) { /* names that are not UTF-8 cannot be written */
        char *text = json_dumps(o, 0);
        if (!text || read_json(text, strlen(text), &g))
            abort();
        features_free(g);
        free(text);
        json_decref(o);
    }
    features_free(f);
    buf_release(&out);
    return 0;
}
