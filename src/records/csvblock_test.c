#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "records/bytefind.h"
#include "records/csvblock.h"

#define TEXT_MOST 700
#define ROUNDS 20000

typedef struct chance { uint64_t key, drawn; } chance;

static size_t below(chance *g, size_t n) { return (size_t)rng_below(g->key, g->drawn++, n); }

/* A text of few letters, so that all that means something meets all else. */
static size_t make_text(chance *g, char *text)
{
    static const char *const LETTERS[] = {"a,\n", "ab,\n\"", "a,\"\n\r", "abcdefghijklmnopqrstuvwxyz0123456789,\n", "a\",\"\n\xc3\xa9", "aaaaaaaaaaaaaaaaa,,,\n\"\"\r"};
    const char *letters = LETTERS[below(g, sizeof LETTERS / sizeof LETTERS[0])];
    const size_t n = below(g, TEXT_MOST), k = strlen(letters);
    for (size_t i = 0; i < n; i++) text[i] = letters[below(g, k)];
    return n;
}

static void places_by_any_instructions(void **state)
{
    (void)state;
    static uint32_t fast[TEXT_MOST + BYTEFIND_ROOM], plain[TEXT_MOST + BYTEFIND_ROOM];
    chance g = {1, 0};
    for (int i = 0; i < ROUNDS; i++) {
        char text[TEXT_MOST];
        const view v = view_of(text, make_text(&g, text));
        bytefind a = {.at = fast}, b = {.at = plain};
        bytefind_any(v, ",\n\r\"", 7, &a);
        bytefind_any_portable(v, ",\n\r\"", 7, &b);
        assert_int_equal(a.n, b.n);
        assert_int_equal(a.has_high, b.has_high);
        assert_int_equal(a.has_last, b.has_last);
        if (a.n > 0) assert_memory_equal(fast, plain, a.n * sizeof *fast);
    }
}

static void same_row(const csv_cell *cell, const csv_row *row, size_t at)
{
    for (size_t k = 0; k < row->n; k++) {
        assert_int_equal(cell[k].at, at + row->field[k].at);
        assert_int_equal(cell[k].n & CSV_CELL_BYTES, row->field[k].n);
        assert_int_equal(!!(cell[k].n & CSV_CELL_QUOTED), row->field[k].quoted);
        assert_int_equal(!!(cell[k].n & CSV_CELL_ESCAPED), row->field[k].escaped);
    }
}

/* Whether a row of the whole text starts there, as long as rows are sound. */
static int is_start(view text, size_t place)
{
    csv_row row = {0};
    size_t at = 0;
    while (at < place && csv_row_parse(view_of(text.p + at, text.n - at), 1, ',', &row) == 1) at += row.bytes;
    const int sound = at >= place;
    csv_row_release(&row);
    return !sound || at == place;
}

static void as_row_by_row(void **state)
{
    (void)state;
    csv_block b = {0};
    csv_row row = {0};
    uint64_t rows = 0;
    chance g = {2, 0};
    for (int i = 0; i < ROUNDS; i++) {
        char text[TEXT_MOST];
        const view v = view_of(text, make_text(&g, text));
        const size_t columns = csv_row_parse(v, 1, ',', &row) == 1 ? row.n : 1 + below(&g, 3);
        size_t at = 0, n = 0, lines = 0;
        assert_int_equal(csv_block_split(v, ',', columns, &b, NULL), 0);
        while (csv_row_parse(view_of(v.p + at, v.n - at), 1, ',', &row) == 1) {
            const int blank = columns > 1 && row.n == 1 && row.field[0].n == 0 && !row.field[0].quoted;
            if (!blank && row.n != columns) break;
            if (!blank) same_row(&b.cell[n * columns], &row, at);
            n += !blank;
            at += row.bytes;
            lines += row.lines;
        }
        assert_int_equal(b.rows, n);
        assert_int_equal(b.stop, at);
        assert_int_equal(b.lines, lines);
        rows += n;
        const size_t cut = below(&g, v.n + 1), end = csv_rows_end(view_of(v.p, cut), ',');
        assert_true(end <= cut && is_start(v, end));
    }
    assert_true(rows > ROUNDS);
    csv_row_release(&row);
    csv_block_release(&b);
}

static void where_rows_end(void **state)
{
    (void)state;
    static const struct { const char *text; size_t end; } CASE[] = {
        {"", 0}, {"a", 0}, {"a\n", 2}, {"a\nb", 2}, {"a\rb", 2}, {"a\r", 0}, {"a\rb\r", 2}, {"a\r\n", 3}, {"\"a\nb", 0}, {"x\n\"a\nb", 2}, {"\"a\nb\"\n", 6},
        {"a\"\nb", 3}, {"\"\"\"\n\"\"\"\nx", 8}, {"\"a\"", 0}, {"1,\"a\n\"\"", 0}, {"\"a\"\r\"b\"", 4},
    };
    for (size_t i = 0; i < sizeof CASE / sizeof CASE[0]; i++) assert_int_equal(csv_rows_end(view_of(CASE[i].text, strlen(CASE[i].text)), ','), CASE[i].end);
}

static void without_memory(void **state)
{
    (void)state;
    for (long n = 1; n <= 2; n++) {
        csv_block b = {0};
        mem_fail_at(n, 0);
        assert_int_equal(csv_block_split(view_of("a,b\n", 4), ',', 2, &b, NULL), SHOAL_NOMEM);
        mem_fail_at(0, 0);
        assert_int_equal(csv_block_split(view_of("a,b\n", 4), ',', 2, &b, NULL), 0);
        assert_int_equal(b.rows, 1);
        csv_block_release(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_by_any_instructions), cmocka_unit_test(as_row_by_row), cmocka_unit_test(where_rows_end), cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
