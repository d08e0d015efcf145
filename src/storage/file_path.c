/* file_path.c: names and folders, and the test hook that every write, fsync, rename and unlink asks. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/mem.h"
#include "storage/file_private.h"

#define FOLDER_DEPTH_MAX 64

/* ---- the test hook */

static atomic_long op_calls;
static atomic_long op_fail_call; /* 0 is off */
static atomic_int op_fail_errnum;

void file_fail_at(long n, int errnum)
{
    atomic_store(&op_fail_errnum, errnum);
    atomic_store(&op_fail_call, n > 0 ? atomic_load(&op_calls) + n : 0);
}

long file_op_count(void)
{
    return atomic_load(&op_calls);
}

#ifdef SHOAL_DEBUG
__attribute__((constructor)) static void op_fail_from_environment(void)
{
    const char *text = getenv("SHOAL_TEST_FAIL_IO");
    if (text) {
        char *end;
        long n = strtol(text, &end, 10);
        if (strcmp(end, ":kill") == 0)
            file_fail_at(n, -1);
        else
            file_fail_at(n, *end == ':' ? atoi(end + 1) : ENOSPC);
    }
}
#endif

int file_op_begin(void)
{
    long call = atomic_fetch_add(&op_calls, 1) + 1;
    if (call != atomic_load(&op_fail_call))
        return 0;
    int errnum = atomic_load(&op_fail_errnum);
    if (errnum == -1)
        kill(getpid(), SIGKILL);
    errno = errnum;
    return -1;
}

