#include "features/sketch.h"

#include <string.h>

#include "base/mem.h"

void sketch_init(sketch *s, uint32_t exact)
{
    memset(s, 0, sizeof *s);
    s->exact = exact;
}

void sketch_release(sketch *s)
{
    mem_free(s->value);
    for (int i = 0; i < SKETCH_LEVELS; i++)
        mem_free(s->level[i]);
    sketch_init(s, s->exact);
}

size_t sketch_bytes(const sketch *s)
{
    size_t n = s->cap;
    for (int i = 0; i < SKETCH_LEVELS; i++)
        n += s->level[i] ? SKETCH_WIDTH : 0;
    return n * sizeof(double);
}

/* ---- sorting ---- */

#define DIGIT_BITS 11
#define DIGITS (1u << DIGIT_BITS)
#define PASSES 6 /* 66 bits */
#define SMALL_SORT 64

/* Bits in an order that is the numbers' order. */
static uint64_t to_ordered(double x)
{
    uint64_t b;
    memcpy(&b, &x, sizeof b);
    return b ^ ((uint64_t)((int64_t)b >> 63) | 0x8000000000000000ull);
}

static double from_ordered(uint64_t b)
{
    double x;
    b ^= ((b >> 63) - 1) | 0x8000000000000000ull;
    memcpy(&x, &b, sizeof x);
    return x;
}

static void insertion_sort(uint64_t *v, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        uint64_t x = v[i];
        size_t k = i;
        for (; k > 0 && v[k - 1] > x; k--)
            v[k] = v[k - 1];
        v[k] = x;
    }
}

/* One pass of least-significant-digit radix sort; 0 when all digits are the same and nothing was moved. */
static int radix_pass(const uint64_t *from, uint64_t *to, size_t n, int shift)
{
    size_t count[DIGITS] = {0};
    for (size_t i = 0; i < n; i++)
        count[from[i] >> shift & (DIGITS - 1)]++;
    if (count[from[0] >> shift & (DIGITS - 1)] == n)
        return 0;
    size_t at = 0;
    for (size_t d = 0; d < DIGITS; d++) {
        size_t c = count[d];
        count[d] = at;
        at += c;
    }
    for (size_t i = 0; i < n; i++)
        to[count[from[i] >> shift & (DIGITS - 1)]++] = from[i];
    return 1;
}

void sketch_sort(double *v, double *spare, size_t n)
{
    uint64_t *a = (uint64_t *)(void *)v, *b = (uint64_t *)(void *)spare;
    if (n == 0)
        return;
    for (size_t i = 0; i < n; i++) {
        uint64_t x = to_ordered(v[i]);
        memcpy(&a[i], &x, sizeof x);
    }
    if (n <= SMALL_SORT)
        insertion_sort(a, n);
    else
        for (int p = 0; p < PASSES; p++)
            if (radix_pass(a, b, n, p * DIGIT_BITS)) {
                uint64_t *t = a;
                a = b;
                b = t;
            }
    for (size_t i = 0; i < n; i++) {
        double x = from_ordered(a[i]);
        memcpy(&v[i], &x, sizeof x);
    }
}

/* ---- collapsing ---- */

/* Merges two buffers of one weight into `out`, every second value from offset `turn`. */
static void merge_half(const double *a, const double *b, int turn, double *out)
{
    uint32_t i = 0, k = 0, n = 0;
    for (uint32_t t = 0; t < 2 * SKETCH_WIDTH; t++) {
        double x = k == SKETCH_WIDTH || (i < SKETCH_WIDTH && a[i] <= b[k]) ? a[i++] : b[k++];
        if ((int)(t & 1) == turn)
            out[n++] = x;
    }
}

/* Takes over `buffer` in any case. */
static int level_insert(sketch *s, int level, double *buffer, shoal_error *err)
{
    while (level < SKETCH_LEVELS && s->level[level]) {
        double *merged = mem_alloc(SKETCH_WIDTH * sizeof *merged);
        if (!merged) {
            mem_free(buffer);
            return error_nomem(err, SKETCH_WIDTH * sizeof *merged, "quantiles");
        }
        merge_half(s->level[level], buffer, s->turn[level], merged);
        s->turn[level] ^= 1;
        mem_free(buffer);
        mem_free(s->level[level]);
        s->level[level] = NULL;
        buffer = merged;
        level++;
    }
    CHECK(level < SKETCH_LEVELS);
    s->level[level] = buffer;
    return 0;
}

