#include "table/duck.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "storage/file.h"
#include "table/arrow.h"
#include "table/duck_arrow.h"

#define MEMORY_LIMIT "400MB"
#define MEMORY_BYTES 400000000u
#define MEMORY_LEAST (64u << 20) /* with less it sorts nothing */
#define MESSAGE_MAX 400
#define SPILL_NAME "shoal-spill"
#define MAKE_ROOM "; make room there, or set TMPDIR to another folder"

/* Everything that an environment could change is said, so that the same file gives the same rows everywhere. */
static const char *const CONFIG[][2] = {
    {"threads", "1"},
    {"memory_limit", MEMORY_LIMIT},
    {"preserve_insertion_order", "true"},
    {"autoinstall_known_extensions", "false"},
    {"autoload_known_extensions", "false"},
    {"allow_community_extensions", "false"},
    {"allow_unsigned_extensions", "false"},
    {"enable_object_cache", "false"},
};

static const char SETTINGS[] = "SET TimeZone='UTC'; SET default_null_order='nulls_last'; SET arrow_large_buffer_size=false;"
                               "SET produce_arrow_string_view=false; SET arrow_output_list_view=false; SET arrow_lossless_conversion=false;"
                               "SET enable_progress_bar=false;";

int duck_connect(const duck *d, duck *out, shoal_error *err)
{
    memset(out, 0, sizeof *out);
    if (duckdb_connect(d->db, &out->connection) != DuckDBSuccess) return error_nomem(err, 0, "a connection to DuckDB");
    int r = duck_watch_add(d->watch, out->connection, err);
    if (r == 0) out->watch = d->watch;
    return r == 0 ? duck_run(out, SETTINGS, "DuckDB's settings", err) : r;
}

/* What does not fit in memory_limit (a sort by --sql) goes to a folder of this database's own below the system's for temporary
 * files; those that killed processes left go. One that cannot be made matters only to a query that needs it, which names it. */
static int set_spill(duck *d, shoal_error *err)
{
    buf sql = BUF_INIT;
    const char *top = file_temporary_dir();
    char *name = mem_sprintf("%s/" SPILL_NAME, top);
    int r = name ? 0 : error_nomem(err, strlen(top), "a path");
    if (r == 0 && file_is_dir(top) && file_work_new(name, &d->spill, &d->spill_fd, err) == SHOAL_NOMEM) r = SHOAL_NOMEM;
    if (d->spill) (void)fchmod(d->spill_fd, 0700); /* rows are nobody else's */
    if (r == 0) r = buf_puts(&sql, "SET temp_directory=", err);
    if (r == 0) r = duck_put_string(&sql, d->spill ? d->spill : name, err);
    if (r == 0) r = buf_str(&sql) ? duck_run(d, buf_str(&sql), "DuckDB's settings", err) : error_nomem(err, sql.len, "a setting");
    buf_release(&sql);
    mem_free(name);
    return r;
}

int duck_open(const shoal_host *host, duck *d, shoal_error *err)
{
    memset(d, 0, sizeof *d);
    d->is_first = 1;
    duckdb_config config = NULL;
    char *why = NULL;
    int r = duckdb_create_config(&config) == DuckDBSuccess ? 0 : error_nomem(err, 0, "DuckDB's settings");
    for (size_t i = 0; r == 0 && i < sizeof CONFIG / sizeof CONFIG[0]; i++)
        if (duckdb_set_config(config, CONFIG[i][0], CONFIG[i][1]) != DuckDBSuccess)
            r = error_set(err, SHOAL_INTERNAL, "DuckDB does not know its setting '%s'; is libduckdb.so of version 1.5?", CONFIG[i][0]);
    if (r == 0 && duckdb_open_ext(NULL, &d->db, config, &why) != DuckDBSuccess)
        r = duck_error(DUCKDB_ERROR_FATAL, why, "DuckDB does not start", SHOAL_INTERNAL, err);
    duckdb_free(why);
    duckdb_destroy_config(&config);
    if (r == 0 && duckdb_connect(d->db, &d->connection) != DuckDBSuccess) r = error_nomem(err, 0, "a connection to DuckDB");
    if (r == 0) r = duck_run(d, SETTINGS, "DuckDB's settings", err);
    if (r == 0) r = set_spill(d, err);
    if (r == 0) r = duck_watch_new(host, &d->watch, err);
    if (r == 0) r = duck_watch_add(d->watch, d->connection, err);
    if (r < 0) duck_close(d);
    return r;
}