int file_op_rename(const char *from, const char *to, int replace, int *is_new)
{
    *is_new = 1;
    if (file_op_begin() != 0)
        return -1;
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno == EINVAL || errno == ENOSYS) { /* a file system without that call: look, then rename */
        if (faccessat(AT_FDCWD, to, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
            return rename(from, to);
        errno = EEXIST;
    }
    *is_new = 0;
    return errno == EEXIST && replace ? rename(from, to) : -1;
}

int file_op_unlink(const char *path)
{
    return file_op_begin() != 0 ? -1 : unlink(path);
}

/* ---- names */

int file_local_path(const char *name, const char **local, shoal_error *err)
{
    const char *end = name;
    while (isalnum((unsigned char)*end) || *end == '+' || *end == '.' || *end == '-')
        end++;
    *local = name;
    if (end == name || strncmp(end, "://", 3) != 0)
        return 0;
    if (end - name == 4 && strncmp(name, "file", 4) == 0) {
        *local = end + 3;
        if (**local == '/')
            return 0;
        return error_set(err, SHOAL_USAGE, "%s: a local file is file:///path, with three slashes", name);
    }
    return error_set(err, SHOAL_USAGE, "%s: '%.*s://' is not supported by this version; copy the data to a local path",
                     name, (int)(end - name), name);
}

char *file_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return mem_strdup(".");
    return mem_strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

static int path_stat(const char *path, struct stat *info)
{
    const char *local;
    return file_local_path(path, &local, NULL) == 0 && stat(local, info) == 0;
}

int file_exists(const char *path)
{
    struct stat info;
    return path_stat(path, &info);
}

int file_is_dir(const char *path)
{
    struct stat info;
    return path_stat(path, &info) && S_ISDIR(info.st_mode);
}

int file_is_stream(const char *path)
{
    static const char *const OPEN[] = {"/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/"};
    const char *local;
    struct stat info;
    if (strcmp(path, "-") == 0)
        return 1;
    if (file_local_path(path, &local, NULL) < 0)
        return 0;
    for (size_t i = 0; i < sizeof OPEN / sizeof *OPEN; i++)
        if (strncmp(local, OPEN[i], strlen(OPEN[i])) == 0)
            return 1;
    return stat(local, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

int file_real_path(const char *path, char **out, shoal_error *err)
{
    char real[PATH_MAX];
    const char *local;
    *out = NULL;
    int rc = file_local_path(path, &local, err);
    if (rc < 0)
        return rc;
    if (!realpath(local, real))
        return error_errno(err, "cannot examine", path, errno);
    *out = mem_strdup(real);
    return *out ? 0 : error_nomem(err, strlen(real) + 1, "a path");
}

int file_lies_in(const char *path, const char *top)
{
    char real[PATH_MAX];
    const char *local;
    struct stat want, is;
    if (!path_stat(top, &want) || file_local_path(path, &local, NULL) < 0 || !realpath(local, real))
        return 0;
    for (;;) {
        if (stat(real, &is) == 0 && is.st_dev == want.st_dev && is.st_ino == want.st_ino)
            return 1;
        char *slash = strrchr(real, '/');
        if (slash == NULL || real[1] == '\0')
            return 0;
        slash[slash == real] = '\0';
    }
}

/* ---- folders */

const char *file_temporary_dir(void)
{
    const char *dir = getenv("TMPDIR");
    return dir && *dir ? dir : "/tmp";
}

static int make_folder(const char *path, shoal_error *err)
{
    struct stat info;
    if (mkdir(path, 0777) == 0) {
        char *parent = file_parent(path);
        int rc = parent ? file_sync_dir(parent, err) : error_nomem(err, strlen(path) + 1, "a path");
        mem_free(parent);
        if (rc < 0)
            (void)rmdir(path);
        return rc;
    }
    int errnum = errno;
    if (stat(path, &info) == 0) {
        if (S_ISDIR(info.st_mode))
            return 0;
        errnum = ENOTDIR;
    }
    return error_errno(err, "cannot make the folder", path, errnum);
}

int file_mkdirs(const char *path, shoal_error *err)
{
    const char *local;
    int rc = file_local_path(path, &local, err);
    if (rc < 0)
        return rc;
    struct stat info;
    if (stat(local, &info) == 0 && S_ISDIR(info.st_mode))
        return 0;
    char *part = mem_strdup(local);
    if (part == NULL)
        return error_nomem(err, strlen(local) + 1, "a path");
    for (char *p = part + 1; rc == 0 && *p; p++)
        if (*p == '/' && p[-1] != '/') {
            *p = '\0';
            rc = make_folder(part, err);
            *p = '/';
        }
    if (rc == 0)
        rc = make_folder(part, err);
    mem_free(part);
    return rc;
}

static int sync_path(const char *path, int flags, const char *cannot_open, const char *cannot_sync, shoal_error *err)
{
    const char *local;
    int rc = file_local_path(path, &local, err);
    if (rc < 0)
        return rc;
    int fd = open(local, flags | O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, cannot_open, path, errno);
    /* Some file systems have nothing to sync for a folder and say EINVAL. */
    int quiet = flags & O_DIRECTORY;
    if (file_op_begin() != 0 || (fsync(fd) != 0 && !(quiet && (errno == EINVAL || errno == ENOTSUP))))
        rc = error_errno(err, cannot_sync, path, errno);
    close(fd);
    return rc;
}

int file_sync_dir(const char *path, shoal_error *err)
{
    return sync_path(path, O_DIRECTORY, "cannot open the folder", "cannot sync the folder", err);
}

int file_sync(const char *path, shoal_error *err)
{
    return sync_path(path, 0, "cannot open", "cannot sync", err);
}

int file_space(const char *path, uint64_t *bytes, shoal_error *err)
{
    const char *local;
    struct statvfs info;
    int rc = file_local_path(path, &local, err);
    char *at = rc == 0 ? mem_strdup(local) : NULL;
    if (rc == 0 && !at)
        rc = error_nomem(err, strlen(local) + 1, "a path");
    while (rc == 0 && statvfs(at, &info) != 0) {
        int errnum = errno;
        char *up = errnum == ENOENT && strcmp(at, ".") != 0 && strcmp(at, "/") != 0 ? file_parent(at) : NULL;
        if (!up)
            rc = error_errno(err, "cannot tell the free space of", path, errnum);
        mem_free(at);
        at = up;
    }
    if (rc == 0)
        *bytes = (uint64_t)info.f_bavail * info.f_frsize;
    mem_free(at);
    return rc;
}

int file_rename(const char *from, const char *to, shoal_error *err)
{
    const char *local_from, *local_to;
    int rc = file_local_path(from, &local_from, err);
    if (rc == 0)
        rc = file_local_path(to, &local_to, err);
    if (rc < 0)
        return rc;
    char *parent = file_parent(local_to);
    if (parent == NULL)
        return error_nomem(err, strlen(local_to) + 1, "a path");
    int is_new;
    if (file_op_rename(local_from, local_to, 1, &is_new) != 0) {
        int errnum = errno;
        rc = error_errno(err, "cannot rename to", to, errnum);
        error_where(err, rc, "%s", from);
    } else {
        rc = file_sync_dir(parent, err);
        if (rc < 0 && is_new)
            (void)rename(local_to, local_from); /* as if nothing had happened; a second failure has no better answer */
    }
    mem_free(parent);
    return rc;
}

/* Where the file system cannot exchange, there is a moment without `b`. */
static int exchange(const char *a, const char *b)
{
    if (file_op_begin() != 0)
        return -1;
    if (renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    char *aside = mem_sprintf("%s.old", a);
    if (aside == NULL) {
        errno = ENOMEM;
        return -1;
    }
    int rc = rename(b, aside);
    if (rc == 0 && (rc = rename(a, b)) != 0) {
        int errnum = errno;
        (void)rename(aside, b);
        errno = errnum;
    } else if (rc == 0) {
        rc = rename(aside, a);
    }
    mem_free(aside);
    return rc;
}

int file_exchange(const char *a, const char *b, shoal_error *err)
{
    const char *local_a, *local_b;
    int rc = file_local_path(a, &local_a, err);
    if (rc == 0)
        rc = file_local_path(b, &local_b, err);
    if (rc < 0)
        return rc;
    char *parent = file_parent(local_b);
    if (parent == NULL)
        return error_nomem(err, strlen(local_b) + 1, "a path");
    if (exchange(local_a, local_b) != 0) {
        rc = error_errno(err, "cannot put a new one in place of", b, errno);
    } else {
        rc = file_sync_dir(parent, err);
        if (rc < 0)
            (void)exchange(local_a, local_b);
    }
    mem_free(parent);
    return rc;
}

static int remove_tree(const char *path, int depth, shoal_error *err);

static int remove_children(const char *path, int depth, shoal_error *err)
{
    DIR *folder = opendir(path);
    if (folder == NULL && (errno == ENOENT || errno == EMFILE))
        return 0; /* without a descriptor left, an empty folder can be removed still */
    if (folder == NULL)
        return error_errno(err, "cannot open the folder", path, errno);
    int rc = 0;
    for (const struct dirent *e; rc == 0 && (errno = 0, e = readdir(folder)) != NULL;) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        char *child = mem_sprintf("%s/%s", path, e->d_name);
        rc = child ? remove_tree(child, depth + 1, err) : error_nomem(err, strlen(path) + strlen(e->d_name) + 2, "a path");
        mem_free(child);
    }
    if (rc == 0 && errno != 0)
        rc = error_errno(err, "cannot read the folder", path, errno);
    closedir(folder);
    return rc;
}

static int remove_tree(const char *path, int depth, shoal_error *err)
{
    struct stat info;
    if (lstat(path, &info) != 0)
        return errno == ENOENT ? 0 : error_errno(err, "cannot remove", path, errno);
    if (depth > FOLDER_DEPTH_MAX)
        return error_set(err, SHOAL_STORAGE, "cannot remove %s: more than %d folders deep", path, FOLDER_DEPTH_MAX);
    int rc = S_ISDIR(info.st_mode) ? remove_children(path, depth, err) : 0;
    if (rc == 0 && (file_op_begin() != 0 || remove(path) != 0) && errno != ENOENT)
        rc = error_errno(err, "cannot remove", path, errno);
    return rc;
}

int file_remove_tree(const char *path, shoal_error *err)
{
    const char *local;
    int rc = file_local_path(path, &local, err);
    return rc < 0 ? rc : remove_tree(local, 0, err);
}

void file_remove_empty(const char *path)
{
    const char *local;
    if (file_local_path(path, &local, NULL) == 0 && file_op_begin() == 0)
        (void)rmdir(local);
}
