/* where.c: which files a --where leaves. It is cut at its ANDs; a piece that DuckDB understands over a table of nothing but
 * partitions is one that can be decided for a file as a whole. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "table/duck.h"
#include "table/partition.h"

#define PIECES_MAX 1000
#define INSERT_ROWS 500
#define FILES_WHERE "SELECT \"shoal: file\" FROM files WHERE "

/* The word at p when no letter or digit joins it on either side. */
static int word_at(const char *start, const char *p, const char *word)
{
    size_t n = strlen(word);
    if (strncasecmp(p, word, n) != 0) return 0;
    return (p == start || !(isalnum((uint8_t)p[-1]) || p[-1] == '_')) && !(isalnum((uint8_t)p[n]) || p[n] == '_');
}

/* Behind the quoted text or name, or the comment, at p; p itself when there is none. */
static const char *behind_opaque(const char *p)
{
    const char *end = p;
    if (*p == '\'' || *p == '"') end = strchr(p + 1, *p);
    else if (p[0] == '-' && p[1] == '-') end = strchr(p, '\n');
    else if (p[0] == '/' && p[1] == '*') end = strstr(p + 2, "*/");
    else return p;
    return end ? end + 1 : p + strlen(p);
}

/* Where the ANDs outside of parentheses are. With an OR there, which binds less, nothing is cut. */
static int find_cuts(const char *where, const char **cut, size_t *n, shoal_error *err)
{
    int depth = 0, ors = 0;
    *n = 0;
    for (const char *p = where; *p;) {
        const char *behind = behind_opaque(p);
        if (behind > p) {
            p = behind;
            continue;
        }
        depth += (*p == '(') - (*p == ')');
        if (depth < 0) break;
        if (depth == 0 && word_at(where, p, "or")) ors = 1;
        if (depth == 0 && *n < PIECES_MAX && word_at(where, p, "and")) cut[(*n)++] = p;
        p++;
    }
    if (depth != 0) return error_set(err, SHOAL_USAGE, "--where: its parentheses do not match");
    if (ors) *n = 0;
    return 0;
}

static int put_condition(buf *b, const char *head, const char *begin, const char *end, shoal_error *err)
{
    int r = buf_puts(b, head, err);
    if (r == 0) r = buf_putc(b, '(', err);
    if (r == 0) r = buf_append(b, begin, (size_t)(end - begin), err);
    if (r == 0) r = buf_puts(b, "\n)", err); /* behind a comment too */
    return r == 0 && !buf_str(b) ? error_nomem(err, b->len, "a query") : r;
}

/* 1 when the piece is an expression, 2 when it needs columns, but no others than partitions. (Without any it may be chance.) */
static int kind_of(duck *d, const char *begin, const char *end, shoal_error *err)
{
    buf over_files = BUF_INIT, over_nothing = BUF_INIT;
    int r = put_condition(&over_files, FILES_WHERE, begin, end, err), without = 0;
    if (r == 0) r = put_condition(&over_nothing, "SELECT 1 WHERE ", begin, end, err);
    if (r == 0) without = duck_understands(d, buf_str(&over_nothing));
    if (r == 0) r = duck_understands(d, buf_str(&over_files));
    buf_release(&over_files);
    buf_release(&over_nothing);
    return r == 2 && without == 2 ? 1 : r;
}

/* Appends the pieces that files decide as one condition; *rest is set when there are others. */
static int decidable(duck *d, const char *where, buf *condition, int *rest, shoal_error *err)
{
    const char *cut[PIECES_MAX + 1], *begin = where;
    size_t n;
    int r = find_cuts(where, cut, &n, err);
    if (r < 0) return r;
    cut[n] = where + strlen(where);
    for (size_t i = 0; i <= n; i++) {
        int kind = kind_of(d, begin, cut[i], err);
        if (kind < 0) return kind;
        if (kind == 0 && i < n) continue; /* an AND of BETWEEN or CASE: the piece goes on */
        if (kind == 2) r = put_condition(condition, condition->len > 0 ? " AND " : FILES_WHERE, begin, cut[i], err);
        else *rest = 1;
        if (r < 0) return r;
        begin = i < n ? cut[i] + strlen("and") : cut[i];
    }
    return 0;
}

