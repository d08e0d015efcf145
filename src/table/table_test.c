/* Round trips through every format, and what sinks leave behind when they fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"
#include "storage/file.h"
#include "table/cell_text.h"
#include "table/table.h"

static char folder[] = "/tmp/shoal-table-XXXXXX";

static int setup(void **state)
{
    (void)state;
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    return chdir("/") == 0 ? file_remove_tree(folder, NULL) : -1;
}

static void put(const char *path, const char *text) { assert_int_equal(file_write_all(path, 1, text, strlen(text), NULL), 0); }

static int threads; /* that read ahead */

static int open_sql(const char *path, const char *sql, table **t, shoal_error *err)
{
    table_spec spec = {.paths = &path, .n_paths = 1, .sql = sql, .threads = threads};
    return table_open(&spec, t, err);
}

static int convert(const char *from, const char *sql, const char *to, shoal_error *err)
{
    table *t = NULL;
    sink *s = NULL;
    struct ArrowArray a;
    uint64_t rows;
    sink_spec spec = {.path = to, .max_file_bytes = 40000, .compression = strstr(to, ".gz") ? CONTAINER_GZIP : CONTAINER_PLAIN};
    int r = open_sql(from, sql, &t, err);
    if (r == 0) r = sink_open(&spec, table_schema(t), &s, err);
    while (r == 0 && (r = table_next(t, &a, err)) == 1) {
        r = sink_write(s, &a, err);
        a.release(&a);
    }
    if (r == 0) r = sink_commit(s, &rows, err);
    else sink_abort(s);
    table_free(t);
    return r;
}

/* All rows as JSON lines. */
static int rows_of(const char *path, const char *sql, buf *b, shoal_error *err)
{
    table *t;
    struct ArrowArray a;
    buf_clear(b);
    int r = open_sql(path, sql, &t, err);
    if (r < 0) return r;
    while ((r = table_next(t, &a, err)) == 1) {
        assert_int_equal(arrow_array_check(table_schema(t), &a, err), 0);
        for (int64_t i = 0; i < a.length; i++) cell_put_json_row(b, table_schema(t), &a, i, NULL);
        a.release(&a);
    }
    table_free(t);
    return r;
}

#define MADE                                                                                                              \
    "SELECT i::INTEGER AS i, (i % 2 = 0) AS b, CASE WHEN i % 7 <> 3 THEN 'text, \"' || i END AS s, (i / 4)::FLOAT AS f, i * 1.5::DOUBLE AS d, " \
    "DATE '2020-01-01' + i::INTEGER AS day, TIMESTAMP '2020-01-01 10:00:00' + INTERVAL (i) SECOND AS t, "               \
    "CASE WHEN i % 5 = 0 THEN NULL ELSE range(i % 4) END AS l, CASE WHEN i % 3 = 0 THEN '' END AS e FROM range(5000) r(i)"

static void round_trips(void **state)
{
    (void)state;
    static const char *const TO[] = {"a.parquet", "a.tfrecord", "a.tfrecord.gz", "folder"};
    buf want = BUF_INIT, got = BUF_INIT;
    shoal_error err;
    put("one.csv", "x\n1\n");
    assert_int_equal(rows_of("one.csv", MADE, &want, &err), 0);
    for (size_t i = 0; i < sizeof TO / sizeof TO[0]; i++) {
        threads = 0;
        if (convert("one.csv", MADE, TO[i], &err) < 0) fail_msg("%s: %s", TO[i], err.message);
        for (threads = 0; threads < 8; threads += 3) {
            if (rows_of(TO[i], NULL, &got, &err) < 0) fail_msg("%s: %s", TO[i], err.message);
            assert_int_equal(got.len, want.len);
            assert_memory_equal(got.data, want.data, want.len);
        }
        assert_int_equal(rows_of(TO[i], "SELECT * FROM src", &got, &err), 0);
        assert_memory_equal(got.data, want.data, want.len);
    }
    assert_true(file_exists("folder/_SUCCESS") && file_exists("folder/part-00002.tfrecord"));
    threads = 0;
    /* text keeps values, not types */
    assert_int_equal(convert("a.parquet", "SELECT i, s, e FROM src", "b.csv", &err), 0);
    assert_int_equal(convert("a.parquet", "SELECT i, s, e FROM src", "b.jsonl", &err), 0);
    assert_int_equal(rows_of("a.parquet", "SELECT i, s, e FROM src", &want, &err), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(rows_of(i ? "b.csv" : "b.jsonl", NULL, &got, &err), 0);
        assert_int_equal(got.len, want.len);
        assert_memory_equal(got.data, want.data, want.len);
    }
    buf_release(&want);
    buf_release(&got);
}

