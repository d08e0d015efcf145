/* folder_manifest.h: inside table/: what a folder of shards is to hold, in its _manifest.json (docs/tfrecord.md): every file with
 * rows, bytes and digest. A file that is missing, was not listed, or has another size is an error when the folder is read. */
#ifndef TABLE_FOLDER_MANIFEST_H
#define TABLE_FOLDER_MANIFEST_H

#include "base/buf.h"
#include "base/hash.h"

#define MANIFEST_FILE "_manifest.json"

typedef struct manifest_file {
    char *name; /* below the folder, with '/' */
    uint64_t rows, bytes;
    hash128 digest; /* XXH3 of the whole file */
} manifest_file;

typedef struct folder_manifest {
    manifest_file *file; /* in byte order of their names once written or read */
    size_t n, cap;
} folder_manifest;

void folder_manifest_init(folder_manifest *m);
void folder_manifest_release(folder_manifest *m);
/* A file that lies at `path` and is to be called `name`; its digest is that of its index when it has one. */
int folder_manifest_add(folder_manifest *m, const char *name, const char *path, uint64_t rows, shoal_error *err);
int folder_manifest_write(folder_manifest *m, const char *folder, shoal_error *err);
void folder_manifest_remove(const char *folder); /* as far as it can be */
/* 1, or 0 when the folder has none. */
int folder_manifest_read(const char *folder, folder_manifest *out, shoal_error *err);
/* `name` opens messages. */
int folder_manifest_decode(const char *name, const char *text, size_t n, folder_manifest *out, shoal_error *err);

/* The folder whose manifest speaks of what is in `folder`: itself or, from a folder k=v, one above; NULL with *err as it was
 * when there is none, or when memory ends, with err filled and *nomem set. Free by mem_free. */
char *folder_manifest_root(const char *folder, int *nomem, shoal_error *err);
/* Whether the files of a folder, in byte order, are those that its manifest lists, in any size when `tolerate`; 0 also when it
 * has none. */
int folder_manifest_compare(const char *folder, char *const *files, size_t n, int tolerate, shoal_error *err);
/* 1 with the rows that the manifest lists for a folder, 0 when it has none. */
int folder_manifest_rows(const char *folder, uint64_t *rows, shoal_error *err);
/* Whether the bytes of one file are those listed, by reading it; 0 also when no manifest lists it. */
int folder_manifest_verify(const char *file, uint64_t rows, shoal_error *err);

#endif
