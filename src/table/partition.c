#include "table/partition.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define KEYS_MAX 100

void partitions_release(partitions *p)
{
    for (size_t k = 0; k < p->n_keys; k++) {
        for (size_t i = 0; p->key[k].value && i < p->n_files; i++) mem_free(p->key[k].value[i]);
        mem_free(p->key[k].value);
        mem_free(p->key[k].raw);
        mem_free(p->key[k].name);
    }
    mem_free(p->key);
    memset(p, 0, sizeof *p);
}

/* ---- one path ------------------------------------------------------------------------------------------------------------ */

/* The next folder of the form key=value at or behind *at; 0 when there is none. */
static int next_pair(const char **at, view *key, view *value)
{
    for (const char *p = *at, *slash; (slash = strchr(p, '/')); p = slash + 1) {
        const char *equals = memchr(p, '=', (size_t)(slash - p));
        if (!equals || equals == p) continue;
        *key = view_of(p, (size_t)(equals - p));
        *value = view_of(equals + 1, (size_t)(slash - equals) - 1);
        *at = slash + 1;
        return 1;
    }
    return 0;
}

static int hex(char c) { return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1; }

/* Own text with %HH decoded; a % that is followed by anything else is itself. */
static char *decoded(view v)
{
    char *s = mem_alloc(v.n + 1);
    size_t n = 0;
    for (size_t i = 0; s && i < v.n; i++) {
        int both = v.p[i] == '%' && i + 2 < v.n ? hex(v.p[i + 1]) * 16 + hex(v.p[i + 2]) : -1;
        int coded = both > 0 && hex(v.p[i + 1]) >= 0 && hex(v.p[i + 2]) >= 0;
        s[n++] = coded ? (char)both : v.p[i];
        if (coded) i += 2;
    }
    if (s) s[n] = 0;
    return s;
}

/* The characters that Hive (FileUtils.escapePathName) and Spark (ExternalCatalogUtils) escape, no others: a partition has one
 * name, whoever writes it. */
int partition_put_escaped(buf *b, view v, shoal_error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < v.n; i++) {
        uint8_t c = (uint8_t)v.p[i];
        int plain = c >= ' ' && c != 0x7F && !strchr("\"#%'*/:=?\\{[]^", c);
        r = plain ? buf_putc(b, (char)c, err) : buf_printf(b, err, "%%%02X", c);
    }
    return r;
}

int64_t partition_column(const struct ArrowSchema *schema, const char *name, shoal_error *err)
{
    int64_t c = arrow_find(schema, name);
    return c >= 0 ? c : error_set(err, SHOAL_USAGE, "--partition-by: there is no column '%s'", name);
}

/* ---- all paths ----------------------------------------------------------------------------------------------------------- */

static int add_key(partitions *p, view raw, const char *path, shoal_error *err)
{
    if (p->n_keys == KEYS_MAX) return error_set(err, SHOAL_DATA, "%s: more than %d folders of the form key=value", path, KEYS_MAX);
    partition_key *grown = mem_realloc(p->key, (p->n_keys + 1) * sizeof *grown);
    if (!grown) return error_nomem(err, (p->n_keys + 1) * sizeof *grown, "partitions");
    p->key = grown;
    partition_key *k = &grown[p->n_keys++];
    memset(k, 0, sizeof *k);
    k->raw = mem_strndup(raw.p, raw.n);
    k->name = decoded(raw);
    k->value = mem_calloc(p->n_files, sizeof *k->value);
    if (!k->raw || !k->name || !k->value) return error_nomem(err, p->n_files * sizeof *k->value, "partitions");
    if (!view_is_utf8(view_of(k->name, strlen(k->name)))) return error_set(err, SHOAL_DATA, "%s: a partition's name is not UTF-8", path);
    for (size_t i = 0; i + 1 < p->n_keys; i++)
        if (strcmp(p->key[i].name, k->name) == 0) return error_set(err, SHOAL_DATA, "%s: two of its folders have a value of '%s'", path, k->name);
    return 0;
}

static int add_file(partitions *p, size_t file, const char *path, const char *first, shoal_error *err)
{
    view key, value;
    size_t k = 0;
    int r = 0;
    for (const char *at = path; r == 0 && next_pair(&at, &key, &value); k++) {
        if (file == 0) r = add_key(p, key, path, err);
        if (r < 0) return r;
        if (k == p->n_keys || !view_eq(key, p->key[k].raw)) break;
        if (view_eq(value, PARTITION_NULL)) continue;
        if (!(p->key[k].value[file] = decoded(value))) return error_nomem(err, value.n, "partitions");
        if (!view_is_utf8(view_of(p->key[k].value[file], strlen(p->key[k].value[file]))))
            return error_set(err, SHOAL_DATA, "%s: the value of partition '%s' is not UTF-8", path, p->key[k].name);
    }
    const char *rest = path;
    size_t n = 0;
    while (next_pair(&rest, &key, &value)) n++;
    if (k == p->n_keys && n == k) return 0;
    return error_set(err, SHOAL_DATA, "%s: its folders are other partitions than those of %s; read files of one layout at a time", path, first);
}

/* Days since 1970-01-01 of YYYY-MM-DD; 0 when it is no date. (Years that start in March, eras of 400 years.) */
static int date_of(const char *s, int64_t *days)
{
    static const int LENGTH[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (strlen(s) != 10 || s[4] != '-' || s[7] != '-') return 0;
    for (int i = 0; i < 10; i++)
        if (i != 4 && i != 7 && (s[i] < '0' || s[i] > '9')) return 0;
    int64_t y = atoi(s), m = atoi(s + 5), d = atoi(s + 8);
    int leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
    if (m < 1 || m > 12 || d < 1 || d > LENGTH[m - 1] + (m == 2 && leap)) return 0;
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400, in_era = y - era * 400, in_year = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
    *days = era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
    return 1;
}

static int whole_of(const char *s, int64_t *v) { return *s != '+' && view_to_i64(view_of(s, strlen(s)), v) == 0; }

static enum arrow_type type_of(const partition_key *k, size_t n)
{
    int whole = 1, date = 1, some = 0;
    int64_t v;
    for (size_t i = 0; i < n && (whole || date); i++) {
        if (!k->value[i]) continue;
        some = 1;
        whole = whole && whole_of(k->value[i], &v);
        date = date && date_of(k->value[i], &v);
    }
    return !some ? ARROW_UTF8 : whole ? ARROW_I64 : date ? ARROW_DATE32 : ARROW_UTF8;
}

int64_t partition_number(const partition_key *k, size_t file)
{
    int64_t v = 0;
    if (k->type == ARROW_DATE32) date_of(k->value[file], &v);
    else whole_of(k->value[file], &v);
    return v;
}

int partitions_of(char *const *files, size_t n, partitions *out, shoal_error *err)
{
    int r = 0;
    memset(out, 0, sizeof *out);
    out->n_files = n;
    for (size_t i = 0; r == 0 && i < n; i++) r = add_file(out, i, files[i], files[0], err);
    for (size_t k = 0; r == 0 && k < out->n_keys; k++) out->key[k].type = type_of(&out->key[k], n);
    if (r < 0) partitions_release(out);
    return r;
}

void partitions_keep(partitions *p, char **files, size_t *n, const uint8_t *keep)
{
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++) {
        if (!keep[i]) mem_free(files[i]);
        else files[kept] = files[i];
        for (size_t k = 0; k < p->n_keys; k++) {
            if (!keep[i]) mem_free(p->key[k].value[i]);
            else p->key[k].value[kept] = p->key[k].value[i];
        }
        kept += keep[i];
    }
    *n = p->n_files = kept;
}