int duck_memory(duck *d, uint64_t bytes, shoal_error *err)
{
    char sql[64];
    if (bytes == 0 || bytes >= MEMORY_BYTES) return 0;
    snprintf(sql, sizeof sql, "SET memory_limit='%llu KiB'", (unsigned long long)((bytes < MEMORY_LEAST ? MEMORY_LEAST : bytes) >> 10));
    return duck_run(d, sql, "DuckDB's settings", err);
}

void duck_close(duck *d)
{
    duck_watch_drop(d->watch, d->connection);
    if (d->is_first) duck_watch_free(d->watch);
    if (d->connection) duckdb_disconnect(&d->connection);
    if (d->db) duckdb_close(&d->db);
    if (d->spill) {
        file_remove_tree(d->spill, NULL);
        file_work_free(d->spill, d->spill_fd);
    }
    memset(d, 0, sizeof *d);
}

/* DuckDB explains at length, over many lines. Kept: the sentences before its advice, on one line. */
static void one_line(const char *message, char *out, size_t n)
{
    static const char *const STOP[] = {"\nLINE ", "\n\nLINE ", "Possible fixes", "Possible solutions", "\n  file", "This type was ",
                                       "\n* ", "\nStack Trace", "\nCandidate bindings", "Possible Solution"};
    static const char *const NOISE[] = {"Invalid Input Error: ", "IO Error: ", "Binder Error: ", "Parser Error: ", "Catalog Error: ",
                                        "Conversion Error: ", "INTERNAL Error: ", "Out of Memory Error: ", "Not implemented Error: "};
    for (size_t i = 0; i < sizeof NOISE / sizeof NOISE[0]; i++)
        if (strncmp(message, NOISE[i], strlen(NOISE[i])) == 0) message += strlen(NOISE[i]);
    size_t end = strlen(message), k = 0;
    for (size_t i = 0; i < sizeof STOP / sizeof STOP[0]; i++) {
        const char *at = strstr(message, STOP[i]);
        if (at && at > message && (size_t)(at - message) < end) end = (size_t)(at - message);
    }
    for (size_t i = 0; i < end && k + 4 < n; i++) {
        char c = message[i];
        if ((uint8_t)c < ' ') c = ' ';
        if (c == ' ' && k > 0 && out[k - 1] == ' ') continue;
        out[k++] = c;
    }
    while (k > 0 && (out[k - 1] == ' ' || out[k - 1] == '.' || ((uint8_t)out[k - 1] & 0xc0) == 0x80)) k--;
    out[k] = 0;
}

int duck_error(int type, const char *message, const char *what, int query_code, shoal_error *err)
{
    char text[MESSAGE_MAX];
    int code = SHOAL_DATA;
    if (type == DUCKDB_ERROR_INTERRUPT || (message && strncmp(message, "INTERRUPT", 9) == 0)) return error_set(err, SHOAL_INTERRUPTED, "interrupted");
    one_line(message ? message : "unknown error", text, sizeof text);
    if (strstr(text, "max_temp_directory_size")) /* DuckDB's words for a full disk; the rest of them is no help here */
        return error_set(err, SHOAL_STORAGE, "%s: no room is left for temporary data in %s" MAKE_ROOM, what, file_temporary_dir());
    if (strstr(text, SPILL_NAME)) return error_set(err, SHOAL_STORAGE, "%s: %s" MAKE_ROOM, what, text);
    switch (type) {
    case DUCKDB_ERROR_CATALOG:
    case DUCKDB_ERROR_PARSER:
    case DUCKDB_ERROR_PLANNER:
    case DUCKDB_ERROR_SYNTAX:
    case DUCKDB_ERROR_BINDER: code = query_code; break;
    case DUCKDB_ERROR_IO:
    case DUCKDB_ERROR_PERMISSION: code = strstr(text, "No magic bytes") ? SHOAL_DATA : SHOAL_STORAGE; break;
    case DUCKDB_ERROR_FATAL:
    case DUCKDB_ERROR_INTERNAL: code = SHOAL_INTERNAL; break;
    case DUCKDB_ERROR_OUT_OF_MEMORY: code = SHOAL_NOMEM; break;
    default: break;
    }
    return error_set(err, code, "%s: %s", what, text);
}

