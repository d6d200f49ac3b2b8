#include <string.h>

#include "base/alloc.h"
#include "cli/plot/training_log.h"
#include "tests/support/test.h"

static void the_sequential_models_log_has_validations_now_and_then(void **state)
{
    (void) state;
    static const char text[] =
        "{\"epoch\": 1, \"loss\": 7.5, \"seconds\": 2.0, \"rows_per_second\": 100}\n"
        "{\"epoch\": 2, \"loss\": 6.5, \"seconds\": 4.5, \"valid\": {\"users\": 9, \"ndcg_at_10\": "
        "0.2}}\n"
        "{\"epoch\": 3, \"loss\": 6.25, \"seconds\": 6.5, \"valid\": {\"users\": 9, "
        "\"ndcg_at_10\": 0.1}}";
    training_log c;
    assert_ok(training_log_read(&c, text, strlen(text), err));
    assert_int_equal(c.loss.n, 3);
    assert_true(c.loss.x[0] == 2.0 && c.loss.y[0] == 7.5 && c.loss.y[2] == 6.25);
    assert_int_equal(c.valid.n, 2);
    assert_true(c.valid.x[0] == 4.5 && c.valid.y[0] == 0.2 && c.valid.x[1] == 6.5);
    assert_int_equal(c.best_epoch, 2);
    assert_true(c.best_x == 4.5 && c.best_y == 0.2);
    training_log_free(&c);
}

/* Epoch 0 is the untrained tower: it is validated, but its loss is none. */
static void the_towers_log_begins_before_the_training(void **state)
{
    (void) state;
    static const char text[] = "{\"epoch\": 0, \"loss\": 0, \"valid\": 0.4, \"seconds\": 0.1}\n"
                               "{\"epoch\": 1, \"loss\": 5, \"valid\": 0.3, \"seconds\": 1.1}\n"
                               "{\"epoch\": 2, \"loss\": 4, \"valid\": null, \"seconds\": 2.1}\n";
    training_log c;
    assert_ok(training_log_read(&c, text, strlen(text), err));
    assert_int_equal(c.loss.n, 2);
    assert_true(c.loss.y[0] == 5);
    assert_int_equal(c.valid.n, 2);
    assert_int_equal(c.best_epoch, 0);
    assert_true(c.best_y == 0.4);
    training_log_free(&c);
}

static void what_is_no_log_says_where(void **state)
{
    (void) state;
    static const char *const bad[] = {"{\"epoch\": 1}\nnonsense\n", "{\"epoch\": 1}\n[1]",
                                      "{\"epoch\": 1}\n{\"epoch\": 2"};
    tw_error why = {0};
    training_log c;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(training_log_read(&c, bad[i], strlen(bad[i]), &why), TW_ECORRUPT);
        assert_string_equal(why.msg, "line 2 of the training's log is no JSON object");
        training_log_free(&c);
    }
    assert_ok(training_log_read(&c, "", 0, err));
    assert_int_equal(c.loss.n, 0);
    training_log_free(&c);
}

static void without_memory_it_says_so(void **state)
{
    (void) state;
    static const char text[] = "{\"epoch\": 1, \"loss\": 7.5, \"seconds\": 2.0}\n";
    for (long nth = 1; nth <= 4; nth++) {
        training_log c;
        tw_torture_arm(nth);
        assert_status(training_log_read(&c, text, strlen(text), err), TW_ENOMEM);
        tw_torture_arm(0);
        training_log_free(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sequential_models_log_has_validations_now_and_then),
        cmocka_unit_test(the_towers_log_begins_before_the_training),
        cmocka_unit_test(what_is_no_log_says_where),
        cmocka_unit_test(without_memory_it_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
