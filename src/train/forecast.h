/* forecast.h: what a run would take: rows, bytes, memory, disk and time, from the size of its sources, a sample of the
 * training rows and two seconds of the work itself. */
#ifndef TRAIN_FORECAST_H
#define TRAIN_FORECAST_H

#include <jansson.h>

#include "train/dataset.h"

/* A size that grows with the vocabularies: what the sample alone needs, what is expected, and what cannot be passed. */
typedef struct forecast_range {
    double least, expected, most;
} forecast_range;

typedef struct forecast {
    table_size train, valid; /* valid.files 0: none */
    uint64_t columns, columns_used;
    uint64_t sample_rows;    /* rows that were tried */
    int whole;               /* they are all there are */
    int threads;
    /* the rest follows from the above and the options */
    forecast_range ids;      /* rows of the embedding tables */
    forecast_range model_bytes, checkpoint_bytes, memory_bytes;
    double spool_bytes, out_bytes;
    uint64_t batch, steps, epochs;
    double read_rate, train_rate; /* rows a second */
    double read_seconds, train_seconds, valid_seconds; /* of the whole run */
    uint64_t memory_free, spool_free, out_free;
    char largest[3][96];     /* the largest vocabularies: "c3 (1.2M)" */
} forecast;

/* Tries the run that the options of `train` describe. Its spool lies under `scratch`, which is removed. */
int forecast_make(const shoal_options *o, const shoal_host *host, const char *scratch, forecast *out, shoal_error *err);
/* NOMEM or STORAGE, saying what to change, when the run cannot fit even with the least that it needs. */
int forecast_fits(const forecast *f, shoal_error *err);
int forecast_text(const forecast *f, buf *out, shoal_error *err);
json_t *forecast_json(const forecast *f); /* NULL when out of memory */

#endif
