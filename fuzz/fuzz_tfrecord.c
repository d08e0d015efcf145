/* fuzz_tfrecord.c: any bytes as a TFRecord file, plain, gzip or zlib (as the bytes themselves say), from a file in memory;
 * strictly, and with damage set aside, which always comes to an end. What looks like gzip is read once more as if Shoal had written
 * its first member. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "records/inflate_members.h"
#include "records/tfrecord.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    int fd = memfd_create("fuzz", 0);
    CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    shoal_error err;
    view v;
    uint64_t sum = 0;
    const int is_gzip = size >= MEMBER_HEAD_BYTES && data[0] == 0x1f && data[1] == 0x8b && data[2] == 8;
    for (int pass = 0; pass < (is_gzip ? 4 : 2); pass++) {
        const int tolerant = pass % 2;
        if (pass == 2) CHECK(pwrite(fd, "\0\0\0\0\0\0\xff", 7, 3) == 7);
        tfrecord_reader *t;
        quarantine *q = NULL;
        CHECK(quarantine_new(NULL, NULL, &q, NULL) == 0);
        if (tfrecord_open(path, &t, &err) == 0) {
            int r = tolerant ? tfrecord_tolerate(t, q, &err) : 0;
            while (r == 0) {
                if ((r = tfrecord_next(t, &v, &err)) != 1) break;
                for (size_t i = 0; i < v.n; i++) sum += (uint8_t)v.p[i];
                r = 0;
            }
            CHECK(!tolerant || r == 0); /* whatever the bytes are, it comes to an end */
            tfrecord_close(t);
        }
        quarantine_free(q);
    }
    close(fd);
    static volatile uint64_t seen; /* so that the reads are not left out */
    seen = sum;
    return seen & 0;
}
