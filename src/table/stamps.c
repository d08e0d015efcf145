/* stamps.c: see stamps.h. */
#include "table/stamps.h"

#include <string.h>

#include "base/mem.h"

int stamps_add(stamps *s, char *const *files, size_t n, shoal_error *err)
{
    char **path = mem_realloc(s->path, (s->n + n + 1) * sizeof *path);
    if (path) s->path = path;
    file_stamp *stamp = path ? mem_realloc(s->stamp, (s->n + n + 1) * sizeof *stamp) : NULL;
    if (!stamp) return error_nomem(err, n * sizeof *stamp, "a source's files");
    s->stamp = stamp;
    for (size_t i = 0; i < n; i++) {
        int r = file_stamp_of(files[i], &s->stamp[s->n], err);
        if (r < 0) return r;
        if (!(s->path[s->n] = mem_strdup(files[i]))) return error_nomem(err, strlen(files[i]), "a source's files");
        s->n++;
    }
    return 0;
}

int stamps_check(const stamps *s, shoal_error *err)
{
    for (size_t i = 0; i < s->n; i++) {
        file_stamp now;
        if (file_stamp_of(s->path[i], &now, NULL) < 0 || memcmp(&now, &s->stamp[i], sizeof now) != 0)
            return error_set(err, SHOAL_DATA, "%s: it was changed or replaced while it was read; read it again when it is complete", s->path[i]);
    }
    return 0;
}

void stamps_release(stamps *s)
{
    for (size_t i = 0; i < s->n; i++) mem_free(s->path[i]);
    mem_free(s->path);
    mem_free(s->stamp);
    memset(s, 0, sizeof *s);
}
