/* The evaluation of new items and new people: what content gives them, and what it cannot have
 * seen. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "engine/eval/cold_start_eval.h"
#include "tests/support/test.h"
#include "tests/support/toy.h"

/* As toy_engine, but films of the genres stand among each other in no order, so that an item whose
 * content was another's would be found out. */
static tw_engine *mixed(void)
{
    tw_engine *e = toy_engine("mixed", false);
    static const char *const genres[] = {"Western", "Romance", "Robot"};
    int film[TOY_GENRES][TOY_PER_GENRE], n[TOY_GENRES] = {0};
    tw_put_kind kind;
    tw_ingest_report report;
    tw_text log;
    char id[16], title[64], attributes[64];

    for (int i = 0; i < TOY_ITEMS; i++) {
        int g = i * i % 7 % TOY_GENRES;
        while (n[g] == TOY_PER_GENRE)
            g = (g + 1) % TOY_GENRES;
        film[g][n[g]++] = i;
        (void) snprintf(id, sizeof id, "f%d", i);
        (void) snprintf(title, sizeof title, "%s Story", genres[g]);
        (void) snprintf(attributes, sizeof attributes, "{\"genres\": [\"%s\"]}", genres[g]);
        const tw_item item = {.id = id, .title = title, .attributes = attributes};
        assert_ok(tw_engine_put(e, &item, &kind, err));
    }
    tw_text_init(&log, 1 << 18);
    assert_ok(tw_text_adds(&log, "user,item,timestamp\n", err));
    for (int u = 0; u < TOY_USERS; u++)
        for (int i = 0; i < 8; i++)
            assert_ok(tw_text_addf(&log, err, "u%d,f%d,%d\n", u,
                                   film[u % TOY_GENRES][(u / TOY_GENRES + i) % TOY_PER_GENRE],
                                   1000 + i));
    assert_ok(
        tw_engine_events(e, tw_test_file("mixed.csv", tw_text_cstr(&log)), NULL, &report, err));
    tw_text_fini(&log);
    return e;
}

#define SMALL                                                                                      \
    "{\"user_dim\": 4, \"item_dim\": 16, \"heads\": 1, \"max_len\": 12, \"blocks\": 1, "           \
    "\"batch\": 16, \"epochs\": 20, \"eval_every\": 5, \"lr\": 0.01, \"id_dropout\": 0.5, "        \
    "\"seed\": 3, \"threads\": 2}"

static json_t *studied(tw_engine *e, const tw_cold_start_options *opt)
{
    char *report = NULL;
    assert_ok(tw_engine_cold_start_eval(e, opt, &report, err));
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
    tw_engine *e = mixed();
    tw_cold_start_options opt = {.config_json = SMALL,
                                 .towers_json = TOY_TOWERS,
                                 .item_features = true,
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
    assert_true(figure(r, "unseen_users", "unknown", "hr_at_10") > 0.8);
    assert_true(figure(r, "unseen_users", "folded", "users") ==
                figure(r, "unseen_users", "popularity", "users"));
    assert_true(json_is_true(json_object_get(r, "item_features")));

    /* The towers learn from train parts alone: of each of the people that stay, what is not held
     * out but for two. */
    const json_int_t held = json_integer_value(json_object_get(r, "held_out_users"));
    const json_int_t seen =
        json_integer_value(json_object_get(json_object_get(r, "towers"), "events"));
    assert_true(json_integer_value(json_object_get(json_object_get(r, "towers"), "items")) ==
                TOY_ITEMS - json_integer_value(json_object_get(r, "held_out_items")));
    assert_true(held > 0 && seen > 0 && seen < (TOY_USERS - held) * 6);
    json_decref(r);

    opt.item_features = false;
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
    tw_cold_start_options opt = {
        .config_json = SMALL, .towers_json = TOY_TOWERS, .item_features = true, .threads = 1};
    json_t *r = studied(e, &opt);

    assert_null(json_object_get(r, "unseen_users"));
    assert_null(json_object_get(r, "new_items"));
    assert_true(figure(r, "known", "seq", "users") == TOY_USERS);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(r, "towers"), "events")),
                     TOY_USERS * 6);
    json_decref(r);

    opt.hold_out_items = 1;
    assert_int_equal(tw_engine_cold_start_eval(e, &opt, &report, &why), TW_EINVAL);
    assert_null(report);
    assert_int_equal(tw_engine_cold_start_eval(empty, &opt, &report, &why), TW_ESTATE);
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
