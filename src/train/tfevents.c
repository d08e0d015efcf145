/* tfevents.c: see tfevents.h. */
#include "train/tfevents.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/thread.h"
#include "records/tfrecord.h"
#include "storage/file.h"

#define PREFIX "events.out.tfevents."
#define NAMES_MAX 1000

struct tfevents {
    file_writer *file;
    buf event, summary, framed;
};

/* ---- encoding ---------------------------------------------------------------------------------------------------------- */

static int put_varint(buf *b, uint64_t v, shoal_error *err)
{
    int rc = 0;
    for (; v >= 0x80 && rc == 0; v >>= 7) rc = buf_putc(b, (char)(v | 0x80), err);
    return rc ? rc : buf_putc(b, (char)v, err);
}

static int put_bytes(buf *b, char key, const void *p, size_t n, shoal_error *err)
{
    int rc = buf_putc(b, key, err);
    if (rc == 0) rc = put_varint(b, n, err);
    return rc ? rc : buf_append(b, p, n, err);
}

static int put_head(buf *b, double wall, uint64_t step, shoal_error *err)
{
    int rc = buf_putc(b, 0x09, err);
    if (rc == 0) rc = buf_append(b, &wall, sizeof wall, err);
    if (rc == 0) rc = buf_putc(b, 0x10, err);
    return rc ? rc : put_varint(b, step, err);
}

static int put_scalar(buf *b, const tfevents_scalar *s, shoal_error *err)
{
    float value = (float)s->value;
    size_t tag = strlen(s->tag);
    buf v = BUF_INIT;
    int rc = put_bytes(&v, 0x0a, s->tag, tag, err);
    if (rc == 0) rc = buf_putc(&v, 0x15, err);
    if (rc == 0) rc = buf_append(&v, &value, sizeof value, err);
    if (rc == 0) rc = put_bytes(b, 0x0a, v.data, v.len, err);
    buf_release(&v);
    return rc;
}

/* ---- writing ----------------------------------------------------------------------------------------------------------- */

static int write_framed(tfevents *t, shoal_error *err)
{
    buf_clear(&t->framed);
    int rc = tfrecord_frame(&t->framed, t->event.data, t->event.len, err);
    if (rc == 0) rc = file_write(t->file, t->framed.data, t->framed.len, err);
    return rc ? rc : file_flush(t->file, err);
}

static int create_file(tfevents *t, const char *dir, shoal_error *err)
{
    char host[64] = "host";
    if (gethostname(host, sizeof host)) snprintf(host, sizeof host, "host");
    host[sizeof host - 1] = 0;
    char *path = NULL;
    int taken = 1;
    for (int n = 0; n < NAMES_MAX && taken; n++) { /* no other process has this number while we live */
        mem_free(path);
        path = mem_sprintf("%s/" PREFIX "%010lld.%s.%ld.%d", dir, (long long)clock_wall(), host, (long)getpid(), n);
        if (!path) return error_nomem(err, 128, "a path");
        taken = file_exists(path);
    }
    int rc = taken ? error_errno(err, "create", path, EEXIST) : file_append(path, &t->file, err);
    mem_free(path);
    return rc;
}

int tfevents_open(const char *dir, tfevents **out, shoal_error *err)
{
    static const char VERSION[] = "brain.Event:2";
    double wall = clock_wall();
    *out = NULL;
    tfevents *t = mem_calloc(1, sizeof *t);
    if (!t) return error_nomem(err, sizeof *t, "events");
    int rc = file_mkdirs(dir, err);
    if (rc == 0) rc = create_file(t, dir, err);
    if (rc == 0) rc = buf_putc(&t->event, 0x09, err);
    if (rc == 0) rc = buf_append(&t->event, &wall, sizeof wall, err);
    if (rc == 0) rc = put_bytes(&t->event, 0x1a, VERSION, sizeof VERSION - 1, err);
    if (rc == 0) rc = write_framed(t, err);
    if (rc) tfevents_close(t);
    else *out = t;
    return rc;
}

