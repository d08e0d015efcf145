/* metrics_test.c: AUC and GAUC against the sum over all pairs, with ties, weights, and spilled runs; log loss against libm. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "train/metrics.h"

typedef struct rows {
    size_t n;
    float *z, *y, *w;
} rows;

static rows make(size_t n, uint64_t seed, unsigned levels, int weighted)
{
    rows r = {n, mem_alloc(n * 4), mem_alloc(n * 4), mem_alloc(n * 4)};
    uint64_t key = rng_key(seed, RNG_SAMPLE, n, levels);
    for (size_t i = 0; i < n; i++) {
        double u = rng_normal(key, i) * 2;
        r.z[i] = (float)(levels ? floor(u * levels) / levels : u);
        r.y[i] = rng_f64(key + 1, i) < 1 / (1 + exp(-u)) ? 1.0f : 0.0f;
        r.w[i] = weighted ? (float)rng_below(key + 2, i, 5) * 0.37f : 1.0f;
    }
    return r;
}
static void drop(rows *r)
{
    mem_free(r->z);
    mem_free(r->y);
    mem_free(r->w);
}

static metrics_result run(const rows *r, size_t memory, const char *spool, size_t piece)
{
    metrics *m;
    metrics_result out;
    shoal_error err = {0};
    assert_int_equal(metrics_new(memory, spool, 0, &m, &err), 0);
    for (int round = 0; round < 2; round++) { /* twice: clear must forget everything */
        metrics_clear(m);
        for (size_t at = 0; at < r->n; at += piece) {
            size_t n = r->n - at < piece ? r->n - at : piece;
            assert_int_equal(metrics_add(m, r->z + at, r->y + at, r->w + at, NULL, n, &err), 0);
        }
        assert_int_equal(metrics_finish(m, &out, &err), 0);
    }
    metrics_free(m);
    return out;
}

static double brute_auc(const rows *r)
{
    double good = 0, all = 0;
    for (size_t i = 0; i < r->n; i++)
        for (size_t j = 0; j < r->n && r->y[i] > 0; j++) {
            if (r->y[j] > 0) continue;
            double w = (double)r->w[i] * (double)r->w[j];
            all += w;
            good += r->z[i] > r->z[j] ? w : r->z[i] == r->z[j] ? w / 2 : 0;
        }
    return good / all;
}

static void test_against_pairs(void **state)
{
    (void)state;
    for (unsigned levels = 0; levels < 4; levels++)
        for (int weighted = 0; weighted < 2; weighted++) {
            rows r = make(1500, levels, levels, weighted);
            metrics_result m = run(&r, 1 << 20, NULL, 97);
            double want = brute_auc(&r);
            if (weighted) assert_true(fabs(m.auc - want) < 1e-12);
            else assert_true(fabs(m.auc - want) < 1e-15);
            assert_true(m.auc > 0.7);
            drop(&r);
        }
}

/* Rows of 40 groups, of which some have one class alone; the last ones have weight 0. */
static uint64_t group_of(const rows *r, size_t i)
{
    uint64_t g = rng_below(3, i, 40);
    return g < 7 ? 10 + (uint64_t)(r->y[i] > 0) : g * 0x9e3779b97f4a7c15u;
}

static metrics_result run_grouped(const rows *r, size_t memory, const char *spool)
{
    metrics *m;
    metrics_result out;
    shoal_error err = {0};
    uint64_t *group = mem_alloc(r->n * sizeof *group);
    for (size_t i = 0; i < r->n; i++) group[i] = group_of(r, i);
    assert_int_equal(metrics_new(memory, spool, 1, &m, &err), 0);
    for (int round = 0; round < 2; round++) {
        metrics_clear(m);
        for (size_t at = 0; at < r->n; at += 100)
            assert_int_equal(metrics_add(m, r->z + at, r->y + at, r->w + at, group + at, r->n - at < 100 ? r->n - at : 100, &err), 0);
        assert_int_equal(metrics_finish(m, &out, &err), 0);
    }
    metrics_free(m);
    mem_free(group);
    return out;
}

static double brute_gauc(const rows *r, uint64_t *mixed)
{
    double sum = 0, weights = 0;
    rows part = make(r->n, 1, 0, 0);
    for (uint64_t g = 7; g < 40; g++) {
        double w = 0;
        part.n = 0;
        for (size_t i = 0; i < r->n; i++) {
            if (group_of(r, i) != g * 0x9e3779b97f4a7c15u) continue;
            part.z[part.n] = r->z[i], part.y[part.n] = r->y[i], part.w[part.n++] = r->w[i];
            w += (double)r->w[i];
        }
        double auc = brute_auc(&part);
        if (isnan(auc)) continue;
        ++*mixed;
        sum += w * auc;
        weights += w;
    }
    drop(&part);
    return sum / weights;
}

static void test_groups_against_pairs(void **state)
{
    (void)state;
    char dir[] = "/tmp/shoal-metrics-XXXXXX";
    assert_non_null(mkdtemp(dir));
    for (int weighted = 0; weighted < 2; weighted++) {
        rows r = make(2000, 4, 3, weighted);
        uint64_t mixed = 0;
        double want = brute_gauc(&r, &mixed);
        metrics_result m = run_grouped(&r, 1 << 20, NULL);
        assert_true(fabs(m.gauc - want) < 1e-12 && m.gauc > 0.7);
        assert_int_equal(m.groups, 35);
        assert_int_equal(m.groups_mixed, mixed);
        assert_true(m.auc == run(&r, 1 << 20, NULL, 97).auc);
        drop(&r);
        r = make(30000, 4, 3, weighted);
        m = run_grouped(&r, 1 << 24, NULL);
        metrics_result spilled = run_grouped(&r, 1, dir);
        assert_memory_equal(&m, &spilled, sizeof m);
        drop(&r);
    }
    assert_int_equal(rmdir(dir), 0);
}

