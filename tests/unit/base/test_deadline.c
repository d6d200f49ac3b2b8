#include "base/deadline.h"

#include <string.h>

#include "base/clock.h"
#include "tests/support/test.h"

static void none_never_passes(void **state)
{
    (void) state;
    assert_false(tw_deadline_passed(0));
    assert_ok(tw_deadline_check(0, "it", err));
}

static void a_deadline_passes_once_its_time_has_come(void **state)
{
    (void) state;
    tw_error e = {0};
    assert_false(tw_deadline_passed(tw_deadline_in(3600)));
    assert_true(tw_deadline_passed(tw_deadline_in(-0.001)));
    assert_int_equal(tw_deadline_check(tw_deadline_in(-1), "the end", &e), TW_ETIMEOUT);
    assert_string_equal(e.msg, "the deadline passed before the end");
}

static void a_point_in_time_keeps_its_fraction(void **state)
{
    (void) state;
    const struct timespec at = tw_deadline_timespec(12.25);
    assert_int_equal(at.tv_sec, 12);
    assert_int_equal(at.tv_nsec, 250000000);
}

static void a_lock_is_waited_for_until_then(void **state)
{
    (void) state;
    pthread_mutex_t lock;
    assert_int_equal(pthread_mutex_init(&lock, NULL), 0);
    assert_ok(tw_deadline_lock(0, &lock, "it", err));
    const double start = tw_clock_monotonic();
    assert_status(tw_deadline_lock(tw_deadline_in(0.05), &lock, "it", err), TW_ETIMEOUT);
    assert_status(tw_deadline_lock(tw_deadline_in(-1), &lock, "it", err), TW_ETIMEOUT);
    assert_true(tw_clock_monotonic() - start > 0.04);
    (void) pthread_mutex_unlock(&lock);
    assert_status(tw_deadline_lock(tw_deadline_in(-1), &lock, "it", err), TW_ETIMEOUT);
    assert_ok(tw_deadline_lock(tw_deadline_in(60), &lock, "it", err));
    (void) pthread_mutex_unlock(&lock);
    (void) pthread_mutex_destroy(&lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_never_passes),
        cmocka_unit_test(a_deadline_passes_once_its_time_has_come),
        cmocka_unit_test(a_point_in_time_keeps_its_fraction),
        cmocka_unit_test(a_lock_is_waited_for_until_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
