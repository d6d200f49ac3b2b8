/* The table of settings: written forms, JSON, ranges, earlier names, and the sentences of each
 * refusal. */
#include "tests/support/test.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/settings.h"

typedef enum colour { RED, GREEN, BLUE } colour;

typedef struct paint {
    int coats;
    int64_t seed;
    double gloss;
    bool outside;
    colour colour;
} paint;

static const char *const colours[] = {"red", "green", "blue", NULL};
static const tw_setting list[] = {
    TW_WHOLE(paint, coats, 1, 9, "layers"),
    {TW_SETTING_AT(TW_SETTING_INT64, paint, seed, 0, TW_SETTING_MAX_INT64, "of all randomness")},
    TW_NUMBER(paint, gloss, 0, 1, "share of light that comes back"),
    TW_YES_NO(paint, outside, "stands rain"),
    TW_CHOICE(paint, colour, colours, "red, green or blue"),
};
static const tw_setting_rename renamed[] = {{"layers", "coats", 0}, {"dullness", "gloss", 0.5}};
static const tw_settings settings = {"a paint", list, 5, renamed, 2};
static const paint fresh = {.coats = 2, .seed = 1, .gloss = 0.25, .colour = GREEN};

static void every_kind_is_set_from_its_written_form(void **state)
{
    paint p = fresh;
    (void) state;
    assert_ok(tw_settings_set(&settings, &p, "coats", "3", err));
    assert_ok(tw_settings_set(&settings, &p, "seed", "9007199254740991", err));
    assert_ok(tw_settings_set(&settings, &p, "gloss", "0.1", err));
    assert_ok(tw_settings_set(&settings, &p, "outside", "true", err));
    assert_ok(tw_settings_set(&settings, &p, "colour", "blue", err));
    assert_int_equal(p.coats, 3);
    assert_true(p.seed == 9007199254740991 && p.gloss == 0.1 && p.outside && p.colour == BLUE);
    assert_near(tw_setting_get(&list[1], &p), 9007199254740991.0, 0);
    assert_near(tw_setting_get(&list[3], &p), 1, 0);
}

static void a_refusal_names_the_value_and_what_may_be(void **state)
{
    static const struct {
        const char *key, *value, *message;
    } rows[] = {
        {"coats", "0", "coats 0 is outside 1..9"},
        {"coats", "2.5", "coats 2.5 is not a whole number"},
        {"coats", "two", "coats is 'two'; give a whole number"},
        {"coats", "", "coats is ''; give a whole number"},
        {"gloss", "nan", "gloss is 'nan'; give a number"},
        {"gloss", "1.01", "gloss 1.01 is outside 0..1"},
        {"seed", "-1", "seed -1 is outside 0..9007199254740991"},
        {"outside", "yes", "outside is 'yes'; give false or true"},
        {"colour", "Red", "colour is 'Red'; give red, green or blue"},
        {"shine", "1", "a paint has no setting 'shine'"},
    };
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        paint p = fresh;
        tw_error why = {0};
        assert_int_equal(tw_settings_set(&settings, &p, rows[i].key, rows[i].value, &why),
                         TW_EINVAL);
        assert_string_equal(why.msg, rows[i].message);
        assert_memory_equal(&p, &fresh, sizeof p);
    }
}

static void json_is_read_and_written(void **state)
{
    static const char json[] = "{\"coats\": 4, \"seed\": 12, \"gloss\": 0.1, \"outside\": true, "
                               "\"colour\": \"red\"}";
    paint p = fresh;
    tw_text out;
    (void) state;
    tw_text_init(&out, 1024);
    assert_ok(tw_settings_parse(&settings, &p, json, strlen(json), err));
    assert_ok(tw_settings_format(&settings, &p, NULL, &out, err));
    assert_string_equal(tw_text_cstr(&out), json);
    tw_text_fini(&out);
    json_t *object = tw_settings_json(&settings, &p);
    char *text = json_dumps(object, JSON_REAL_PRECISION(9));
    assert_string_equal(text, json);
    free(text);
    json_decref(object);
}

static void json_of_a_wrong_type_is_refused(void **state)
{
    static const struct {
        const char *json, *message;
    } rows[] = {
        {"{\"coats\": \"4\"}", "coats must be a number (layers)"},
        {"{\"outside\": 1}", "outside must be true or false (stands rain)"},
        {"{\"colour\": 0}", "colour must be a string (red, green or blue)"},
        {"{\"gloss\": null}", "gloss must be a number (share of light that comes back)"},
        {"[]", "the settings of a paint must be a JSON object"},
        {"{\"coats\": 1, \"coats\": 2}",
         "the settings of a paint, line 1, column 20: a name stands twice"},
    };
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        paint p = fresh;
        tw_error why = {0};
        const size_t len = strlen(rows[i].json);
        assert_int_equal(tw_settings_parse(&settings, &p, rows[i].json, len, &why), TW_EINVAL);
        assert_string_equal(why.msg, rows[i].message);
    }
}

static void earlier_names_mean_the_same(void **state)
{
    static const char json[] = "{\"layers\": 7, \"dullness\": 0.25}";
    paint p = fresh;
    (void) state;
    assert_ok(tw_settings_parse(&settings, &p, json, strlen(json), err));
    assert_int_equal(p.coats, 7);
    assert_near(p.gloss, 0.75, 0);
    assert_ok(tw_settings_set(&settings, &p, "dullness", "0.5", err));
    assert_near(p.gloss, 1, 0);
    assert_status(tw_settings_set(&settings, &p, "dullness", "0.6", err), TW_EINVAL);
    assert_string_equal(tw_settings_renamed(&settings, "layers"), "coats");
    assert_null(tw_settings_renamed(&settings, "coats"));
    assert_null(tw_settings_find(&settings, "shine"));
}

static void a_number_is_written_by_the_fewest_digits_that_read_back(void **state)
{
    static const struct {
        double value;
        const char *text;
    } rows[] = {
        {0.1, "\"gloss\": 0.1"}, {1.0 / 3, "\"gloss\": 0.33333333333333331"}, {1, "\"gloss\": 1"}};
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const paint p = {.gloss = rows[i].value};
        tw_text out;
        tw_text_init(&out, 64);
        assert_ok(tw_setting_format(&list[2], &p, &out, err));
        assert_string_equal(tw_text_cstr(&out), rows[i].text);
        tw_text_fini(&out);
    }
    const paint broken = {.gloss = (double) NAN};
    assert_status(tw_setting_check(&list[2], &broken, err), TW_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_set_from_its_written_form),
        cmocka_unit_test(a_refusal_names_the_value_and_what_may_be),
        cmocka_unit_test(json_is_read_and_written),
        cmocka_unit_test(json_of_a_wrong_type_is_refused),
        cmocka_unit_test(earlier_names_mean_the_same),
        cmocka_unit_test(a_number_is_written_by_the_fewest_digits_that_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