static void refused(const char *sql, const char *to, int code, const char *says)
{
    shoal_error err = {0};
    char **left = NULL;
    size_t n = 0;
    assert_int_equal(convert("one.csv", sql, to, &err), code);
    if (!strstr(err.message, says)) fail_msg("'%s' lacks '%s'", err.message, says);
    assert_false(file_exists(to));
    assert_int_equal(file_list(".", &left, &n, NULL), 0);
    for (size_t i = 0; i < n; i++) assert_null(strstr(left[i], "tmp-"));
    file_list_free(left, n);
}

static void nothing_is_narrowed(void **state)
{
    (void)state;
    put("one.csv", "x\n1\n");
    refused("SELECT 0.1::DOUBLE AS x", "n.tfrecord", SHOAL_DATA, "column 'x', row 0: 0.1");
    refused("SELECT i::UBIGINT + 18446744073709551610 AS x FROM range(3) r(i)", "n.tfrecord", SHOAL_DATA, "above the int64");
    refused("SELECT 1.25::DECIMAL(10,2) AS x", "n.tfrecord", SHOAL_DATA, "decimal(10,2)");
    refused("SELECT {'a': 1} AS x", "n.tfrecord", SHOAL_DATA, "struct");
    refused("SELECT [1, NULL] AS x", "n.tfrecord", SHOAL_DATA, "null inside");
    refused("SELECT 1 AS x, nope FROM src", "n.tfrecord", SHOAL_USAGE, "nope");
    refused("SELECT i / (i - 3000) AS x, CAST('a' || i AS INTEGER) AS y FROM range(5000) r(i)", "n.parquet", SHOAL_DATA, "--sql: ");
}

static void limits_columns_names(void **state)
{
    (void)state;
    static const char *const COLUMNS[] = {"s", "i"}, *const WRONG[] = {"nope"};
    shoal_error err;
    const char *path = NULL;
    struct ArrowArray a;
    char name[200];
    put("one.csv", "x\n1\n");
    assert_int_equal(convert("one.csv", MADE, "c.parquet", &err), 0);
    assert_int_equal(convert("one.csv", MADE, "c", &err), 0);
    for (int k = 0; k < 2; k++) {
        table *t;
        path = k ? "c" : "c.parquet";
        table_spec spec = {.paths = &path, .n_paths = 1, .columns = COLUMNS, .n_columns = 2, .limit = 2050, .threads = 2 * k};
        assert_int_equal(table_open(&spec, &t, &err), 0);
        assert_int_equal(table_schema(t)->n_children, 2);
        assert_string_equal(table_schema(t)->children[1]->name, "i");
        int64_t rows = 0;
        while (table_next(t, &a, &err) == 1) {
            assert_int_equal(arrow_i64(ARROW_I32, a.children[1], 0), rows);
            rows += a.length;
            a.release(&a);
        }
        assert_int_equal(rows, 2050);
        assert_string_equal(table_row_name(t, 7, name, sizeof name), k ? "part-00000.tfrecord record 7" : "c.parquet row 7");
        table_free(t);
        spec.columns = WRONG;
        spec.n_columns = 1;
        assert_int_equal(table_open(&spec, &t, &err), SHOAL_DATA);
        assert_non_null(strstr(err.message, "there is no column 'nope'; there are: i, b, s"));
    }
}

static void stream_in(void **state)
{
    (void)state;
    shoal_error err;
    table *t;
    struct ArrowArrayStream stream;
    struct ArrowArray a;
    put("s.csv", "x,y\n1,a\n2,b\n");
    assert_int_equal(open_sql("s.csv", NULL, &t, &err), 0);
    assert_int_equal(table_to_stream(t, &stream, &err), 0);
    table_spec spec = {.stream = &stream, .sql = "SELECT y, x + 1 AS z FROM src WHERE x > 1"};
    assert_int_equal(table_open(&spec, &t, &err), 0);
    assert_int_equal(table_next(t, &a, &err), 1);
    assert_int_equal(a.length, 1);
    assert_int_equal(arrow_i64(ARROW_I64, a.children[1], 0), 3);
    a.release(&a);
    assert_int_equal(table_next(t, &a, &err), 0);
    table_free(t);
    assert_null(stream.release);
}

