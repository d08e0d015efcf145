/* history.c: see history.h. */
#include "train/history.h"

#include <jansson.h>
#include <string.h>

#include "base/mem.h"
#include "storage/file.h"

int history_append(const char *path, const buf *line, shoal_error *err)
{
    file_writer *w = NULL;
    int rc = file_append(path, &w, err);
    if (rc == 0) rc = file_write(w, line->data, line->len, err);
    if (rc == 0) rc = file_commit(w, err);
    else file_abort(w);
    return rc;
}

static int is_kept(const char *line, size_t n, uint64_t step, uint64_t epoch)
{
    json_t *j = json_loadb(line, n, 0, NULL);
    const json_t *s = json_object_get(j, "step"), *e = json_object_get(j, "epoch");
    int kept = json_is_integer(s) && json_is_integer(e) && (uint64_t)json_integer_value(s) <= step &&
               (uint64_t)json_integer_value(e) < epoch;
    json_decref(j);
    return kept;
}

int history_rewind(const char *path, uint64_t step, uint64_t epoch, shoal_error *err)
{
    buf all = BUF_INIT, kept = BUF_INIT;
    if (!file_exists(path)) return 0;
    int rc = file_read_all(path, HISTORY_BYTES_MAX, &all, err);
    for (size_t at = 0; rc == 0 && at < all.len;) {
        const char *line = (const char *)all.data + at, *end = memchr(line, '\n', all.len - at);
        if (!end) break;
        size_t n = (size_t)(end - line) + 1;
        if (is_kept(line, n, step, epoch)) rc = buf_append(&kept, line, n, err);
        at += n;
    }
    if (rc == 0 && kept.len != all.len) rc = file_write_all(path, 1, kept.data, kept.len, err);
    buf_release(&all);
    buf_release(&kept);
    return rc;
}
