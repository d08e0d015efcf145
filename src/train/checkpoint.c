/* checkpoint.c: saving, finding and loading of checkpoints; see checkpoint.h.
 *
 * Order of a save: state.safetensors and manifest.json into .new.tmp (each synced), the folder synced, one rename to a
 * name that is free, then removal of what is no longer wanted. Whatever fails or dies in between, the newest whole
 * folder is a checkpoint that was complete. */
#include "train/checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "train/manifest.h"
#include "train/state.h"

#define FORMAT "shoal-checkpoint"
#define STATE_FILE "state.safetensors"
#define MANIFEST_FILE "manifest.json"
#define SERIES_MAX 32

struct checkpoint {
    char *dir;
    safetensors *state;
};

/* ---- names ----------------------------------------------------------------------------------------------------------- */

typedef struct entry {
    uint64_t step, revision;
} entry;

/* "step-000000001234.1": series "step", step 1234, revision 1. */
static int entry_parse(const char *file, const char *series, entry *out)
{
    size_t n = strlen(series);
    if (strncmp(file, series, n) || file[n] != '-' || strlen(file) > n + 64) return 0;
    char *end;
    const char *p = file + n + 1;
    if (*p < '0' || *p > '9') return 0;
    errno = 0;
    out->step = strtoull(p, &end, 10);
    out->revision = 0;
    if (*end == '.' && end[1] >= '1' && end[1] <= '9') out->revision = strtoull(end + 1, &end, 10);
    return *end == 0 && errno == 0;
}

static char *entry_path(const char *dir, const char *series, entry e)
{
    if (e.revision == 0) return mem_sprintf("%s/%s-%012llu", dir, series, (unsigned long long)e.step);
    return mem_sprintf("%s/%s-%012llu.%llu", dir, series, (unsigned long long)e.step, (unsigned long long)e.revision);
}

static int newest_first(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->step != y->step) return x->step < y->step ? 1 : -1;
    return x->revision < y->revision ? 1 : x->revision > y->revision ? -1 : 0;
}

/* The folders of a series, newest first; none when there is no such folder. */
static int entries_list(const char *dir, const char *series, entry **out, size_t *n, shoal_error *err)
{
    size_t cap = 0;
    int rc = 0;
    *out = NULL;
    *n = 0;
    DIR *d = opendir(dir);
    if (!d) return errno == ENOENT ? 0 : error_errno(err, "open", dir, errno);
    for (struct dirent *x; rc == 0 && (x = readdir(d));) {
        entry e;
        if (!entry_parse(x->d_name, series, &e)) continue;
        if (*n == cap) {
            cap = cap ? 2 * cap : 16;
            entry *grown = mem_realloc(*out, cap * sizeof *grown);
            if (!grown) {
                rc = error_nomem(err, cap * sizeof *grown, "the list of checkpoints");
                break;
            }
            *out = grown;
        }
        (*out)[(*n)++] = e;
    }
    closedir(d);
    if (rc) {
        mem_free(*out);
        *out = NULL;
    } else if (*n) {
        qsort(*out, *n, sizeof **out, newest_first);
    }
    return rc;
}

/* ---- state ------------------------------------------------------------------------------------------------------------ */

static int state_read(void *ctx, const param *p, int slot, const char *name, float *data, uint64_t stride, shoal_error *err)
{
    tensor_in t;
    (void)slot;
    int rc = safetensors_find(ctx, name, TENSOR_F32, p->rows, p->cols, &t, err);
    return rc ? rc : safetensors_read(ctx, &t, data, stride, err);
}

int checkpoint_load(const checkpoint *k, weights *w, shoal_error *err)
{
    return state_each(w, -1, state_read, k->state, err);
}

