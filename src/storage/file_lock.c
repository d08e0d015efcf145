/* file_lock.c: one process at a time, by flock on a file that names its holder: "PID HOST\n".
 *
 * The holder removes the file before it lets go of it. Who opened it meanwhile then holds a lock on a file without a name,
 * and tries again. A file system that knows no locks gives none, and nobody is refused there. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "storage/file_private.h"

#define HOLDER_BYTES_MAX 128

struct file_lock {
    int fd;
    char *path;
};

int file_fd_lock(int fd)
{
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            return 0;
        if (errno != EINTR)
            return -1;
    }
    return 1;
}

int file_fd_named(int fd, const char *path)
{
    struct stat is, want;
    return fstat(fd, &is) == 0 && lstat(path, &want) == 0 && is.st_dev == want.st_dev && is.st_ino == want.st_ino;
}

static void tell_holder(int fd, char *holder, size_t n)
{
    char text[HOLDER_BYTES_MAX + 1], host[HOLDER_BYTES_MAX + 1];
    long pid;
    ssize_t got = pread(fd, text, HOLDER_BYTES_MAX, 0);
    text[got > 0 ? got : 0] = '\0';
    if (sscanf(text, "%ld %s", &pid, host) == 2)
        snprintf(holder, n, "process %ld on %.64s", pid, host);
    else
        snprintf(holder, n, "another process");
}

static int sign(int fd, const char *path, shoal_error *err)
{
    char host[65] = "", text[HOLDER_BYTES_MAX];
    if (gethostname(host, sizeof host - 1) != 0 || host[0] == '\0')
        strcpy(host, "?");
    int n = snprintf(text, sizeof text, "%ld %s\n", (long)getpid(), host);
    if (file_op_begin() != 0 || ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n)
        return error_errno(err, "cannot write", path, errno);
    return 0;
}

/* 1 held, 0 somebody else's, negative on error; *again: the name went away meanwhile. */
static int lock_once(file_lock *l, const char *path, char *holder, size_t n, int *again, shoal_error *err)
{
    *again = 0;
    l->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (l->fd < 0)
        return error_errno(err, "cannot create", path, errno);
    int got = file_fd_lock(l->fd);
    if (got == 0)
        tell_holder(l->fd, holder, n);
    else if (!file_fd_named(l->fd, path))
        *again = 1;
    else if ((got = sign(l->fd, path, err)) == 0)
        return 1;
    else
        (void)file_op_unlink(path);
    close(l->fd);
    l->fd = -1;
    return got < 0 ? got : 0;
}

int file_lock_take(const char *path, file_lock **out, char *holder, size_t n, shoal_error *err)
{
    const char *local;
    int again = 1, rc = file_local_path(path, &local, err);
    *out = NULL;
    if (rc < 0)
        return rc;
    file_lock *l = mem_calloc(1, sizeof *l);
    if (l == NULL || (l->path = mem_strdup(local)) == NULL) {
        mem_free(l);
        return error_nomem(err, strlen(local) + sizeof *l, "a lock");
    }
    while (again)
        rc = lock_once(l, local, holder, n, &again, err);
    if (rc == 1) {
        *out = l;
    } else {
        mem_free(l->path);
        mem_free(l);
    }
    return rc;
}

void file_lock_release(file_lock *l)
{
    if (l == NULL)
        return;
    (void)file_op_unlink(l->path);
    close(l->fd);
    mem_free(l->path);
    mem_free(l);
}

int file_folder_lock(const char *path, int *fd, shoal_error *err)
{
    const char *local;
    int rc = file_local_path(path, &local, err);
    *fd = -1;
    if (rc < 0)
        return rc;
    *fd = open(local, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd < 0)
        return error_errno(err, "cannot open the folder", path, errno);
    while (flock(*fd, LOCK_EX) != 0 && errno == EINTR)
        ;
    return 0;
}

void file_folder_unlock(int fd)
{
    close(fd);
}
