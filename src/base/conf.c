/* conf.c: YAML by libyaml's events into a tree, under limits. Reading values is in conf_read.c. */
#include "base/conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/buf.h"
#include "base/mem.h"

typedef struct conf_reader {
    yaml_parser_t yaml;
    const char *name;
    conf *root;
    conf *open[CONF_DEPTH_MAX]; /* lists and maps that are not closed yet */
    int depth;
    char *key; /* of the next node, when the innermost is a map and its key was read */
    size_t nodes;
    shoal_error *err;
} conf_reader;

static void conf_free_node(conf *c)
{
    for (size_t i = 0; i < c->n_child; i++)
        conf_free_node(c->child[i]);
    mem_free(c->child);
    mem_free(c->key);
    mem_free(c->text);
    mem_free(c);
}

void conf_free(conf *c)
{
    if (c == NULL)
        return;
    char *name = (char *)c->file; /* the root's is a copy of its own */
    conf_free_node(c);
    mem_free(name);
}

static int reader_error(conf_reader *r, size_t line, const char *problem)
{
    return error_set(r->err, SHOAL_USAGE, "%s:%zu: %s", r->name, line + 1, problem);
}

/* Room for one more child; the capacity is the next power of two of the count. */
static int conf_grow(conf *parent, shoal_error *err)
{
    size_t n = parent->n_child;
    if (n & (n - 1))
        return 0;
    size_t cap = n ? 2 * n : 1;
    conf **child = mem_realloc(parent->child, cap * sizeof *child);
    if (child == NULL)
        return error_nomem(err, cap * sizeof *child, "a configuration");
    parent->child = child;
    return 0;
}

/* A new node at its place in the tree. */
static int reader_add(conf_reader *r, enum conf_kind kind, size_t line, conf **out)
{
    if (++r->nodes > CONF_NODES_MAX)
        return reader_error(r, line, "more than a million values; a configuration is smaller than that");
    conf *parent = r->depth > 0 ? r->open[r->depth - 1] : NULL;
    int rc = parent ? conf_grow(parent, r->err) : 0;
    if (rc < 0)
        return rc;
    conf *c = mem_calloc(1, sizeof *c);
    if (c == NULL)
        return error_nomem(r->err, sizeof *c, "a configuration");
    c->kind = kind;
    c->line = (int)line + 1;
    if (parent) {
        c->key = r->key;
        r->key = NULL;
        c->file = r->root->file;
        c->root = r->root;
        parent->child[parent->n_child++] = c;
    } else {
        c->file = mem_strdup(r->name);
        if (c->file == NULL) {
            mem_free(c);
            return error_nomem(r->err, strlen(r->name) + 1, "a configuration");
        }
        c->root = c;
        r->root = c;
    }
    *out = c;
    return 0;
}

static int reader_scalar(conf_reader *r, const yaml_event_t *e)
{
    const char *text = (const char *)e->data.scalar.value;
    size_t n = e->data.scalar.length, line = e->start_mark.line;
    if (memchr(text, 0, n))
        return reader_error(r, line, "a text holds a NUL character");
    char *copy = mem_strndup(text, n);
    if (copy == NULL)
        return error_nomem(r->err, n + 1, "a configuration");
    if (r->depth > 0 && r->open[r->depth - 1]->kind == CONF_MAP && r->key == NULL) {
        r->key = copy;
        return 0;
    }
    conf *c = NULL;
    int rc = reader_add(r, CONF_SCALAR, line, &c);
    if (rc < 0) {
        mem_free(copy);
        return rc;
    }
    c->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    c->text = copy;
    if (!c->quoted && (n == 0 || strcmp(copy, "~") == 0 || strcmp(copy, "null") == 0))
        c->kind = CONF_NULL;
    return 0;
}

static int reader_open(conf_reader *r, enum conf_kind kind, size_t line)
{
    if (r->depth > 0 && r->open[r->depth - 1]->kind == CONF_MAP && r->key == NULL)
        return reader_error(r, line, "a key must be a text, not a list or a map");
    if (r->depth == CONF_DEPTH_MAX)
        return reader_error(r, line, "lists and maps are nested more than 64 deep");
    conf *c = NULL;
    int rc = reader_add(r, kind, line, &c);
    if (rc == 0)
        r->open[r->depth++] = c;
    return rc;
}

static int by_key_and_line(const void *a, const void *b)
{
    const conf *x = *(conf *const *)a, *y = *(conf *const *)b;
    int order = strcmp(x->key, y->key);
    return order ? order : (x->line > y->line) - (x->line < y->line);
}