/* ---- cursor -------------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    size_t offset;
    int real, since; /* since: of a later program; a checkpoint without it has none of it */
} CURSOR[] = {
    {"step", offsetof(cursor, step), 0, 0},
    {"epoch", offsetof(cursor, epoch), 0, 0},
    {"epoch_step", offsetof(cursor, epoch_step), 0, 0},
    {"rows", offsetof(cursor, rows), 0, 0},
    {"epoch_loss", offsetof(cursor, epoch_loss), 1, 0},
    {"epoch_weight", offsetof(cursor, epoch_weight), 1, 0},
    {"best", offsetof(cursor, best), 1, 0},
    {"best_epoch", offsetof(cursor, best_epoch), 0, 0},
    {"best_step", offsetof(cursor, best_step), 0, 0},
    {"best_rows", offsetof(cursor, best_metrics.rows), 0, 0},
    {"best_weight", offsetof(cursor, best_metrics.weight), 1, 0},
    {"best_auc", offsetof(cursor, best_metrics.auc), 1, 0},
    {"best_logloss", offsetof(cursor, best_metrics.logloss), 1, 0},
    {"best_calibration", offsetof(cursor, best_metrics.calibration), 1, 0},
    {"best_mean_prediction", offsetof(cursor, best_metrics.mean_prediction), 1, 0},
    {"best_mean_label", offsetof(cursor, best_metrics.mean_label), 1, 0},
    {"best_gauc", offsetof(cursor, best_metrics.gauc), 1, 1},
    {"best_groups", offsetof(cursor, best_metrics.groups), 0, 1},
    {"best_groups_mixed", offsetof(cursor, best_metrics.groups_mixed), 0, 1},
    {"bad_epochs", offsetof(cursor, bad_epochs), 0, 0},
    {"plateaus", offsetof(cursor, plateaus), 0, 1},
};
#define N_CURSOR (sizeof CURSOR / sizeof CURSOR[0])

static int cursor_put(json_t *manifest, const cursor *c, shoal_error *err)
{
    json_t *j = json_object();
    int rc = j ? 0 : error_nomem(err, 0, "JSON");
    for (size_t i = 0; i < N_CURSOR && rc == 0; i++) {
        const char *at = (const char *)c + CURSOR[i].offset;
        double d;
        uint64_t u;
        memcpy(&d, at, sizeof d);
        memcpy(&u, at, sizeof u);
        rc = manifest_put(j, CURSOR[i].name, CURSOR[i].real ? manifest_real(d) : json_integer((json_int_t)u), err);
    }
    if (rc) {
        json_decref(j);
        return rc;
    }
    return manifest_put(manifest, "cursor", j, err);
}

static int cursor_get(const json_t *manifest, const char *path, cursor *c, shoal_error *err)
{
    const json_t *j = json_object_get(manifest, "cursor");
    for (size_t i = 0; i < N_CURSOR; i++) {
        char *at = (char *)c + CURSOR[i].offset;
        const json_t *v = json_object_get(j, CURSOR[i].name);
        if (!v && CURSOR[i].since) continue;
        int good = CURSOR[i].real ? json_is_number(v) || json_is_null(v) : json_is_integer(v) && json_integer_value(v) >= 0;
        if (!good)
            return error_set(err, SHOAL_DATA, "%s: \"cursor\" has no usable \"%s\"; the checkpoint is damaged", path, CURSOR[i].name);
        double d = json_is_null(v) ? NAN : json_number_value(v);
        uint64_t u = (uint64_t)json_integer_value(v);
        if (CURSOR[i].real) memcpy(at, &d, sizeof d);
        else memcpy(at, &u, sizeof u);
    }
    return 0;
}

/* ---- saving -------------------------------------------------------------------------------------------------------------- */

static int put_copy(json_t *manifest, const char *key, const json_t *part, shoal_error *err)
{
    return part ? manifest_put(manifest, key, json_deep_copy(part), err) : 0;
}

static int write_folder(const char *dir, const weights *w, const cursor *c, const checkpoint_identity *id, shoal_error *err)
{
    char *state = mem_sprintf("%s/" STATE_FILE, dir), *manifest_path = mem_sprintf("%s/" MANIFEST_FILE, dir);
    json_t *j = manifest_new(FORMAT, CHECKPOINT_VERSION);
    hash128 sum;
    file_print print;
    int rc = state && manifest_path && j ? 0 : error_nomem(err, 0, "a checkpoint");
    if (rc == 0) rc = state_write(state, w, -1, &sum, err);
    if (rc == 0) rc = file_fingerprint(state, &print, err);
    if (rc == 0) rc = manifest_put(j, "state", manifest_file(STATE_FILE, print.size, sum), err);
    if (rc == 0) rc = cursor_put(j, c, err);
    if (rc == 0) rc = put_copy(j, "settings", id->settings, err);
    if (rc == 0) rc = put_copy(j, "data", id->data, err);
    if (rc == 0) rc = put_copy(j, "kernels", id->kernels, err);
    if (rc == 0) rc = manifest_write(manifest_path, j, err);
    if (rc == 0) rc = file_sync_dir(dir, err);
    json_decref(j);
    mem_free(state);
    mem_free(manifest_path);
    return rc;
}

