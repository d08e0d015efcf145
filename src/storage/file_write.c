/* file_write.c: files that appear whole or not at all.
 *
 * A regular file is written beside its name and renamed when it is complete and synced. A pipe or a device (standard
 * output, a FIFO, /dev/null) cannot be replaced by a rename: it is written as it is. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "storage/file_private.h"

#define WRITE_BUFFER_BYTES ((size_t)1 << 20)
#define WRITE_DIRECT_BYTES ((size_t)64 << 10) /* so many are worth a call of their own, and no copy */
#define TEMPORARY_TRIES 100

struct file_writer {
    int fd;
    int direct;   /* a pipe, a device, or the end of a file: no rename, no sync */
    int append;
    int nameless; /* a spill */
    int replace;
    int failed;   /* the code of the first failed write: what was written is not worth keeping */
    uint64_t flushed; /* bytes handed to the system */
    uint64_t started; /* of those, bytes that are on their way to the disk */
    size_t held;      /* bytes in the buffer */
    char *path, *local, *temporary;
    uint8_t *buffer;
};

static void writer_free(file_writer *w)
{
    if (w->fd >= 0)
        close(w->fd);
    mem_free(w->path);
    mem_free(w->local);
    mem_free(w->temporary);
    mem_free(w->buffer);
    mem_free(w);
}

/* Removes a temporary file that nobody holds; 0 when it is somebody's. */
static int sweep_temporary(const char *path)
{
    struct stat info;
    int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT;
    int swept = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && file_fd_lock(fd) == 1 && file_fd_named(fd, path) &&
                file_op_unlink(path) == 0;
    close(fd);
    return swept;
}

/* ".NAME.tmp-N", as writer_open_temporary makes them. */
static int is_temporary(const char *name)
{
    const char *tail = *name == '.' ? strrchr(name, '.') : NULL;
    char *end;
    if (tail == NULL || tail == name || strncmp(tail, ".tmp-", 5) != 0 || tail[5] < '1' || tail[5] > '9')
        return 0;
    long n = strtol(tail + 5, &end, 10);
    return *end == '\0' && n <= TEMPORARY_TRIES;
}

void file_sweep(const char *dir)
{
    const char *local;
    DIR *d = file_local_path(dir, &local, NULL) == 0 ? opendir(local) : NULL;
    if (d == NULL)
        return;
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        char *path = is_temporary(e->d_name) ? mem_sprintf("%s/%s", local, e->d_name) : NULL;
        if (path)
            (void)sweep_temporary(path);
        mem_free(path);
    }
    closedir(d);
}

/* 1 open and locked, 0 the name is taken, else -1 with errno. */
static int open_locked(const char *path, int *fd)
{
    *fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (*fd < 0)
        return errno == EEXIST ? 0 : -1;
    if (file_fd_lock(*fd) != 0 && file_fd_named(*fd, path))
        return 1;
    close(*fd); /* swept in the moment before it was locked */
    *fd = -1;
    return 0;
}

/* Opens the temporary file. Not mkstemp(): the file is to have the mode that the user's umask says. */
static int writer_open_temporary(file_writer *w, shoal_error *err)
{
    const char *slash = strrchr(w->local, '/'), *name = slash ? slash + 1 : w->local;
    int got = 0;
    for (int i = 1; got == 0 && i <= TEMPORARY_TRIES; i++) {
        mem_free(w->temporary);
        w->temporary = mem_sprintf("%.*s.%s.tmp-%d", (int)(name - w->local), w->local, name, i);
        if (w->temporary == NULL)
            return error_nomem(err, strlen(w->local) + 16, "a path");
        got = open_locked(w->temporary, &w->fd);
        if (got == 0 && sweep_temporary(w->temporary))
            got = open_locked(w->temporary, &w->fd);
    }
    if (got == 1)
        return 0;
    int errnum = got == 0 ? EEXIST : errno;
    mem_free(w->temporary); /* not ours to remove */
    w->temporary = NULL;
    return error_errno(err, "cannot create", w->path, errnum);
}

static int writer_exists(const char *path, shoal_error *err)
{
    return error_set(err, SHOAL_STORAGE, "%s exists; give --overwrite to replace it", path);
}

static int is_stdout(const char *local)
{
    return strcmp(local, "-") == 0 || strcmp(local, "/dev/stdout") == 0;
}

