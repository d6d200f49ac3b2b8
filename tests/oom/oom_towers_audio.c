/* Every allocation of the audio front end fails in turn. */
#include "base/alloc.h"
#include "tests/support/test.h"
#include "towers/audio/audio_logmel.h"

static tw_status make_and_run(void)
{
    float x[500] = {0.5F};
    const tw_audio s = {.rate = 11025, .frames = 500, .samples = x};
    tw_status st = TW_OK;
    twi_logmel_config cfg;
    twi_logmel *m = NULL;
    float *rows = NULL;
    int n = 0;

    assert_ok(twi_logmel_preset(&cfg, "panns", err));
    TW_TRY(twi_logmel_create(&m, &cfg, NULL));
    st = twi_logmel_run(m, &s, &rows, &n, NULL);
    assert_true((rows == NULL) == (st != TW_OK));
    tw_free(rows);
done:
    assert_true(m != NULL || st != TW_OK);
    twi_logmel_destroy(m);
    return st;
}

static void a_front_end_survives_every_failed_allocation(void **state)
{
    (void) state;
    long nth = 0;
    for (bool fired = true; fired;) {
        tw_torture_arm(++nth);
        const tw_status st = make_and_run();
        fired = tw_torture_fired();
        tw_torture_arm(0);
        assert_int_equal(st, fired ? TW_ENOMEM : TW_OK);
    }
    assert_true(nth > 8); /* handle, window, weights, two for the plan, four for an audio file */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_front_end_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
