/* duck_view.c: Parquet, CSV and JSON lines as views of DuckDB. */
#include "table/duck_view.h"

#include <string.h>

#include "base/mem.h"
#include "storage/file.h"
#include "table/source.h"

#define SNIFF_BYTES (64u << 10)

/* The delimiter of a CSV file, from its first line: the candidate that is there most often outside quotes. Said to
 * DuckDB, so that one broken row is an error at that row, and not another guess at the delimiter. */
static int sniff_delimiter(const char *path, char *out, shoal_error *err)
{
    static const char CANDIDATE[] = ",\t;|";
    size_t count[sizeof CANDIDATE - 1] = {0}, best = 0;
    enum container packed;
    int quoted = 0;
    *out = ',';
    format_of_path(path, &packed);
    if (packed != CONTAINER_PLAIN || strcmp(path, "-") == 0) return 0;
    char *head = mem_alloc(SNIFF_BYTES);
    if (!head) return error_nomem(err, SNIFF_BYTES, "the head of a file");
    file_reader *f = NULL;
    int r = file_open(path, &f, err);
    int64_t n = r == 0 ? file_read(f, head, SNIFF_BYTES, err) : r;
    file_close(f);
    for (int64_t i = 0; i < n && (quoted || head[i] != '\n'); i++) {
        const char *at = head[i] ? strchr(CANDIDATE, head[i]) : NULL;
        if (head[i] == '"') quoted = !quoted;
        else if (at && !quoted) count[at - CANDIDATE]++;
    }
    for (size_t i = 1; i < sizeof count / sizeof count[0]; i++)
        if (count[i] > count[best]) best = i;
    if (count[best] > 0) *out = CANDIDATE[best];
    mem_free(head);
    return n < 0 ? (int)n : 0;
}

/* DuckDB gives up on a file whose first rows differ in their number of fields, without saying where. This does. */
static int csv_misfit(char *const *files, size_t n_files, char delimiter, shoal_error *err)
{
    for (size_t i = 0; i < n_files; i++) {
        uint64_t line = 1, start = 1, fields = 1, first = 0;
        int quoted = 0, some = 0;
        char *block = mem_alloc(SNIFF_BYTES);
        file_reader *f = NULL;
        int64_t n = block && strcmp(files[i], "-") != 0 ? file_open(files[i], &f, NULL) : -1;
        while (n >= 0 && (n = file_read(f, block, SNIFF_BYTES, NULL)) > 0)
            for (int64_t k = 0; k < n; k++) {
                char c = block[k];
                if (c == '"') quoted = !quoted;
                line += c == '\n';
                fields += c == delimiter && !quoted;
                if (c != '\n' || quoted) {
                    some |= c != '\r' && c != '\n';
                    continue;
                }
                if (first == 0) first = fields;
                if (some && fields != first) {
                    file_close(f);
                    mem_free(block);
                    return error_set(err, SHOAL_DATA, "%s: line %llu has %llu fields, but line 1 has %llu", files[i], (unsigned long long)start,
                                     (unsigned long long)fields, (unsigned long long)first);
                }
                fields = 1;
                some = 0;
                start = line;
            }
        file_close(f);
        mem_free(block);
    }
    return SHOAL_DATA;
}

static int put_files(buf *b, char *const *files, size_t n, shoal_error *err)
{
    int r = buf_putc(b, '[', err);
    for (size_t i = 0; r == 0 && i < n; i++) {
        const char *path = strncmp(files[i], "file://", 7) == 0 ? files[i] + 7 : strcmp(files[i], "-") == 0 ? "/dev/stdin" : files[i];
        if (i > 0) r = buf_putc(b, ',', err);
        if (r == 0 && strpbrk(path, "*?[") && !strpbrk(path, "'")) {
            /* a file whose name has letters of globs: each is put in brackets, so that it means itself */
            if ((r = buf_putc(b, '\'', err)) < 0) break;
            for (; r == 0 && *path; path++) r = strchr("*?[", *path) ? buf_printf(b, err, "[%c]", *path) : buf_putc(b, *path, err);
            if (r == 0) r = buf_putc(b, '\'', err);
        } else if (r == 0) {
            r = duck_put_string(b, path, err);
        }
    }
    return r < 0 ? r : buf_putc(b, ']', err);
}

