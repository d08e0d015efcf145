/* sink_place.c: from the work folder to the final name: a file by a rename, a folder by an exchange with what is there, single
 * files of a folder (--append) and single partitions (--overwrite-partitions) under its lock, each taken back when a later one
 * fails. A folder gets the schema of TFRecord shards, a manifest, and _SUCCESS. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "records/record_index.h"
#include "storage/file.h"
#include "table/folder_manifest.h"
#include "table/raw_records.h"
#include "table/sink_state.h"

#define PARTITION_DEPTH_MAX 32

/* Of data: names that begin with _ or . are none. */
static int folder_has_no_files(const char *path)
{
    DIR *d = opendir(path);
    if (!d) return 0;
    int n = 0;
    for (struct dirent *e; (e = readdir(d));) n += e->d_name[0] != '.' && e->d_name[0] != '_';
    closedir(d);
    return n == 0;
}

/* Behind all parts of a folder and of the folders k=v in it. */
static int next_part(const char *folder, int depth)
{
    DIR *d = opendir(folder);
    int next = 0, part;
    if (!d) return 0;
    for (struct dirent *e; (e = readdir(d));) {
        if (sscanf(e->d_name, "part-%9d", &part) == 1 && part >= next) next = part + 1;
        char *below = strchr(e->d_name, '=') && depth < PARTITION_DEPTH_MAX ? mem_sprintf("%s/%s", folder, e->d_name) : NULL;
        if (below && (part = next_part(below, depth + 1)) > next) next = part;
        mem_free(below);
    }
    closedir(d);
    return next;
}

/* The schema that lies beside a file, or in a folder. */
static int write_schema(const sink *s, const char *path, const char *file, shoal_error *err)
{
    return s->spec.record_type == 1 + RECORD_BYTES ? raw_schema_write(path, file, err) : schema_file_write(path, file, &s->schema, err);
}

static int write_folder_schema(const sink *s, shoal_error *err)
{
    char *path = mem_sprintf("%s/" SCHEMA_FILE, s->work);
    if (!path) return error_nomem(err, strlen(s->work), "a path");
    int r = write_schema(s, path, NULL, err);
    mem_free(path);
    return r;
}

static int write_success(const char *folder, shoal_error *err)
{
    char *path = mem_sprintf("%s/_SUCCESS", folder);
    if (!path) return error_nomem(err, strlen(folder), "a path");
    int r = file_write_all(path, 1, "", 0, err);
    mem_free(path);
    return r;
}

/* A rename that fails after it took place (the folder could not be synced) is taken back when nothing was there before:
 * a failed job leaves no output. */
static int move_to(const char *from, const char *to, shoal_error *err)
{
    int was_there = file_exists(to), r = file_rename(from, to, err);
    if (r < 0 && !was_there && !file_exists(from)) file_remove_tree(to, NULL);
    return r;
}

/* Puts `from` in place of whatever is at `to`: of a folder it takes the name in the same moment, and looks once more at what
 * was there before that goes, as others may have put something into it meanwhile. */
static int replace(sink *s, const char *from, const char *to, shoal_error *err)
{
    if (!file_exists(to) || (!file_is_dir(to) && !file_is_dir(from))) return move_to(from, to, err);
    int r = file_exchange(from, to, err);
    if (r < 0) return r;
    if (file_is_dir(from) && (r = target_is_table(from, err)) < 0) {
        s->keep_work = file_exchange(from, to, NULL) < 0;
        return r;
    }
    return file_remove_tree(from, err);
}

/* A shard and, of TFRecord, its index. A new file finds its index there already; in place of an old one, it is without an
 * index for a moment, never with that of another. */
static int place_shard(sink *s, const char *from, const char *to, shoal_error *err)
{
    if (s->ops != &WRITER_TFRECORD) return replace(s, from, to, err);
    char *index = record_index_path(from), *its_index = record_index_path(to);
    int was_there = file_exists(to), r = index && its_index ? 0 : error_nomem(err, strlen(to), "a path");
    if (r == 0) r = was_there ? file_remove_tree(its_index, err) : move_to(index, its_index, err);
    if (r == 0 && (r = replace(s, from, to, err)) < 0 && !was_there) file_remove_tree(its_index, NULL);
    if (r == 0 && was_there) r = move_to(index, its_index, err);
    mem_free(index);
    mem_free(its_index);
    return r;
}

/* Puts back the schema that was there before. */
static void restore_schema(const char *path, int was_there, const buf *text)
{
    if (was_there) file_write_all(path, 1, text->data, text->len, NULL);
    else file_remove_tree(path, NULL);
}

/* The schema of a single TFRecord file lies beside it, there before the file is, and names it: a kill between the two leaves
 * an old file that its schema disowns, not one that is read by another's types. */
