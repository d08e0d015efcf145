/* conf_read.c: typed reads of a configuration, each complaint with file and line, and the nearest word. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/conf.h"

#define NEAREST_WORD_MAX 64

int conf_error(const conf *at, shoal_error *err, const char *format, ...)
{
    char text[SHOAL_ERROR_MAX];
    va_list args;
    va_start(args, format);
    if (vsnprintf(text, sizeof text, format, args) < 0)
        text[0] = '\0';
    va_end(args);
    return error_set(err, SHOAL_USAGE, "%s:%d: %s", at->file, at->line, text);
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Edits (insert, delete, replace, swap of neighbours) between two words, by the usual table of prefixes; case counts
 * nothing. Large when a word is too long to have been typed. */
static int edit_distance(const char *a, const char *b)
{
    int row[3][NEAREST_WORD_MAX + 1];
    int na = (int)strlen(a), nb = (int)strlen(b);
    int *before = row[0], *last = row[1], *now = row[2];
    for (int j = 0; j <= nb; j++)
        last[j] = j;
    for (int i = 1; i <= na; i++) {
        now[0] = i;
        for (int j = 1; j <= nb; j++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);
            now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) && y == tolower((unsigned char)a[i - 2]))
                now[j] = least(now[j], before[j - 2] + 1);
        }
        int *oldest = before;
        before = last;
        last = now;
        now = oldest;
    }
    return last[nb];
}

const char *conf_nearest(const char *word, const char *const *list)
{
    size_t n = strlen(word);
    if (n < 3 || n > NEAREST_WORD_MAX)
        return NULL;
    int best = (int)(n / 3) + 1;
    const char *found = NULL;
    for (; *list; list++) {
        if (strlen(*list) > NEAREST_WORD_MAX)
            continue;
        int d = edit_distance(word, *list);
        if (d < best) {
            best = d;
            found = *list;
        }
    }
    return found;
}

const conf *conf_get(const conf *map, const char *key)
{
    if (map == NULL || map->kind != CONF_MAP)
        return NULL;
    for (size_t i = 0; i < map->n_child; i++)
        if (strcmp(map->child[i]->key, key) == 0)
            return map->child[i];
    return NULL;
}

int conf_check_keys(const conf *map, const char *what, const char *const *keys, shoal_error *err)
{
    if (map->kind == CONF_NULL)
        return 0;
    if (map->kind != CONF_MAP)
        return conf_error(map, err, "%s must be a map of 'key: value'", what);
    for (size_t i = 0; i < map->n_child; i++) {
        const char *key = map->child[i]->key;
        size_t k = 0;
        while (keys[k] && strcmp(keys[k], key) != 0)
            k++;
        if (keys[k])
            continue;
        const char *near = conf_nearest(key, keys);
        if (near)
            return conf_error(map->child[i], err, "unknown key '%s' of %s; did you mean '%s'?", key, what, near);
        char all[512] = "";
        for (size_t used = k = 0; keys[k] && used < sizeof all; k++)
            used += (size_t)snprintf(all + used, sizeof all - used, "%s%s", k ? ", " : "", keys[k]);
        return conf_error(map->child[i], err, "unknown key '%s' of %s; there are: %s", key, what, all);
    }
    return 0;
}

/* The scalar at key; *out NULL when it is absent or null. */
static int conf_scalar(const conf *map, const char *key, const conf **out, shoal_error *err)
{
    *out = NULL;
    const conf *c = conf_get(map, key);
    if (c == NULL || c->kind == CONF_NULL)
        return 0;
    if (c->kind != CONF_SCALAR)
        return conf_error(c, err, "'%s' must be a single value, not a %s", key, c->kind == CONF_LIST ? "list" : "map");
    *out = c;
    return 0;
}

int conf_str(const conf *map, const char *key, const char **out, shoal_error *err)
{
    int rc = conf_str_or(map, key, NULL, out, err);
    if (rc == 0 && *out == NULL) {
        const conf *c = conf_get(map, key);
        return conf_error(c ? c : map, err, c ? "'%s' needs a value" : "'%s' is missing", key);
    }
    return rc;
}

int conf_str_or(const conf *map, const char *key, const char *def, const char **out, shoal_error *err)
{
    const conf *c;
    int rc = conf_scalar(map, key, &c, err);
    if (rc == 0)
        *out = c ? c->text : def;
    return rc;
}

static view conf_view(const conf *c)
{
    return view_of(c->text, strlen(c->text));
}

int conf_i64_or(const conf *map, const char *key, int64_t def, int64_t min, int64_t max, int64_t *out, shoal_error *err)
{
    const conf *c;
    int rc = conf_scalar(map, key, &c, err);
    if (rc < 0)
        return rc;
    int64_t v = def;
    if (c && (c->quoted || view_to_i64(conf_view(c), &v) != 0))
        return conf_error(c, err, "'%s' must be a whole number, not '%s'", key, c->text);
    if (c && (v < min || v > max))
        return conf_error(c, err, "'%s' must be between %lld and %lld, not %s", key, (long long)min, (long long)max,
                          c->text);
    *out = v;
    return 0;
}

int conf_f64_or(const conf *map, const char *key, double def, double min, double max, double *out, shoal_error *err)
{
    const conf *c;
    int rc = conf_scalar(map, key, &c, err);
    if (rc < 0)
        return rc;
    double v = def;
    if (c && (c->quoted || view_to_f64(conf_view(c), &v) != 0))
        return conf_error(c, err, "'%s' must be a number, not '%s'", key, c->text);
    if (c && !(v >= min && v <= max))
        return conf_error(c, err, "'%s' must be between %g and %g, not %s", key, min, max, c->text);
    *out = v;
    return 0;
}

int conf_bool_or(const conf *map, const char *key, int def, int *out, shoal_error *err)
{
    const conf *c;
    int rc = conf_scalar(map, key, &c, err);
    if (rc < 0)
        return rc;
    int v = def;
    if (c && !c->quoted && strcmp(c->text, "true") == 0)
        v = 1;
    else if (c && !c->quoted && strcmp(c->text, "false") == 0)
        v = 0;
    else if (c)
        return conf_error(c, err, "'%s' must be true or false, not '%s'", key, c->text);
    *out = v;
    return 0;
}
