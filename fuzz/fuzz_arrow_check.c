/* fuzz_arrow_check.c: batches of one column with lengths, offsets and buffers of the fuzzer's choice. What arrow_array_check
 * lets pass is then copied and printed whole; the address sanitizer watches. Buffers that the check cannot know the size of
 * (the interface has no sizes) are made large enough for the length that the batch claims. */
#include <stdlib.h>
#include <string.h>

#include "table/arrow.h"
#include "table/cell_text.h"

#define ROWS_MAX 64
#define BYTES_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void keep(struct ArrowArray *a) { a->release = NULL; }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const FORMAT[] = {"u", "z", "U", "+l", "i", "b", "g", "tdD", "tsu:", "d:10,2", "n", "l"};
    if (size < 16) return 0;
    const char *format = FORMAT[data[0] % (sizeof FORMAT / sizeof FORMAT[0])];
    struct ArrowSchema schema, *field;
    if (arrow_schema_struct(&schema, 1, NULL) < 0) return 0;
    field = schema.children[0];
    int r = strcmp(format, "+l") == 0 ? arrow_schema_set_list(field, "x", "i", NULL) : arrow_schema_set(field, "x", format, 1, NULL);
    enum arrow_type t = arrow_type_of_format(format);
    static uint8_t valid[ROWS_MAX], text[BYTES_MAX], values[2 * ROWS_MAX * 16 + 16], items[BYTES_MAX * 4];
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
    const void *item_buffers[2] = {NULL, items}, *buffers[3] = {data[6] & 1 ? valid : NULL, data[6] & 2 ? NULL : values, data[6] & 4 ? NULL : text}, *none[1] = {NULL};
    struct ArrowArray item = {.length = data[4] % ROWS_MAX, .n_buffers = 2, .buffers = item_buffers, .release = keep}, *item_at = &item;
    struct ArrowArray column = {.length = (int8_t)data[1] % ROWS_MAX, .offset = (int8_t)data[2] % ROWS_MAX, .null_count = (int8_t)data[3],
                                .n_buffers = data[6] >> 3 & 3, .buffers = buffers, .release = keep};
    if (data[6] & 32) column.n_buffers = t == ARROW_NULL ? 0 : arrow_type_is_text(t) ? 3 : 2;
    if (t == ARROW_LIST) {
        column.n_children = 1;
        column.children = &item_at;
    }
    struct ArrowArray *column_at = &column;
    struct ArrowArray batch = {.length = (int8_t)data[7] % ROWS_MAX, .n_buffers = 1, .buffers = none, .n_children = 1, .children = &column_at, .release = keep};
    if (r == 0 && arrow_array_check(&schema, &batch, NULL) == 0) {
        struct ArrowArray copy;
        buf b = BUF_INIT;
        for (int64_t i = 0; i < batch.length; i++) cell_put_json_row(&b, &schema, &batch, i, NULL);
        if (arrow_array_copy(&schema, &batch, &copy, NULL) == 0) {
            buf c = BUF_INIT;
            for (int64_t i = 0; i < copy.length; i++) cell_put_json_row(&c, &schema, &copy, i, NULL);
            if (b.len != c.len || (b.len > 0 && memcmp(b.data, c.data, b.len) != 0)) abort();
            buf_release(&c);
            copy.release(&copy);
        }
        buf_release(&b);
    }
    schema.release(&schema);
    return 0;
}
