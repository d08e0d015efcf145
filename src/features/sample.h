/* sample.h: so many raw rows of a stream of any length, each with the same chance: Vitter's algorithm R (1985) with draws that
 * are a function of the seed and a row's number. All rows of the sample share one heap, so that a value of one row may be put
 * into the record of another. */
#ifndef FEATURES_SAMPLE_H
#define FEATURES_SAMPLE_H

#include "features/features.h"

typedef struct raw_sample {
    raw_layout layout;
    uint64_t key, seen; /* rows seen */
    uint32_t max;
    raw_block rows;     /* at most max of them */
    uint64_t live;      /* bytes of the heap that rows refer to */
} raw_sample;
void raw_sample_init(raw_sample *s, const features *f, uint32_t max, uint64_t seed);
int raw_sample_add(raw_sample *s, const raw_block *from, shoal_error *err);
void raw_sample_release(raw_sample *s);

#endif
