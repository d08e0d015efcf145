/* conf_write.c: a configuration as YAML in one line. */
#include <string.h>

#include "base/buf.h"
#include "base/conf.h"

static int needs_quotes(const conf *c)
{
    if (c->quoted)
        return 1;
    for (const char *at = c->text; *at; at++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-", *at))
            return 1;
    return 0;
}

static int write_text(const char *text, int quoted, buf *out, shoal_error *err)
{
    return quoted ? buf_put_json(out, text, strlen(text), err) : buf_puts(out, text, err);
}

int conf_write(const conf *c, buf *out, shoal_error *err)
{
    if (c->kind == CONF_NULL)
        return buf_puts(out, "null", err);
    if (c->kind == CONF_SCALAR)
        return write_text(c->text, needs_quotes(c), out, err);
    const int is_map = c->kind == CONF_MAP;
    int rc = buf_putc(out, is_map ? '{' : '[', err);
    for (size_t i = 0; rc == 0 && i < c->n_child; i++) {
        if (i > 0)
            rc = buf_puts(out, ", ", err);
        if (rc == 0 && is_map)
            rc = write_text(c->child[i]->key, 1, out, err);
        if (rc == 0 && is_map)
            rc = buf_puts(out, ": ", err);
        if (rc == 0)
            rc = conf_write(c->child[i], out, err);
    }
    return rc == 0 ? buf_putc(out, is_map ? '}' : ']', err) : rc;
}
