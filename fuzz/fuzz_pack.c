/* Packs: any bytes open or are refused; what opens is read block by block, and its lists lie within the heap. The
 * checksums are put right first, or no input would get past them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "features/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TAIL 48

static uint64_t get_u64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static void sign(uint8_t *p, size_t begin, size_t end)
{
    const uint64_t sum = hash64(p + begin, end - begin, 0);
    memcpy(p + end, &sum, sizeof sum);
}

static void repair(uint8_t *p, size_t n)
{
    if (n < TAIL)
        return;
    const uint64_t blocks = get_u64(p + n - TAIL);
    if (blocks > (n - TAIL) / 8)
        return;
    const size_t footer = n - TAIL - 8 * (size_t)blocks;
    for (uint64_t i = 0; i < blocks; i++) {
        const uint64_t begin = get_u64(p + footer + 8 * i);
        const uint64_t end = i + 1 < blocks ? get_u64(p + footer + 8 * i + 8) : footer;
        if (begin <= end && end <= footer && end - begin >= 8)
            sign(p, begin, end - 8);
    }
    sign(p, footer, n - 16);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    pack *p;
    raw_block b;
    uint8_t *copy = malloc(size + 1);
    memcpy(copy, data, size);
    repair(copy, size);
    snprintf(path, sizeof path, "/dev/shm/fuzz_pack.%d", (int)getpid());
    FILE *f = fopen(path, "wb");
    if (f) {
        fwrite(copy, 1, size, f);
        fclose(f);
    }
    free(copy);
    raw_block_init(&b);
    if (f && pack_open(path, &p, NULL) == 0) {
        for (uint32_t i = 0; i < pack_blocks(p); i++)
            pack_read(p, i, &b, NULL);
        if (b.records.len != (size_t)b.rows * pack_stride(p))
            abort();
        for (uint32_t r = 0; r < b.rows; r++)
            for (uint32_t k = 0; k < b.n_lists; k++) {
                uint32_t ref[2];
                memcpy(ref, b.records.data + (r + 1) * (size_t)pack_stride(p) - 8 * (b.n_lists - k), sizeof ref);
                if (ref[0] > b.heap.len || (ref[1] != RAW_LIST_MISSING && ref[0] + 8 * (uint64_t)ref[1] > b.heap.len))
                    abort();
            }
        pack_close(p);
    }
    raw_block_release(&b);
    remove(path);
    return 0;
}
