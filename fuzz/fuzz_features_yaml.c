/* The features file: any bytes give features or an error, and features come out of their own YAML unchanged. */
#include <stdlib.h>
#include <string.h>

#include "features/features.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int configure(const uint8_t *text, size_t n, features **f)
{
    static struct ArrowSchema item = {.format = "u", .name = "item"}, *items[] = {&item};
    static struct ArrowSchema columns[] = {
        {.format = "l", .name = "y"}, {.format = "u", .name = "user"}, {.format = "g", .name = "price"},
        {.format = "+l", .name = "tags", .n_children = 1, .children = items}};
    static struct ArrowSchema *list[] = {&columns[0], &columns[1], &columns[2], &columns[3]};
    static const struct ArrowSchema schema = {.format = "+s", .name = "", .n_children = 4, .children = list};
    const features_request none = {0};
    conf *c;
    *f = NULL;
    if (conf_parse("fuzz", (const char *)text, n, &c, NULL))
        return -1;
    int rc = features_configure(c, &schema, NULL, 0, &none, f, NULL);
    conf_free(c);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    features *f, *g;
    buf a = BUF_INIT, b = BUF_INIT;
    if (configure(data, size, &f))
        return 0;
    if (features_to_yaml(f, &a, NULL) || configure(a.data, a.len, &g) || features_to_yaml(g, &b, NULL) ||
        a.len != b.len || memcmp(a.data, b.data, a.len))
        abort();
    features_free(f);
    features_free(g);
    buf_release(&a);
    buf_release(&b);
    return 0;
}
