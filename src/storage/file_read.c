/* file_read.c: reading local files and pipes, and telling changed files apart. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "storage/file_private.h"

#define READ_CALL_MAX ((size_t)1 << 30) /* the system reads at most 2 GiB a call */
#define PRINT_PIECES 16
#define PRINT_PIECE_BYTES ((size_t)64 << 10)

struct file_reader {
    int fd;
    int is_stdin;
    uint64_t size;
    struct stat info;
    char *path;
};

int file_open(const char *path, file_reader **out, shoal_error *err)
{
    *out = NULL;
    const char *local;
    int rc = file_local_path(path, &local, err);
    if (rc < 0)
        return rc;
    file_reader *f = mem_calloc(1, sizeof *f);
    if (f == NULL)
        return error_nomem(err, sizeof *f, "an open file");
    f->is_stdin = strcmp(path, "-") == 0;
    f->path = mem_strdup(f->is_stdin ? "standard input" : path);
    f->fd = -1;
    if (f->path == NULL)
        rc = error_nomem(err, strlen(path) + 1, "a path");
    else if ((f->fd = f->is_stdin ? STDIN_FILENO : open(local, O_RDONLY | O_CLOEXEC)) < 0)
        rc = error_errno(err, "cannot open", path, errno);
    else if (fstat(f->fd, &f->info) != 0)
        rc = error_errno(err, "cannot examine", path, errno);
    else if (S_ISDIR(f->info.st_mode))
        rc = error_set(err, SHOAL_STORAGE, "cannot read %s: it is a folder, a file is expected", path);
    if (rc < 0) {
        file_close(f);
        return rc;
    }
    f->size = S_ISREG(f->info.st_mode) && !f->is_stdin ? (uint64_t)f->info.st_size : UINT64_MAX;
    *out = f;
    return 0;
}

void file_close(file_reader *f)
{
    if (f == NULL)
        return;
    if (f->fd >= 0 && !f->is_stdin)
        close(f->fd);
    mem_free(f->path);
    mem_free(f);
}

int64_t file_read(file_reader *f, void *p, size_t n, shoal_error *err)
{
    ssize_t got;
    do
        got = read(f->fd, p, n < READ_CALL_MAX ? n : READ_CALL_MAX);
    while (got < 0 && errno == EINTR);
    return got < 0 ? error_errno(err, "cannot read", f->path, errno) : got;
}

int file_pread(file_reader *f, uint64_t offset, void *p, size_t n, shoal_error *err)
{
    size_t done = 0;
    if (offset > (uint64_t)INT64_MAX - n)
        return error_set(err, SHOAL_DATA, "%s: %zu bytes at offset %llu: no file is that long", f->path, n,
                         (unsigned long long)offset);
    while (done < n) {
        size_t want = n - done < READ_CALL_MAX ? n - done : READ_CALL_MAX;
        ssize_t got = pread(f->fd, (char *)p + done, want, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_errno(err, "cannot read", f->path, errno);
        if (got == 0)
            return error_set(err, SHOAL_DATA, "%s: %zu bytes expected at offset %llu, the file ends after %zu; it was cut",
                             f->path, n, (unsigned long long)offset, done);
        done += (size_t)got;
    }
    return 0;
}

uint64_t file_size(const file_reader *f)
{
    return f->size;
}

const char *file_path(const file_reader *f)
{
    return f->path;
}

int file_check_unchanged(const file_reader *f, shoal_error *err)
{
    struct stat now;
    if (f->size == UINT64_MAX)
        return 0;
    if (fstat(f->fd, &now) != 0)
        return error_errno(err, "cannot examine", f->path, errno);
    if (now.st_size == f->info.st_size && now.st_mtim.tv_sec == f->info.st_mtim.tv_sec &&
        now.st_mtim.tv_nsec == f->info.st_mtim.tv_nsec)
        return 0;
    return error_set(err, SHOAL_DATA, "%s: it was written to while it was read; read it again when it is complete", f->path);
}

int file_read_all(const char *path, size_t limit, buf *out, shoal_error *err)
{
    file_reader *f;
    int rc = file_open(path, &f, err);
    if (rc < 0)
        return rc;
    size_t start = out->len, step = f->size < limit ? (size_t)f->size + 1 : 65536;
    for (;;) {
        rc = buf_reserve(out, step, err);
        if (rc < 0)
            break;
        int64_t got = file_read(f, out->data + out->len, step, err);
        if (got <= 0) {
            rc = (int)got;
            break;
        }
        out->len += (size_t)got;
        if (out->len - start > limit) {
            rc = error_set(err, SHOAL_DATA, "%s: more than %zu bytes; it is not the small file that is expected", path,
                           limit);
            break;
        }
        step = 65536;
    }
    if (rc < 0)
        out->len = start;
    file_close(f);
    return rc;
}

static int print_sample(file_reader *f, uint64_t *sample, shoal_error *err)
{
    uint8_t *piece = mem_alloc(PRINT_PIECE_BYTES);
    if (piece == NULL)
        return error_nomem(err, PRINT_PIECE_BYTES, "a file's fingerprint");
    uint64_t hash = 0, size = f->size;
    int rc = 0;
    for (uint64_t i = 0; i < PRINT_PIECES && rc == 0; i++) {
        uint64_t start;
        if (size <= PRINT_PIECES * PRINT_PIECE_BYTES) /* small: the pieces are the whole file */
            start = i * PRINT_PIECE_BYTES;
        else
            start = (uint64_t)((unsigned __int128)(size - PRINT_PIECE_BYTES) * i / (PRINT_PIECES - 1));
        if (start >= size)
            break;
        size_t n = size - start < PRINT_PIECE_BYTES ? (size_t)(size - start) : PRINT_PIECE_BYTES;
        rc = file_pread(f, start, piece, n, err);
        if (rc == 0)
            hash = hash64(piece, n, hash);
    }
    mem_free(piece);
    *sample = hash;
    return rc;
}

int file_fingerprint(const char *path, file_print *out, shoal_error *err)
{
    file_reader *f;
    memset(out, 0, sizeof *out);
    int rc = file_open(path, &f, err);
    if (rc < 0)
        return rc;
    if (f->size == UINT64_MAX)
        rc = error_set(err, SHOAL_STORAGE, "%s: a pipe cannot be read twice; a file is expected", path);
    else
        rc = print_sample(f, &out->sample, err);
    out->size = f->size;
    out->mtime_ns = (int64_t)f->info.st_mtim.tv_sec * 1000000000 + f->info.st_mtim.tv_nsec;
    file_close(f);
    return rc;
}

int file_stamp_of(const char *path, file_stamp *out, shoal_error *err)
{
    struct stat info;
    const char *local;
    memset(out, 0, sizeof *out);
    int rc = file_local_path(path, &local, err);
    if (rc < 0 || strcmp(path, "-") == 0)
        return rc;
    if (stat(local, &info) != 0)
        return error_errno(err, "cannot examine", path, errno);
    if (S_ISREG(info.st_mode))
        *out = (file_stamp){(uint64_t)info.st_dev, (uint64_t)info.st_ino, (uint64_t)info.st_size,
                            (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec};
    return 0;
}
