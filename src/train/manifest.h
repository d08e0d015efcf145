/* manifest.h: the small JSON files of a run: model.json, features.json, a checkpoint's manifest.json. Each begins with
 * {"format": NAME, "version": N}; readers refuse another format and a newer version by name. Numbers survive exactly
 * (17 digits); a number that is not finite is null. Written with sorted keys, so that equal content is equal bytes. */
#ifndef TRAIN_MANIFEST_H
#define TRAIN_MANIFEST_H

#include <jansson.h>

#include "base/conf.h"
#include "base/hash.h"
#include "storage/file.h"

#define MANIFEST_BYTES_MAX (64u << 20)
#define MANIFEST_TEXT_BYTES 256 /* of a path or a value, for people */

/* {"format": ..., "version": ...}; NULL when out of memory. */
json_t *manifest_new(const char *format, int version);
/* Takes `value` over, also on failure; a NULL value is the out-of-memory of whoever made it. */
int manifest_put(json_t *object, const char *key, json_t *value, shoal_error *err);
json_t *manifest_real(double v);
/* NULL when out of memory. */
json_t *manifest_strings(const char *const *items, size_t n);
int manifest_text(const json_t *j, buf *out, shoal_error *err);
/* For programs: one line, keys in the order in which they were put. */
int manifest_line(const json_t *j, buf *out, shoal_error *err);
/* Whole or not at all; replaces. */
int manifest_write(const char *path, const json_t *j, shoal_error *err);
/* tree (may be NULL) receives the same text as a configuration tree. */
int manifest_read(const char *path, const char *format, int version, json_t **out, conf **tree, shoal_error *err);

/* {"file", "bytes", "xxh3_128"}: the name of a file beside the manifest, and its check. */
json_t *manifest_file(const char *name, uint64_t bytes, hash128 sum);
/* DATA, naming `manifest` and `file`, when the digest in `entry` is not this one. */
int manifest_file_check(const json_t *entry, const char *manifest, const char *file, uint64_t bytes, hash128 sum,
                        shoal_error *err);

/* The first difference of two trees: its path and both values. 0: there is none. NULL counts as not set. */
typedef struct manifest_difference {
    char path[MANIFEST_TEXT_BYTES];
    char was[MANIFEST_TEXT_BYTES], is[MANIFEST_TEXT_BYTES];
} manifest_difference;
int manifest_differ(const json_t *was, const json_t *is, manifest_difference *d);

#endif