static void test_losses(void **state)
{
    (void)state;
    rows r = make(5000, 3, 0, 1);
    double loss = 0, p = 0, w = 0, y = 0;
    for (size_t i = 0; i < r.n; i++) {
        double z = r.z[i], q = 1 / (1 + exp(-z));
        loss += r.w[i] * (r.y[i] > 0 ? -log(q) : -log1p(-q));
        p += r.w[i] * q;
        w += r.w[i];
        y += r.w[i] * r.y[i];
    }
    metrics_result m = run(&r, 1 << 20, NULL, 512);
    assert_true(fabs(m.logloss - loss / w) < 1e-12);
    assert_true(fabs(m.mean_prediction - p / w) < 1e-12);
    assert_true(fabs(m.mean_label - y / w) < 1e-12);
    assert_true(fabs(m.calibration - p / y) < 1e-12);
    assert_int_equal(m.rows, r.n);
    drop(&r);
}

static void same(metrics_result a, metrics_result b)
{
    assert_memory_equal(&a, &b, sizeof a);
}

static void test_spill_is_the_same(void **state)
{
    (void)state;
    char dir[] = "/tmp/shoal-metrics-XXXXXX";
    assert_non_null(mkdtemp(dir));
    for (int weighted = 0; weighted < 2; weighted++) {
        rows r = make(50001, 9, 7, weighted);
        metrics_result whole = run(&r, 1 << 24, NULL, 1000);
        same(whole, run(&r, 1, dir, 333));          /* 13 runs */
        same(whole, run(&r, 16 * 10000, dir, 512)); /* 5 runs and a rest */
        same(whole, run(&r, 1 << 24, dir, 50001));
        drop(&r);
    }
    assert_int_equal(rmdir(dir), 0); /* no run is left behind */
}

static void test_order_does_not_matter_to_auc(void **state)
{
    (void)state;
    rows r = make(4000, 5, 3, 1);
    metrics_result a = run(&r, 1 << 20, NULL, 100);
    for (size_t i = 0; i < r.n / 2; i++) {
        size_t j = r.n - 1 - i;
        float z = r.z[i], y = r.y[i], w = r.w[i];
        r.z[i] = r.z[j], r.y[i] = r.y[j], r.w[i] = r.w[j];
        r.z[j] = z, r.y[j] = y, r.w[j] = w;
    }
    assert_true(a.auc == run(&r, 1 << 20, NULL, 100).auc);
    drop(&r);
}

static void test_edges(void **state)
{
    (void)state;
    float z[] = {-1, 0, -0.0f, 2}, ones[] = {1, 1, 1, 1}, mixed[] = {0, 1, 0, 1}, none[] = {0, 0, 0, 0};
    rows r = {4, z, ones, ones};
    assert_true(isnan(run(&r, 1 << 20, NULL, 4).auc));
    r.y = mixed;
    assert_true(run(&r, 1 << 20, NULL, 4).auc == 3.5 / 4); /* 0 and -0 tie */
    r.w = none;
    metrics_result m = run(&r, 1 << 20, NULL, 4);
    assert_true(isnan(m.auc) && isnan(m.logloss) && isnan(m.calibration));
    r.n = 0;
    assert_true(isnan(run(&r, 1 << 20, NULL, 4).auc));

    metrics *x;
    shoal_error err;
    float nan = NAN;
    assert_int_equal(metrics_new(1 << 20, NULL, 0, &x, &err), 0);
    assert_int_equal(metrics_add(x, z, mixed, NULL, NULL, 4, &err), 0);
    assert_int_equal(metrics_add(x, &nan, mixed, NULL, NULL, 1, &err), SHOAL_DIVERGED);
    assert_string_equal(err.message, "the score of row 4 is not finite; train with a lower --lr");
    metrics_free(x);
}

static void test_no_memory(void **state)
{
    (void)state;
    rows r = make(70000, 1, 0, 0); /* beyond the first block */
    uint64_t *groups = mem_calloc(r.n, sizeof *groups);
    shoal_error err;
    for (long n = 1;; n++) {
        metrics *m = NULL;
        metrics_result out;
        mem_fail_at(n, 0);
        int rc = metrics_new(1 << 24, NULL, 1, &m, &err);
        if (rc == 0) rc = metrics_add(m, r.z, r.y, r.w, groups, r.n, &err);
        if (rc == 0) rc = metrics_finish(m, &out, &err);
        mem_fail_at(0, 0);
        metrics_free(m);
        if (rc == 0) break;
        assert_int_equal(rc, SHOAL_NOMEM);
        assert_true(n < 50);
    }
    mem_free(groups);
    drop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_pairs), cmocka_unit_test(test_groups_against_pairs), cmocka_unit_test(test_losses), cmocka_unit_test(test_spill_is_the_same),
        cmocka_unit_test(test_order_does_not_matter_to_auc), cmocka_unit_test(test_edges), cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