static int same_values(const partitions *p, size_t a, size_t b)
{
    for (size_t k = 0; k < p->n_keys; k++) {
        const char *x = p->key[k].value[a], *y = p->key[k].value[b];
        if (x != y && (!x || !y || strcmp(x, y) != 0)) return 0;
    }
    return 1;
}

static int put_file(buf *b, const partitions *p, size_t file, shoal_error *err)
{
    int r = buf_printf(b, err, "(%zu", file);
    for (size_t k = 0; r == 0 && k < p->n_keys; k++) {
        r = buf_putc(b, ',', err);
        if (r == 0) r = p->key[k].value[file] ? duck_put_string(b, p->key[k].value[file], err) : buf_puts(b, "NULL", err);
    }
    return r < 0 ? r : buf_putc(b, ')', err);
}

/* One row for each run of files with the same values, by the first of them. */
static int fill_table(duck *d, const partitions *p, shoal_error *err)
{
    buf b = BUF_INIT;
    int r = 0, rows = 0;
    for (size_t i = 0; r == 0 && i < p->n_files; i++) {
        if (i == 0 || !same_values(p, i - 1, i)) {
            r = buf_puts(&b, rows == 0 ? "INSERT INTO files VALUES " : ",", err);
            if (r == 0) r = put_file(&b, p, i, err);
            rows++;
        }
        if (r < 0 || rows == 0 || (rows < INSERT_ROWS && i + 1 < p->n_files)) continue;
        r = buf_str(&b) ? duck_run(d, buf_str(&b), "--where", err) : error_nomem(err, b.len, "a query");
        buf_clear(&b);
        rows = 0;
    }
    buf_release(&b);
    return r;
}

static int make_table(duck *d, const partitions *p, shoal_error *err)
{
    buf b = BUF_INIT;
    int r = buf_puts(&b, "CREATE TABLE files(\"shoal: file\" BIGINT", err);
    for (size_t k = 0; r == 0 && k < p->n_keys; k++) {
        r = buf_putc(&b, ',', err);
        if (r == 0) r = duck_put_name(&b, p->key[k].name, err);
        if (r == 0) r = buf_puts(&b, p->key[k].type == ARROW_I64 ? " BIGINT" : p->key[k].type == ARROW_DATE32 ? " DATE" : " VARCHAR", err);
    }
    if (r == 0) r = buf_puts(&b, ")", err);
    if (r == 0) r = buf_str(&b) ? duck_run(d, buf_str(&b), "--where", err) : error_nomem(err, b.len, "a query");
    buf_release(&b);
    return r < 0 ? r : fill_table(d, p, err);
}

static int run(duck *d, const partitions *p, const char *sql, uint8_t *keep, shoal_error *err)
{
    duck_rows rows;
    struct ArrowArray a;
    int r = duck_rows_start(d, sql, 1, "--where", &rows, err);
    while (r == 0 && (r = duck_rows_next(&rows, "--where", &a, err)) == 1) {
        for (int64_t i = 0; i < a.length; i++) keep[arrow_i64(ARROW_I64, a.children[0], i)] = 1;
        a.release(&a);
        r = 0;
    }
    duck_rows_release(&rows);
    for (size_t i = 1; i < p->n_files; i++)
        if (same_values(p, i - 1, i)) keep[i] = keep[i - 1];
    return r;
}

int partitions_prune(const partitions *p, const char *where, uint8_t *keep, int *rest, shoal_error *err)
{
    duck d;
    buf condition = BUF_INIT;
    *rest = 0;
    int r = duck_open(NULL, &d, err);
    if (r < 0) return r;
    r = make_table(&d, p, err);
    if (r == 0) r = decidable(&d, where, &condition, rest, err);
    memset(keep, condition.len == 0, p->n_files);
    if (r == 0 && condition.len > 0) r = run(&d, p, buf_str(&condition), keep, err);
    buf_release(&condition);
    duck_close(&d);
    return r;
}
