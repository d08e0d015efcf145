/* file_private.h: what the files of storage/file share. */
#ifndef STORAGE_FILE_PRIVATE_H
#define STORAGE_FILE_PRIVATE_H

#include "storage/file.h"

/* Counts one write, fsync, rename or unlink; -1 with errno set when the test hook wants it to fail. */
int file_op_begin(void);
/* rename() through the hook; without `replace`, a target that exists is EEXIST. *is_new: there was no target. */
int file_op_rename(const char *from, const char *to, int replace, int *is_new);
int file_op_unlink(const char *path); /* through the hook */
/* flock without waiting: 1 held, 0 another holds it, -1 the file system knows no locks. */
int file_fd_lock(int fd);
/* What is open as fd still has the name `path`. */
int file_fd_named(int fd, const char *path);
/* The folder of a path ("." when it has none), to be freed by mem_free. */
char *file_parent(const char *path);

#endif
