#include "tests/support/test.h"

#include <string.h>

#include "towers/towers.h"

static void the_default_is_read_back_as_it_is_written(void **state)
{
    (void) state;
    tw_tower_recipe r;
    tw_text a, b;
    memset(&r, 0, sizeof r);
    tw_text_init(&a, 4096);
    tw_text_init(&b, 4096);
    assert_ok(tw_tower_recipe_format(&TW_TOWER_RECIPE_DEFAULT, &a, err));
    assert_ok(tw_tower_recipe_parse(&r, a.data, a.len, err));
    assert_ok(tw_tower_recipe_format(&r, &b, err));
    assert_string_equal(a.data, b.data);
    for (int i = 0; i < tw_tower_settings.n; i++) {
        const tw_setting *of = &tw_tower_settings.list[i];
        assert_true(strlen(of->help) > 5);
        assert_ok(tw_setting_check(of, &TW_TOWER_RECIPE_DEFAULT, err));
    }
    assert_int_equal(TW_TOWER_RECIPE_DEFAULT.tower.dim, TW_TOWER_CONFIG_DEFAULT.dim);
    assert_near(TW_TOWER_RECIPE_DEFAULT.train.lr, TW_TOWER_TRAIN_DEFAULT.lr, 0);
    assert_int_equal(TW_TOWER_RECIPE_DEFAULT.mine.window, TW_MINE_DEFAULT.window);
    tw_text_fini(&a);
    tw_text_fini(&b);
}

/* What files and flags of earlier versions hold means the same. */
static void earlier_names_are_understood(void **state)
{
    static const char json[] = "{\"picture\": \"conv4\", \"picture_size\": 64, \"sound\": \"cnn\", "
                               "\"sound_seconds\": 3, \"rarity\": 0.5}";
    tw_tower_recipe r = TW_TOWER_RECIPE_DEFAULT;
    (void) state;
    assert_ok(tw_tower_recipe_parse(&r, json, strlen(json), err));
    assert_int_equal(r.tower.image, TW_IMAGE_CONV4);
    assert_int_equal(r.tower.image_size, 64);
    assert_int_equal(r.tower.audio, TW_AUDIO_CNN);
    assert_near(r.tower.audio_seconds, 3, 0);
    assert_near(r.tower.idf_power, 1.5, 0);
    assert_ok(tw_tower_recipe_set(&r, "rarity", "-1", err));
    assert_near(r.tower.idf_power, 0, 0);
    assert_string_equal(tw_settings_renamed(&tw_tower_settings, "sound_front"), "audio_front");
    assert_null(tw_settings_renamed(&tw_tower_settings, "audio_front"));
    assert_null(tw_settings_renamed(&tw_tower_settings, "colour"));
    for (int i = 0; i < tw_tower_settings.n_renamed; i++)
        assert_non_null(tw_settings_find(&tw_tower_settings, tw_tower_settings.renamed[i].old));
}

static void a_recipe_survives_json(void **state)
{
    static const char json[] =
        "{\"dim\": 32, \"loss\": \"triplet\", \"lr\": 0.25, \"logq\": true, \"seed\": "
        "9007199254740991, \"window\": 7}";
    tw_tower_recipe r = TW_TOWER_RECIPE_DEFAULT, s = TW_TOWER_RECIPE_DEFAULT;
    tw_text text;
    (void) state;
    assert_ok(tw_tower_recipe_parse(&r, json, strlen(json), err));
    tw_text_init(&text, 4096);
    assert_ok(tw_tower_recipe_format(&r, &text, err));
    assert_ok(tw_tower_recipe_parse(&s, text.data, text.len, err));
    assert_int_equal(s.tower.dim, 32);
    assert_int_equal(s.train.loss, TW_LOSS_TRIPLET);
    assert_near(s.train.lr, 0.25, 0);
    assert_true(s.train.logq);
    assert_int_equal(s.tower.seed, 9007199254740991);
    assert_int_equal(s.train.seed, 9007199254740991);
    assert_int_equal(s.mine.window, 7);
    tw_text_fini(&text);
}

static void bad_settings_are_refused_with_their_name(void **state)
{
    static const struct {
        const char *json, *says;
    } rows[] = {
        {"{\"dmi\": 3}", "dmi"},
        {"{\"dim\": 0}", "dim 0"},
        {"{\"dim\": 4097}", "dim 4097"},
        {"{\"dim\": 3.5}", "dim 3.5"},
        {"{\"dim\": \"3\"}", "dim"},
        {"{\"loss\": \"hinge\"}", "loss"},
        {"{\"loss\": 1}", "loss"},
        {"{\"logq\": 1}", "logq"},
        {"{\"lr\": 0}", "lr 0"},
        {"{\"dim\": 1e999}", "too large"},
        {"{\"dim\": 3, \"dim\": 4}", "line 1"},
        {"[1]", "object"},
        {"{", "line 1"},
        {"", "line 1"},
    };
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tw_tower_recipe r = TW_TOWER_RECIPE_DEFAULT;
        tw_error err = {0};
        assert_int_equal(tw_tower_recipe_parse(&r, rows[i].json, strlen(rows[i].json), &err),
                         TW_EINVAL);
        if (strstr(err.msg, rows[i].says) == NULL)
            fail_msg("%s: '%s' does not say '%s'", rows[i].json, err.msg, rows[i].says);
    }
}

static void a_flag_out_of_range_changes_nothing(void **state)
{
    tw_tower_recipe r = TW_TOWER_RECIPE_DEFAULT;
    (void) state;
    assert_status(tw_tower_recipe_set(&r, "bits", "99", err), TW_EINVAL);
    assert_status(tw_tower_recipe_set(&r, "bits", "12x", err), TW_EINVAL);
    assert_status(tw_tower_recipe_set(&r, "logq", "maybe", err), TW_EINVAL);
    assert_status(tw_tower_recipe_set(&r, "nope", "1", err), TW_EINVAL);
    assert_memory_equal(&r.tower.bits, &TW_TOWER_RECIPE_DEFAULT.tower.bits, sizeof r.tower.bits);
    assert_ok(tw_tower_recipe_set(&r, "bits", "12", err));
    assert_int_equal(r.tower.bits, 12);
}

static void an_empty_ngram_range_is_refused(void **state)
{
    tw_tower_config cfg = TW_TOWER_CONFIG_DEFAULT;
    tw_tower *t = (void *) &cfg;
    (void) state;
    cfg.ngram_min = 4;
    cfg.ngram_max = 3;
    assert_status(tw_tower_create(&t, &cfg, NULL, err), TW_EINVAL);
    assert_null(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_is_read_back_as_it_is_written),
        cmocka_unit_test(earlier_names_are_understood),
        cmocka_unit_test(a_recipe_survives_json),
        cmocka_unit_test(bad_settings_are_refused_with_their_name),
        cmocka_unit_test(a_flag_out_of_range_changes_nothing),
        cmocka_unit_test(an_empty_ngram_range_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
