/* Raw rows to batches, with the statistics of a scan: one test a statement of docs/features.md. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/rng.h"
#include "features/features_private.h"
#include "features/features_testing.h"

#define MEMORY (64u << 20)

typedef struct fixture {
    testing_table *t;
    features *f;
    raw_block raw;
    batch out;
    shoal_error err;
} fixture;

static char spool[64];

static int set_up(void **state)
{
    (void)state;
    snprintf(spool, sizeof spool, ".");
    return 0;
}

static feature *add(features *f, const char *name, enum feature_kind kind)
{
    feature *x;
    assert_int_equal(features_add(f, name, name, kind, &x, NULL), 0);
    x->min_count = 1;
    x->scale = SCALE_NONE;
    return x;
}

static int scan_how(fixture *x, size_t memory, int threads, int grow)
{
    binding *b = NULL;
    scan *s = NULL;
    pool *p = NULL;
    int64_t bad;
    int rc = pool_new(threads, NULL, &p, &x->err);
    if (!rc)
        rc = binding_new(x->f, &x->t->schema, x->f->label != NULL, &b, &x->err);
    if (!rc)
        rc = binding_extract(b, &x->t->array, 0, x->t->array.length, &x->raw, &bad, &x->err);
    if (!rc)
        rc = scan_new(x->f, memory, spool, p, &s, &x->err);
    if (!rc && grow)
        scan_grow(s);
    if (!rc)
        rc = scan_add(s, b, &x->t->array, &x->raw, &x->err);
    if (!rc)
        rc = scan_finish(s, x->f, &x->err);
    scan_free(s);
    binding_free(b);
    pool_free(p);
    return rc;
}

static int scan_rows(fixture *x, size_t memory, int threads)
{
    return scan_how(x, memory, threads, 0);
}

static int transform_all(fixture *x)
{
    const uint32_t n = x->raw.rows, stride = features_raw_layout(x->f).stride;
    raw_ref *rows = calloc(n + 1, sizeof *rows);
    for (uint32_t i = 0; i < n; i++)
        rows[i] = (raw_ref){x->raw.records.data + (size_t)i * stride, x->raw.heap.data};
    int rc = features_transform(x->f, rows, n, &x->out, &x->err);
    free(rows);
    return rc;
}

static void open_table(fixture *x, const char *columns, const char *rows)
{
    memset(x, 0, sizeof *x);
    x->t = testing_new(columns, rows);
    assert_int_equal(features_new(&x->f, NULL), 0);
    raw_block_init(&x->raw);
    batch_init(&x->out);
}

static void run(fixture *x)
{
    assert_int_equal(features_link(x->f, &x->err), 0);
    assert_int_equal(scan_rows(x, MEMORY, 1), 0);
    assert_int_equal(transform_all(x), 0);
}

static void done(fixture *x)
{
    batch_release(&x->out);
    raw_block_release(&x->raw);
    features_free(x->f);
    testing_free(x->t);
}

static void ids_are(const fixture *x, uint32_t field, const uint32_t *want, uint32_t n)
{
    const batch_field *f = &x->out.field[field];
    assert_int_equal(f->n_id, n);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(f->id[i] - x->f->field[field].base, want[i]);
}

static void test_vocabulary_order_and_rows(void **state)
{
    (void)state;
    fixture x;
    const uint8_t *bytes;
    const uint64_t *offsets;
    uint32_t n;
    open_table(&x, "a:u", "b | c | c | a | ~ | rare | b | a | c");
    feature *a = add(x.f, "a", FEATURE_CATEGORICAL);
    a->min_count = 2;
    run(&x);
    assert_int_equal(features_vocab_get(x.f, 0, &bytes, &offsets, &n), 0);
    assert_int_equal(n, 3);
    assert_memory_equal(bytes, "cab", 3); /* by count, then by bytes */
    assert_int_equal(x.f->field[0].rows, 1 + 1 + 3);
    assert_int_equal(x.f->feature[0].missing, 1);
    const uint32_t want[] = {4, 2, 2, 3, 0, 1, 4, 3, 2};
    ids_are(&x, 0, want, 9);
    assert_null(x.out.field[0].offset);
    assert_null(x.out.field[0].weight);
    done(&x);
}