int tfevents_add(tfevents *t, double wall, uint64_t step, const tfevents_scalar *scalars, size_t n, shoal_error *err)
{
    buf_clear(&t->event);
    buf_clear(&t->summary);
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++)
        if (isfinite(scalars[i].value)) rc = put_scalar(&t->summary, &scalars[i], err);
    if (rc || t->summary.len == 0) return rc;
    rc = put_head(&t->event, wall, step, err);
    if (rc == 0) rc = put_bytes(&t->event, 0x2a, t->summary.data, t->summary.len, err);
    return rc ? rc : write_framed(t, err);
}

void tfevents_close(tfevents *t)
{
    if (!t) return;
    file_abort(t->file); /* all of it was flushed */
    buf_release(&t->event);
    buf_release(&t->summary);
    buf_release(&t->framed);
    mem_free(t);
}

/* ---- rewinding ----------------------------------------------------------------------------------------------------------- */

static int get_varint(view *v, uint64_t *out)
{
    *out = 0;
    for (int shift = 0; shift < 64 && v->n; shift += 7) {
        uint8_t c = (uint8_t)*v->p++;
        v->n--;
        *out |= (uint64_t)(c & 0x7f) << shift;
        if (c < 0x80) return 0;
    }
    return -1;
}

/* The step of an event (0 when it has none) and whether it has a summary; negative when the bytes are no Event. */
static int event_step(view v, uint64_t *step, int *summary)
{
    *step = 0;
    *summary = 0;
    while (v.n) {
        uint64_t key, n;
        if (get_varint(&v, &key)) return -1;
        switch (key & 7) {
        case 0:
            if (get_varint(&v, &n)) return -1;
            if (key >> 3 == 2) *step = n;
            continue;
        case 1: n = 8; break;
        case 2:
            if (get_varint(&v, &n)) return -1;
            *summary |= key >> 3 == 5;
            break;
        case 5: n = 4; break;
        default: return -1;
        }
        if (n > v.n) return -1;
        v.p += n;
        v.n -= n;
    }
    return 0;
}

/* The events to keep, framed; *dropped: something else was in the file. */
static int read_kept(const char *path, uint64_t step, buf *kept, int *scalars, int *dropped, shoal_error *err)
{
    tfrecord_reader *r = NULL;
    view data;
    int rc = tfrecord_open(path, &r, err);
    *scalars = *dropped = 0;
    while (rc == 0) {
        uint64_t at;
        int summary, got = tfrecord_next(r, &data, err);
        if (got == SHOAL_DATA || (got > 0 && event_step(data, &at, &summary))) {
            *dropped = 1; /* the tail of a writer that was killed */
            break;
        }
        if (got <= 0) {
            rc = got;
            break;
        }
        if (at > step) {
            *dropped = 1;
            continue;
        }
        *scalars |= summary;
        rc = tfrecord_frame(kept, data.p, data.n, err);
    }
    tfrecord_close(r);
    return rc;
}

static int rewind_file(const char *path, uint64_t step, shoal_error *err)
{
    buf kept = BUF_INIT;
    int scalars, dropped;
    int rc = read_kept(path, step, &kept, &scalars, &dropped, err);
    if (rc == SHOAL_DATA) { /* not even its beginning can be read */
        rc = 0;
        scalars = 0;
    }
    if (rc == 0 && !scalars) {
        rc = file_remove_tree(path, err);
    } else if (rc == 0 && dropped) {
        rc = file_write_all(path, 1, kept.data, kept.len, err);
    }
    buf_release(&kept);
    return rc;
}

int tfevents_rewind(const char *dir, uint64_t step, shoal_error *err)
{
    DIR *d = opendir(dir);
    if (!d) return errno == ENOENT ? 0 : error_errno(err, "open", dir, errno);
    int rc = 0;
    for (struct dirent *x; rc == 0 && (x = readdir(d));) {
        if (strncmp(x->d_name, PREFIX, sizeof PREFIX - 1)) continue;
        char *path = mem_sprintf("%s/%s", dir, x->d_name);
        rc = path ? rewind_file(path, step, err) : error_nomem(err, 128, "a path");
        mem_free(path);
    }
    closedir(d);
    return rc;
}
