/* fuzz_record_index.c: any bytes as the index of a TFRecord file, behind a right head and in front of a right checksum, which
 * chance would not find. What is read is looked up and written again. */
#include "base/error.h"
#include "base/mem.h"
#include "records/record_index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    buf b = BUF_INIT, again = BUF_INIT;
    record_index x;
    record_range *range = NULL;
    size_t n;
    CHECK(buf_append(&b, "SHOALIDX\1\0\0\0", 12, NULL) == 0 && buf_append(&b, data, size, NULL) == 0);
    uint64_t sum = hash64(b.data, b.len, 0);
    CHECK(buf_append(&b, &sum, 8, NULL) == 0);
    if (record_index_decode("fuzz", view_of((const char *)b.data, b.len), &x, NULL) == 0) {
        for (uint64_t record = 0; record < x.records && record < 100; record++) {
            size_t at = record_index_find(&x, record);
            CHECK(at < x.n_blocks && x.block[at].record <= record);
        }
        CHECK(record_index_split(&x, 1 << 20, &range, &n, NULL) == 0 && (n > 0) == (x.records > 0));
        CHECK(record_index_encode(&x, &again, NULL) == 0 && again.len <= b.len);
    }
    mem_free(range);
    record_index_release(&x);
    buf_release(&b);
    buf_release(&again);
    return 0;
}
