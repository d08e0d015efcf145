/* outdir.c: see outdir.h. */
#include "train/outdir.h"

#include <string.h>

#include "base/mem.h"
#include "storage/file.h"
#include "train/checkpoint.h"
#include "train/manifest.h"
#include "train/modelfile.h"

static const char *const MOVED[] = {"checkpoints", "tensorboard", "history.jsonl", "features.yaml"};
#define N_MOVED (sizeof MOVED / sizeof MOVED[0])

struct outdir {
    char *path, *aside;
    file_lock *lock;
    int made;
};

static char *below(const char *dir, const char *name) { return mem_sprintf("%s/%s", dir, name); }

/* from/name to to/name, in place of what is there; missing is success. */
static int move(const char *from, const char *to, const char *name, shoal_error *err)
{
    char *a = below(from, name), *b = below(to, name);
    int rc = a && b ? 0 : error_nomem(err, 0, "a path");
    if (rc == 0 && file_exists(a)) {
        rc = file_remove_tree(b, err);
        if (rc == 0) rc = file_rename(a, b, err);
    }
    mem_free(a);
    mem_free(b);
    return rc;
}

int outdir_replaces(const outdir *d) { return file_exists(d->aside); }

/* The checkpoints last: until they are back, an interrupted restore is taken up again. */
int outdir_restore(outdir *d, shoal_error *err)
{
    if (!outdir_replaces(d)) return 0;
    int rc = 0;
    for (size_t i = N_MOVED; i-- > 0 && rc == 0;) rc = move(d->aside, d->path, MOVED[i], err);
    return rc ? rc : outdir_drop_replaced(d, err);
}

int outdir_drop_replaced(outdir *d, shoal_error *err) { return file_remove_tree(d->aside, err); }

/* The text of dir/model.json; empty when there is none. */
static int model_text(const char *dir, buf *out, shoal_error *err)
{
    char *path = below(dir, MODELFILE_MANIFEST);
    int rc = path ? 0 : error_nomem(err, 0, "a path");
    if (rc == 0 && file_exists(path)) rc = file_read_all(path, MANIFEST_BYTES_MAX, out, err);
    mem_free(path);
    return rc;
}

static int copy_model_text(const outdir *d, shoal_error *err)
{
    buf text = BUF_INIT;
    char *path = below(d->aside, MODELFILE_MANIFEST);
    int rc = path ? model_text(d->path, &text, err) : error_nomem(err, 0, "a path");
    if (rc == 0 && text.len) rc = file_write_all(path, 1, text.data, text.len, err);
    buf_release(&text);
    mem_free(path);
    return rc;
}

int outdir_take_over(outdir *d, shoal_error *err)
{
    int rc = file_remove_tree(d->aside, err);
    if (rc == 0) rc = file_mkdirs(d->aside, err);
    if (rc == 0) rc = copy_model_text(d, err);
    for (size_t i = 0; i < N_MOVED && rc == 0; i++) rc = move(d->path, d->aside, MOVED[i], err);
    if (rc) outdir_restore(d, NULL);
    return rc;
}

/* After a kill: a run that has its model needs the older one no more; one that died before its first checkpoint left nothing
 * worth keeping. */
static int recover(outdir *d, shoal_error *err)
{
    buf now = BUF_INIT, was = BUF_INIT;
    int any = 0, rc = modelfile_settle(d->path, err);
    if (rc == 0 && outdir_replaces(d)) {
        rc = model_text(d->path, &now, err);
        if (rc == 0) rc = model_text(d->aside, &was, err);
        if (rc == 0) rc = checkpoint_any(d->path, &any, err);
        int same = now.len == was.len && (now.len == 0 || memcmp(now.data, was.data, now.len) == 0);
        if (rc == 0 && !same) rc = outdir_drop_replaced(d, err);
        else if (rc == 0 && !any) rc = outdir_restore(d, err);
    }
    buf_release(&now);
    buf_release(&was);
    return rc;
}

/* Temporary files of a killed process; nobody else writes here. */
static int sweep(const outdir *d, shoal_error *err)
{
    char *events = below(d->path, "tensorboard");
    if (!events) return error_nomem(err, 0, "a path");
    file_sweep(d->path);
    file_sweep(events);
    mem_free(events);
    return 0;
}

static int take_lock(outdir *d, shoal_error *err)
{
    char holder[128], *path = below(d->path, ".lock");
    if (!path) return error_nomem(err, 0, "a path");
    int rc = file_lock_take(path, &d->lock, holder, sizeof holder, err);
    mem_free(path);
    if (rc == 1) return 0;
    return rc < 0 ? rc : error_set(err, SHOAL_STORAGE, "%s is in use by %s; wait for it, or choose another --out", d->path, holder);
}

int outdir_open(const char *path, outdir **out, shoal_error *err)
{
    *out = NULL;
    outdir *d = mem_calloc(1, sizeof *d);
    if (!d) return error_nomem(err, sizeof *d, "the run's folder");
    d->path = mem_strdup(path);
    d->aside = below(path, ".replaced");
    int rc = d->path && d->aside ? 0 : error_nomem(err, strlen(path), "a path");
    if (rc == 0) {
        d->made = !file_exists(path);
        rc = file_mkdirs(path, err);
    }
    if (rc == 0) rc = take_lock(d, err);
    if (rc == 0) rc = sweep(d, err);
    if (rc == 0) rc = recover(d, err);
    if (rc) outdir_close(d);
    else *out = d;
    return rc;
}

void outdir_close(outdir *d)
{
    if (!d) return;
    file_lock_release(d->lock);
    if (d->made) file_remove_empty(d->path);
    mem_free(d->path);
    mem_free(d->aside);
    mem_free(d);
}