int duck_run(duck *d, const char *sql, const char *what, shoal_error *err)
{
    duckdb_result result;
    int r = 0;
    if (duckdb_query(d->connection, sql, &result) != DuckDBSuccess)
        r = duck_error(duckdb_result_error_type(&result), duckdb_result_error(&result), what, SHOAL_DATA, err);
    duckdb_destroy_result(&result);
    return r;
}

int duck_number(duck *d, const char *sql, const char *what, int64_t *out, shoal_error *err)
{
    duckdb_result result;
    int r = 0;
    *out = 0;
    if (duckdb_query(d->connection, sql, &result) != DuckDBSuccess)
        r = duck_error(duckdb_result_error_type(&result), duckdb_result_error(&result), what, SHOAL_DATA, err);
    else *out = duckdb_value_int64(&result, 0, 0);
    duckdb_destroy_result(&result);
    return r;
}

int duck_understands(duck *d, const char *sql)
{
    duckdb_extracted_statements statements = NULL;
    duckdb_prepared_statement prepared = NULL;
    int known = duckdb_extract_statements(d->connection, sql, &statements) > 0;
    if (known && duckdb_prepare_extracted_statement(d->connection, statements, 0, &prepared) == DuckDBSuccess) known = 2;
    if (prepared) duckdb_destroy_prepare(&prepared);
    if (statements) duckdb_destroy_extracted(&statements);
    return known;
}

static int take_error(duckdb_error_data e, const char *what, shoal_error *err)
{
    int r = 0;
    if (e && duckdb_error_data_has_error(e)) r = duck_error(0, duckdb_error_data_message(e), what, SHOAL_DATA, err);
    if (e) duckdb_destroy_error_data(&e);
    return r;
}

static int export_schema(duck_rows *r, duckdb_logical_type *types, const char **names, uint64_t n, const char *what, shoal_error *err)
{
    struct ArrowSchema exported = {0};
    for (uint64_t i = 0; i < n; i++)
        if (duck_has_variant(types[i]))
            return error_set(err, SHOAL_DATA, "%s: column '%s' has the type variant; cast it by --sql to what it holds, or to VARCHAR", what, names[i]);
    int code = take_error(duckdb_to_arrow_schema(r->options, types, names, n, &exported), what, err);
    if (code == 0) code = arrow_schema_copy(&exported, &r->schema, err);
    for (uint64_t i = 0; code == 0 && i < n; i++) code = duck_note_types(types[i], r->schema.children[i], err);
    if (exported.release) exported.release(&exported);
    return code;
}

/* Columns that all are simple are taken out of chunks by ourselves. */
static int note_simple(duck_rows *r, duckdb_logical_type *types, uint64_t n, shoal_error *err)
{
    int all = 1;
    if (!(r->simple = mem_calloc(n + 1, 1))) return error_nomem(err, n, "columns");
    for (uint64_t i = 0; i < n; i++)
        all &= (r->simple[i] = (uint8_t)duck_simple_type(duckdb_get_type_id(types[i]), r->schema.children[i]->format)) != DUCK_NOT_SIMPLE;
    if (all) return 0;
    mem_free(r->simple);
    r->simple = NULL;
    return 0;
}

static int rows_schema(duck_rows *r, const char *what, shoal_error *err)
{
    uint64_t n = duckdb_column_count(&r->result);
    duckdb_logical_type *types = mem_calloc(n + 1, sizeof *types);
    const char **names = mem_calloc(n + 1, sizeof *names);
    int code = types && names ? 0 : error_nomem(err, n * sizeof *types, "a schema");
    for (uint64_t i = 0; code == 0 && i < n; i++) {
        types[i] = duckdb_column_logical_type(&r->result, i);
        names[i] = duckdb_column_name(&r->result, i);
    }
    if (code == 0) code = export_schema(r, types, names, n, what, err);
    if (code == 0) code = note_simple(r, types, n, err);
    for (uint64_t i = 0; types && i < n; i++)
        if (types[i]) duckdb_destroy_logical_type(&types[i]);
    mem_free(types);
    mem_free(names);
    return code;
}

