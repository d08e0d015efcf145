/* quarantine.h: where damaged bytes of record files go when a job is to go on without them (--on-error quarantine), and how many
 * they were. Into the folder go two files a run, numbered so that none is overwritten:
 *
 *   damage-00000.bin     the bytes, one place after another
 *   damage-00000.jsonl   a line a place: {"file", "offset", "inflated", "bytes", "record", "reason", "at"}; at: in the .bin
 *
 * Without a folder places are told and counted only. Any thread may report. */
#ifndef RECORDS_QUARANTINE_H
#define RECORDS_QUARANTINE_H

#include "base/buf.h"
#include "base/host.h"

typedef struct quarantine_counts {
    uint64_t places, bytes; /* damaged */
    uint64_t missing;       /* records that indexes count and nobody found */
} quarantine_counts;

typedef struct quarantine_place {
    const char *file;
    uint64_t offset; /* in the file, or in its inflated bytes */
    int inflated;
    uint64_t record; /* number that a record there would have had */
    const char *reason;
} quarantine_place;

typedef struct quarantine quarantine;
int quarantine_new(const char *dir, const shoal_host *host, quarantine **out, shoal_error *err); /* dir may be NULL */
/* A place is opened, gets bytes, and is closed, whatever the calls before returned; others wait meanwhile. */
int quarantine_open(quarantine *q, const quarantine_place *p, shoal_error *err);
int quarantine_add(quarantine *q, const void *p, size_t n, shoal_error *err);
int quarantine_close(quarantine *q, shoal_error *err);
/* An index counts so many records that were not found. */
void quarantine_missing(quarantine *q, const char *file, uint64_t expected, uint64_t found);
quarantine_counts quarantine_count(const quarantine *q);
/* Puts the files in place and tells the counts. Without it, quarantine_free leaves nothing in the folder. */
int quarantine_finish(quarantine *q, shoal_error *err);
void quarantine_free(quarantine *q); /* NULL is nothing */

#endif
