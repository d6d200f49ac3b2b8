#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/seqmodel/seq_toy.h"

static tw_status from(tw_seq_config *c, const char *json, tw_error *err)
{
    return tw_seq_config_from_json(c, json, strlen(json), err);
}

static void the_default_is_a_valid_sse_pt(void **state)
{
    (void) state;
    tw_seq_config c = tw_seq_config_default();
    assert_ok(tw_seq_config_check(&c, err));
    assert_true(c.user_dim > 0 && c.sse_user > 0);
}

static void json_round_trip_keeps_every_field(void **state)
{
    (void) state;
    tw_seq_config c = tw_seq_config_default(), back = tw_seq_config_default();
    tw_text json, again;

    /* No two alike and none the default: each through its own key. */
    assert_ok(
        from(&c,
             "{\"user_dim\": 3, \"item_dim\": 7, \"max_len\": 11, \"blocks\": 4, \"heads\": 5,"
             " \"gated\": 1, \"norm\": \"post\", \"loss\": \"gbce\", \"negatives\": 13, "
             "\"temperature\": 0.7, \"popularity\": 0.6,"
             " \"negative_power\": 0.25, \"logq\": 0.35, \"calibration\": 0.45, \"normalize\": 1,"
             " \"negative_weight\": 0.55, \"exclude_seen\": 1,"
             " \"dropout\": 0.11, \"sse_user\": 0.12, \"sse_item_input\": 0.13,"
             " \"sse_item_target\": 0.14, \"unknown_user\": 0.15, \"window\": 0.16,"
             " \"lr\": 0.017, \"lr_end\": 0.4, \"beta2\": 0.918, \"weight_decay\": 0.19, "
             "\"clip_norm\": 2.5, \"shuffle_ties\": 0.3, \"average\": 0.9,"
             " \"batch\": 17, \"epochs\": 19, \"eval_every\": 23, \"select_on\": \"sampled100\", "
             "\"patience\": 29,"
             " \"max_seconds\": 31.5, \"threads\": 6, \"seed\": 9007199254740991}",
             err));
    assert_int_equal(c.norm, TW_SEQ_POST);
    assert_int_equal(c.loss, TW_SEQ_GBCE);
    assert_true(c.negative_power == 0.25 && c.logq == 0.35 && c.calibration == 0.45);
    assert_true(c.negative_weight == 0.55 && c.exclude_seen == 1);
    assert_true(c.seed == 9007199254740991);
    assert_true(c.sse_item_input == 0.13 && c.sse_item_target == 0.14 && c.window == 0.16);

    tw_text_init(&json, 8192);
    tw_text_init(&again, 8192);
    assert_ok(tw_seq_config_to_json(&c, &json, err));
    assert_ok(from(&back, tw_text_cstr(&json), err));
    assert_ok(tw_seq_config_to_json(&back, &again, err));
    assert_string_equal(tw_text_cstr(&json), tw_text_cstr(&again));
    assert_non_null(strstr(tw_text_cstr(&json), "\"sse_user\": 0.12, "));
    for (int i = 0; i < tw_seq_settings.n; i++) {
        char quoted[80];
        (void) snprintf(quoted, sizeof quoted, "\"%s\": ", tw_seq_settings.list[i].key);
        assert_non_null(strstr(tw_text_cstr(&json), quoted));
        assert_true(strlen(tw_seq_settings.list[i].help) > 3);
    }
    tw_text_fini(&json);
    tw_text_fini(&again);
}

