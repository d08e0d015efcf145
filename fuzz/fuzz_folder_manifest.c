/* fuzz_folder_manifest.c: any bytes as the _manifest.json of a folder. */
#include "base/error.h"
#include "table/folder_manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    folder_manifest m;
    if (folder_manifest_decode("fuzz", (const char *)data, size, &m, NULL) == 0)
        for (size_t i = 0; i < m.n; i++) CHECK(m.file[i].name[0] != 0);
    folder_manifest_release(&m);
    return 0;
}
