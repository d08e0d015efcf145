/* gemm_peak.c: the matrix-product peak of this machine, as the MLP of DeepFM could reach it if it did nothing else.
 *
 *   gemm_peak THREADS ROWS WIDTH... : layers WIDTH[0] -> WIDTH[1] -> ...; prints GFLOP/s of all threads together
 *
 * Each thread, by itself, runs the three products of every layer on ROWS rows (forward, gradient of the weights, gradient
 * of the input) by dnnl_sgemm, the library that Shoal calls. Run with OMP_NUM_THREADS=1: a call is one thread's. */
#include <oneapi/dnnl/dnnl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LAYERS_MAX 16
#define SECONDS 1.5

typedef struct job {
    int rows, layers, width[LAYERS_MAX + 1];
    pthread_barrier_t *start;
    double flops, seconds;
    int failed;
} job;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Small numbers, so that nothing overflows or becomes denormal however often it is multiplied. */
static float *matrix(int rows, int cols)
{
    size_t n = (size_t)rows * (size_t)cols;
    float *m = aligned_alloc(64, (n * sizeof *m + 63) / 64 * 64);
    for (size_t i = 0; m != NULL && i < n; i++)
        m[i] = (float)(i % 17) * 0.01f - 0.08f;
    return m;
}

static void *work(void *arg)
{
    job *j = arg;
    float *x[LAYERS_MAX + 1] = {0}, *g[LAYERS_MAX + 1] = {0}, *w[LAYERS_MAX] = {0}, *gw[LAYERS_MAX] = {0};
    for (int l = 0; l <= j->layers; l++) {
        x[l] = matrix(j->rows, j->width[l]);
        g[l] = matrix(j->rows, j->width[l]);
        j->failed |= x[l] == NULL || g[l] == NULL;
        if (l == j->layers)
            break;
        w[l] = matrix(j->width[l], j->width[l + 1]);
        gw[l] = matrix(j->width[l], j->width[l + 1]);
        j->failed |= w[l] == NULL || gw[l] == NULL;
    }
    double begin = 0, spent = 0;
    for (int round = -3; !j->failed && spent < SECONDS; round++) {
        if (round == 0) { /* warm by now: code generated, pages touched */
            pthread_barrier_wait(j->start);
            begin = now();
        }
        for (int l = 0; l < j->layers; l++) {
            int m = j->rows, k = j->width[l], n = j->width[l + 1];
            j->failed |= dnnl_sgemm('N', 'N', m, n, k, 1.f, x[l], k, w[l], n, 0.f, x[l + 1], n) != dnnl_success;
            j->failed |= dnnl_sgemm('T', 'N', k, n, m, 1.f, x[l], k, g[l + 1], n, 0.f, gw[l], n) != dnnl_success;
            j->failed |= dnnl_sgemm('N', 'T', m, k, n, 1.f, g[l + 1], n, w[l], n, 0.f, g[l], k) != dnnl_success;
            j->flops += round < 0 ? 0 : 6.0 * m * n * k;
        }
        spent = round < 0 ? 0 : now() - begin;
    }
    j->seconds = spent;
    for (int l = 0; l <= j->layers; l++) {
        free(x[l]);
        free(g[l]);
        if (l < j->layers) {
            free(w[l]);
            free(gw[l]);
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    int threads = argc > 4 ? atoi(argv[1]) : 0;
    job shape = {.rows = argc > 4 ? atoi(argv[2]) : 0, .layers = argc - 4};
    if (threads < 1 || threads > 256 || shape.rows < 1 || shape.layers < 1 || shape.layers > LAYERS_MAX) {
        fprintf(stderr, "usage: gemm_peak THREADS ROWS WIDTH WIDTH...\n");
        return 2;
    }
    for (int l = 0; l <= shape.layers; l++)
        shape.width[l] = atoi(argv[3 + l]);
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, (unsigned)threads);
    shape.start = &start;
    job *jobs = calloc((size_t)threads, sizeof *jobs);
    pthread_t *thread = calloc((size_t)threads, sizeof *thread);
    if (jobs == NULL || thread == NULL)
        return 1;
    double rate = 0;
    int failed = 0;
    for (int t = 0; t < threads; t++) {
        jobs[t] = shape;
        if (pthread_create(&thread[t], NULL, work, &jobs[t]) != 0)
            return 1;
    }
    for (int t = 0; t < threads; t++) {
        pthread_join(thread[t], NULL);
        failed |= jobs[t].failed;
        rate += failed ? 0 : jobs[t].flops / jobs[t].seconds;
    }
    free(jobs);
    free(thread);
    if (failed)
        return 1;
    printf("%.1f\n", rate * 1e-9);
    return 0;
}
