/* fuzz_safetensors.c: arbitrary bytes as a safetensors file: refused, or every tensor of it can be read. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "train/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("fuzz", 0);
    if (fd < 0) return 0;
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    safetensors *s;
    shoal_error err;
    if (write(fd, data, size) == (ssize_t)size && safetensors_open(path, &s, &err) == 0) {
        const tensor_in *t = safetensors_get(s, "a");
        if (t) {
            void *p = mem_alloc(t->bytes + 1);
            CHECK(p && safetensors_read(s, t, p, 0, &err) == 0);
            mem_free(p);
        }
        hash128 h;
        CHECK(safetensors_digest(s, &h, &err) == 0);
        safetensors_close(s);
    }
    close(fd);
    return 0;
}