int duck_rows_start(duck *d, const char *sql, int sql_is_users, const char *what, duck_rows *out, shoal_error *err)
{
    int query_code = sql_is_users ? SHOAL_USAGE : SHOAL_DATA, r = 0;
    memset(out, 0, sizeof *out);
    duckdb_extracted_statements statements = NULL;
    uint64_t n = duckdb_extract_statements(d->connection, sql, &statements);
    if (n == 0) r = duck_error(DUCKDB_ERROR_PARSER, duckdb_extract_statements_error(statements), what, query_code, err);
    else if (n != 1) r = error_set(err, query_code, "%s: %llu statements; give one SELECT", what, (unsigned long long)n);
    else if (duckdb_prepare_extracted_statement(d->connection, statements, 0, &out->statement) != DuckDBSuccess) {
        const char *message = duckdb_prepare_error(out->statement);
        int type = message && (strncmp(message, "Binder", 6) == 0 || strncmp(message, "Catalog", 7) == 0 || strncmp(message, "Parser", 6) == 0) ? DUCKDB_ERROR_BINDER
                   : message && strncmp(message, "IO Error", 8) == 0 ? DUCKDB_ERROR_IO : 0;
        r = duck_error(type, message, what, query_code, err);
    } else if (duckdb_prepared_statement_type(out->statement) != DUCKDB_STATEMENT_TYPE_SELECT) {
        r = error_set(err, query_code, "%s: only SELECT is possible here", what);
    } else if (duckdb_nparams(out->statement) > 0) {
        r = error_set(err, query_code, "%s: a parameter ($1, ?) has no value here; write the value itself", what);
    } else if (duckdb_execute_prepared_streaming(out->statement, &out->result) != DuckDBSuccess) {
        r = duck_error(duckdb_result_error_type(&out->result), duckdb_result_error(&out->result), what, query_code, err);
        duckdb_destroy_result(&out->result);
    } else {
        out->has_result = 1;
        out->options = duckdb_result_get_arrow_options(&out->result);
        r = rows_schema(out, what, err);
    }
    if (statements) duckdb_destroy_extracted(&statements);
    if (r < 0) duck_rows_release(out);
    return r;
}

int duck_rows_columns(const duck_rows *r, const char *what, int code, struct ArrowSchema *out, shoal_error *err)
{
    int rc = arrow_schema_copy(&r->schema, out, err);
    for (int64_t i = 0; rc == 0 && i < out->n_children; i++)
        if (arrow_find(out, out->children[i]->name) != i)
            rc = error_set(err, code, "%s: two columns are named '%s'; name them apart with AS in --sql", what, out->children[i]->name);
    if (rc < 0 && out->release) out->release(out);
    return rc;
}

/* The rows of a chunk. */
static int take_chunk(duck_rows *r, duckdb_data_chunk chunk, const char *what, struct ArrowArray *out, shoal_error *err)
{
    int code = r->simple ? duck_simple_chunk(chunk, r->simple, (uint64_t)r->schema.n_children, out, err) : 0;
    return code != 0 ? code < 0 ? code : 0 : take_error(duckdb_data_chunk_to_arrow(r->options, chunk, out), what, err);
}

int duck_rows_next(duck_rows *r, const char *what, struct ArrowArray *out, shoal_error *err)
{
    for (;;) {
        duckdb_data_chunk chunk = duckdb_fetch_chunk(r->result);
        if (!chunk) {
            const char *message = duckdb_result_error(&r->result);
            return message && *message ? duck_error(duckdb_result_error_type(&r->result), message, what, SHOAL_DATA, err) : 0;
        }
        int code = 0, empty = duckdb_data_chunk_get_size(chunk) == 0;
        if (!empty) code = take_chunk(r, chunk, what, out, err);
        duckdb_destroy_data_chunk(&chunk);
        if (code < 0) return code;
        if (!empty) return 1;
    }
}

void duck_rows_release(duck_rows *r)
{
    if (r->schema.release) r->schema.release(&r->schema);
    mem_free(r->simple);
    if (r->options) duckdb_destroy_arrow_options(&r->options);
    if (r->has_result) duckdb_destroy_result(&r->result);
    if (r->statement) duckdb_destroy_prepare(&r->statement);
    memset(r, 0, sizeof *r);
}

static int put_quoted(buf *b, const char *s, char quote, shoal_error *err)
{
    int r = buf_putc(b, quote, err);
    for (; r == 0 && *s; s++) {
        if (*s == quote) r = buf_putc(b, quote, err);
        if (r == 0) r = buf_putc(b, *s, err);
    }
    return r < 0 ? r : buf_putc(b, quote, err);
}

int duck_put_string(buf *b, const char *s, shoal_error *err) { return put_quoted(b, s, '\'', err); }
int duck_put_name(buf *b, const char *s, shoal_error *err) { return put_quoted(b, s, '"', err); }
