/* fuzz_example.c: any bytes as a tf.train.Example or SequenceExample: all features and values are read, nothing outside the bytes is; and the
 * scanner finds what the cursor finds. */
#include <stdlib.h>
#include <string.h>

#include "records/example_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Twice, so that the second time the order is known. The key set: the first three keys that are there. */
static void scan(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + EXAMPLE_SLACK);
    if (!copy) return;
    if (size > 0) memcpy(copy, data, size);
    memset(copy + size, 0, EXAMPLE_SLACK);
    view keys[3], entry, value, unknown;
    size_t n = 0;
    int sound;
    example_cursor c;
    example_keys *set;
    example_scanner s;
    example_slot slot[3];
    example_start(&c, view_of(copy, size));
    while ((sound = example_next_entry(&c, &entry, NULL)) == 1 && (sound = example_entry(entry, &keys[n], &value, NULL)) == 0)
        n += n < 2;
    if (example_keys_new(keys, NULL, n, &set, NULL) < 0) abort();
    if (example_scanner_init(&s, set, NULL) < 0) abort();
    for (int i = 0; i < 2; i++)
        if (example_scan(&s, view_of(copy, size), slot, 1, &unknown, NULL) == 0 && sound < 0) abort();
    example_scanner_release(&s);
    example_keys_free(set);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    scan(data, size);
    example_cursor c;
    example_feature f;
    shoal_error err;
    uint64_t sum = 0;
    example_start(&c, view_of((const char *)data, size));
    while (example_next(&c, &f, &err) == 1) {
        view text;
        float real;
        int64_t whole;
        for (size_t i = 0; i < f.key.n; i++) sum += (uint8_t)f.key.p[i];
        if (f.kind == EXAMPLE_BYTES)
            while (example_bytes(&f, &text, &err) == 1)
                for (size_t i = 0; i < text.n; i++) sum += (uint8_t)text.p[i];
        if (f.kind == EXAMPLE_FLOAT) while (example_f32(&f, &real, &err) == 1) sum += real > 0;
        if (f.kind == EXAMPLE_INT64) while (example_i64(&f, &whole, &err) == 1) sum += (uint64_t)whole;
    }
    view entry, key, list;
    sequence_start(&c, view_of((const char *)data, size));
    while (example_next_entry(&c, &entry, &err) == 1 && example_entry(entry, &key, &list, &err) == 0)
        while (sequence_next(&list, &f, &err) == 1) sum += f.kind;
    sum += (uint64_t)example_check(view_of((const char *)data, size), &err);
    sum += (uint64_t)sequence_has_lists(view_of((const char *)data, size));
    static volatile uint64_t seen; /* so that the reads are not left out */
    seen = sum;
    return seen & 0;
}
