/* conf.h: configuration trees. YAML (libyaml) and JSON (its subset) come in as one tree of nodes that remember file and
 * line, so that every complaint says where. JSON goes out by jansson. */
#ifndef BASE_CONF_H
#define BASE_CONF_H

#include "base/buf.h"

enum conf_kind { CONF_NULL, CONF_SCALAR, CONF_LIST, CONF_MAP };

typedef struct conf {
    enum conf_kind kind;
    char *key;     /* inside a map, else NULL */
    char *text;    /* of a scalar, as written without quotes */
    int quoted;    /* a scalar in quotes: always a string */
    int line;      /* 1-based */
    const char *file;
    struct conf **child;
    size_t n_child;
    struct conf *root; /* owner of the file name */
} conf;

#define CONF_DEPTH_MAX 64
#define CONF_NODES_MAX 1000000
#define CONF_BYTES_MAX (64u << 20)

/* Anchors, aliases, tags and several documents are refused; keys must be unique. */
int conf_load(const char *path, conf **out, shoal_error *err);
int conf_parse(const char *name, const char *text, size_t n, conf **out, shoal_error *err);
void conf_free(conf *c); /* of a root; NULL is nothing */

/* Appends a tree as YAML in one line (flow style), without comments and lines; conf_parse makes the same tree of it. */
int conf_write(const conf *c, buf *out, shoal_error *err);

/* The child of a map, or NULL. */
const conf *conf_get(const conf *map, const char *key);
/* Refuses keys that are not in the NULL-terminated list, with a suggestion: "m.yaml:7: unknown key 'unts' of layer
 * 'dense'; did you mean 'units'?" */
int conf_check_keys(const conf *map, const char *what, const char *const *keys, shoal_error *err);
/* Typed reads. The *_or forms give the default when the key is absent; all complain with file:line. */
int conf_str(const conf *map, const char *key, const char **out, shoal_error *err);
int conf_str_or(const conf *map, const char *key, const char *def, const char **out, shoal_error *err);
int conf_i64_or(const conf *map, const char *key, int64_t def, int64_t min, int64_t max, int64_t *out, shoal_error *err);
int conf_f64_or(const conf *map, const char *key, double def, double min, double max, double *out, shoal_error *err);
int conf_bool_or(const conf *map, const char *key, int def, int *out, shoal_error *err);
/* Fails with "file:line: " in front. */
int conf_error(const conf *at, shoal_error *err, const char *format, ...) SHOAL_PRINTF(3, 4);

/* The word of the NULL-terminated list that is nearest to `word` (edit distance at most a third of it), or NULL. */
const char *conf_nearest(const char *word, const char *const *list);

#endif
