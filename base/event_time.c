#include "base/event_time.h"

#include <math.h>
#include <stdio.h>

#define WAY_OUT "an event's time lies from 1970 to 2199 (--allow-future takes any)"

tw_status tw_time_check(int64_t us, const char *shown, bool any, tw_error *err)
{
    if (any || (us >= 0 && us < TW_TIME_END))
        return TW_OK;
    return tw_fail(err, TW_EINVAL, "the time %s is %s; " WAY_OUT, shown,
                   us < 0 ? "before 1970" : "beyond 2200");
}

tw_status tw_time_of_seconds(double seconds, bool any, int64_t *us, tw_error *err)
{
    char shown[64];
    const double micros = seconds * (double) TW_TIME_SECOND;

    (void) snprintf(shown, sizeof shown, "%.17g", seconds);
    *us = 0;
    if (isnan(seconds))
        return tw_fail(err, TW_EINVAL, "the time is not a number");
    if (micros >= -9.2e18 && micros <= 9.2e18) {
        *us = llround(micros);
        return tw_time_check(*us, shown, any, err);
    }
    return any ? tw_fail(err, TW_EINVAL, "the time %s is too far away to be kept", shown)
               : tw_time_check(seconds < 0 ? INT64_MIN : INT64_MAX, shown, false, err);
}