/* The partitions' columns are made by DuckDB, but named, typed and placed by us: behind the others, in the order of the
 * folders. */
static int put_select(buf *b, const partitions *p, shoal_error *err)
{
    int r = buf_puts(b, "SELECT *", err);
    for (size_t k = 0; r == 0 && k < p->n_keys; k++) {
        r = buf_puts(b, k == 0 ? " EXCLUDE (" : ",", err);
        if (r == 0) r = duck_put_name(b, p->key[k].raw, err);
    }
    if (r == 0 && p->n_keys > 0) r = buf_putc(b, ')', err);
    for (size_t k = 0; r == 0 && k < p->n_keys; k++) {
        r = buf_putc(b, ',', err);
        if (r == 0) r = duck_put_name(b, p->key[k].raw, err);
        if (r == 0) r = buf_puts(b, " AS ", err);
        if (r == 0) r = duck_put_name(b, p->key[k].name, err);
    }
    return r;
}

static int put_partitions(buf *b, const partitions *p, shoal_error *err)
{
    if (p->n_keys == 0) return buf_puts(b, ", hive_partitioning=false", err);
    int r = buf_puts(b, ", hive_partitioning=true, hive_types={", err);
    for (size_t k = 0; r == 0 && k < p->n_keys; k++) {
        if (k > 0) r = buf_putc(b, ',', err);
        if (r == 0) r = duck_put_string(b, p->key[k].raw, err);
        if (r == 0) r = buf_puts(b, p->key[k].type == ARROW_I64 ? ":BIGINT" : p->key[k].type == ARROW_DATE32 ? ":DATE" : ":VARCHAR", err);
    }
    return r < 0 ? r : buf_putc(b, '}', err);
}

int duck_view_files(duck *d, const char *name, char *const *files, size_t n, enum table_format format, const partitions *p, const char *what, shoal_error *err)
{
    static const char *const READER[] = {[FORMAT_PARQUET] = "read_parquet", [FORMAT_CSV] = "read_csv", [FORMAT_JSONL] = "read_json"};
    buf b = BUF_INIT;
    char delimiter = ',';
    int r = buf_puts(&b, "CREATE VIEW ", err);
    if (r == 0) r = duck_put_name(&b, name, err);
    if (r == 0) r = buf_puts(&b, " AS ", err);
    if (r == 0) r = put_select(&b, p, err);
    if (r == 0) r = buf_printf(&b, err, " FROM %s(", READER[format]);
    if (r == 0) r = put_files(&b, files, n, err);
    if (r == 0) r = put_partitions(&b, p, err);
    if (r == 0 && format == FORMAT_CSV) {
        r = sniff_delimiter(files[0], &delimiter, err);
        if (r == 0) r = buf_printf(&b, err, ", delim='%c', quote='\"', escape='\"', allow_quoted_nulls=false, comment='', skip=0, parallel=false, sample_size=20480", delimiter);
    }
    if (r == 0 && format == FORMAT_JSONL) r = buf_puts(&b, ", format='auto', sample_size=20480", err);
    if (r == 0) r = buf_puts(&b, ")", err);
    if (r == 0 && !buf_str(&b)) r = error_nomem(err, b.len, "a query");
    if (r == 0) r = duck_run(d, buf_str(&b), what, err);
    if (r == SHOAL_DATA && format == FORMAT_CSV) csv_misfit(files, n, delimiter, err);
    buf_release(&b);
    return r;
}

int duck_view_where(duck *d, const char *name, const char *from, const char *where, shoal_error *err)
{
    buf b = BUF_INIT;
    int r = buf_printf(&b, err, "CREATE TEMP VIEW \"%s\" AS SELECT * FROM \"%s\" WHERE (", name, from);
    if (r == 0) r = buf_puts(&b, where, err);
    if (r == 0) r = buf_puts(&b, "\n)", err); /* behind a comment too */
    if (r == 0 && !buf_str(&b)) r = error_nomem(err, b.len, "a query");
    if (r == 0 && (r = duck_run(d, buf_str(&b), "--where", err)) == SHOAL_DATA) {
        r = SHOAL_USAGE;
        if (err) err->code = r;
    }
    buf_release(&b);
    return r;
}
