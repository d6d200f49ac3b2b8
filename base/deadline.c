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

/* ThreadSanitizer of gcc 12 does not see pthread_mutex_clocklock and takes the unlock for a
 * foreign one. What it sees goes by the clock on the wall, which may be set: fit for a test alone.
 */
static int lock_until(pthread_mutex_t *lock, tw_deadline until)
{
#ifdef __SANITIZE_THREAD__
    struct timespec at;
    (void) clock_gettime(CLOCK_REALTIME, &at);
    const struct timespec left = tw_deadline_timespec(until - tw_clock_monotonic());
    at.tv_sec += left.tv_sec + 1;
    return pthread_mutex_timedlock(lock, &at);
#else
    const struct timespec at = tw_deadline_timespec(until);
    return pthread_mutex_clocklock(lock, CLOCK_MONOTONIC, &at);
#endif
}

tw_status tw_deadline_lock(tw_deadline until, pthread_mutex_t *lock, const char *what,
                           tw_error *err)
{
    if (until <= 0) {
        (void) pthread_mutex_lock(lock);
        return TW_OK;
    }
    if (tw_deadline_passed(until)) /* a free lock would be taken all the same */
        return passed(what, err);
    return lock_until(lock, until) == 0 ? TW_OK : passed(what, err);
}
