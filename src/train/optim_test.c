/* optim_test.c: what the optimiser's settings are at a given step. */
#include "train/optim.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static optim settings(enum lr_schedule schedule, uint64_t warmup)
{
    optim o = {.kind = OPTIMIZER_ADAM, .lr = 0.1, .l2 = 0.25, .embedding_l2 = 0.5, .beta1 = 0.9, .beta2 = 0.999,
               .epsilon = 1e-8, .schedule = schedule, .warmup_steps = warmup, .total_steps = 100 + warmup};
    return o;
}

static void near(double a, double b) { assert_true(fabs(a - b) <= 1e-12 * fabs(b) + 1e-15); }

static void test_schedules(void **state)
{
    (void)state;
    optim c = settings(LR_CONSTANT, 0), l = settings(LR_LINEAR, 0), w = settings(LR_COSINE, 0), s = settings(LR_STEP, 0);
    for (uint64_t t = 0; t < 100; t++) {
        near(optim_lr(&c, t), 0.1);
        near(optim_lr(&l, t), 0.1 * (1 - (double)t / 100));
        near(optim_lr(&w, t), 0.05 * (1 + cos(M_PI * (double)t / 100)));
        near(optim_lr(&s, t), t < 50 ? 0.1 : t < 75 ? 0.01 : 0.001);
    }
    near(optim_lr(&l, 1000), 0); /* past the end */
}

static void test_plateaus(void **state)
{
    (void)state;
    optim o = settings(LR_PLATEAU, 0);
    near(optim_lr(&o, 900), 0.1);
    o.plateaus = 2;
    near(optim_lr(&o, 900), 0.001);
    o.plateaus = 100;
    assert_true(optim_lr(&o, 900) == LR_LEAST);
    o.lr = 1e-9; /* a rate that small from the beginning stays */
    assert_true(optim_lr(&o, 900) == 1e-9);
}

static void test_warmup(void **state)
{
    (void)state;
    optim o = settings(LR_LINEAR, 10);
    near(optim_lr(&o, 0), 0.01);
    near(optim_lr(&o, 9), 0.1);
    near(optim_lr(&o, 10), 0.1);
    near(optim_lr(&o, 60), 0.05);
}

static void test_bias_correction(void **state)
{
    (void)state;
    optim o = settings(LR_CONSTANT, 0);
    static const uint64_t STEPS[] = {0, 1, 9, 1000, 1000000};
    for (size_t i = 0; i < sizeof STEPS / sizeof *STEPS; i++) {
        optimizer_step s = optim_at(&o, STEPS[i], 0);
        double t = (double)STEPS[i] + 1;
        assert_true(fabs(s.correct1 - 1 / (1 - pow(0.9, t))) < 1e-6 * s.correct1);
        assert_true(fabs(s.correct2 - 1 / (1 - pow(0.999, t))) < 1e-6 * s.correct2);
    }
}

static void test_l2_of_tables(void **state)
{
    (void)state;
    optim o = settings(LR_CONSTANT, 0);
    assert_true(optim_at(&o, 0, 0).l2 == 0.25f);
    assert_true(optim_at(&o, 0, 1).l2 == 0.5f);
}

static void test_options(void **state)
{
    (void)state;
    shoal_error err = {0};
    optim out;
    shoal_options *o = shoal_options_new("train", &err);
    assert_non_null(o);
    assert_int_equal(shoal_options_set(o, "l2", "0.5", &err), 0);
    assert_int_equal(optim_from(o, 10, &out, &err), 0);
    assert_int_equal(out.kind, OPTIMIZER_ADAM);
    assert_true(out.embedding_l2 == 0.5 && out.lr == 0.001 && out.beta2 == 0.999 && !out.dense_embeddings);
    assert_int_equal(shoal_options_set(o, "l1", "0.5", &err), 0);
    assert_int_equal(optim_from(o, 10, &out, &err), SHOAL_USAGE);
    assert_string_equal(err.message, "--l1 works with --optimizer ftrl only; leave it out or choose ftrl");
    shoal_options_free(o);
}

/* What a layer does not say is the run's. */
static void test_own(void **state)
{
    (void)state;
    optim run = settings(LR_CONSTANT, 0);
    const own_optimizer own = {.kind = OPTIMIZER_FTRL, .lr = 0.5, .l1 = 2, .l2 = (double)NAN, .momentum = (double)NAN,
                               .beta1 = (double)NAN, .beta2 = (double)NAN, .ftrl_beta = 3, .accumulator = (double)NAN};
    const param plain = {.name = "a"}, wide = {.name = "b", .optimizer = &own};
    optim o = optim_of(&run, &plain);
    for (int of_table = 0; of_table < 2; of_table++) {
        const optimizer_step a = optim_at(&o, 3, of_table), b = optim_at(&run, 3, of_table);
        assert_memory_equal(&a, &b, sizeof a);
    }
    o = optim_of(&run, &wide);
    assert_int_equal(o.kind, OPTIMIZER_FTRL);
    assert_true(o.lr == 0.5 && o.l1 == 2 && o.ftrl_beta == 3);
    assert_true(o.l2 == 0.25 && o.embedding_l2 == 0.5 && o.beta2 == 0.999 && o.momentum == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schedules), cmocka_unit_test(test_plateaus), cmocka_unit_test(test_warmup), cmocka_unit_test(test_bias_correction),
        cmocka_unit_test(test_l2_of_tables), cmocka_unit_test(test_options), cmocka_unit_test(test_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
