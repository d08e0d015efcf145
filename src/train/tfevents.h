/* tfevents.h: scalars for TensorBoard. A file "events.out.tfevents.<seconds, 10 digits>.<host>.<pid>.<n>" of TFRecords,
 * each an Event of tensorflow/core/util/event.proto:
 *
 *   Event   {1 double wall_time, 2 int64 step, 3 string file_version, 5 Summary summary}
 *   Summary {1 repeated Value {1 string tag, 2 float simple_value}}
 *
 * The first record has file_version "brain.Event:2". Files are appended to, so that TensorBoard can follow a run. */
#ifndef TRAIN_TFEVENTS_H
#define TRAIN_TFEVENTS_H

#include "base/buf.h"

typedef struct tfevents_scalar {
    const char *tag;
    double value; /* left out when not finite */
} tfevents_scalar;

typedef struct tfevents tfevents;
/* A new file in dir (which is made). */
int tfevents_open(const char *dir, tfevents **out, shoal_error *err);
/* One event; goes to the file at once, so that readers see it. */
int tfevents_add(tfevents *t, double wall, uint64_t step, const tfevents_scalar *scalars, size_t n, shoal_error *err);
void tfevents_close(tfevents *t); /* NULL is nothing */
/* Drops the events after `step` from all event files of dir, and a tail that a crash cut; files without any scalar go. */
int tfevents_rewind(const char *dir, uint64_t step, shoal_error *err);

#endif