static void test_max_size_and_no_oov(void **state)
{
    (void)state;
    fixture x;
    open_table(&x, "a:u", "b | c | c | a | ~ | b | a | c");
    feature *a = add(x.f, "a", FEATURE_CATEGORICAL);
    a->max_size = 2;
    a->n_oov = 0;
    run(&x);
    assert_int_equal(x.f->field[0].rows, 3);
    const uint32_t want[] = {0, 1, 1, 2, 0, 0, 2, 1}; /* without rows of their own, the unknown are missing */
    ids_are(&x, 0, want, 8);
    done(&x);
}

static void test_several_oov_rows_share_the_unknown(void **state)
{
    (void)state;
    fixture x;
    open_table(&x, "a:l", "1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12");
    feature *a = add(x.f, "a", FEATURE_CATEGORICAL);
    a->min_count = 2;
    a->n_oov = 3;
    run(&x);
    uint32_t seen = 0;
    for (uint32_t i = 0; i < 12; i++) {
        assert_in_range(x.out.field[0].id[i], 1, 3);
        seen |= 1u << x.out.field[0].id[i];
    }
    assert_int_equal(seen, 14);
    done(&x);
}

static void test_hash_depends_on_its_seed(void **state)
{
    (void)state;
    fixture x;
    open_table(&x, "a:l", "1 | 2 | ~ | 3 | 1");
    for (int i = 0; i < 2; i++) {
        feature *a;
        assert_int_equal(features_add(x.f, i ? "q" : "p", "a", FEATURE_CATEGORICAL, &a, NULL), 0);
        a->encoding = ENCODE_HASH;
        a->hash_buckets = 1000;
        a->hash_seed = (uint64_t)i * 7;
    }
    run(&x);
    const uint32_t *p = x.out.field[0].id, *q = x.out.field[1].id;
    assert_int_equal(x.f->field[0].rows, 1001);
    assert_int_equal(p[2], 0);
    assert_int_equal(p[0], p[4]);
    assert_int_equal(q[0], q[4]);
    assert_true(p[0] != q[0] - 1001 || p[1] != q[1] - 1001);
    for (int i = 0; i < 5; i++)
        assert_in_range(p[i], 0, 1000);
    done(&x);
}

static void test_buckets_are_right_closed(void **state)
{
    (void)state;
    fixture x;
    open_table(&x, "a:g", "1 | 2 | 3 | 4 | ~ | 5");
    feature *a = add(x.f, "a", FEATURE_NUMERIC);
    a->scale = SCALE_BUCKET;
    a->buckets = 4;
    run(&x); /* edges 2, 3, 4 */
    assert_int_equal(x.f->feature[0].n_edges, 3);
    assert_int_equal(x.f->field[0].rows, 5);
    assert_int_equal(x.f->n_dense, 0);
    const uint32_t want[] = {1, 1, 2, 3, 0, 4};
    ids_are(&x, 0, want, 6);
    done(&x);
}

