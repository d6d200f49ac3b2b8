#include "base/pool.h"

#include "base/log.h"
#include "tests/support/test.h"

typedef struct job {
    int calls[TW_POOL_MAX];
    int workers;
    int64_t sum[TW_POOL_MAX];
} job;

static void count(void *ctx, int worker, int workers)
{
    job *j = ctx;
    int64_t begin, end;
    j->calls[worker]++;
    if (worker == 0)
        j->workers = workers;
    tw_pool_share(1000, worker, workers, &begin, &end);
    for (int64_t i = begin; i < end; i++)
        j->sum[worker] += i;
}

static void every_worker_runs_once_per_run(void **state)
{
    (void) state;
    for (int n = 1; n <= 5; n += 2) {
        tw_pool *p;
        job j = {0};
        assert_ok(tw_pool_create(&p, n, err));
        for (int run = 0; run < 50; run++)
            tw_pool_run(p, count, &j);
        int64_t total = 0;
        for (int i = 0; i < n; i++) {
            assert_int_equal(j.calls[i], 50);
            total += j.sum[i];
        }
        assert_int_equal(j.workers, n);
        assert_int_equal(total, 50 * 499500);
        tw_pool_destroy(p);
    }
    tw_pool_destroy(NULL);
}

static void shares_cover_everything_once(void **state)
{
    (void) state;
    for (int64_t n = 0; n < 20; n++)
        for (int workers = 1; workers < 9; workers++) {
            int64_t next = 0, begin, end;
            for (int w = 0; w < workers; w++) {
                tw_pool_share(n, w, workers, &begin, &end);
                assert_int_equal(begin, next);
                assert_in_range(end - begin, n / workers, n / workers + 1);
                next = end;
            }
            assert_int_equal(next, n);
        }
}

static void a_silly_number_of_threads_is_refused(void **state)
{
    (void) state;
    tw_pool *p;
    assert_status(tw_pool_create(&p, -1, err), TW_EINVAL);
    assert_status(tw_pool_create(&p, TW_POOL_MAX + 1, err), TW_EINVAL);
    assert_null(p);
    assert_ok(tw_pool_create(&p, 0, err));
    assert_true(tw_pool_size(p) >= 1);
    tw_pool_destroy(p);
}

static void a_log_gate_lets_few_through(void **state)
{
    (void) state;
    tw_log_gate gate = {0};
    int dropped, through = 0;
    for (int i = 0; i < 1000; i++)
        through += tw_log_allowed(&gate, 3, &dropped);
    assert_in_range(through, 3, 9); /* the loop may cross a second */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_worker_runs_once_per_run),
        cmocka_unit_test(shares_cover_everything_once),
        cmocka_unit_test(a_silly_number_of_threads_is_refused),
        cmocka_unit_test(a_log_gate_lets_few_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
