/* fuzz_tfevents.c: arbitrary bytes as an event file: rewinding leaves a file that a second rewinding does not change, or
 * none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "storage/file.h"
#include "train/tfevents.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char dir[] = "/tmp/shoal-fuzz-XXXXXX", path[64];
    buf once = BUF_INIT, twice = BUF_INIT;
    if (!mkdtemp(dir)) return 0;
    snprintf(path, sizeof path, "%s/events.out.tfevents.0", dir);
    FILE *f = fopen(path, "wb");
    if (f && fwrite(data, 1, size, f) == size && fclose(f) == 0 && tfevents_rewind(dir, 100, NULL) == 0 && file_exists(path)) {
        CHECK(file_read_all(path, 1 << 24, &once, NULL) == 0);
        CHECK(tfevents_rewind(dir, 100, NULL) == 0);
        CHECK(file_read_all(path, 1 << 24, &twice, NULL) == 0);
        CHECK(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
    }
    buf_release(&once);
    buf_release(&twice);
    unlink(path);
    rmdir(dir);
    return 0;
}
