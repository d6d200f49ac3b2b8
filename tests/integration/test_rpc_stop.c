/* Stopping while clients ask as fast as they can. */
#include <pthread.h>
#include <sched.h>

#include "base/clock.h"
#include "tests/integration/rpc_echo.h"
#include "tests/integration/rpc_raw.h"
#include "tests/support/test.h"

/* nng 1.5's REQ forgets a question that it could not send any more when it closes. The clients'
 * alone: what the server holds is still counted. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:^ask$\n"; }

static void stopping_under_load_ends_soon(void **state)
{
    (void) state;
    enum { CLIENTS = 4 };
    for (int round = 0; round < 5; round++) {
        tw_server *srv = serve(ANY, (tw_server_config){.workers = 2, .queue = 2});
        pthread_t threads[CLIENTS];
        crowd crowds[CLIENTS];
        for (int i = 0; i < CLIENTS; i++) {
            crowds[i] = one_of(srv, i, true);
            assert_int_equal(pthread_create(&threads[i], NULL, many_questions, &crowds[i]), 0);
        }
        double end = tw_clock_monotonic() + RAW_PATIENCE_S;
        while (counters(srv).answered < 100 && tw_clock_monotonic() < end)
            (void) sched_yield();
        double began = tw_clock_monotonic();
        assert_true(tw_server_stop(srv));
        assert_true(tw_clock_monotonic() - began < 0.9 * TW_SERVER_DRAIN_MS / 1000);
        int answered = 0;
        for (int i = 0; i < CLIENTS; i++) {
            assert_int_equal(pthread_join(threads[i], NULL), 0);
            answered += crowds[i].answered;
        }
        assert_true(answered + CLIENTS >= 100); /* each may have given up on its last */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stopping_under_load_ends_soon),
    };
    return cmocka_run_group_tests(tests, echo_setup, NULL);
}
