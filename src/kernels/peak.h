/* peak.h: how fast matrix products are on this machine, when there is nothing else to do. */
#ifndef KERNELS_PEAK_H
#define KERNELS_PEAK_H

#include "base/thread.h"
#include "kernels/kernels.h"

#define PEAK_WIDTH 512 /* columns and inner length: operands stay in a core's cache */

/* FLOP/s of all threads together: the three products of a dense layer of PEAK_WIDTH units (forward, gradient of the weights,
 * gradient of the input) on `rows` rows, the best of ten times 30 ms of each thread, so that others on the machine count little.
 * bench/gemm_peak.c measures the same outside the library. */
int kernels_peak(const kernels *k, pool *threads, uint32_t rows, double *flop_per_second, shoal_error *err);

#endif
