/* tests/oom/torture.h — runs a piece of work with the nth allocation failing,
 * n = 1, 2, ..., until it needs no more. */
#ifndef TW_TESTS_OOM_TORTURE_H
#define TW_TESTS_OOM_TORTURE_H

#include "base/alloc.h"
#include "tests/support/test.h"

/* `act` must give TW_ENOMEM exactly when an allocation failed; at least `least` must be able to. */
static inline void torture(tw_status (*act)(void *ctx), void *ctx, long least)
{
#ifdef TW_TORTURE
    long nth = 0;
    bool fired;
    do {
        tw_torture_arm(++nth);
        tw_status st = act(ctx);
        fired = tw_torture_fired();
        tw_torture_arm(0);
        if (st != (fired ? TW_ENOMEM : TW_OK))
            fail_msg("allocation %ld: status %d", nth, (int) st);
    } while (fired);
    assert_true(nth - 1 >= least);
#else
    (void) least;
    assert_int_equal(act(ctx), TW_OK);
#endif
}

#endif
