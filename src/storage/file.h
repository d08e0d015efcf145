/* file.h: bytes by path. Local files now; the table of functions by URI scheme is where HDFS and S3 will join.
 * A file that is written appears whole or not at all: it is written beside its name as ".NAME.tmp-N", synced, and
 * renamed by file_commit; anything else removes it. The writer holds a lock on it: what a killed process left goes when the
 * same name is written the next time. */
#ifndef STORAGE_FILE_H
#define STORAGE_FILE_H

#include "base/buf.h"

typedef struct file_reader file_reader;
/* path may start with file://. "-" is standard input (sequential only). Other schemes are refused by name. */
int file_open(const char *path, file_reader **out, shoal_error *err);
/* Sequential: up to n bytes; returns the number, 0 at the end. */
int64_t file_read(file_reader *f, void *p, size_t n, shoal_error *err);
/* Exactly n bytes at offset, else an error that names both. Safe from several threads. */
int file_pread(file_reader *f, uint64_t offset, void *p, size_t n, shoal_error *err);
uint64_t file_size(const file_reader *f); /* UINT64_MAX for a pipe */
const char *file_path(const file_reader *f);
/* DATA when the file has another size or modification time now than when it was opened. Pipes never do. */
int file_check_unchanged(const file_reader *f, shoal_error *err);
void file_close(file_reader *f);
/* The whole of a small file, at most `limit` bytes. */
int file_read_all(const char *path, size_t limit, buf *out, shoal_error *err);

typedef struct file_writer file_writer;
/* Creates the missing folders above path. With `replace` 0, a path that exists is an error. "-" and /dev/stdout are standard
 * output; that, pipes and devices (file_is_stream) are written as they are, without a rename. */
int file_create(const char *path, int replace, file_writer **out, shoal_error *err);
/* What is written goes behind the end of the file itself, which is made when it is not there: a log that readers follow. Neither
 * renamed nor synced; file_commit only closes it, and file_abort leaves what was flushed. */
int file_append(const char *path, file_writer **out, shoal_error *err);
int file_write(file_writer *w, const void *p, size_t n, shoal_error *err); /* buffered */
uint64_t file_written(const file_writer *w);
int file_flush(file_writer *w, shoal_error *err); /* hands the buffer to the system; no sync */
/* fsync, rename, fsync of the folder; frees w on success and failure. When the folder cannot be synced, a name that was free
 * before is free again; a file that was replaced stays replaced. */
int file_commit(file_writer *w, shoal_error *err);
void file_abort(file_writer *w);                   /* removes what was written; frees w; NULL is nothing */
/* What does not fit in memory: a file in `dir` (made when it is missing) that has no name, so that it is gone when it is given up
 * by file_abort or the process ends, however. */
int file_spill(const char *dir, file_writer **out, shoal_error *err);
/* Exactly n bytes of a spill, flushed before. */
int file_spill_read(const file_writer *w, uint64_t offset, void *p, size_t n, shoal_error *err);
/* Small files in one call, with the same guarantee. */
int file_write_all(const char *path, int replace, const void *p, size_t n, shoal_error *err);

/* Paths */
/* The local path of a name: itself, or what follows file://. Other schemes are refused. */
int file_local_path(const char *name, const char **local, shoal_error *err);
int file_exists(const char *path);
int file_is_dir(const char *path);
/* "-", the name of an open file (/dev/stdout, /dev/fd/3, /proc/...), or what is there and is neither file nor folder. */
int file_is_stream(const char *path);
/* The one name of what is at path: absolute, without links. */
int file_real_path(const char *path, char **out, shoal_error *err);
/* path is what is at `top`, or lies below it, by device and inode: whatever the names, links followed. */
int file_lies_in(const char *path, const char *top);
const char *file_temporary_dir(void); /* TMPDIR, or else /tmp */
int file_mkdirs(const char *path, shoal_error *err); /* what it makes is synced */
int file_rename(const char *from, const char *to, shoal_error *err); /* synced, with the failure that file_commit has */
/* Both exist and get each other's name, in one moment where the file system can do that; what failed is undone. */
int file_exchange(const char *a, const char *b, shoal_error *err);
int file_remove_tree(const char *path, shoal_error *err);            /* missing is success */
void file_remove_empty(const char *path); /* a folder that holds nothing; else it stays */
int file_sync_dir(const char *path, shoal_error *err);
int file_sync(const char *path, shoal_error *err); /* of a file that a library wrote */
/* Removes the temporary files in a folder that killed writers left. What cannot be removed stays. */
void file_sweep(const char *dir);
/* Bytes that may still be written where path is, or, when it is not there yet, where it would be made. */
int file_space(const char *path, uint64_t *bytes, shoal_error *err);
/* Expands a path, glob or folder to files in byte order of their names. Of folders: all files below, without names that
 * start with '_' or '.'; `k=v` folders are kept as they are in the path. Nothing found is STORAGE with the reason. */
int file_list(const char *pattern, char ***paths, size_t *n, shoal_error *err);
void file_list_free(char **paths, size_t n);

/* One process at a time: 1 with the lock, held until it is released or the process is gone, or 0 with "process N on HOST" in
 * holder. The file at path is there while it is held, and may be left by a process that was killed. */
typedef struct file_lock file_lock;
int file_lock_take(const char *path, file_lock **out, char *holder, size_t n, shoal_error *err);
void file_lock_release(file_lock *l); /* NULL is nothing */

/* Waits until nobody else has the folder; a file system that knows no locks gives none, and *fd is as good. */
int file_folder_lock(const char *path, int *fd, shoal_error *err);
void file_folder_unlock(int fd);
/* A new folder ".NAME.tmp-PID" beside path, locked while *fd is open, with those on the way to it. Folders of that kind that
 * killed processes left go. */
int file_work_new(const char *path, char **work, int *fd, shoal_error *err);
void file_work_free(char *work, int fd); /* the name and the lock, not what is in it */

/* What tells a changed file from the same one without reading it all: size, modification time, and the XXH3 of 16 pieces
 * of 64 KiB spread over it, head and tail included. */
typedef struct file_print {
    uint64_t size;
    int64_t mtime_ns;
    uint64_t sample;
} file_print;
int file_fingerprint(const char *path, file_print *out, shoal_error *err);
/* What tells it without reading anything, for as long as a command lives. All zero of what is no regular file. */
typedef struct file_stamp {
    uint64_t device, inode, size;
    int64_t mtime_ns;
} file_stamp;
int file_stamp_of(const char *path, file_stamp *out, shoal_error *err);

/* Test hook: the n-th of all write, fsync, rename and unlink calls from now fails with errnum, or kills the process when
 * errnum is -1; 0 switches it off. In debug builds also by SHOAL_TEST_FAIL_IO=N[:errnum], where errnum may be "kill" and is
 * ENOSPC when left out. */
void file_fail_at(long n, int errnum);
long file_op_count(void);

#endif