static int place_record_file(sink *s, shoal_error *err)
{
    char *own, *folder;
    buf before = BUF_INIT;
    int r = schema_path_of(s->path, &own, &folder, err);
    if (r < 0) return r;
    int was_there = file_exists(own), read = was_there ? file_read_all(own, SCHEMA_BYTES_MAX, &before, err) : 0;
    r = read;
    if (r == 0) r = write_schema(s, own, s->shards[0].path, err);
    if (r == 0) r = place_shard(s, s->shards[0].path, s->path, err);
    if (r < 0 && read == 0 && file_exists(s->shards[0].path)) restore_schema(own, was_there, &before); /* the file has not moved */
    buf_release(&before);
    mem_free(own);
    mem_free(folder);
    return r;
}

static int place_file(sink *s, shoal_error *err)
{
    return s->ops == &WRITER_TFRECORD ? place_record_file(s, err) : place_shard(s, s->shards[0].path, s->path, err);
}

static int same_schema(const sink *s, shoal_error *err)
{
    char *path = mem_sprintf("%s/" SCHEMA_FILE, s->path);
    char *ours = mem_sprintf("%s/" SCHEMA_FILE, s->work);
    buf a = BUF_INIT, b = BUF_INIT;
    int r = path && ours ? 0 : error_nomem(err, 0, "a path");
    if (r == 0 && file_exists(path)) {
        r = file_read_all(path, SCHEMA_BYTES_MAX, &a, err);
        if (r == 0) r = file_read_all(ours, SCHEMA_BYTES_MAX, &b, err);
        if (r == 0 && (a.len != b.len || memcmp(a.data, b.data, a.len) != 0))
            r = error_set(err, SHOAL_DATA, "%s: the columns that are there differ from those to be appended; see its " SCHEMA_FILE, s->path);
    }
    buf_release(&a);
    buf_release(&b);
    mem_free(path);
    mem_free(ours);
    return r;
}

/* Below the folder: part-00000.parquet, k=v/part-00000.parquet */
static const char *shard_name(const sink *s, size_t i) { return s->shards[i].path + strlen(s->work) + 1; }

/* Where a shard of a folder goes: numbers are given when it gets its name. */
static char *shard_target(const sink *s, size_t i)
{
    const char *name = shard_name(s, i), *base = path_base(name);
    return mem_sprintf("%s/%.*spart-%05d%s", s->path, (int)(base - name), name, s->first_part + (int)i, strchr(base, '.'));
}

/* Folders k=v that are empty now; `path` is cut. */
static void remove_empty_folders(const sink *s, char *path)
{
    for (size_t k = 0; path && k < s->split.n; k++) {
        path[path_base(path) - path - 1] = 0;
        if (rmdir(path) < 0) return;
    }
}

static int append_shard(sink *s, size_t i, shoal_error *err)
{
    char *to = shard_target(s, i);
    int r = to ? sink_make_folder_of(to, err) : error_nomem(err, 0, "a path");
    if (r == 0 && file_exists(to)) r = error_set(err, SHOAL_STORAGE, "%s was written by another process meanwhile; run again", to);
    if (r == 0) r = place_shard(s, s->shards[i].path, to, err);
    mem_free(to);
    return r;
}

static void remove_shard(const sink *s, size_t i)
{
    char *path = shard_target(s, i);
    char *index = path ? record_index_path(path) : NULL;
    if (path) file_remove_tree(path, NULL);
    if (index) file_remove_tree(index, NULL);
    mem_free(index);
    remove_empty_folders(s, path);
    mem_free(path);
}

static int add_shards(const sink *s, folder_manifest *m, shoal_error *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < s->n_shards; i++) {
        char *to = shard_target(s, i);
        r = to ? folder_manifest_add(m, to + strlen(s->path) + 1, s->shards[i].path, s->shards[i].rows, err) : error_nomem(err, 0, "a path");
        mem_free(to);
    }
    return r;
}

/* The shards, the manifest that lists them (written when `lists`), _SUCCESS; all of them or none. */
static int place_appended(sink *s, folder_manifest *m, int lists, shoal_error *err)
{
    size_t done = 0;
    folder_manifest before;
    int r = folder_manifest_read(s->path, &before, err), had = r == 1, listed = 0;
    if (r == 1) r = 0;
    for (; r == 0 && done < s->n_shards; done++) r = append_shard(s, done, err);
    if (r == 0 && lists) {
        listed = 1;
        r = folder_manifest_write(m, s->path, err);
    }
    if (r == 0) r = write_success(s->path, err);
    /* on failure: `done` counts the one that failed, which took itself back, unless it was what comes after them */
    for (size_t i = 0; r < 0 && i < done; i++) remove_shard(s, i);
    if (r < 0 && listed && had) folder_manifest_write(&before, s->path, NULL);
    else if (r < 0 && listed) folder_manifest_remove(s->path);
    folder_manifest_release(&before);
    return r;
}

/* A folder whose files no manifest lists gets none: it would list the new ones alone. One process adds at a time, and takes
 * the numbers that are free then. */
