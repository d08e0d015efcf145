/* fuzz_tfrecord.c: any bytes as a TFRecord file, plain or gzip (chosen by the bytes themselves), from a file in memory. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "records/tfrecord.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    int fd = memfd_create("fuzz", 0);
    CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    tfrecord_reader *t;
    shoal_error err;
    view v;
    uint64_t sum = 0;
    if (tfrecord_open(path, &t, &err) == 0) {
        while (tfrecord_next(t, &v, &err) == 1)
            for (size_t i = 0; i < v.n; i++) sum += (uint8_t)v.p[i];
        tfrecord_close(t);
    }
    close(fd);
    static volatile uint64_t seen; /* so that the reads are not left out */
    seen = sum;
    return seen & 0;
}
