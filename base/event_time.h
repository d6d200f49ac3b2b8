/* base/event_time.h — which times an event may have, and the one unit that they are kept in.
 *
 * Everything that takes an event asks here, so that a file, a command, a program and a client of
 * the service are refused with the same words:
 *
 *     int64_t us;
 *     st = tw_time_of_seconds(1588687728.923, false, &us, &err);   // 1588687728923000
 *     st = tw_time_of_seconds(1588687728923, false, &us, &err);    // TW_EINVAL: beyond 2200
 */
#ifndef TW_BASE_EVENT_TIME_H
#define TW_BASE_EVENT_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

TW_BEGIN_DECLS

#define TW_TIME_SECOND ((int64_t) 1000000)              /* microseconds */
#define TW_TIME_END    ((int64_t) 7258118400 * 1000000) /* 2200-01-01T00:00:00Z */

/* TW_EINVAL: `us` is negative or not before TW_TIME_END, unless `any`. `shown` is how the caller
 * gave it, for the message. */
TW_NODISCARD tw_status tw_time_check(int64_t us, const char *shown, bool any, tw_error *err);

/* Microseconds of a number of seconds, which may have a fraction, to the nearest. TW_EINVAL: no
 * number, further away than 290,000 years, or as tw_time_check. */
TW_NODISCARD tw_status tw_time_of_seconds(double seconds, bool any, int64_t *us, tw_error *err);

TW_END_DECLS

#endif