static int writer_open(file_writer *w, shoal_error *err)
{
    struct stat info;
    w->direct = w->append || file_is_stream(w->local);
    if (w->direct && is_stdout(w->local)) {
        w->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
        return w->fd < 0 ? error_errno(err, "cannot write to", "standard output", errno) : 0;
    }
    if (w->direct) { /* to the end, as the name may be that of an open file */
        w->fd = open(w->local, O_WRONLY | O_APPEND | O_CLOEXEC | (w->append ? O_CREAT : 0), 0666);
        return w->fd < 0 ? error_errno(err, "cannot open", w->path, errno) : 0;
    }
    if (stat(w->local, &info) == 0) {
        if (S_ISDIR(info.st_mode))
            return error_set(err, SHOAL_STORAGE, "cannot create %s: a folder has that name", w->path);
        if (!w->replace)
            return writer_exists(w->path, err);
    }
    char *parent = file_parent(w->local);
    if (parent == NULL)
        return error_nomem(err, strlen(w->local) + 1, "a path");
    int rc = file_mkdirs(parent, err);
    mem_free(parent);
    return rc < 0 ? rc : writer_open_temporary(w, err);
}

static int writer_new(const char *path, int replace, int append, file_writer **out, shoal_error *err)
{
    *out = NULL;
    const char *local;
    int rc = file_local_path(path, &local, err);
    if (rc < 0)
        return rc;
    if (local[0] == '\0' || local[strlen(local) - 1] == '/')
        return error_set(err, SHOAL_USAGE, "cannot create '%s': a file's name is expected at the end of a path", path);
    file_writer *w = mem_calloc(1, sizeof *w);
    if (w == NULL)
        return error_nomem(err, sizeof *w, "an output file");
    w->fd = -1;
    w->replace = replace;
    w->append = append;
    w->path = mem_strdup(path);
    w->local = mem_strdup(local);
    if (w->path == NULL || w->local == NULL)
        rc = error_nomem(err, strlen(path) + 1, "an output file");
    else
        rc = writer_open(w, err);
    if (rc < 0) {
        writer_free(w);
        return rc;
    }
    *out = w;
    return 0;
}

int file_create(const char *path, int replace, file_writer **out, shoal_error *err)
{
    return writer_new(path, replace, 0, out, err);
}

int file_append(const char *path, file_writer **out, shoal_error *err)
{
    return writer_new(path, 0, 1, out, err);
}

static int open_nameless(const char *dir, int *fd, shoal_error *err)
{
    *fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (*fd >= 0)
        return 0;
    if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
        return error_errno(err, "cannot write temporary data in", dir, errno);
    char *path = mem_sprintf("%s/.shoal-spill-XXXXXX", dir); /* a file system that knows only files with names */
    if (path == NULL)
        return error_nomem(err, strlen(dir) + 24, "a path");
    *fd = mkostemp(path, O_CLOEXEC);
    int rc = *fd >= 0 && file_op_unlink(path) == 0 ? 0 : error_errno(err, "cannot write temporary data in", dir, errno);
    if (rc < 0 && *fd >= 0) {
        close(*fd);
        *fd = -1;
    }
    mem_free(path);
    return rc;
}

int file_spill(const char *dir, file_writer **out, shoal_error *err)
{
    const char *local;
    *out = NULL;
    int rc = file_local_path(dir, &local, err);
    if (rc == 0)
        rc = file_mkdirs(dir, err);
    file_writer *w = rc == 0 ? mem_calloc(1, sizeof *w) : NULL;
    if (w == NULL)
        return rc < 0 ? rc : error_nomem(err, sizeof *w, "an output file");
    w->fd = -1;
    w->direct = w->nameless = 1;
    w->path = mem_strdup(dir);
    w->local = mem_strdup(local);
    rc = w->path && w->local ? open_nameless(local, &w->fd, err) : error_nomem(err, strlen(dir) + 1, "an output file");
    if (rc < 0) {
        writer_free(w);
        return rc;
    }
    *out = w;
    return 0;
}

static int writer_fail(file_writer *w, shoal_error *err, const char *what, int errnum)
{
    if (w->nameless)
        w->failed = error_set(err, SHOAL_STORAGE, "cannot write temporary data in %s: %s; make room there, or name another folder by --spool-dir or TMPDIR",
                              w->path, strerrordesc_np(errnum));
    else
        w->failed = error_errno(err, what, is_stdout(w->local) ? "standard output" : w->path, errnum);
    return w->failed;
}

static int writer_refuse(const file_writer *w, shoal_error *err)
{
    return error_set(err, w->failed, "%s: an earlier write failed", w->path);
}

