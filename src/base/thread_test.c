#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <pthread.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/thread.h"

#define ITEMS_MAX 4096

static volatile sig_atomic_t signals_taken;
static void take_signal(int number)
{
    (void)number;
    signals_taken = signals_taken + 1;
}

static int signal_meanwhile(void *ctx, size_t item, int thread)
{
    (void)item;
    (void)thread;
    kill(getpid(), SIGUSR1);
    return signals_taken == *(sig_atomic_t *)ctx ? 0 : -1;
}

/* A signal to the process waits until the job is done, and is then taken by the caller, whose mask is as it was. */
static void test_signals_wait(void **state)
{
    (void)state;
    const struct sigaction take = {.sa_handler = take_signal};
    sigset_t now;
    assert_int_equal(sigaction(SIGUSR1, &take, NULL), 0);
    for (int threads = 1; threads <= 2; threads++) {
        pool *p;
        sig_atomic_t before = signals_taken;
        assert_int_equal(pool_new(threads, NULL, &p, NULL), 0);
        assert_int_equal(pool_for(p, 8, signal_meanwhile, &before), 0);
        assert_int_equal(signals_taken, before + 1);
        assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &now), 0);
        assert_false(sigismember(&now, SIGUSR1));
        pool_free(p);
    }
}

typedef struct counts {
    atomic_int item[ITEMS_MAX];
    int threads;
    atomic_int bad_thread;
} counts;

static int count_item(void *ctx, size_t item, int thread)
{
    counts *c = ctx;
    atomic_fetch_add(&c->item[item], 1);
    if (thread < 0 || thread >= c->threads)
        atomic_store(&c->bad_thread, 1);
    return 0;
}

static void test_every_item_once(void **state)
{
    (void)state;
    static counts c;
    const int sizes[] = {1, 2, 3, 7};
    for (size_t s = 0; s < 4; s++) {
        pool *p;
        assert_int_equal(pool_new(sizes[s], NULL, &p, NULL), 0);
        assert_int_equal(pool_threads(p), sizes[s]);
        for (size_t round = 0; round < 300; round++) {
            size_t items = round % 3 == 0 ? round % 5 : round * 13 % ITEMS_MAX;
            memset(&c, 0, sizeof c);
            c.threads = sizes[s];
            assert_int_equal(pool_for(p, items, count_item, &c), 0);
            for (size_t i = 0; i < ITEMS_MAX; i++)
                assert_int_equal(atomic_load(&c.item[i]), i < items);
            assert_int_equal(atomic_load(&c.bad_thread), 0);
        }
        pool_free(p);
    }
}

/* Tiny jobs without a pause between them: no wake-up may be lost. */
static void test_many_tiny_jobs(void **state)
{
    (void)state;
    static counts c;
    memset(&c, 0, sizeof c);
    c.threads = 3;
    pool *p;
    assert_int_equal(pool_new(3, NULL, &p, NULL), 0);
    for (int i = 0; i < 20000; i++) {
        assert_int_equal(pool_for(p, 3, count_item, &c), 0);
        if (i % 5000 == 0)
            sched_yield();
    }
    for (int i = 0; i < 3; i++)
        assert_int_equal(atomic_load(&c.item[i]), 20000);
    pool_free(p);
}

static int fail_some(void *ctx, size_t item, int thread)
{
    (void)thread;
    size_t first = *(size_t *)ctx;
    if (item == first) /* late, so that higher ones fail before it */
        for (int i = 0; i < 50; i++)
            sched_yield();
    return item >= first ? -(int)item - 1 : 0;
}

static void test_lowest_error_wins(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 5; threads += 2) {
        pool *p;
        assert_int_equal(pool_new(threads, NULL, &p, NULL), 0);
        for (size_t first = 0; first < 60; first++)
            assert_int_equal(pool_for(p, 64, fail_some, &first), -(int)first - 1);
        size_t none = 1000;
        assert_int_equal(pool_for(p, 64, fail_some, &none), 0);
        pool_free(p);
    }
}

/* Two items that fail at the same time, the higher one a little later: it must not win by being last. */
#define MEETING_YIELDS_MAX 20000 /* the other may never come: its thread sleeps */
typedef struct meeting {
    atomic_int higher_runs, lower_fails;
} meeting;

static int fail_together(void *ctx, size_t item, int thread)
{
    (void)thread;
    meeting *m = ctx;
    if (item == 0) {
        for (int i = 0; i < MEETING_YIELDS_MAX && !atomic_load(&m->higher_runs); i++)
            sched_yield();
        atomic_store(&m->lower_fails, 1);
        return -1;
    }
    atomic_store(&m->higher_runs, 1);
    while (!atomic_load(&m->lower_fails)) /* item 0 was taken before: it comes */
        sched_yield();
    for (int i = 0; i < 50; i++)
        sched_yield();
    return -2;
}