/* After the checkpoint `now` became current: of the series, it and the keep - 1 before it stay. Newer ones were skipped
 * as damaged when this run began, and would hide it. */
static int prune(const char *dir, const char *series, entry now, int keep, const entry *all, size_t n, shoal_error *err)
{
    int rc = 0, kept = 1;
    for (size_t i = 0; i < n && rc == 0; i++) {
        int newer = newest_first(&all[i], &now) < 0;
        if (!newer && kept < keep) {
            kept++;
            continue;
        }
        char *path = entry_path(dir, series, all[i]);
        rc = path ? file_remove_tree(path, err) : error_nomem(err, 0, "a path");
        mem_free(path);
    }
    return rc;
}

int checkpoint_save(const char *out_dir, const char *name, const weights *w, const cursor *c, const checkpoint_identity *id,
                    int keep, shoal_error *err)
{
    const char *series = name ? name : "step";
    char *dir = mem_sprintf("%s/checkpoints", out_dir), *fresh = mem_sprintf("%s/checkpoints/.new.tmp", out_dir);
    char *final = NULL;
    entry *all = NULL, now = {c->step, 0};
    size_t n = 0;
    CHECK(strlen(series) < SERIES_MAX);
    int rc = dir && fresh ? 0 : error_nomem(err, 0, "a path");
    if (rc == 0) rc = file_remove_tree(fresh, err);
    if (rc == 0) rc = file_mkdirs(fresh, err);
    if (rc == 0) rc = write_folder(fresh, w, c, id, err);
    if (rc == 0) rc = entries_list(dir, series, &all, &n, err);
    if (rc) goto out;
    for (size_t i = 0; i < n; i++)
        if (all[i].step == now.step && all[i].revision >= now.revision) now.revision = all[i].revision + 1;
    final = entry_path(dir, series, now);
    rc = final ? file_rename(fresh, final, err) : error_nomem(err, 0, "a path");
    if (rc == 0) rc = prune(dir, series, now, keep, all, n, err);
out:
    if (rc && fresh) file_remove_tree(fresh, NULL);
    mem_free(all);
    mem_free(dir);
    mem_free(fresh);
    mem_free(final);
    return rc;
}

/* ---- finding -------------------------------------------------------------------------------------------------------------- */

void checkpoint_free(checkpoint *k)
{
    if (!k) return;
    safetensors_close(k->state);
    mem_free(k->dir);
    mem_free(k);
}

void checkpoint_identity_release(checkpoint_identity *id)
{
    json_decref(id->settings);
    json_decref(id->data);
    json_decref(id->kernels);
    *id = (checkpoint_identity){0};
}

static int is_newer_version(const json_t *j)
{
    return json_integer_value(json_object_get(j, "version")) > CHECKPOINT_VERSION;
}

