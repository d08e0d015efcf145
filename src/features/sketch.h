/* sketch.h: quantiles of a stream of numbers, deterministic, in bounded memory.
 *
 * The first `exact` values (a power of two) are kept as they are: while there are no more, quantiles are exact.
 * Each time they are full, they are sorted and every w-th (w = exact / 8192, from the middle of its group) goes on
 * as a buffer of 8192 values of weight w: a rank moves by at most w / 2 a time, so by n / 16384 in all. Two
 * buffers of one weight merge into one of twice the weight by taking every second value, from the first and from
 * the second by turns: a rank moves by at most the weight, one way and then the other, so by n / 32768 a level in
 * all (collapsing as in Manku, Rajagopalan and Lindsay 1998, doi:10.1145/276304.276342). That is less than .001 n
 * for up to 30 levels, which with exact = 2^14 are 10^13 values and with 2^18 more than 10^14; at 10^9 values it
 * is about .0005 n.
 *
 * Values are finite. The state is a function of the values in order, and of the order of merges. */
#ifndef FEATURES_SKETCH_H
#define FEATURES_SKETCH_H

#include "base/error.h"

#define SKETCH_WIDTH 8192u
#define SKETCH_LEVELS 48

typedef struct sketch {
    uint32_t exact;    /* power of two, 2 * SKETCH_WIDTH at least */
    uint64_t count;
    double *value;     /* not yet sorted */
    uint32_t n, cap;
    double *level[SKETCH_LEVELS]; /* NULL or SKETCH_WIDTH sorted values of weight (exact / SKETCH_WIDTH) << index */
    uint8_t turn[SKETCH_LEVELS];
} sketch;

void sketch_init(sketch *s, uint32_t exact);
void sketch_release(sketch *s);
int sketch_add(sketch *s, const double *v, size_t n, shoal_error *err);
/* As if the values of `from` had come after those of s, within the same bounds. Both have the same `exact`. */
int sketch_merge(sketch *s, const sketch *from, shoal_error *err);
/* The quantiles k / parts for k = 1 .. parts - 1, with linear interpolation between order statistics (NumPy's "linear",
 * bit for bit, while exact), made distinct: ascending edges, fewer when values repeat. No values: no edges. */
int sketch_edges(sketch *s, uint32_t parts, double *edges, uint32_t *n_edges, shoal_error *err);
size_t sketch_bytes(const sketch *s);

/* Ascending, in place; -0 before 0. `spare` has room for n values. */
void sketch_sort(double *v, double *spare, size_t n);

#endif
