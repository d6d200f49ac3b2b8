/* A model's settings from flags, a config file and the name of a family member. */
#include "tests/support/test.h"

#include <glob.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "cli/model_settings.h"
#include "seqmodel/seqmodel.h"
#include "tests/unit/cli/captured.h"
#include "towers/recipe.h"

typedef struct values {
    basics b;
    seq_model_flags seq;
} values;

static const command trains = {.name = "train test",
                               .synopsis = "",
                               .about = "",
                               .example = "",
                               .size = sizeof(values),
                               .settings = &tw_seq_settings,
                               .settings_at = offsetof(values, seq.set)};

static values v;
static int compared;
static captured said;
static void take(const char *name, const char *value, int want)
{
    captured_begin(&said, stderr);
    const int rc = settings_take(&trains, &v, name, value);
    (void) captured_end(&said);
    assert_int_equal(rc, want);
}

/* The settings that come out, or what is said of wrong ones. */
static tw_seq_config complete(int want)
{
    call c = {.of = &trains, .values = &v};
    const char *json = NULL, *preset = NULL;
    tw_seq_config cfg = tw_seq_config_default();
    captured_begin(&said, stderr);
    const int rc = seq_settings_check(&c, &v.seq, &json, &preset);
    (void) captured_end(&said);
    assert_int_equal(rc, want);
    if (rc == -1)
        assert_ok(tw_seq_config_from_json(&cfg, json, strlen(json), NULL));
    seq_model_flags_fini(&v.seq);
    return cfg;
}

static const char *config_file(const char *json) { return tw_test_file("config.json", json); }

static void a_setting_is_a_flag_with_dashes_or_underscores(void **state)
{
    (void) state;
    v = (values){0};
    take("item-dim", "24", 1);
    take("max_len", "17", 1);
    take("frobs", "1", 0);
    const tw_seq_config cfg = complete(-1);
    assert_int_equal(cfg.item_dim, 24);
    assert_int_equal(cfg.max_len, 17);
}

static void a_setting_without_a_value_is_refused(void **state)
{
    (void) state;
    v = (values){0};
    take("item-dim", NULL, -1);
    assert_string_equal(said.text, "twindex: --item-dim needs a value\n");
}

static void a_renamed_setting_is_taken_and_noted(void **state)
{
    (void) state;
    v = (values){0};
    take("item_dim", "24", 1);
    assert_string_equal(said.text, "");
    take("content-dim", "8", 1);
    assert_string_equal(said.text, "note: --content_dim is called --item_features_dim now; the old "
                                   "name is still understood\n");
    assert_int_equal(complete(-1).item_features_dim, 8);
    v = (values){.seq.config = config_file("{\"content_dim\": 5}")};
    assert_int_equal(complete(-1).item_features_dim, 5);
    assert_string_equal(said.text, "note: content_dim is called item_features_dim now; the old "
                                   "name is still understood\n");
}

static void flags_go_over_the_file_and_the_file_over_the_member(void **state)
{
    (void) state;
    v = (values){.b.threads = 2,
                 .seq = {.model = "sasrec",
                         .config = config_file("{\"item_dim\": 12, \"max_len\": 9, \"sse_user\": "
                                               "0.25, \"threads\": 7}")}};
    take("max_len", "11", 1);
    const tw_seq_config cfg = complete(-1);
    assert_int_equal(cfg.user_dim, 0);
    assert_near(cfg.sse_user, 0.25, 0);
    assert_int_equal(cfg.item_dim, 12);
    assert_int_equal(cfg.max_len, 11);
    assert_int_equal(cfg.threads, 2);
}

static void the_members_of_the_family_are_what_their_papers_say(void **state)
{
    const tw_seq_config plain = tw_seq_config_default();
    (void) state;
    v = (values){.seq.model = "sse-pt"};
    tw_seq_config cfg = complete(-1);
    assert_int_equal(cfg.user_dim, plain.user_dim);
    assert_near(cfg.sse_user, plain.sse_user, 0);
    v = (values){.seq.model = "pt"};
    cfg = complete(-1);
    assert_int_equal(cfg.user_dim, plain.user_dim);
    assert_near(fmax(cfg.sse_user, fmax(cfg.sse_item_input, cfg.sse_item_target)), 0, 0);
    v = (values){.seq.model = "sasrec"};
    cfg = complete(-1);
    assert_int_equal(cfg.user_dim, 0);
    assert_near(fmax(cfg.sse_user, fmax(cfg.sse_item_input, cfg.sse_item_target)), 0, 0);
}

static void what_is_wrong_is_said_with_the_command_and_exits_with_2(void **state)
{
    static const struct {
        const char *model, *json, *key, *value, *says;
    } wrong[] = {
        {"gru", NULL, NULL, NULL, "--model is 'gru'"},
        {NULL, "{\"item_dim\": \"x\"}", NULL, NULL, "item_dim"},
        {NULL, "[", NULL, NULL, "a sequential model, line"},
        {NULL, NULL, "item_dim", "-1", "item_dim"},
        {NULL, NULL, "loss", "cx", "ce"},
        {NULL, NULL, "heads", "7", "heads"}, /* a rule between settings */
        {NULL, "{\"preset\": \"short\"}", NULL, NULL, "preset"},
    };
    (void) state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        v = (values){.seq.model = wrong[i].model};
        if (wrong[i].json != NULL)
            v.seq.config = config_file(wrong[i].json);
        if (wrong[i].key != NULL)
            take(wrong[i].key, wrong[i].value, 1);
        (void) complete(EXIT_USAGE);
        assert_ptr_equal(strstr(said.text, "twindex train test: "), said.text);
        assert_non_null(strstr(said.text, wrong[i].says));
    }
}