static void a_bad_setting_gets_one_sentence_and_changes_nothing(void **state)
{
    (void) state;
    static const struct {
        const char *json, *msg;
    } rows[] = {
        {"{\"lr\": 0.5, \"colour\": 1}", "a sequential model has no setting 'colour'"},
        {"{\"lr\": 0.5, \"dropout\": 1.5}", "dropout 1.5 is outside 0..0.95"},
        {"{\"lr\": 0.5, \"item_dim\": 7.5}", "item_dim 7.5 is not a whole number"},
        {"{\"lr\": 0.5, \"item_dim\": 4000000000}", "item_dim 4000000000 is outside 1..1024"},
        {"{\"lr\": 0.5, \"loss\": \"mse\"}", "loss is 'mse'; give bce, ce, sampled-ce or gbce"},
        {"{\"lr\": 0.5, \"norm\": \"in\"}", "norm is 'in'; give authors, pre or post"},
        {"{\"lr\": 0.5, \"norm\": 1}",
         "norm must be a string (where layer norm stands: authors, pre or post)"},
        {"{\"lr\": 0.5, \"beta2\": true}", "beta2 must be a number (Adam's second decay rate)"},
        {"{\"lr\": 0.5, \"seed\": -1}", "seed -1 is outside 0..9007199254740991"},
        {"[1]", "the settings of a sequential model must be a JSON object"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tw_seq_config c = tw_seq_config_default();
        tw_error why = {0};
        assert_int_equal(from(&c, rows[i].json, &why), TW_EINVAL);
        assert_string_equal(why.msg, rows[i].msg);
        assert_true(c.lr == tw_seq_config_default().lr);
    }
    tw_seq_config c = tw_seq_config_default();
    assert_status(from(&c, "{\"lr\": 0.1, \"lr\": 0.2}", err), TW_EINVAL);
    assert_status(from(&c, "{", err), TW_EINVAL);
    assert_status(from(&c, "", err), TW_EINVAL);
}

/* What files and flags of earlier versions hold means the same. */
static void an_earlier_name_is_understood(void **state)
{
    (void) state;
    tw_seq_config c = tw_seq_config_default();
    assert_ok(from(&c, "{\"content_dim\": 24}", err));
    assert_int_equal(c.item_features_dim, 24);
    assert_string_equal(tw_settings_renamed(&tw_seq_settings, "content_dim"), "item_features_dim");
}

static void command_line_text_sets_a_key(void **state)
{
    (void) state;
    tw_seq_config c = tw_seq_config_default();
    tw_error why = {0};

    assert_ok(tw_seq_config_set(&c, "loss", "bce", err));
    assert_ok(tw_seq_config_set(&c, "sse_user", "0.25", err));
    assert_ok(tw_seq_config_set(&c, "max_len", "33", err));
    assert_true(c.loss == TW_SEQ_BCE && c.sse_user == 0.25 && c.max_len == 33);
    assert_int_equal(tw_seq_config_set(&c, "max_len", "3.5", &why), TW_EINVAL);
    assert_string_equal(why.msg, "max_len 3.5 is not a whole number");
    assert_status(tw_seq_config_set(&c, "lr", "fast", err), TW_EINVAL);
    assert_status(tw_seq_config_set(&c, "lr", "nan", err), TW_EINVAL);
    assert_status(tw_seq_config_set(&c, "speed", "1", err), TW_EINVAL);
    assert_int_equal(c.max_len, 33);
}

static void rules_between_fields_are_checked(void **state)
{
    (void) state;
    tw_seq_config c = tw_seq_config_default();
    tw_error why = {0};

    c.user_dim = 600;
    c.item_dim = 500;
    assert_int_equal(tw_seq_config_check(&c, &why), TW_EINVAL);
    assert_string_equal(why.msg, "user_dim 600 + item_dim 500 is more than 1024");
    c = tw_seq_config_default();
    c.user_dim = 3;
    c.item_dim = 4;
    c.heads = 2;
    assert_int_equal(tw_seq_config_check(&c, &why), TW_EINVAL);
    assert_string_equal(why.msg, "heads 2 does not divide user_dim 3 + item_dim 4");
    c = tw_seq_config_default();
    c.loss = TW_SEQ_GBCE;
    c.negative_weight = 0.5;
    assert_int_equal(tw_seq_config_check(&c, &why), TW_EINVAL);
    assert_string_equal(why.msg, "negative_weight 0.5 needs the loss ce or sampled-ce");
    c = tw_seq_config_default();
    c.lr = NAN;
    assert_status(tw_seq_config_check(&c, err), TW_EINVAL);
    c = tw_seq_config_default();
    c.user_dim = 0; /* SASRec */
    assert_ok(tw_seq_config_check(&c, err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_is_a_valid_sse_pt),
        cmocka_unit_test(json_round_trip_keeps_every_field),
        cmocka_unit_test(a_bad_setting_gets_one_sentence_and_changes_nothing),
        cmocka_unit_test(an_earlier_name_is_understood),
        cmocka_unit_test(command_line_text_sets_a_key),
        cmocka_unit_test(rules_between_fields_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