static void test_every_number_of_edges_finds_its_bucket(void **state)
{
    (void)state;
    for (uint32_t edges = 0; edges < 40; edges++) {
        fixture x;
        double e[64];
        open_table(&x, "a:g", "-1 | 0 | 0.5 | 7 | 7.5 | 38 | 39.5 | 1e300 | ~ | 12 | 12.25");
        feature *a = add(x.f, "a", FEATURE_NUMERIC);
        a->scale = SCALE_BUCKET;
        assert_int_equal(features_link(x.f, NULL), 0);
        assert_int_equal(scan_rows(&x, MEMORY, 1), 0);
        for (uint32_t i = 0; i < edges; i++)
            e[i] = i;
        mem_free(x.f->feature[0].edges);
        x.f->feature[0].edges = mem_alloc(sizeof e);
        memcpy(x.f->feature[0].edges, e, sizeof e);
        x.f->feature[0].n_edges = edges;
        assert_int_equal(features_place(x.f, NULL), 0);
        assert_int_equal(transform_all(&x), 0);
        const double v[] = {-1, 0, 0.5, 7, 7.5, 38, 39.5, 1e300, NAN, 12, 12.25};
        for (uint32_t i = 0; i < 11; i++) {
            uint32_t want = 1;
            for (uint32_t k = 0; k < edges; k++)
                want += e[k] < v[i];
            assert_int_equal(x.out.field[0].id[i], isnan(v[i]) ? 0 : want);
        }
        done(&x);
    }
}

static void dense_are(const fixture *x, const float *want, uint32_t n)
{
    assert_int_equal(x->out.rows * x->out.n_dense, n);
    for (uint32_t i = 0; i < n; i++)
        assert_true(fabsf(x->out.dense[i] - want[i]) < 1e-6f);
}

static void test_scales(void **state)
{
    (void)state;
    fixture x;
    open_table(&x, "a:g b:g c:g", "1 1 1 | 3 3 3 | 5 5 5 | 3 3 3");
    add(x.f, "a", FEATURE_NUMERIC);
    add(x.f, "b", FEATURE_NUMERIC)->scale = SCALE_STANDARD;
    add(x.f, "c", FEATURE_NUMERIC)->scale = SCALE_MINMAX;
    run(&x);
    const float s = (float)sqrt(2);
    const float want[] = {1, -s, 0, 3, 0, .5f, 5, s, 1, 3, 0, .5f};
    dense_are(&x, want, 12);
    assert_int_equal(x.f->n_fields, 0);
    done(&x);
}

static void test_missing_numbers_take_the_mean_and_an_indicator(void **state)
{
    (void)state;
    fixture x;
    open_table(&x, "a:g b:g c:g", "1 1 1 | ~ ~ ~ | 4 4 4");
    add(x.f, "a", FEATURE_NUMERIC);
    add(x.f, "b", FEATURE_NUMERIC)->scale = SCALE_STANDARD;
    add(x.f, "c", FEATURE_NUMERIC)->scale = SCALE_MINMAX;
    run(&x);
    assert_int_equal(x.f->n_dense, 6);
    const float want[] = {1, 0, -1, 0, 0, 0, 2.5f, 1, 0, 1, .5f, 1, 4, 0, 1, 0, 1, 0};
    dense_are(&x, want, 18);
    done(&x);
}

static void test_clip_then_log1p_then_scale(void **state)
{
    (void)state;
    fixture x;
    open_table(&x, "a:g", "-5 | 0 | 1 | inf");
    feature *a = add(x.f, "a", FEATURE_NUMERIC);
    a->log1p = 1;
    a->clip_low = -3;
    a->clip_high = 7;
    run(&x);
    const float want[] = {-(float)log(4), 0, (float)log(2), (float)log(8)};
    dense_are(&x, want, 4);
    assert_true(fabs(x.f->feature[0].max - log(8)) < 1e-12);
    done(&x);
}

static void test_embedded_numbers_are_weighted_rows(void **state)
{
    (void)state;
    fixture x;
    open_table(&x, "a:g", "0.5 | ~ | 2.5");
    add(x.f, "a", FEATURE_NUMERIC)->embed = 1;
    run(&x);
    assert_int_equal(x.f->field[0].rows, 2);
    const uint32_t want[] = {1, 0, 1};
    ids_are(&x, 0, want, 3);
    assert_true(x.out.field[0].weight[0] == .5f && x.out.field[0].weight[1] == 1 && x.out.field[0].weight[2] == 2.5f);
    done(&x);
}