static void only_what_was_given_goes_over_the_preset(void **state)
{
    const tw_seq_extent large = {20000, 20000, 150000};
    tw_seq_config cfg = tw_seq_config_default();
    const char *json = NULL, *preset = NULL;
    call c = {.of = &trains, .values = &v};
    (void) state;
    v = (values){.seq = {.preset = "auto", .model = "pt"}};
    take("epochs", "45", 1); /* as the defaults have it, but said */
    assert_int_equal(seq_settings_check(&c, &v.seq, &json, &preset), -1);
    assert_string_equal(preset, "auto");
    assert_ok(tw_seq_config_choose(&cfg, preset, json, &large, &preset, err));
    assert_string_equal(preset, "short");
    assert_int_equal(cfg.epochs, 45);
    assert_int_equal(cfg.max_len, 50);
    assert_near(cfg.sse_item_input, 0, 0);
    seq_model_flags_fini(&v.seq);
    v = (values){.seq.preset = "shrt"};
    (void) complete(EXIT_USAGE);
    assert_non_null(strstr(said.text, "preset is 'shrt'; give auto, small, short, fast or long"));
}

static void more_settings_than_there_is_room_for_are_refused(void **state)
{
    (void) state;
    v = (values){0};
    for (int i = 0; i < 64; i++)
        take("epochs", "3", 1);
    take("epochs", "4", -1);
    assert_string_equal(said.text, "twindex: more than 64 settings\n");
    assert_int_equal(complete(-1).epochs, 3);
}

static void help_lists_every_setting_once_with_its_default_in_80_columns(void **state)
{
    static const struct {
        void (*print)(FILE *out);
        const tw_settings *of;
    } both[] = {{print_seq_settings, &tw_seq_settings}, {print_tower_settings, &tw_tower_settings}};
    (void) state;
    for (size_t k = 0; k < 2; k++) {
        captured_begin(&said, stdout);
        both[k].print(stdout);
        const char *text = captured_end(&said);
        int listed = 0;
        for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
            assert_true(strcspn(line, "\n") <= 80);
            listed += strncmp(line, "  --", 4) == 0;
        }
        assert_int_equal(listed, both[k].of->n);
        for (int i = 0; i < both[k].of->n; i++) {
            char flag_name[80];
            (void) snprintf(flag_name, sizeof flag_name, "\n  --%s ", both[k].of->list[i].key);
            assert_non_null(strstr(text, flag_name));
        }
    }
    captured_begin(&said, stdout);
    print_seq_settings(stdout);
    assert_non_null(strstr(captured_end(&said), "(ce)")); /* a choice, without quotes */
}

/* What `--preset NAME` means is what bench/presets/NAME.json was measured with. */
static void compare_with_the_one_built_in(const char *path, tw_seq_config of_file)
{
    for (int i = 0; tw_seq_presets[i] != NULL; i++) {
        tw_seq_config built_in = tw_seq_config_default();
        tw_text a, b;
        char name[32];
        (void) snprintf(name, sizeof name, "/%s.json", tw_seq_presets[i]);
        if (strstr(path, name) == NULL)
            continue;
        assert_ok(tw_seq_config_choose(&built_in, tw_seq_presets[i], NULL, NULL, NULL, err));
        tw_text_init(&a, 4096);
        tw_text_init(&b, 4096);
        assert_ok(tw_seq_config_to_json(&of_file, &a, err));
        assert_ok(tw_seq_config_to_json(&built_in, &b, err));
        assert_string_equal(tw_text_cstr(&b), tw_text_cstr(&a));
        tw_text_fini(&a);
        tw_text_fini(&b);
        compared++;
    }
}

static void presets_are_settings_that_go_together(void **state)
{
    glob_t found;
    int seen = 0;
    (void) state;
    assert_int_equal(glob(TW_TEST_SOURCE_DIR "/bench/presets/*.json", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const bool towers = strstr(found.gl_pathv[i], "/towers-") != NULL;
        char *json;
        size_t len;
        v = (values){.seq.config = found.gl_pathv[i]};
        if (towers) {
            tw_tower_recipe recipe = TW_TOWER_RECIPE_DEFAULT;
            assert_ok(tw_file_read(found.gl_pathv[i], MAX_CONFIG, &json, &len, err));
            assert_ok(tw_settings_parse(&tw_tower_settings, &recipe, json, len, err));
            tw_free(json);
        } else {
            const tw_seq_config of_file = complete(-1);
            assert_string_equal(said.text, ""); /* no name of before */
            compare_with_the_one_built_in(found.gl_pathv[i], of_file);
        }
        seen |= towers ? 1 : 2;
    }
    assert_int_equal(seen, 3);
    assert_int_equal(compared, 3); /* short, fast, long */
    globfree(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_setting_is_a_flag_with_dashes_or_underscores),
        cmocka_unit_test(a_setting_without_a_value_is_refused),
        cmocka_unit_test(a_renamed_setting_is_taken_and_noted),
        cmocka_unit_test(flags_go_over_the_file_and_the_file_over_the_member),
        cmocka_unit_test(the_members_of_the_family_are_what_their_papers_say),
        cmocka_unit_test(what_is_wrong_is_said_with_the_command_and_exits_with_2),
        cmocka_unit_test(only_what_was_given_goes_over_the_preset),
        cmocka_unit_test(more_settings_than_there_is_room_for_are_refused),
        cmocka_unit_test(help_lists_every_setting_once_with_its_default_in_80_columns),
        cmocka_unit_test(presets_are_settings_that_go_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
