/* fuzz_arrow_check.c: batches of one column with lengths, offsets and buffers of the fuzzer's choice. What arrow_array_check
 * lets pass is then copied and printed whole; the address sanitizer watches. Buffers that the check cannot know the size of
 * (the interface has no sizes) are made large enough for the length that the batch claims. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "table/arrow.h"
#include "table/cell_text.h"

#define ROWS_MAX 64
#define BYTES_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void keep(struct ArrowArray *a) { a->release = NULL; }

static void print(const struct ArrowSchema *s, const struct ArrowArray *a, buf *b)
{
    for (int64_t i = 0; i < a->length; i++) cell_put_json_row(b, s, a, i, NULL);
}

/* The copy is in plain types and sound; of what was plain before it says the same. */
static void copy_and_print(const struct ArrowSchema *schema, const struct ArrowArray *batch)
{
    struct ArrowArray copy;
    struct ArrowSchema plain;
    buf b = BUF_INIT, c = BUF_INIT;
    int was_plain = arrow_schema_is_plain(schema);
    if (was_plain) print(schema, batch, &b);
    if (arrow_schema_plain(schema, &plain, NULL) < 0) return;
    if (!arrow_schema_is_plain(&plain)) abort();
    if (arrow_array_copy(schema, batch, 0, batch->length, &copy, NULL) == 0) {
        if (arrow_array_check(&plain, &copy, NULL) < 0) abort();
        print(&plain, &copy, &c);
        if (was_plain && (b.len != c.len || (b.len > 0 && memcmp(b.data, c.data, b.len) != 0))) abort();
        copy.release(&copy);
    }
    buf_release(&b);
    buf_release(&c);
    plain.release(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const FORMAT[] = {"u", "z", "U", "+l", "i", "b", "g", "tdD", "tsu:", "d:10,2", "n", "l",
                                        "vu", "vz", "w:5", "+w:3", "+vl", "e", "tdm", "ttm", "d:5,2,64", "d:9,1,256", ":uhugeint", ":uuid", "C"};
    if (size < 16) return 0;
    const char *format = FORMAT[data[0] % (sizeof FORMAT / sizeof FORMAT[0])];
    struct ArrowSchema schema, *field;
    if (arrow_schema_struct(&schema, 1, NULL) < 0) return 0;
    field = schema.children[0];
    int r = format[0] == '+' ? arrow_schema_set_list(field, "x", "i", NULL) : arrow_schema_set(field, "x", format, 1, NULL);
    if (r == 0 && format[0] == '+') r = arrow_schema_set_format(field, format, NULL);
    enum arrow_type t = arrow_type_of_format(format);
    static uint8_t valid[ROWS_MAX], text[BYTES_MAX], values[2 * ROWS_MAX * 32 + 32], items[BYTES_MAX * 4];
    memcpy(values, data + 8, size - 8 < sizeof values ? size - 8 : sizeof values);
    memset(valid, data[5], sizeof valid);
    for (size_t i = 0; i < sizeof text; i++) text[i] = data[8 + i % (size - 8)];
    /* keep offsets within the buffers that there are: the interface gives the check no way to know their sizes */
    if (t == ARROW_UTF8 || t == ARROW_BINARY)
        for (size_t i = 0; i + 4 <= sizeof values; i += 4) {
            int32_t v;
            memcpy(&v, values + i, 4);
            v %= BYTES_MAX;
            memcpy(values + i, &v, 4);
        }
    if (t == ARROW_LARGE_UTF8)
        for (size_t i = 0; i + 8 <= sizeof values; i += 8) {
            int64_t v;
            memcpy(&v, values + i, 8);
            v %= BYTES_MAX;
            memcpy(values + i, &v, 8);
        }
    static const int64_t sizes[1] = {BYTES_MAX};
    const void *item_buffers[2] = {NULL, items}, *buffers[3] = {data[6] & 1 ? valid : NULL, data[6] & 2 ? NULL : values, data[6] & 4 ? NULL : text}, *none[1] = {NULL};
    struct ArrowArray item = {.length = data[4] % ROWS_MAX, .n_buffers = 2, .buffers = item_buffers, .release = keep}, *item_at = &item;
    struct ArrowArray column = {.length = (int8_t)data[1] % ROWS_MAX, .offset = (int8_t)data[2] % ROWS_MAX, .null_count = (int8_t)data[3],
                                .n_buffers = data[6] >> 3 & 3, .buffers = buffers, .release = keep};
    if (t == ARROW_LIST_VIEW) buffers[2] = data[6] & 4 ? NULL : values + 128;
    const void *view_buffers[4] = {buffers[0], buffers[1], buffers[2], sizes};
    if (t == ARROW_UTF8_VIEW || t == ARROW_BINARY_VIEW) column.buffers = view_buffers;
    if (data[6] & 32) column.n_buffers = t == ARROW_NULL ? 0 : column.buffers == view_buffers ? 4 : arrow_type_is_text(t) || t == ARROW_LIST_VIEW ? 3 : t == ARROW_FIXED_LIST ? 1 : 2;
    if (format[0] == '+') {
        column.n_children = 1;
        column.children = &item_at;
    }
    if (t == ARROW_U8) { /* the indices of a dictionary of integers */
        field->dictionary = mem_calloc(1, sizeof *field->dictionary);
        if (!field->dictionary || arrow_schema_set(field->dictionary, "", "i", 1, NULL) < 0) r = -1;
        column.dictionary = &item;
    }
    struct ArrowArray *column_at = &column;
    struct ArrowArray batch = {.length = (int8_t)data[7] % ROWS_MAX, .n_buffers = 1, .buffers = none, .n_children = 1, .children = &column_at, .release = keep};
    if (r == 0 && arrow_array_check(&schema, &batch, NULL) == 0) copy_and_print(&schema, &batch);
    schema.release(&schema);
    return 0;
}
