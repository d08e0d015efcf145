/* folder_testing.h: for tests: a new folder to work in, and nothing left of it or of planned failures. */
#ifndef STORAGE_FOLDER_TESTING_H
#define STORAGE_FOLDER_TESTING_H

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "storage/file.h"

static char folder[64]; /* of one test; the working folder meanwhile */

static int enter(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/storage_test.XXXXXX");
    return mkdtemp(folder) ? chdir(folder) : -1;
}

static int leave(void **state)
{
    (void)state;
    mem_fail_at(0, 0);
    file_fail_at(0, 0);
    return chdir("/") == 0 && file_remove_tree(folder, NULL) == 0 ? 0 : -1;
}

#endif
