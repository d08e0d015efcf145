/* human.h: numbers as people read them. Each returns out. */
#ifndef TRAIN_HUMAN_H
#define TRAIN_HUMAN_H

#include <stddef.h>

#define HUMAN_BYTES 80

char *human_count(double v, char out[HUMAN_BYTES]);      /* "812", "31.0k", "1.2M", "4.7G" */
char *human_bytes(double v, char out[HUMAN_BYTES]);      /* "812 B", "31.0 KiB", "1.2 MiB" */
char *human_clock(double seconds, char out[HUMAN_BYTES]); /* "0:12", "1:02:03"; "-:--" when not known */
char *human_time(double wall, char out[HUMAN_BYTES]); /* "2026-11-24T08:40:00.123Z" */

#endif