/* All of it, at the place where the file is. */
static int writer_put(file_writer *w, const uint8_t *p, size_t n, shoal_error *err)
{
    for (size_t done = 0; done < n;) {
        ssize_t put = -1;
        if (file_op_begin() == 0)
            put = write(w->fd, p + done, n - done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return writer_fail(w, err, "cannot write", errno);
        done += (size_t)put;
    }
    /* To the disk at once, in the background: the sync at the end finds little left, and the system has no reason to slow the
     * writer down as it does when many pages wait. What fails here the sync tells. */
    w->flushed += n;
    if (!w->direct && w->flushed - w->started >= WRITE_BUFFER_BYTES) {
        (void)sync_file_range(w->fd, (off64_t)w->started, (off64_t)(w->flushed - w->started), SYNC_FILE_RANGE_WRITE);
        w->started = w->flushed;
    }
    return 0;
}

int file_flush(file_writer *w, shoal_error *err)
{
    if (w->failed)
        return writer_refuse(w, err);
    int rc = writer_put(w, w->buffer, w->held, err);
    if (rc == 0)
        w->held = 0;
    if (w->nameless) { /* there may be one a column, each flushed once a run */
        mem_free(w->buffer);
        w->buffer = NULL;
    }
    return rc;
}

int file_write(file_writer *w, const void *p, size_t n, shoal_error *err)
{
    if (w->failed)
        return writer_refuse(w, err);
    if (n > WRITE_BUFFER_BYTES - w->held || (n >= WRITE_DIRECT_BYTES && w->held > 0)) {
        int rc = file_flush(w, err);
        if (rc < 0)
            return rc;
    }
    if (n >= WRITE_DIRECT_BYTES)
        return writer_put(w, p, n, err);
    if (w->buffer == NULL && (w->buffer = mem_alloc(WRITE_BUFFER_BYTES)) == NULL)
        return error_nomem(err, WRITE_BUFFER_BYTES, "an output file");
    if (n)
        memcpy(w->buffer + w->held, p, n);
    w->held += n;
    return 0;
}

int file_spill_read(const file_writer *w, uint64_t offset, void *p, size_t n, shoal_error *err)
{
    for (size_t done = 0; done < n;) {
        ssize_t got = pread(w->fd, (char *)p + done, n - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return error_errno(err, "cannot read temporary data in", w->path, got < 0 ? errno : EIO);
        done += (size_t)got;
    }
    return 0;
}

uint64_t file_written(const file_writer *w)
{
    return w->flushed + w->held;
}

static int writer_sync(file_writer *w, shoal_error *err)
{
    if (w->direct)
        return 0;
    if (file_op_begin() != 0 || fsync(w->fd) != 0)
        return writer_fail(w, err, "cannot sync", errno);
    return 0;
}

static int writer_publish(file_writer *w, shoal_error *err)
{
    if (w->direct)
        return 0;
    int is_new;
    if (file_op_rename(w->temporary, w->local, w->replace, &is_new) != 0)
        return errno == EEXIST && !w->replace ? writer_exists(w->path, err)
                                              : error_errno(err, "cannot rename to", w->path, errno);
    mem_free(w->temporary); /* it has its name: nothing to remove any more */
    w->temporary = NULL;
    char *parent = file_parent(w->local);
    int rc = parent ? file_sync_dir(parent, err) : error_nomem(err, strlen(w->local) + 1, "a path");
    mem_free(parent);
    if (rc < 0 && is_new)
        (void)unlink(w->local); /* nobody is to find what was said to have failed */
    return rc;
}

int file_commit(file_writer *w, shoal_error *err)
{
    int rc = file_flush(w, err);
    if (rc == 0)
        rc = writer_sync(w, err);
    int fd = w->fd;
    w->fd = w->direct ? -1 : dup(fd); /* keeps the lock until the file has its name; closing tells of late failures */
    if (close(fd) != 0 && rc == 0)
        rc = writer_fail(w, err, "cannot close", errno);
    if (rc == 0)
        rc = writer_publish(w, err);
    file_abort(w);
    return rc;
}

void file_abort(file_writer *w)
{
    if (w == NULL)
        return;
    if (w->temporary)
        (void)file_op_unlink(w->temporary);
    writer_free(w);
}

int file_write_all(const char *path, int replace, const void *p, size_t n, shoal_error *err)
{
    file_writer *w;
    int rc = file_create(path, replace, &w, err);
    if (rc < 0)
        return rc;
    rc = file_write(w, p, n, err);
    if (rc < 0) {
        file_abort(w);
        return rc;
    }
    return file_commit(w, err);
}