static int reader_unique(conf_reader *r, const conf *map)
{
    if (map->n_child < 2)
        return 0;
    size_t bytes = map->n_child * sizeof(conf *);
    conf **sorted = mem_alloc(bytes);
    if (sorted == NULL)
        return error_nomem(r->err, bytes, "a configuration");
    memcpy(sorted, map->child, bytes);
    qsort(sorted, map->n_child, sizeof *sorted, by_key_and_line);
    int rc = 0;
    for (size_t i = 1; i < map->n_child && rc == 0; i++)
        if (strcmp(sorted[i - 1]->key, sorted[i]->key) == 0)
            rc = conf_error(sorted[i], r->err, "key '%s' stands here again; it was given in line %d", sorted[i]->key,
                            sorted[i - 1]->line);
    mem_free(sorted);
    return rc;
}

static int reader_close(conf_reader *r)
{
    const conf *c = r->open[--r->depth];
    return c->kind == CONF_MAP ? reader_unique(r, c) : 0;
}

static int reader_event(conf_reader *r, const yaml_event_t *e)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    size_t line = e->start_mark.line;
    if (e->type == YAML_SCALAR_EVENT) {
        anchor = e->data.scalar.anchor;
        tag = e->data.scalar.tag;
    } else if (e->type == YAML_SEQUENCE_START_EVENT) {
        anchor = e->data.sequence_start.anchor;
        tag = e->data.sequence_start.tag;
    } else if (e->type == YAML_MAPPING_START_EVENT) {
        anchor = e->data.mapping_start.anchor;
        tag = e->data.mapping_start.tag;
    }
    if (anchor || e->type == YAML_ALIAS_EVENT)
        return reader_error(r, line, "anchors and aliases (& and *) are not supported; write the value out");
    if (tag)
        return reader_error(r, line, "tags (!) are not supported; put the text in quotes");
    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT:
        return r->root ? reader_error(r, line, "a second document begins (---); one is expected") : 0;
    case YAML_SCALAR_EVENT: return reader_scalar(r, e);
    case YAML_SEQUENCE_START_EVENT: return reader_open(r, CONF_LIST, line);
    case YAML_MAPPING_START_EVENT: return reader_open(r, CONF_MAP, line);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: return reader_close(r);
    default: return 0;
    }
}

static int reader_yaml_error(conf_reader *r)
{
    const yaml_parser_t *y = &r->yaml;
    if (y->error == YAML_MEMORY_ERROR)
        return error_nomem(r->err, 0, "the YAML parser");
    const char *problem = y->problem ? y->problem : "not YAML";
    if (y->error == YAML_READER_ERROR)
        return error_set(r->err, SHOAL_USAGE, "%s: %s at byte %zu", r->name, problem, y->problem_offset);
    if (y->context == NULL)
        return reader_error(r, y->problem_mark.line, problem);
    return error_set(r->err, SHOAL_USAGE, "%s:%zu: %s, %s that begins in line %zu", r->name, y->problem_mark.line + 1,
                     problem, y->context, y->context_mark.line + 1);
}

int conf_parse(const char *name, const char *text, size_t n, conf **out, shoal_error *err)
{
    *out = NULL;
    if (n > CONF_BYTES_MAX)
        return error_set(err, SHOAL_USAGE, "%s: %zu bytes; a configuration has at most %u", name, n, CONF_BYTES_MAX);
    conf_reader r = {.name = name, .err = err};
    if (!yaml_parser_initialize(&r.yaml))
        return error_nomem(err, 0, "the YAML parser");
    yaml_parser_set_encoding(&r.yaml, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.yaml, (const unsigned char *)text, n);
    int rc = 0, done = 0;
    while (rc == 0 && !done) {
        yaml_event_t e;
        if (!yaml_parser_parse(&r.yaml, &e)) {
            rc = reader_yaml_error(&r);
            break;
        }
        done = e.type == YAML_STREAM_END_EVENT;
        rc = reader_event(&r, &e);
        yaml_event_delete(&e);
    }
    conf *empty;
    if (rc == 0 && r.root == NULL)
        rc = reader_add(&r, CONF_NULL, 0, &empty);
    mem_free(r.key);
    yaml_parser_delete(&r.yaml);
    if (rc < 0) {
        conf_free(r.root);
        return rc;
    }
    *out = r.root;
    return 0;
}

static int conf_read_file(const char *path, FILE *f, buf *text, shoal_error *err)
{
    size_t n;
    do {
        int rc = buf_reserve(text, 65536, err);
        if (rc < 0)
            return rc;
        n = fread(text->data + text->len, 1, 65536, f);
        text->len += n;
        if (text->len > CONF_BYTES_MAX)
            return error_set(err, SHOAL_USAGE, "%s: more than %u bytes; that is no configuration", path, CONF_BYTES_MAX);
    } while (n > 0);
    return ferror(f) ? error_errno(err, "cannot read", path, errno) : 0;
}

int conf_load(const char *path, conf **out, shoal_error *err)
{
    *out = NULL;
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return error_errno(err, "cannot open", path, errno);
    buf text = BUF_INIT;
    int rc = conf_read_file(path, f, &text, err);
    fclose(f);
    if (rc == 0)
        rc = conf_parse(path, (const char *)text.data, text.len, out, err);
    buf_release(&text);
    return rc;
}
