/* ingest.h: the passes over the sources that fill a spool. Reading runs ahead on a thread of its own; batches are
 * extracted by many threads; statistics and the pack take them in source order. */
#ifndef TRAIN_INGEST_H
#define TRAIN_INGEST_H

#include "train/dataset.h"

/* Features, statistics and train.pack. Sets d->features, base_rate and the counts. */
int ingest_train(const dataset_request *q, pool *threads, report *r, dataset *d, shoal_error *err);
/* valid.pack, when a validation source was given (*has_valid). */
int ingest_valid(const dataset_request *q, pool *threads, report *r, dataset *d, int *has_valid, shoal_error *err);

#endif
