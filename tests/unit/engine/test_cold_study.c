/* The study of new items and new people: what content gives them, and what it cannot have seen. */
#include <jansson.h>
#include <string.h>

#include "base/alloc.h"
#include "engine/cold_study.h"
#include "tests/support/test.h"
#include "tests/support/toy.h"

#define SMALL                                                                                      \
    "{\"user_dim\": 4, \"item_dim\": 16, \"heads\": 1, \"max_len\": 12, \"blocks\": 1, "           \
    "\"batch\": 16, \"epochs\": 20, \"eval_every\": 5, \"lr\": 0.01, \"id_dropout\": 0.5, "        \
    "\"seed\": 3, \"threads\": 2}"

static json_t *studied(tw_engine *e, const tw_cold_study_options *opt)
{
    char *report = NULL;
    assert_ok(tw_engine_study_seq(e, opt, &report, err));
    json_t *r = json_loads(report, 0, NULL);
    assert_non_null(r);
    tw_free(report);
    return r;
}

static double figure(const json_t *r, const char *part, const char *who, const char *key)
{
    const json_t *x = json_object_get(json_object_get(json_object_get(r, part), who), key);
    assert_true(json_is_number(x));
    return json_number_value(x);
}

static void content_finds_new_items_where_ids_and_counts_cannot(void **state)
{
    (void) state;
    tw_engine *e = toy_engine("cold", true);
    tw_cold_study_options opt = {.config_json = SMALL,
                                 .towers_json = TOY_TOWERS,
                                 .content = true,
                                 .hold_out_items = 0.2,
                                 .hold_out_users = 0.2};
    json_t *r = studied(e, &opt);
    const double users = figure(r, "new_items", "seq", "users");
    const double chance = figure(r, "new_items", "random", "hr_at_10");

    assert_true(users > 0 && figure(r, "new_items", "random", "users") == users);
    assert_near(chance, 10.0 / 29, 1e-8); /* 7 of 36 films were met: 29 places */
    assert_true(figure(r, "new_items", "seq", "hr_at_10") > 2 * chance);
    assert_true(figure(r, "new_items", "popularity", "hr_at_10") == 0);
    assert_true(figure(r, "new_items", "item_knn", "hr_at_10") == 0);
    assert_true(figure(r, "known", "seq", "hr_at_10") > 0.8);
    assert_true(figure(r, "strangers", "unknown", "hr_at_10") > 0.8);
    assert_true(figure(r, "strangers", "folded", "users") ==
                figure(r, "strangers", "popularity", "users"));
    assert_true(json_is_true(json_object_get(r, "content")));

    /* The towers learn from train parts alone: of each of the people that stay, what is not held
     * out but for two. */
    const json_int_t held = json_integer_value(json_object_get(r, "held_out_users"));
    const json_int_t seen =
        json_integer_value(json_object_get(json_object_get(r, "towers"), "events"));
    assert_true(held > 0 && seen > 0 && seen < (TOY_USERS - held) * 6);
    json_decref(r);

    opt.content = false;
    r = studied(e, &opt);
    assert_true(figure(r, "new_items", "seq", "hr_at_10") < chance);
    assert_null(json_object_get(r, "towers"));
    json_decref(r);
    tw_engine_close(e);
}

static void a_part_without_people_is_left_out(void **state)
{
    (void) state;
    tw_engine *e = toy_engine("whole", true), *empty = toy_engine("empty", false);
    char *report = NULL;
    tw_error why = {0};
    tw_cold_study_options opt = {
        .config_json = SMALL, .towers_json = TOY_TOWERS, .content = true, .threads = 1};
    json_t *r = studied(e, &opt);

    assert_null(json_object_get(r, "strangers"));
    assert_null(json_object_get(r, "new_items"));
    assert_true(figure(r, "known", "seq", "users") == TOY_USERS);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(r, "towers"), "events")),
                     TOY_USERS * 6);
    json_decref(r);

    opt.hold_out_items = 1;
    assert_int_equal(tw_engine_study_seq(e, &opt, &report, &why), TW_EINVAL);
    assert_null(report);
    assert_int_equal(tw_engine_study_seq(empty, &opt, &report, &why), TW_ESTATE);
    assert_non_null(strstr(why.msg, "twindex events"));
    tw_engine_close(empty);
    tw_engine_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_finds_new_items_where_ids_and_counts_cannot),
        cmocka_unit_test(a_part_without_people_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