static void bag_is(const fixture *x, uint32_t field, const uint32_t *offset, const uint32_t *id, const float *weight)
{
    const batch_field *f = &x->out.field[field];
    assert_memory_equal(f->offset, offset, (x->out.rows + 1) * sizeof *offset);
    ids_are(x, field, id, offset[x->out.rows]);
    for (uint32_t i = 0; weight && i < offset[x->out.rows]; i++)
        assert_true(f->weight[i] == weight[i]);
    assert_true((weight == NULL) == (f->weight == NULL));
}

static void test_bags(void **state)
{
    (void)state;
    fixture x;
    open_table(&x, "a:+u w:+g", "p;q 1;3 | () () | ~ ~ | p 2 | p;q;p 0;0;0");
    for (int i = 0; i < 4; i++) {
        feature *a;
        const char *const names[] = {"mean", "sum", "mean_w", "sum_w"};
        assert_int_equal(features_add(x.f, names[i], "a", FEATURE_CATEGORICAL, &a, NULL), 0);
        a->min_count = 1;
        a->is_list = 1;
        a->combiner = i % 2 ? COMBINE_SUM : COMBINE_MEAN;
        a->weights_column = i > 1 ? mem_strdup("w") : NULL;
    }
    run(&x); /* p: entry 0, row 2; q: row 3 */
    const uint32_t offset[] = {0, 2, 2, 3, 4, 7}, id[] = {2, 3, 0, 2, 2, 3, 2};
    const float third = 1.0f / 3, mean[] = {.5f, .5f, 1, 1, third, third, third};
    const float mean_w[] = {.25f, .75f, 1, 1, 0, 0, 0}, sum_w[] = {1, 3, 1, 2, 0, 0, 0};
    bag_is(&x, 0, offset, id, mean);
    bag_is(&x, 1, offset, id, NULL);
    bag_is(&x, 2, offset, id, mean_w);
    bag_is(&x, 3, offset, id, sum_w);
    done(&x);
}

/* Of each list only the entries beside the wanted number; a sum takes weights below 0. */
static void test_entries_of_a_field(void **state)
{
    (void)state;
    fixture x;
    open_table(&x, "a:+u w:+g k:+i", "p;q;r 1;-3;2 4;7;4 | () () () | ~ ~ ~ | q;q 5;6 7;7 | r;p 1;0 ~;4");
    for (int i = 0; i < 2; i++) {
        feature *a;
        assert_int_equal(features_add(x.f, i ? "seven" : "four", "a", FEATURE_CATEGORICAL, &a, NULL), 0);
        a->min_count = 1;
        a->is_list = 1;
        a->combiner = COMBINE_SUM;
        a->weights_column = mem_strdup("w");
        a->where_column = mem_strdup("k");
        a->where = i ? 7 : 4;
    }
    run(&x); /* four: p (2 of them), r; rows 0 missing, 1 out of vocabulary, 2 p, 3 r; seven: q */
    const uint32_t at_four[] = {0, 2, 2, 3, 3, 4}, id_four[] = {2, 3, 0, 2}, at_seven[] = {0, 1, 1, 2, 4, 4}, id_seven[] = {2, 0, 2, 2};
    const float w_four[] = {1, 2, 1, 0}, w_seven[] = {-3, 1, 5, 6};
    bag_is(&x, 0, at_four, id_four, w_four);
    bag_is(&x, 1, at_seven, id_seven, w_seven);
    done(&x);
}

