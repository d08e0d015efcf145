/* file_list.c: from a path, glob or folder to files. */
#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "storage/file_private.h"

#define LIST_DEPTH_MAX 32 /* less than the links that Linux follows in a path */
#define LIST_FILES_MAX 10000000

typedef struct file_names {
    char **path;
    size_t n, cap;
    shoal_error *err;
} file_names;

void file_list_free(char **paths, size_t n)
{
    for (size_t i = 0; i < n; i++)
        mem_free(paths[i]);
    mem_free(paths);
}

static int names_add(file_names *l, const char *path)
{
    if (l->n == LIST_FILES_MAX)
        return error_set(l->err, SHOAL_STORAGE, "more than %d files; name fewer of them", LIST_FILES_MAX);
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 16;
        char **grown = mem_realloc(l->path, cap * sizeof *grown);
        if (grown == NULL)
            return error_nomem(l->err, cap * sizeof *grown, "a list of files");
        l->path = grown;
        l->cap = cap;
    }
    char *copy = mem_strdup(path);
    if (copy == NULL)
        return error_nomem(l->err, strlen(path) + 1, "a list of files");
    l->path[l->n++] = copy;
    return 0;
}

static int is_hidden(const char *name)
{
    return name[0] == '_' || name[0] == '.';
}

static int names_walk(file_names *l, const char *folder, int depth);

static int names_visit(file_names *l, const char *path, int depth)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return error_errno(l->err, "cannot examine", path, errno);
    return S_ISDIR(info.st_mode) ? names_walk(l, path, depth) : names_add(l, path);
}

static int names_walk(file_names *l, const char *folder, int depth)
{
    if (depth > LIST_DEPTH_MAX)
        return error_set(l->err, SHOAL_STORAGE, "%s: more than %d folders deep; is a link leading back?", folder,
                         LIST_DEPTH_MAX);
    DIR *d = opendir(folder);
    if (d == NULL)
        return error_errno(l->err, "cannot open the folder", folder, errno);
    size_t len = strlen(folder);
    int rc = 0;
    for (const struct dirent *e; rc == 0 && (errno = 0, e = readdir(d)) != NULL;) {
        if (is_hidden(e->d_name))
            continue;
        char *path = mem_sprintf("%s%s%s", folder, len > 0 && folder[len - 1] == '/' ? "" : "/", e->d_name);
        rc = path ? names_visit(l, path, depth + 1) : error_nomem(l->err, len + strlen(e->d_name) + 2, "a path");
        mem_free(path);
    }
    if (rc == 0 && errno != 0)
        rc = error_errno(l->err, "cannot read the folder", folder, errno);
    closedir(d);
    return rc;
}

/* A folder that cannot be read would be rows that are lost in silence; one that is not there matches nothing. */
static int stop_unless_missing(const char *path, int why)
{
    (void)path;
    errno = why;
    return why != ENOENT;
}

static int names_glob(file_names *l, const char *pattern)
{
    glob_t found = {0};
    int rc = 0, got = glob(pattern, GLOB_NOSORT | GLOB_BRACE, stop_unless_missing, &found);
    if (got == GLOB_NOSPACE)
        return error_nomem(l->err, 0, "a list of files");
    if (got == GLOB_ABORTED)
        rc = error_set(l->err, SHOAL_STORAGE, "cannot read a folder of %s: %s", pattern, strerror(errno));
    if (got == 0) {
        const char *slash = strrchr(pattern, '/');
        int hidden_meant = is_hidden(slash ? slash + 1 : pattern);
        for (size_t i = 0; i < found.gl_pathc && rc == 0; i++) {
            const char *path = found.gl_pathv[i], *name = strrchr(path, '/');
            if (hidden_meant || !is_hidden(name ? name + 1 : path))
                rc = names_visit(l, path, 0);
        }
    }
    globfree(&found);
    return rc;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In order, each once. */
static void names_sort(file_names *l)
{
    if (l->n < 2)
        return;
    qsort(l->path, l->n, sizeof *l->path, by_bytes);
    size_t kept = 1;
    for (size_t i = 1; i < l->n; i++) {
        if (strcmp(l->path[kept - 1], l->path[i]) == 0)
            mem_free(l->path[i]);
        else
            l->path[kept++] = l->path[i];
    }
    l->n = kept;
}

int file_list(const char *pattern, char ***paths, size_t *n, shoal_error *err)
{
    *paths = NULL;
    *n = 0;
    const char *local;
    int rc = file_local_path(pattern, &local, err);
    if (rc < 0)
        return rc;
    file_names l = {.err = err};
    struct stat info;
    int is_glob = strpbrk(local, "*?[{") != NULL;
    if (strcmp(pattern, "-") == 0)
        rc = names_add(&l, pattern);
    else if (stat(local, &info) == 0) /* a name may hold the characters of a glob */
        rc = names_visit(&l, local, 0);
    else if (is_glob)
        rc = names_glob(&l, local);
    else
        rc = error_errno(err, "cannot open", pattern, errno);
    if (rc == 0 && l.n == 0)
        rc = error_set(err, SHOAL_STORAGE,
                       is_glob ? "no file matches %s" : "the folder %s holds no file (names with '_' or '.' do not count)",
                       pattern);
    if (rc < 0) {
        file_list_free(l.path, l.n);
        return rc;
    }
    names_sort(&l);
    *paths = l.path;
    *n = l.n;
    return 0;
}
