/* file_work.c: folders that output is made in, and what killed processes left of theirs.
 *
 * A folder ".NAME.tmp-PID" is somebody's while a process of that number lives here or anybody holds a lock on it; a file
 * system that knows no locks keeps what is left. A second folder of one process is ".NAME.tmp-PID-2", and so on. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "storage/file_private.h"

#define WORK_TRIES 1000

/* The process that a name belongs to; 0 when it is no name of a work folder for head (".NAME.tmp-"). */
static long owner_of(const char *name, const char *head)
{
    size_t n = strlen(head);
    if (strncmp(name, head, n) != 0 || name[n] < '1' || name[n] > '9')
        return 0;
    char *end;
    long pid = strtol(name + n, &end, 10);
    if (*end == '-')
        (void)strtol(end + 1, &end, 10);
    return *end == '\0' && pid > 0 ? pid : 0;
}

static int is_left(int fd, const char *path, long pid)
{
    int alive = pid != (long)getpid() && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
    return !alive && file_fd_lock(fd) == 1 && file_fd_named(fd, path);
}

/* What cannot be removed stays: it is in nobody's way. */
static void sweep_one(const char *path, long pid)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    if (is_left(fd, path, pid))
        (void)file_remove_tree(path, NULL);
    close(fd);
}

static void sweep(const char *parent, const char *head)
{
    DIR *d = opendir(parent);
    if (d == NULL)
        return;
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        long pid = owner_of(e->d_name, head);
        char *path = pid ? mem_sprintf("%s/%s", parent, e->d_name) : NULL;
        if (path)
            sweep_one(path, pid);
        mem_free(path);
    }
    closedir(d);
}

/* 1 made and locked, 0 the name is taken, negative on error. */
static int try_make(const char *path, int *fd, shoal_error *err)
{
    if (mkdir(path, 0777) != 0)
        return errno == EEXIST ? 0 : error_errno(err, "cannot make the folder", path, errno);
    *fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd < 0) {
        int errnum = errno;
        (void)rmdir(path);
        return error_errno(err, "cannot open the folder", path, errnum);
    }
    if (file_fd_lock(*fd) != 0 && file_fd_named(*fd, path))
        return 1;
    close(*fd); /* swept in the moment before it was locked */
    return 0;
}

int file_work_new(const char *path, char **work, int *fd, shoal_error *err)
{
    const char *local;
    int rc = file_local_path(path, &local, err);
    *work = NULL;
    if (rc < 0)
        return rc;
    const char *slash = strrchr(local, '/');
    char *parent = file_parent(local), *head = mem_sprintf(".%s.tmp-", slash ? slash + 1 : local);
    rc = parent && head ? file_mkdirs(parent, err) : error_nomem(err, strlen(local), "a path");
    if (rc == 0)
        sweep(parent, head);
    for (int i = 1; rc == 0 && i <= WORK_TRIES; i++) {
        mem_free(*work);
        *work = i == 1 ? mem_sprintf("%s/%s%ld", parent, head, (long)getpid())
                       : mem_sprintf("%s/%s%ld-%d", parent, head, (long)getpid(), i);
        rc = *work ? try_make(*work, fd, err) : error_nomem(err, strlen(local), "a path");
    }
    if (rc == 0)
        rc = error_set(err, SHOAL_STORAGE, "%s: too many folders %s* beside it", path, head);
    if (rc < 0) {
        mem_free(*work);
        *work = NULL;
    }
    mem_free(parent);
    mem_free(head);
    return rc < 0 ? rc : 0;
}

void file_work_free(char *work, int fd)
{
    close(fd);
    mem_free(work);
}
