/* fuzz_csvtext.c: any bytes as CSV: fields lie in the text, in order; a row takes at least a byte; and a text that is cut
 * gives no other row than the whole one, but asks for more. Rows at once (csvblock.h) are the same as one by one. */
#include "base/error.h"
#include "records/csvblock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_row(view text, const csv_row *row)
{
    size_t at = 0;
    CHECK(row->bytes > 0 && row->bytes <= text.n && row->n > 0);
    for (size_t i = 0; i < row->n; i++) {
        CHECK(row->field[i].at >= at && row->field[i].n <= text.n && row->field[i].at <= text.n - row->field[i].n);
        at = row->field[i].at + row->field[i].n;
    }
}

static void check_cut(view text, const csv_row *whole, size_t cut, char delimiter)
{
    csv_row part = {0};
    int r = csv_row_parse(view_of(text.p, cut), 0, delimiter, &part);
    CHECK(r == 0 || r == SHOAL_DATA || (r == 1 && part.n == whole->n && part.bytes == whole->bytes && part.lines == whole->lines));
    csv_row_release(&part);
}

/* The rows that have as many fields as the first, empty lines left out. */
static void check_block(view text, char delimiter)
{
    csv_block b = {0};
    csv_row row = {0};
    size_t at = 0, lines = 0, rows = 0;
    if (csv_row_parse(text, 1, delimiter, &row) != 1) return csv_row_release(&row);
    const size_t columns = row.n;
    CHECK(csv_block_split(text, delimiter, columns, &b, NULL) == 0);
    while (csv_row_parse(view_of(text.p + at, text.n - at), 1, delimiter, &row) == 1) {
        const int blank = columns > 1 && row.n == 1 && row.field[0].n == 0 && !row.field[0].quoted;
        if (!blank && row.n != columns) break;
        CHECK(blank || rows < b.rows);
        for (size_t i = 0; !blank && i < columns; i++) {
            const csv_cell *c = &b.cell[rows * columns + i];
            CHECK(c->at == at + row.field[i].at && (c->n & CSV_CELL_BYTES) == row.field[i].n && !(c->n & CSV_CELL_QUOTED) == !row.field[i].quoted);
        }
        rows += !blank;
        lines += row.lines;
        at += row.bytes;
    }
    CHECK(rows == b.rows && at == b.stop && lines == b.lines && csv_rows_end(text, delimiter) <= text.n);
    csv_block_release(&b);
    csv_row_release(&row);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_block(view_of((const char *)data, size), csv_guess_delimiter(view_of((const char *)data, size)));
    view text = view_of((const char *)data, size);
    csv_row row = {0};
    buf room = BUF_INIT;
    const char delimiter = csv_guess_delimiter(text);
    while (csv_row_parse(text, 1, delimiter, &row) == 1) {
        check_row(text, &row);
        for (size_t i = 0; i < row.n; i++) {
            view v;
            CHECK(csv_field_text(text, &row.field[i], &room, &v, NULL) == 0 && v.n <= row.field[i].n);
        }
        if (text.n > 1) check_cut(text, &row, 1 + (uint8_t)text.p[0] % (text.n - 1), delimiter);
        text = view_of(text.p + row.bytes, text.n - row.bytes);
    }
    buf_release(&room);
    csv_row_release(&row);
    return 0;
}