/* A query over a stream means what it means over a file: no filter and no choice of columns is lost on the way. */
static void queries_over_records(void **state)
{
    (void)state;
    static const char *const SQL[] = {
        "SELECT s FROM src", "SELECT i FROM src WHERE i > 4990 AND s IS NOT NULL", "SELECT count(*) AS n FROM src", "SELECT sum(i)::BIGINT AS n FROM src WHERE b",
        "SELECT l, i FROM src ORDER BY i DESC LIMIT 3", "SELECT a.s, k FROM src a, (VALUES (1, 'x'), (9, 'y')) v(j, k) WHERE a.i = v.j ORDER BY j",
        "SELECT b, min(d) AS d FROM src GROUP BY b ORDER BY b", "SELECT a.i, b.s FROM src a JOIN src b USING (i) WHERE a.b ORDER BY 1 LIMIT 9",
        "WITH x AS (SELECT * FROM src) SELECT count(*) AS n FROM x WHERE d > (SELECT avg(d) FROM x)",
    };
    buf want = BUF_INIT, got = BUF_INIT;
    shoal_error err;
    put("one.csv", "x\n1\n");
    assert_int_equal(convert("one.csv", MADE, "q.parquet", &err), 0);
    assert_int_equal(convert("one.csv", MADE, "q.tfrecord", &err), 0);
    for (size_t i = 0; i < sizeof SQL / sizeof SQL[0]; i++) {
        assert_int_equal(rows_of("q.parquet", SQL[i], &want, &err), 0);
        assert_int_equal(rows_of("q.tfrecord", SQL[i], &got, &err), 0);
        assert_true(want.len > 0);
        assert_int_equal(want.len, got.len);
        assert_memory_equal(want.data, got.data, want.len);
    }
    buf_release(&want);
    buf_release(&got);
}

/* Reading with the n-th allocation refused, whichever thread asks for it. */
static void reading_fails(void **state)
{
    (void)state;
    shoal_error err;
    put("r.csv", "x,y,z\n1,a,2.5\n2,b,1.5\n");
    assert_int_equal(convert("r.csv", NULL, "r.parquet", &err), 0);
    assert_int_equal(convert("r.parquet", "SELECT * REPLACE (z::FLOAT AS z) FROM src", "r.tfrecord", &err), 0);
    assert_int_equal(file_remove_tree(".r.tfrecord.schema.json", NULL), 0);
    for (threads = 0; threads < 7; threads += 2)
        for (long n = 1;; n += threads > 4 ? 5 : 1) {
            buf got = BUF_INIT;
            mem_fail_at(n, 0);
            int r = rows_of(threads > 4 ? "r.parquet" : "r.tfrecord", NULL, &got, &err);
            mem_fail_at(0, 0);
            buf_release(&got);
            if (r == 0) break;
            if (r != SHOAL_NOMEM) fail_msg("allocation %ld: %d %s", n, r, err.message);
            assert_true(n < 2000);
        }
    threads = 0;
}

static void allocations_fail(void **state)
{
    (void)state;
    static const char *const TO[] = {"m.tfrecord.gz", "m.jsonl", "m.parquet"};
    shoal_error err;
    put("m.csv", "x,y\n1,a\n2,b\n");
    for (size_t k = 0; k < sizeof TO / sizeof TO[0]; k++)
        for (long n = 1;; n += k == 2 ? 5 : 1) {
            mem_fail_at(n, 0);
            int r = convert("m.csv", NULL, TO[k], &err);
            mem_fail_at(0, 0);
            if (r == 0) break;
            if (r != SHOAL_NOMEM) fail_msg("%s, allocation %ld: %d %s", TO[k], n, r, err.message);
            assert_false(file_exists(TO[k]));
            assert_true(n < 2000);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(round_trips), cmocka_unit_test(nothing_is_narrowed), cmocka_unit_test(limits_columns_names),
                                       cmocka_unit_test(stream_in), cmocka_unit_test(queries_over_records), cmocka_unit_test(reading_fails),
                                       cmocka_unit_test(allocations_fail)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