static void test_batches_shrink_and_grow(void **state)
{
    (void)state;
    fixture x;
    open_table(&x, "a:u b:+u c:g", "p p;q 1 | q p 2 | p ~ 3 | r () 4");
    add(x.f, "a", FEATURE_CATEGORICAL);
    feature *b = add(x.f, "b", FEATURE_CATEGORICAL);
    b->is_list = 1;
    add(x.f, "c", FEATURE_NUMERIC);
    run(&x);
    const uint32_t stride = features_raw_layout(x.f).stride;
    raw_ref rows[4];
    batch one;
    batch_init(&one);
    for (uint32_t n = 1; n <= 4; n++)
        for (uint32_t from = 0; from + n <= 4; from++) {
            for (uint32_t i = 0; i < n; i++)
                rows[i] = (raw_ref){x.raw.records.data + (from + i) * stride, x.raw.heap.data};
            assert_int_equal(features_transform(x.f, rows, n, &one, NULL), 0);
            assert_memory_equal(one.field[0].id, x.out.field[0].id + from, n * 4);
            assert_memory_equal(one.dense, x.out.dense + from, n * 4);
            const uint32_t *o = x.out.field[1].offset + from;
            assert_int_equal(one.field[1].n_id, o[n] - o[0]);
            assert_memory_equal(one.field[1].id, x.out.field[1].id + o[0], one.field[1].n_id * 4);
        }
    long before = mem_count();
    assert_int_equal(features_transform(x.f, rows, 1, &one, NULL), 0);
    assert_int_equal(mem_count(), before); /* warm buffers: nothing is allocated */
    batch_release(&one);
    done(&x);
}

/* ---- the scan ---- */

static void refused_scan(const char *columns, const char *rows, const char *weight, const char *message)
{
    fixture x;
    open_table(&x, columns, rows);
    add(x.f, "a", FEATURE_CATEGORICAL);
    x.f->label = mem_strdup("y");
    x.f->weight = weight ? mem_strdup(weight) : NULL;
    assert_int_equal(features_link(x.f, NULL), 0);
    assert_int_equal(scan_rows(&x, MEMORY, 1), SHOAL_DATA);
    assert_string_equal(x.err.message, message);
    done(&x);
}

static void test_what_cannot_be_learnt_from(void **state)
{
    (void)state;
    refused_scan("y:l a:u", "", NULL, "the source has no rows: nothing to train on");
    refused_scan("y:l a:u", "0 p | 0 q", NULL,
                 "label 'y' is 0 in all 2 rows: a model needs both; check the label and the filter");
    refused_scan("y:l a:u", "1 p | 1 q | 1 p", NULL,
                 "label 'y' is 1 in all 3 rows: a model needs both; check the label and the filter");
    refused_scan("y:l w:g a:u", "1 0 p | 0 0 q", "w", "weight 'w' is 0 in all 2 rows: nothing to train on");
}

/* Rows whose statistics exercise everything: skewed categories, lists, numbers with gaps. */
static void random_table(fixture *x, int rows)
{
    size_t size = (size_t)rows * 96, at = 0;
    char *text = malloc(size);
    for (int i = 0; i < rows; i++) {
        uint64_t r = rng_u64(9, (uint64_t)i), u = rng_below(10, (uint64_t)i, 1000);
        at += (size_t)snprintf(text + at, size - at, "%d user%d %d k%d;k%d %g|", (int)(r & 1),
                               (int)(u * u / 2000), (int)(r >> 8 & 63), (int)(r >> 20 & 31), (int)(r >> 30 & 15),
                               (double)(r >> 40 & 1023) / 7);
    }
    open_table(x, "y:l user:u hour:i tags:+u price:g", text);
    free(text);
    x->f->label = mem_strdup("y");
    add(x->f, "user", FEATURE_CATEGORICAL)->min_count = 3;
    add(x->f, "hour", FEATURE_CATEGORICAL);
    add(x->f, "tags", FEATURE_CATEGORICAL)->is_list = 1;
    add(x->f, "price", FEATURE_NUMERIC)->scale = SCALE_BUCKET;
    assert_int_equal(features_link(x->f, NULL), 0);
}