/* Takes dir over. DATA or STORAGE: not whole; *refused: it must not be skipped. */
static int open_entry(char *dir, checkpoint **out, cursor *c, checkpoint_identity *id, int *refused, shoal_error *err)
{
    checkpoint *k = mem_calloc(1, sizeof *k);
    char *path = mem_sprintf("%s/" MANIFEST_FILE, dir), *state = mem_sprintf("%s/" STATE_FILE, dir);
    json_t *j = NULL;
    hash128 sum;
    cursor where = {0};
    int rc = k && path && state ? 0 : error_nomem(err, 0, "a checkpoint");
    if (rc) {
        mem_free(dir);
        goto out;
    }
    k->dir = dir;
    rc = manifest_read(path, FORMAT, INT32_MAX, &j, NULL, err);
    if (rc == 0 && is_newer_version(j)) {
        *refused = 1;
        rc = error_set(err, SHOAL_DATA, "%s: " FORMAT " version %lld is newer than this program reads (%d); use a newer shoal",
                       path, (long long)json_integer_value(json_object_get(j, "version")), CHECKPOINT_VERSION);
    }
    if (rc == 0) rc = safetensors_open(state, &k->state, err);
    if (rc == 0) rc = safetensors_digest(k->state, &sum, err);
    if (rc == 0)
        rc = manifest_file_check(json_object_get(j, "state"), path, state, safetensors_size(k->state), sum, err);
    if (rc == 0) rc = cursor_get(j, path, &where, err);
    if (rc) goto out;
    if (c) *c = where;
    if (id) {
        id->settings = json_incref(json_object_get(j, "settings"));
        id->data = json_incref(json_object_get(j, "data"));
        id->kernels = json_incref(json_object_get(j, "kernels"));
    }
    *out = k;
    k = NULL;
out:
    checkpoint_free(k);
    json_decref(j);
    mem_free(path);
    mem_free(state);
    return rc;
}

int checkpoint_find(const char *out_dir, const char *name, const shoal_host *host, checkpoint **out, cursor *c,
                    checkpoint_identity *id, int *found, shoal_error *err)
{
    const char *series = name ? name : "step";
    char *dir = mem_sprintf("%s/checkpoints", out_dir);
    entry *all = NULL;
    size_t n = 0;
    *found = 0;
    *out = NULL;
    int rc = dir ? entries_list(dir, series, &all, &n, err) : error_nomem(err, 0, "a path");
    for (size_t i = 0; i < n && rc == 0 && !*found; i++) {
        char *path = entry_path(dir, series, all[i]);
        int refused = 0;
        shoal_error why = {0};
        int got = path ? open_entry(path, out, c, id, &refused, &why) : error_nomem(&why, 0, "a path");
        if (got == 0) {
            *found = 1;
        } else if (!refused && (got == SHOAL_DATA || got == SHOAL_STORAGE)) {
            host_warn(host, "skipping a checkpoint that is not whole: %s", why.message);
        } else {
            rc = got;
            if (err) *err = why;
        }
    }
    mem_free(all);
    mem_free(dir);
    return rc;
}

int checkpoint_any(const char *out_dir, int *any, shoal_error *err)
{
    char *dir = mem_sprintf("%s/checkpoints", out_dir);
    entry *all = NULL;
    size_t n = 0;
    int rc = dir ? entries_list(dir, "step", &all, &n, err) : error_nomem(err, 0, "a path");
    *any = n > 0;
    mem_free(all);
    mem_free(dir);
    return rc;
}

int checkpoint_clear(const char *out_dir, shoal_error *err)
{
    char *dir = mem_sprintf("%s/checkpoints", out_dir);
    int rc = dir ? file_remove_tree(dir, err) : error_nomem(err, 0, "a path");
    mem_free(dir);
    return rc;
}

/* ---- comparing -------------------------------------------------------------------------------------------------------------- */

int checkpoint_compare(const checkpoint_identity *was, const checkpoint_identity *is, shoal_error *err)
{
    manifest_difference d;
    if (was->data && is->data && manifest_differ(was->data, is->data, &d))
        return error_set(err, SHOAL_DATA,
                         "cannot resume: the data changed: '%s' was %s, is %s; bring the old data back, or train anew in another --out",
                         d.path, d.was, d.is);
    if (was->settings && is->settings && manifest_differ(was->settings, is->settings, &d))
        return error_set(err, SHOAL_USAGE, "cannot resume: '%s' was %s, is %s; give it as it was, or train anew in another --out",
                         d.path, d.was, d.is);
    if (was->kernels && is->kernels && manifest_differ(was->kernels, is->kernels, &d))
        return error_set(err, SHOAL_USAGE,
                         "cannot resume: kernel set '%s' was %s, is %s on this machine, so the result would differ; resume on the "
                         "same kind of processor, or train anew in another --out",
                         d.path, d.was, d.is);
    return 0;
}
