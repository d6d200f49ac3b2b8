#include "base/deadline.h"

#include <math.h>

#include "base/clock.h"

tw_deadline tw_deadline_in(double seconds) { return tw_clock_monotonic() + seconds; }

bool tw_deadline_passed(tw_deadline until) { return until > 0 && tw_clock_monotonic() > until; }

static tw_status passed(const char *what, tw_error *err)
{
    return tw_fail(err, TW_ETIMEOUT, "the deadline passed before %s", what);
}

tw_status tw_deadline_check(tw_deadline until, const char *what, tw_error *err)
{
    return tw_deadline_passed(until) ? passed(what, err) : TW_OK;
}

struct timespec tw_deadline_timespec(tw_deadline until)
{
    const double whole = floor(until);
    return (struct timespec){.tv_sec = (time_t) whole, .tv_nsec = (long) ((until - whole) * 1e9)};
}

tw_status tw_deadline_lock(tw_deadline until, pthread_mutex_t *lock, const char *what,
                           tw_error *err)
{
    if (until <= 0) {
        (void) pthread_mutex_lock(lock);
        return TW_OK;
    }
    const struct timespec at = tw_deadline_timespec(until);
    if (tw_deadline_passed(until)) /* a free lock would be taken all the same */
        return passed(what, err);
    return pthread_mutex_clocklock(lock, CLOCK_MONOTONIC, &at) == 0 ? TW_OK : passed(what, err);
}