static int append_folder(sink *s, shoal_error *err)
{
    folder_manifest m;
    int lock, r = s->ops == &WRITER_TFRECORD ? same_schema(s, err) : 0;
    if (r < 0) return r;
    if ((r = file_folder_lock(s->path, &lock, err)) < 0) return r;
    s->first_part = next_part(s->path, 0);
    r = folder_manifest_read(s->path, &m, err);
    int lists = r == 1 || (r == 0 && folder_has_no_files(s->path));
    if (r >= 0) r = lists ? add_shards(s, &m, err) : 0;
    if (r == 0) r = place_appended(s, &m, lists, err);
    folder_manifest_release(&m);
    file_folder_unlock(lock);
    return r;
}

/* ---- --overwrite-partitions: the folders k=v that got rows change places with those that are there ------------------- */

/* The folder of shard i when it is the first of it (shards of one folder follow one another); else n is 0. */
static view folder_of(const sink *s, size_t i)
{
    const char *name = shard_name(s, i), *before = i > 0 ? shard_name(s, i - 1) : "";
    size_t n = (size_t)(path_base(name) - name);
    return view_of(name, strncmp(name, before, n) == 0 ? 0 : n - 1);
}

static int exchange_folder(sink *s, view folder, int back, shoal_error *err)
{
    char *here = mem_sprintf("%s/%.*s", s->path, (int)folder.n, folder.p), *ours = mem_sprintf("%s/%.*s", s->work, (int)folder.n, folder.p);
    int r = here && ours ? 0 : error_nomem(err, folder.n, "a path");
    if (r == 0 && file_exists(here) && file_exists(ours)) {
        r = file_exchange(ours, here, err);
        if (r == 0 && !back && (r = target_is_table(ours, err)) < 0) s->keep_work |= file_exchange(ours, here, NULL) < 0;
    } else if (r == 0 && back) {
        r = file_rename(here, ours, err);
        remove_empty_folders(s, here);
    } else if (r == 0) {
        r = sink_make_folder_of(here, err);
        if (r == 0) r = move_to(ours, here, err);
    }
    mem_free(here);
    mem_free(ours);
    return r;
}

/* Takes out what the manifest lists of the folders that are replaced. */
static void unlist_folders(const sink *s, folder_manifest *m)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->n; i++) {
        int gone = 0;
        for (size_t k = 0; !gone && k < s->n_shards; k++) {
            view folder = folder_of(s, k);
            gone = folder.n > 0 && strncmp(m->file[i].name, folder.p, folder.n + 1) == 0;
        }
        if (gone) mem_free(m->file[i].name);
        else m->file[kept++] = m->file[i];
    }
    m->n = kept;
}

static int replace_partitions(sink *s, shoal_error *err)
{
    folder_manifest m, before;
    size_t done = 0;
    int lock, r = s->ops == &WRITER_TFRECORD ? same_schema(s, err) : 0;
    if (r < 0) return r;
    if ((r = file_folder_lock(s->path, &lock, err)) < 0) return r;
    r = folder_manifest_read(s->path, &m, err);
    const int had = r == 1, lists = had || (r == 0 && folder_has_no_files(s->path));
    if (r < 0) {
        file_folder_unlock(lock);
        return r;
    }
    r = folder_manifest_read(s->path, &before, err);
    unlist_folders(s, &m);
    if (r >= 0) r = lists ? add_shards(s, &m, err) : 0;
    for (; r == 0 && done < s->n_shards; done++)
        if (folder_of(s, done).n > 0) r = exchange_folder(s, folder_of(s, done), 0, err);
    const size_t moved = r < 0 && done > 0 ? done - 1 : done;
    if (r == 0 && lists) r = folder_manifest_write(&m, s->path, err);
    if (r == 0) r = write_success(s->path, err);
    for (size_t i = 0; r < 0 && i < moved; i++)
        if (folder_of(s, i).n > 0 && exchange_folder(s, folder_of(s, i), 1, NULL) < 0) s->keep_work = 1;
    if (r < 0 && lists && had) folder_manifest_write(&before, s->path, NULL);
    else if (r < 0 && lists) folder_manifest_remove(s->path);
    folder_manifest_release(&m);
    folder_manifest_release(&before);
    file_folder_unlock(lock);
    return r;
}

static int write_manifest(const sink *s, shoal_error *err)
{
    folder_manifest m;
    folder_manifest_init(&m);
    int r = add_shards(s, &m, err);
    if (r == 0) r = folder_manifest_write(&m, s->work, err);
    folder_manifest_release(&m);
    return r;
}

static int place_folder(sink *s, shoal_error *err)
{
    int r = s->ops == &WRITER_TFRECORD ? write_folder_schema(s, err) : 0;
    if (r == 0 && s->spec.append && file_exists(s->path)) return append_folder(s, err);
    if (r == 0 && s->spec.overwrite_partitions && file_exists(s->path)) return replace_partitions(s, err);
    if (r == 0) r = write_manifest(s, err);
    if (r == 0) r = write_success(s->work, err);
    if (r == 0) r = file_sync_dir(s->work, err);
    return r < 0 ? r : replace(s, s->work, s->path, err);
}

int sink_publish(sink *s, shoal_error *err) { return s->is_folder ? place_folder(s, err) : place_file(s, err); }
