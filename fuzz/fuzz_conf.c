/* Configurations: any text. What is accepted is a sound tree within its limits; what is refused has a reason. */
#include <stdlib.h>
#include <string.h>

#include "base/conf.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_node(const conf *c, const conf *root, int depth)
{
    static const char *const keys[] = {"units", "name", "layers", NULL};
    shoal_error err;
    const char *s;
    int64_t n;
    double v;
    int flag;
    if (depth > CONF_DEPTH_MAX || c->root != root || c->line < 1 || !c->file) abort();
    if ((c->kind == CONF_SCALAR) != (c->text != NULL && c->kind != CONF_NULL)) abort();
    if (c->kind != CONF_LIST && c->kind != CONF_MAP && c->n_child) abort();
    (void)conf_check_keys(c, "a layer", keys, &err);
    for (size_t i = 0; i < c->n_child; i++) {
        const conf *child = c->child[i];
        if ((c->kind == CONF_MAP) != (child->key != NULL)) abort();
        if (child->key) {
            /* Keys are unique, so each child is found by its own. */
            if (c->n_child < 1000 && conf_get(c, child->key) != child) abort();
            (void)conf_str(c, child->key, &s, &err);
            (void)conf_i64_or(c, child->key, 0, -5, 5, &n, &err);
            (void)conf_f64_or(c, child->key, 0, -5, 5, &v, &err);
            (void)conf_bool_or(c, child->key, 0, &flag, &err);
        }
        check_node(child, root, depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    conf *c = NULL;
    shoal_error err = {0};
    if (size > 0)
        mem_fail_at(data[size - 1] & 0x80 ? data[size - 1] & 0x7f : 0, 0); /* sometimes without memory */
    int rc = conf_parse("fuzz.yaml", (const char *)data, size, &c, &err);
    mem_fail_at(0, 0);
    if (rc == 0) check_node(c, c, 0);
    else if (c || err.code != rc || !err.message[0]) abort();
    conf_free(c);
    return 0;
}
