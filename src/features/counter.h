/* counter.h: exact counts of the values of one categorical feature. Counted in a hash table keyed by the value's 64-bit
 * hash; when the caller finds memory short, counter_spill writes what there is as a run sorted by key, and
 * counter_finish merges the runs. Two values with one hash count as one (as they do everywhere after): at 10^8 values
 * the odds that any two meet are 1 in 3700. */
#ifndef FEATURES_COUNTER_H
#define FEATURES_COUNTER_H

#include "base/buf.h"
#include "features/vocab.h"

typedef struct counter counter;
/* Runs are spilled in the folder `dir`; copied. */
int counter_new(const char *dir, counter **out, shoal_error *err);
void counter_free(counter *c);
size_t counter_bytes(const counter *c);

/* Counts one key (not 0). 1 when the key is new here: then counter_name must give its bytes next. */
int counter_add(counter *c, uint64_t key, shoal_error *err);
int counter_name(counter *c, view bytes, shoal_error *err);
/* Asks for the memory that counter_add of this key will touch. */
void counter_expect(const counter *c, uint64_t key);
int counter_spill(counter *c, shoal_error *err);

/* The entries of `known` (NULL: none) in their order, then those seen at least min_count times, by count descending, then
 * bytes ascending; of these so many that there are at most max_size in all (0: all). The counter is empty afterwards. */
int counter_finish(counter *c, const vocabulary *known, uint64_t min_count, uint32_t max_size, uint64_t seed,
                   vocabulary **out, shoal_error *err);

#endif
