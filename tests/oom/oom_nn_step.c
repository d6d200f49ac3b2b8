/* A trainer and a training step with every allocation failing once. */
#include "base/alloc.h"
#include "tests/support/test.h"
#include "tests/unit/nn/toy_model.h"

static tw_status create_step_update(tw_error *err)
{
    tw_status st = TW_OK;
    toy m = {0};
    tw_trainer *tr = NULL;
    const tw_trainer_config cfg = {.threads = 1, .seed = 1, .adam = TW_ADAM_DEFAULT};
    TW_TRY(toy_create(&m, 1, err));
    TW_TRY(tw_trainer_create(&tr, m.ps, &cfg, err));
    TW_TRY(tw_trainer_run(tr, true, toy_step, &m, err));
    TW_TRY(tw_trainer_update(tr, 0.01, err));
done:
    tw_trainer_destroy(tr);
    tw_params_destroy(m.ps);
    return st;
}

static void every_failed_allocation_is_reported(void **state)
{
    (void) state;
    long nth = 0;
    bool fired;
    do {
        tw_error err = {0};
        tw_torture_arm(++nth);
        tw_status st = create_step_update(&err);
        fired = tw_torture_fired();
        tw_torture_arm(0);
        assert_int_equal(st, fired ? TW_ENOMEM : TW_OK);
        assert_int_equal(err.msg[0] != '\0', fired);
    } while (fired);
    assert_true(nth > 30);
}

/* A step that ran out of memory can be run again by the same trainer. */
static void a_trainer_outlives_a_step_without_memory(void **state)
{
    (void) state;
    toy m;
    tw_trainer *tr = NULL;
    const tw_trainer_config cfg = {.threads = 1, .seed = 1, .adam = TW_ADAM_DEFAULT};
    assert_ok(toy_create(&m, 1, err));
    assert_ok(tw_trainer_create(&tr, m.ps, &cfg, err));
    tw_torture_arm(1);
    assert_status(tw_trainer_run(tr, true, toy_step, &m, err), TW_ENOMEM);
    tw_torture_arm(0);
    assert_ok(tw_trainer_run(tr, true, toy_step, &m, err));
    assert_ok(tw_trainer_update(tr, 0.01, err));
    tw_trainer_destroy(tr);
    tw_params_destroy(m.ps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_failed_allocation_is_reported),
        cmocka_unit_test(a_trainer_outlives_a_step_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
