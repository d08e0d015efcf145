#include "kernels/peak.h"

#include "base/mem.h"

#define SLICES 10
#define SLICE_NS 30000000ull

typedef struct peak {
    const kernels *k;
    uint32_t rows;
    double *rate; /* [threads] */
} peak;

/* Small numbers, so that nothing overflows or becomes denormal however often it is multiplied. */
static void fill(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) x[i] = (float)(i % 17) * 0.01f - 0.08f;
}

static int measure(void *ctx, size_t item, int thread)
{
    const peak *p = ctx;
    const uint32_t m = p->rows, d = PEAK_WIDTH;
    const size_t tall = (size_t)m * d, square = (size_t)d * d;
    (void)thread;
    float *x = p->k->alloc((4 * tall + 2 * square) * sizeof *x);
    if (!x) return SHOAL_NOMEM;
    float *y = x + tall, *g = y + tall, *gx = g + tall, *w = gx + tall, *gw = w + square;
    fill(x, tall);
    fill(g, tall);
    fill(w, square);
    for (int slice = -1; slice < SLICES; slice++) { /* the first warms up: code is generated, pages are touched */
        const uint64_t start = clock_ns();
        uint64_t spent = 0;
        double flop = 0;
        for (; spent < SLICE_NS; spent = clock_ns() - start) {
            p->k->gemm(0, 0, m, d, d, x, d, w, d, 0, y, d);
            p->k->gemm(1, 0, d, d, m, x, d, g, d, 0, gw, d);
            p->k->gemm(0, 1, m, d, d, g, d, w, d, 0, gx, d);
            flop += 6.0 * m * d * d;
        }
        const double rate = flop / ((double)spent * 1e-9);
        if (slice >= 0 && rate > p->rate[item]) p->rate[item] = rate;
    }
    p->k->free(x);
    return 0;
}

int kernels_peak(const kernels *k, pool *threads, uint32_t rows, double *flop_per_second, shoal_error *err)
{
    const int n = pool_threads(threads);
    peak p = {.k = k, .rows = rows, .rate = mem_calloc((size_t)n, sizeof *p.rate)};
    int rc = p.rate ? pool_for(threads, (size_t)n, measure, &p) : SHOAL_NOMEM;
    *flop_per_second = 0;
    for (int i = 0; rc == 0 && i < n; i++) *flop_per_second += p.rate[i];
    mem_free(p.rate);
    return rc < 0 ? error_nomem(err, 0, "measuring the peak of matrix products") : 0;
}
