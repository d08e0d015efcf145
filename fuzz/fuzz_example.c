/* fuzz_example.c: any bytes as a tf.train.Example: all features and values are read, nothing outside the bytes is. */
#include "records/example.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
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
    static volatile uint64_t seen; /* so that the reads are not left out */
    seen = sum;
    return seen & 0;
}