static int collapse_values(sketch *s, shoal_error *err)
{
    const uint32_t w = s->exact / SKETCH_WIDTH;
    double *spare = mem_alloc(s->exact * sizeof *spare), *buffer = mem_alloc(SKETCH_WIDTH * sizeof *buffer);
    if (!spare || !buffer) {
        mem_free(spare);
        mem_free(buffer);
        return error_nomem(err, s->exact * sizeof *spare, "quantiles");
    }
    sketch_sort(s->value, spare, s->n);
    for (uint32_t i = 0; i < SKETCH_WIDTH; i++)
        buffer[i] = s->value[i * w + w / 2];
    mem_free(spare);
    s->n = 0;
    return level_insert(s, 0, buffer, err);
}

static int value_room(sketch *s, shoal_error *err)
{
    if (s->n < s->cap)
        return 0;
    uint32_t cap = s->cap ? 2 * s->cap : 1024;
    double *p = mem_realloc(s->value, cap * sizeof *p);
    if (!p)
        return error_nomem(err, cap * sizeof *p, "quantiles");
    s->value = p;
    s->cap = cap;
    return 0;
}

int sketch_add(sketch *s, const double *v, size_t n, shoal_error *err)
{
    for (size_t i = 0; i < n; i++) {
        int rc = s->n == s->exact ? collapse_values(s, err) : value_room(s, err);
        if (rc)
            return rc;
        s->value[s->n++] = v[i];
        s->count++;
    }
    return 0;
}

int sketch_merge(sketch *s, const sketch *from, shoal_error *err)
{
    const uint64_t count = s->count + from->count;
    int rc = 0;
    for (int i = 0; i < SKETCH_LEVELS && !rc; i++) {
        if (!from->level[i])
            continue;
        double *copy = mem_alloc(SKETCH_WIDTH * sizeof *copy);
        if (!copy)
            return error_nomem(err, SKETCH_WIDTH * sizeof *copy, "quantiles");
        memcpy(copy, from->level[i], SKETCH_WIDTH * sizeof *copy);
        rc = level_insert(s, i, copy, err);
    }
    if (!rc)
        rc = sketch_add(s, from->value, from->n, err);
    s->count = count;
    return rc;
}

/* ---- quantiles ---- */

/* All buffers as runs that are walked in ascending order together. */
typedef struct run {
    const double *v;
    uint32_t n;
    uint64_t weight;
} run;

typedef struct walk {
    run run[SKETCH_LEVELS + 1];
    int n_runs;
    uint64_t end;  /* ranks below are at or before `value` */
    double value;
} walk;

static void walk_init(walk *w, const sketch *s)
{
    memset(w, 0, sizeof *w);
    if (s->n)
        w->run[w->n_runs++] = (run){s->value, s->n, 1};
    for (int i = 0; i < SKETCH_LEVELS; i++)
        if (s->level[i])
            w->run[w->n_runs++] = (run){s->level[i], SKETCH_WIDTH, (uint64_t)(s->exact / SKETCH_WIDTH) << i};
}

/* The value of rank r (from 0); ranks are asked for in ascending order. */
static double walk_to(walk *w, uint64_t r)
{
    while (w->end <= r) {
        run *least = NULL;
        for (int i = 0; i < w->n_runs; i++)
            if (w->run[i].n && (!least || w->run[i].v[0] < least->v[0]))
                least = &w->run[i];
        w->value = least->v[0];
        w->end += least->weight;
        least->v++;
        least->n--;
    }
    return w->value;
}

/* NumPy's interpolation, which takes the nearer end as its start. */
static double between(double a, double b, double t)
{
    double d = b - a;
    return t >= 0.5 ? b - d * (1 - t) : a + d * t;
}

int sketch_edges(sketch *s, uint32_t parts, double *edges, uint32_t *n_edges, shoal_error *err)
{
    walk low, high;
    *n_edges = 0;
    if (s->count == 0)
        return 0;
    double *spare = mem_alloc((size_t)s->n * sizeof *spare + 8);
    if (!spare)
        return error_nomem(err, (size_t)s->n * sizeof *spare, "quantiles");
    sketch_sort(s->value, spare, s->n);
    mem_free(spare);
    walk_init(&low, s);
    high = low;
    for (uint32_t k = 1; k < parts; k++) {
        double at = (double)(s->count - 1) * ((double)k / (double)parts);
        uint64_t r = (uint64_t)at;
        double a = walk_to(&low, r), b = walk_to(&high, r + 1 < s->count ? r + 1 : r);
        double x = between(a, b, at - (double)r);
        if (*n_edges == 0 || x > edges[*n_edges - 1])
            edges[(*n_edges)++] = x;
    }
    return 0;
}