static hash128 statistics_digest(const features *f)
{
    buf all = BUF_INIT;
    json_t *o;
    assert_int_equal(features_to_json(f, &o, NULL), 0);
    char *text = json_dumps(o, JSON_SORT_KEYS);
    buf_puts(&all, text, NULL);
    free(text);
    json_decref(o);
    for (uint32_t i = 0; i < f->n_features; i++) {
        const uint8_t *bytes;
        const uint64_t *offsets;
        uint32_t n;
        if (!features_vocab_get(f, i, &bytes, &offsets, &n))
            buf_append(&all, bytes, offsets[n], NULL);
    }
    hash128 h = hash128_of(all.data, all.len);
    buf_release(&all);
    return h;
}

static void test_threads_change_nothing(void **state)
{
    (void)state;
    hash128 want = {0, 0};
    for (int threads = 1; threads <= 7; threads += 3) {
        fixture x;
        random_table(&x, 3000);
        assert_int_equal(scan_rows(&x, MEMORY, threads), 0);
        hash128 got = statistics_digest(x.f);
        if (threads == 1)
            want = got;
        assert_true(got.lo == want.lo && got.hi == want.hi);
        done(&x);
    }
}

/* The table in pieces; with `spill`, counts go to disk after each. */
static int scan_pieces(fixture *x, int64_t piece, int spill)
{
    binding *b = NULL;
    scan *s = NULL;
    pool *p = NULL;
    int64_t bad;
    const int64_t rows = x->t->array.length;
    int rc = pool_new(1, NULL, &p, NULL);
    if (!rc)
        rc = binding_new(x->f, &x->t->schema, 1, &b, NULL);
    if (!rc)
        rc = scan_new(x->f, MEMORY, spool, p, &s, NULL);
    if (!rc && spill)
        scan_memory_set(s, 1);
    for (int64_t at = 0; at < rows && !rc; at += piece) {
        raw_block_clear(&x->raw);
        x->t->array.offset = at;
        x->t->array.length = piece;
        rc = binding_extract(b, &x->t->array, 0, piece, &x->raw, &bad, NULL);
        if (!rc)
            rc = scan_add(s, b, &x->t->array, &x->raw, NULL);
    }
    if (!rc)
        rc = scan_finish(s, x->f, NULL);
    scan_free(s);
    binding_free(b);
    pool_free(p);
    return rc;
}

static void test_spilled_counts_are_the_same(void **state)
{
    (void)state;
    hash128 want = {0, 0};
    for (int spill = 0; spill < 2; spill++) {
        fixture x;
        random_table(&x, 4000);
        assert_int_equal(scan_pieces(&x, 40, spill), 0); /* 100 runs: more than are merged at once */
        hash128 got = statistics_digest(x.f);
        if (!spill)
            want = got;
        assert_true(got.lo == want.lo && got.hi == want.hi);
        for (int run_number = 0; run_number < 110; run_number++) {
            char path[128];
            snprintf(path, sizeof path, "%s/vocabulary-0.%d", spool, run_number);
            assert_int_not_equal(access(path, F_OK), 0); /* runs are removed */
        }
        done(&x);
    }
}

/* The features of one table grown by another. */
static int grow(const features *f, fixture *x)
{
    features_free(x->f);
    int rc = features_copy(f, &x->f, &x->err);
    return rc ? rc : scan_how(x, MEMORY, 2, 1);
}

