/* target.c: see target.h. */
#include "table/target.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "storage/file.h"
#include "table/folder_manifest.h"
#include "table/source.h"

#define TABLE_DEPTH_MAX 32

/* ---- what a name means -------------------------------------------------------------------------------------------------- */

/* The ending of a name that is meant to say a format: a dot, a letter, letters and digits; "" when there is none. A
 * partition's value ("share=0.5") and a version ("log.2026") are no endings. */
static const char *ending_of(const char *name)
{
    const char *dot = strrchr(name, '.');
    if (!dot || dot == name || !isalpha((unsigned char)dot[1]) || strchr(name, '=')) return "";
    for (const char *p = dot + 1; *p; p++)
        if (!isalnum((unsigned char)*p)) return "";
    return dot;
}

static int check_name(const char *path, shoal_error *err)
{
    const char *name = path_base(path);
    if (!*name || strcmp(path, "/") == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return error_set(err, SHOAL_USAGE, "the output's name '%s' names no file or folder of its own; give it one, as scores.parquet", path);
    if (strlen(name) > TARGET_NAME_MAX)
        return error_set(err, SHOAL_USAGE, "the output's name has %zu bytes, expected at most %d: %.40s...", strlen(name), TARGET_NAME_MAX, name);
    return 0;
}

static int choose_format(const sink_spec *spec, target *t, shoal_error *err)
{
    enum table_format by_ending = format_of_path(t->path, NULL);
    t->format = spec->format != FORMAT_GUESS ? spec->format : by_ending;
    if (t->format != FORMAT_GUESS) return 0;
    const char *ending = ending_of(path_base(t->path));
    if (*ending && t->kind != TARGET_DEVICE)
        return error_set(err, SHOAL_USAGE, "%s: '%s' is the ending of no format that is written; say --to " FORMATS_SAID " for a folder of that name",
                         spec->path, ending);
    t->format = t->kind == TARGET_DEVICE ? FORMAT_JSONL : FORMAT_TFRECORD;
    return 0;
}

int target_parse(const sink_spec *spec, target *t, shoal_error *err)
{
    memset(t, 0, sizeof *t);
    const char *path;
    int r = file_local_path(spec->path, &path, err);
    if (r < 0) return r;
    if (strcmp(path, "-") == 0 || strcmp(path, "/dev/stdout") == 0) {
        t->kind = TARGET_OUT;
        t->format = spec->format != FORMAT_GUESS ? spec->format : FORMAT_JSONL;
        return (t->path = mem_strdup("-")) ? 0 : error_nomem(err, 2, "a path");
    }
    size_t n = strlen(path), given = n;
    while (n > 1 && path[n - 1] == '/') n--;
    if (!(t->path = mem_strndup(path, n))) return error_nomem(err, n + 1, "a path");
    if (file_is_stream(t->path)) t->kind = TARGET_DEVICE;
    else t->kind = n < given || format_of_path(t->path, NULL) == FORMAT_GUESS ? TARGET_FOLDER : TARGET_FILE;
    r = t->kind == TARGET_DEVICE ? 0 : check_name(t->path, err);
    if (r == 0) r = choose_format(spec, t, err);
    if (r < 0) target_release(t);
    return r;
}

void target_release(target *t)
{
    mem_free(t->path);
    t->path = NULL;
}

/* ---- what may be replaced ------------------------------------------------------------------------------------------------- */

static int starts_with(const char *s, const char *head) { return strncmp(s, head, strlen(head)) == 0; }

/* n bytes of a name. Shoal writes no .json, and foreign programs keep all sorts of things in it. */
static int is_data_name(const char *name, size_t n)
{
    char copy[256];
    static const char *const OTHER[] = {"_SUCCESS", SCHEMA_FILE, MANIFEST_FILE, "_metadata", "_common_metadata"};
    if (n >= sizeof copy) return 0;
    memcpy(copy, name, n);
    copy[n] = 0;
    for (size_t i = 0; i < sizeof OTHER / sizeof OTHER[0]; i++)
        if (strcmp(copy, OTHER[i]) == 0) return 1;
    if (starts_with(copy, "part-")) return 1;
    return format_of_path(copy, NULL) != FORMAT_GUESS && !(n > 5 && strcmp(copy + n - 5, ".json") == 0);
}

static int is_table_name(const char *name)
{
    static const char *const BESIDE[] = {".index", ".schema.json", ".crc"}; /* of ".NAME" */
    size_t n = strlen(name);
    if (name[0] != '.') return is_data_name(name, n);
    for (size_t i = 0; i < sizeof BESIDE / sizeof BESIDE[0]; i++) {
        size_t k = strlen(BESIDE[i]);
        if (n > k + 1 && strcmp(name + n - k, BESIDE[i]) == 0) return is_data_name(name + 1, n - 1 - k);
    }
    return 0;
}

static int folder_is_table(const char *folder, int depth, shoal_error *err);

/* 1 when path may go with the table, 0 when it is foreign, negative on error. */
static int entry_is_table(const char *path, const char *name, int depth, shoal_error *err)
{
    struct stat info;
    if (lstat(path, &info) != 0) return errno == ENOENT ? 1 : error_errno(err, "cannot examine", path, errno);
    if (S_ISREG(info.st_mode)) return is_table_name(name);
    const char *equals = strchr(name, '=');
    if (!S_ISDIR(info.st_mode) || !equals || equals == name || depth == TABLE_DEPTH_MAX) return 0;
    int r = folder_is_table(path, depth + 1, err);
    return r < 0 ? r : 1;
}

/* Of several foreign entries the first by name is told, so that the message is always the same. */
static int folder_is_table(const char *folder, int depth, shoal_error *err)
{
    char foreign[256] = "";
    DIR *d = opendir(folder);
    if (!d) return error_errno(err, "cannot open the folder", folder, errno);
    int r = 0;
    for (const struct dirent *e; r >= 0 && (errno = 0, e = readdir(d)) != NULL;) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        char *path = mem_sprintf("%s/%s", folder, e->d_name);
        r = path ? entry_is_table(path, e->d_name, depth, err) : error_nomem(err, strlen(folder) + strlen(e->d_name) + 2, "a path");
        mem_free(path);
        if (r == 0 && (!*foreign || strcmp(e->d_name, foreign) < 0)) snprintf(foreign, sizeof foreign, "%s", e->d_name);
    }
    if (r >= 0 && errno != 0) r = error_errno(err, "cannot read the folder", folder, errno);
    closedir(d);
    if (r < 0) return r;
    if (!*foreign) return 0;
    return error_set(err, SHOAL_STORAGE, "%s/%s is no part of a table: a folder that holds it is not replaced; choose another name, or remove it",
                     folder, foreign);
}

int target_is_table(const char *folder, shoal_error *err) { return folder_is_table(folder, 0, err); }

static int folder_is_empty(const char *path)
{
    DIR *d = opendir(path);
    if (!d) return 0;
    int n = 0;
    for (struct dirent *e; (e = readdir(d));) n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(d);
    return n == 0;
}

int target_check(const target *t, int overwrite, int append, shoal_error *err)
{
    if (t->kind == TARGET_DEVICE || t->kind == TARGET_OUT) return 0;
    int is_dir = file_is_dir(t->path);
    if (append && t->kind == TARGET_FILE)
        return error_set(err, SHOAL_USAGE, "%s: --append adds files to a folder, and this is none", t->path);
    if (!file_exists(t->path)) return 0;
    if (t->kind == TARGET_FOLDER && !is_dir)
        return error_set(err, SHOAL_STORAGE, "%s is a file, and a folder of shards would take its place; remove it, or choose another name", t->path);
    if (append || (t->kind == TARGET_FOLDER && folder_is_empty(t->path))) return 0;
    if (!overwrite)
        return error_set(err, SHOAL_STORAGE, "%s exists; use --overwrite to replace it, or choose another name", t->path);
    return is_dir ? target_is_table(t->path, err) : 0;
}
