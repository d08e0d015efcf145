#include "records/quarantine.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include "base/mem.h"
#include "storage/file.h"

#define TOLD_MAX 10 /* places that are told one by one */
#define RUNS_MAX 100000

struct quarantine {
    char *dir;
    const shoal_host *host;
    pthread_mutex_t lock;
    file_writer *bytes, *places; /* made with the first place */
    char *name;                  /* of the first */
    quarantine_counts counts;
    quarantine_place place;      /* the open one */
    uint64_t place_bytes;
};

int quarantine_new(const char *dir, const shoal_host *host, quarantine **out, shoal_error *err)
{
    *out = NULL;
    quarantine *q = mem_calloc(1, sizeof *q);
    if (!q) return error_nomem(err, sizeof *q, "a quarantine");
    q->host = host;
    if (dir && !(q->dir = mem_strdup(dir))) {
        mem_free(q);
        return error_nomem(err, strlen(dir), "a path");
    }
    pthread_mutex_init(&q->lock, NULL);
    *out = q;
    return 0;
}

void quarantine_free(quarantine *q)
{
    if (!q) return;
    file_abort(q->bytes);
    file_abort(q->places);
    pthread_mutex_destroy(&q->lock);
    mem_free(q->name);
    mem_free(q->dir);
    mem_free(q);
}

/* The first number that no run has taken. */
static int make_files(quarantine *q, shoal_error *err)
{
    for (int run = 0; run < RUNS_MAX; run++) {
        char *bytes = mem_sprintf("%s/damage-%05d.bin", q->dir, run), *places = mem_sprintf("%s/damage-%05d.jsonl", q->dir, run);
        int r = bytes && places ? 0 : error_nomem(err, strlen(q->dir), "a path");
        int is_free = r == 0 && !file_exists(bytes) && !file_exists(places);
        if (is_free) r = file_create(bytes, 0, &q->bytes, err);
        if (is_free && r == 0) r = file_create(places, 0, &q->places, err);
        mem_free(places);
        if (is_free) q->name = bytes;
        else mem_free(bytes);
        if (r < 0 || is_free) return r;
    }
    return error_set(err, SHOAL_STORAGE, "%s: %d runs have left damaged records here; empty the folder", q->dir, RUNS_MAX);
}

static int put_place(quarantine *q, shoal_error *err)
{
    const quarantine_place *p = &q->place;
    buf b = BUF_INIT;
    int r = buf_puts(&b, "{\"file\": ", err);
    if (r == 0) r = buf_put_json(&b, p->file, strlen(p->file), err);
    if (r == 0) r = buf_printf(&b, err, ", \"offset\": %" PRIu64 ", \"inflated\": %s, \"bytes\": %" PRIu64 ", \"record\": %" PRIu64 ", \"reason\": ", p->offset,
                               p->inflated ? "true" : "false", q->place_bytes, p->record);
    if (r == 0) r = buf_put_json(&b, p->reason, strlen(p->reason), err);
    if (r == 0) r = buf_printf(&b, err, ", \"at\": %" PRIu64 "}\n", file_written(q->bytes) - q->place_bytes);
    if (r == 0) r = file_write(q->places, b.data, b.len, err);
    buf_release(&b);
    return r;
}

int quarantine_open(quarantine *q, const quarantine_place *p, shoal_error *err)
{
    pthread_mutex_lock(&q->lock);
    q->place = *p;
    q->place_bytes = 0;
    return q->dir && !q->bytes ? make_files(q, err) : 0;
}

int quarantine_add(quarantine *q, const void *p, size_t n, shoal_error *err)
{
    q->place_bytes += n;
    q->counts.bytes += n;
    return q->bytes ? file_write(q->bytes, p, n, err) : 0;
}

int quarantine_close(quarantine *q, shoal_error *err)
{
    int r = q->bytes && q->places ? put_place(q, err) : 0;
    if (q->counts.places++ < TOLD_MAX)
        host_warn(q->host, "%s: record %" PRIu64 " at byte %" PRIu64 "%s: %s: %" PRIu64 " bytes %s", q->place.file, q->place.record, q->place.offset,
                  q->place.inflated ? " of the inflated file" : "", q->place.reason, q->place_bytes, q->dir ? "set aside" : "passed over");
    pthread_mutex_unlock(&q->lock);
    return r;
}

void quarantine_missing(quarantine *q, const char *file, uint64_t expected, uint64_t found)
{
    pthread_mutex_lock(&q->lock);
    if (expected > found) q->counts.missing += expected - found;
    if (expected != found)
        host_warn(q->host, "%s: its index counts %" PRIu64 " records, %" PRIu64 " were read", file, expected, found);
    pthread_mutex_unlock(&q->lock);
}

quarantine_counts quarantine_count(const quarantine *q) { return q->counts; }

int quarantine_finish(quarantine *q, shoal_error *err)
{
    int r = 0;
    if (q->bytes) {
        file_writer *bytes = q->bytes, *places = q->places;
        q->bytes = q->places = NULL;
        r = file_commit(bytes, err);
        if (r == 0) r = file_commit(places, err);
        else file_abort(places);
    }
    if (r == 0 && q->counts.places > 0)
        host_warn(q->host, "%" PRIu64 " damaged place%s, %" PRIu64 " bytes %s%s%s", q->counts.places, q->counts.places == 1 ? "" : "s", q->counts.bytes,
                  q->name ? "set aside in " : "passed over", q->name ? q->name : "", q->name ? "" : "; --quarantine-dir keeps them");
    return r;
}