static void test_last_error_does_not_win(void **state)
{
    (void)state;
    pool *p;
    int met = 0;
    assert_int_equal(pool_new(3, NULL, &p, NULL), 0);
    for (int round = 0; round < 100; round++) {
        meeting m = {0};
        assert_int_equal(pool_for(p, 2, fail_together, &m), -1);
        met += atomic_load(&m.higher_runs);
    }
    assert_true(met > 0);
    pool_free(p);
}

static atomic_int started;
static void on_start(void)
{
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    atomic_fetch_add(&started, sigismember(&now, SIGINT) ? 1 : 100);
}

static void test_start_and_failures(void **state)
{
    (void)state;
    pool *p;
    shoal_error err;
    atomic_store(&started, 0);
    assert_int_equal(pool_new(4, on_start, &p, NULL), 0);
    pool_free(p);
    assert_int_equal(atomic_load(&started), 103); /* three with signals blocked, and the caller */
    for (int n = 1; n <= 2; n++) {
        mem_fail_at(n, 0);
        assert_int_equal(pool_new(4, NULL, &p, &err), SHOAL_NOMEM);
        assert_null(p);
    }
    mem_fail_at(0, 0);
    assert_int_equal(pool_new(0, NULL, &p, &err), SHOAL_USAGE);
    assert_int_equal(pool_new(1 << 20, NULL, &p, &err), SHOAL_USAGE);
    pool_free(NULL);
    assert_in_range(thread_count_available(), 1, 1 << 14);
}

typedef struct stage {
    queue *in;
    long sum, count;
} stage;

static void consume(void *ctx)
{
    stage *s = ctx;
    void *item;
    while (queue_pop(s->in, &item)) {
        s->sum += (long)(intptr_t)item;
        s->count++;
    }
}

static void test_queue(void **state)
{
    (void)state;
    queue *q = queue_new(3);
    assert_non_null(q);
    stage s[2] = {{.in = q}, {.in = q}};
    task *t[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(task_start(&t[i], consume, &s[i], NULL), 0);
    for (long i = 1; i <= 2000; i++)
        assert_int_equal(queue_push(q, (void *)(intptr_t)i), 0);
    queue_close(q);
    for (int i = 0; i < 2; i++)
        task_join(t[i]);
    assert_int_equal(s[0].sum + s[1].sum, 2000l * 2001 / 2);
    assert_int_equal(s[0].count + s[1].count, 2000);
    assert_int_equal(queue_push(q, NULL), -1);
    void *item;
    assert_int_equal(queue_pop(q, &item), 0);
    queue_free(q);
    q = queue_new(2); /* closed with something in it: it comes out, in order */
    queue_push(q, &s[0]);
    queue_push(q, &s[1]);
    queue_close(q);
    assert_int_equal(queue_pop(q, &item), 1);
    assert_ptr_equal(item, &s[0]);
    assert_int_equal(queue_pop(q, &item), 1);
    assert_ptr_equal(item, &s[1]);
    assert_int_equal(queue_pop(q, &item), 0);
    queue_free(q);
    mem_fail_at(1, 1);
    assert_null(queue_new(2));
    assert_int_equal(task_start(&t[0], consume, &s[0], NULL), SHOAL_NOMEM);
    mem_fail_at(0, 0);
    assert_null(t[0]);
    task_join(NULL);
    assert_null(queue_new(SIZE_MAX));
}

static void fill(void *ctx)
{
    queue *q = ctx;
    while (queue_push(q, q) == 0) {
    }
}

static void test_close_wakes_a_pusher(void **state)
{
    (void)state;
    queue *q = queue_new(1);
    task *t;
    assert_int_equal(task_start(&t, fill, q, NULL), 0);
    void *item;
    assert_int_equal(queue_pop(q, &item), 1);
    usleep(20000); /* time for it to wait again; whether it took that or not, it has to end */
    queue_close(q);
    task_join(t);
    queue_free(q);
}

static void test_clock(void **state)
{
    (void)state;
    uint64_t a = clock_ns(), b = clock_ns();
    assert_true(b >= a);
    assert_true(clock_wall() > 1.7e9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_item_once),   cmocka_unit_test(test_many_tiny_jobs),
        cmocka_unit_test(test_lowest_error_wins), cmocka_unit_test(test_last_error_does_not_win),
        cmocka_unit_test(test_start_and_failures), cmocka_unit_test(test_queue),
        cmocka_unit_test(test_close_wakes_a_pusher), cmocka_unit_test(test_clock),
        cmocka_unit_test(test_signals_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
