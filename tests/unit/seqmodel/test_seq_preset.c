/* Which settings suit which data, and what goes over them. */
#include "tests/support/test.h"

#include <string.h>

#include "seqmodel/seqmodel.h"

static const char *chosen(const char *preset, const char *json, const tw_seq_extent *n,
                          tw_seq_config *cfg)
{
    const char *name = "none";
    *cfg = tw_seq_config_default();
    assert_ok(tw_seq_config_choose(cfg, preset, json, n, &name, err));
    return name;
}

static void auto_follows_from_users_items_and_events(void **state)
{
    static const struct {
        tw_seq_extent n;
        const char *preset;
    } rows[] = {
        {{943, 1682, 100000}, "small"}, /* long histories, few items */
        {{6441, 1000, 53701}, "small"}, /* short ones, few items */
        {{3000, 8936, 26870}, "short"}, /* short ones, more items */
        {{9000, 20000, 90000}, "short"},
        {{52204, 57289, 394908}, "short"},
        {{6040, 3416, 999611}, "fast"}, /* long histories, too many for the full softmax */
        {{1, 1, 1}, "small"},
        {{2000000000, 2000000000, 2000000000}, "short"},
    };
    tw_seq_config cfg;
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(chosen(NULL, NULL, &rows[i].n, &cfg), rows[i].preset);
}

static void keys_go_over_the_preset_and_a_loss_means_the_defaults(void **state)
{
    const tw_seq_extent many = {52204, 57289, 394908};
    tw_seq_config cfg;
    (void) state;
    assert_string_equal(chosen("auto", "{\"epochs\": 7, \"user_dim\": 16}", &many, &cfg), "short");
    assert_int_equal(cfg.epochs, 7);
    assert_int_equal(cfg.user_dim, 16);
    assert_int_equal(cfg.item_dim, 128);
    assert_string_equal(chosen(NULL, "{\"loss\": \"bce\"}", &many, &cfg), "small");
    assert_int_equal(cfg.loss, TW_SEQ_BCE);
    assert_int_equal(cfg.normalize, 0);
    assert_string_equal(chosen(NULL, "{\"loss\": \"ce\"}", &many, &cfg),
                        "small"); /* the default, but named */
    assert_string_equal(chosen("long", "{\"loss\": \"ce\"}", &many, &cfg), "long");
    assert_int_equal(cfg.loss, TW_SEQ_CE);
}

static void threads_stay_as_they_were_unless_a_key_names_them(void **state)
{
    const tw_seq_extent n = {10, 10, 100};
    tw_seq_config cfg = tw_seq_config_default();
    (void) state;
    cfg.threads = 3;
    assert_ok(tw_seq_config_choose(&cfg, NULL, NULL, &n, NULL, err));
    assert_int_equal(cfg.threads, 3);
    assert_ok(tw_seq_config_choose(&cfg, NULL, "{\"threads\": 1}", &n, NULL, err));
    assert_int_equal(cfg.threads, 1);
}

static void what_does_not_go_together_is_refused_and_changes_nothing(void **state)
{
    const tw_seq_extent many = {52204, 57289, 394908};
    static const struct {
        const char *preset, *json, *says;
        bool with_data;
    } rows[] = {
        {"shrt", NULL, "preset is 'shrt'; give auto, small, short, fast or long", false},
        {"short", "{\"loss\": \"bce\"}", "normalize 1 needs the loss", false},
        {NULL, "{\"heads\": 7}", "heads 7 does not divide", false},
        {NULL, "{\"heads\": 5}", "heads 5 does not divide",
         true}, /* of short; fast has 80 columns */
        {NULL, "{\"epochs\": 0}", "epochs", true},
        {NULL, "[", "line 1", true},
    };
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tw_seq_config cfg = tw_seq_config_default();
        tw_error e = {0};
        cfg.epochs = 1234;
        assert_int_equal(tw_seq_config_choose(&cfg, rows[i].preset, rows[i].json,
                                              rows[i].with_data ? &many : NULL, NULL, &e),
                         TW_EINVAL);
        if (strstr(e.msg, rows[i].says) == NULL)
            fail_msg("%s", e.msg);
        assert_int_equal(cfg.epochs, 1234);
    }
    tw_seq_config cfg = tw_seq_config_default();
    assert_ok(tw_seq_config_choose(&cfg, NULL, "{\"heads\": 5}", NULL, NULL, err)); /* may yet do */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(auto_follows_from_users_items_and_events),
        cmocka_unit_test(keys_go_over_the_preset_and_a_loss_means_the_defaults),
        cmocka_unit_test(threads_stay_as_they_were_unless_a_key_names_them),
        cmocka_unit_test(what_does_not_go_together_is_refused_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