static void test_growing_keeps_what_is_there(void **state)
{
    (void)state;
    fixture one, two;
    open_table(&one, "c:u k:u x:g y:g", "b p 1 2 | a q 2 ~ | b p 3 4 | a p 4 6");
    add(one.f, "c", FEATURE_CATEGORICAL)->min_count = 2;
    add(one.f, "k", FEATURE_CATEGORICAL)->max_size = 3;
    add(one.f, "x", FEATURE_NUMERIC)->scale = SCALE_BUCKET;
    one.f->feature[2].buckets = 2;
    add(one.f, "y", FEATURE_NUMERIC)->scale = SCALE_STANDARD;
    run(&one);
    open_table(&two, "c:u k:u x:g y:g", "z p 100 9 | b s 200 ~ | d t 300 9 | z s 400 9 | d t 500 9 | e r 1 1 | d t 1 1");
    assert_int_equal(grow(one.f, &two), 0);
    assert_int_equal(transform_all(&two), 0);
    /* c had a, b; d (three times) and z (twice) come behind, e is too rare. k had p, q and has room for t alone. */
    const uint32_t c[] = {5, 3, 4, 5, 4, 1, 4}, k[] = {2, 1, 4, 1, 4, 1, 4};
    ids_are(&two, 0, c, 7);
    ids_are(&two, 1, k, 7);
    const feature *x = &two.f->feature[2], *y = &two.f->feature[3];
    assert_int_equal(x->n_edges, one.f->feature[2].n_edges);
    assert_memory_equal(x->edges, one.f->feature[2].edges, x->n_edges * sizeof *x->edges);
    assert_true(y->mean == one.f->feature[3].mean && y->std == one.f->feature[3].std);
    assert_true(y->count == 3 && y->missing == 1 && y->dense_width == 2);
    done(&two);
    done(&one);
}

static void test_failed_allocations_of_growing(void **state)
{
    (void)state;
    fixture one;
    random_table(&one, 200);
    assert_int_equal(scan_rows(&one, MEMORY, 1), 0);
    for (long n = 1;; n++) {
        fixture two;
        random_table(&two, 300);
        mem_fail_at(n, 1);
        int rc = grow(one.f, &two);
        mem_fail_at(0, 0);
        done(&two);
        if (!rc)
            break;
        assert_int_equal(rc, SHOAL_NOMEM);
    }
    done(&one);
}

static void test_failed_allocations_of_a_spilling_scan(void **state)
{
    (void)state;
    for (long n = 1;; n++) {
        fixture x;
        random_table(&x, 90);
        mem_fail_at(n, 0);
        int rc = scan_pieces(&x, 30, 1);
        mem_fail_at(0, 0);
        done(&x);
        if (!rc)
            break;
        assert_int_equal(rc, SHOAL_NOMEM);
    }
}

static void test_failed_allocations(void **state)
{
    (void)state;
    for (long n = 1;; n++) {
        fixture x;
        random_table(&x, 200);
        mem_fail_at(n, 1);
        int rc = scan_rows(&x, MEMORY, 1);
        if (!rc)
            rc = transform_all(&x);
        mem_fail_at(0, 0);
        done(&x);
        if (!rc)
            break;
        assert_int_equal(rc, SHOAL_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vocabulary_order_and_rows),
        cmocka_unit_test(test_max_size_and_no_oov),
        cmocka_unit_test(test_several_oov_rows_share_the_unknown),
        cmocka_unit_test(test_hash_depends_on_its_seed),
        cmocka_unit_test(test_buckets_are_right_closed),
        cmocka_unit_test(test_every_number_of_edges_finds_its_bucket),
        cmocka_unit_test(test_scales),
        cmocka_unit_test(test_missing_numbers_take_the_mean_and_an_indicator),
        cmocka_unit_test(test_clip_then_log1p_then_scale),
        cmocka_unit_test(test_embedded_numbers_are_weighted_rows),
        cmocka_unit_test(test_bags),
        cmocka_unit_test(test_entries_of_a_field),
        cmocka_unit_test(test_batches_shrink_and_grow),
        cmocka_unit_test(test_what_cannot_be_learnt_from),
        cmocka_unit_test(test_threads_change_nothing),
        cmocka_unit_test(test_spilled_counts_are_the_same),
        cmocka_unit_test(test_failed_allocations),
        cmocka_unit_test(test_failed_allocations_of_a_spilling_scan),
        cmocka_unit_test(test_growing_keeps_what_is_there),
        cmocka_unit_test(test_failed_allocations_of_growing),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
