/* base/deadline.h — until when an answer is wanted.
 *
 * A point on tw_clock_monotonic()'s scale, handed down with the question; 0 is none. Who works for
 * long looks at it between two pieces of work, who waits for a lock waits no longer than it says.
 *
 *     const tw_deadline until = tw_deadline_in(30);
 *     TW_TRY(tw_deadline_check(until, "the rows were read", err));
 */
#ifndef TW_BASE_DEADLINE_H
#define TW_BASE_DEADLINE_H

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "base/decls.h"
#include "base/error.h"

TW_BEGIN_DECLS

typedef double tw_deadline;

/* That many seconds from now. */
tw_deadline tw_deadline_in(double seconds);

bool tw_deadline_passed(tw_deadline until); /* false for 0 */

/* TW_ETIMEOUT: "the deadline passed before <what>". */
TW_NODISCARD tw_status tw_deadline_check(tw_deadline until, const char *what, tw_error *err);

/* For the ...clocklock and ...clockwait calls with CLOCK_MONOTONIC. Not for 0. */
struct timespec tw_deadline_timespec(tw_deadline until);

/* Takes the mutex. TW_ETIMEOUT, as above: it was held until the deadline, or that has passed. */
TW_NODISCARD tw_status tw_deadline_lock(tw_deadline until, pthread_mutex_t *lock, const char *what,
                                        tw_error *err);

TW_END_DECLS

#endif
