/* What a training saw is never a target, whatever came and went since. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/rng.h"
#include "engine/engine.h"
#include "engine/evaluation.h"
#include "engine/inspection.h"
#include "engine/training.h"
#include "tests/support/test.h"
#include "tests/support/toy.h"

enum { FILMS = 200, PEOPLE = 150, LENGTH = 12 };

static int first[LENGTH]; /* what u0 watched */

/* People who watch at random: there is nothing to learn but what they watched. */
static const char *random_log(void)
{
    static char csv[PEOPLE * LENGTH * 24];
    int64_t deck[FILMS];
    size_t n = (size_t) snprintf(csv, sizeof csv, "user,item,timestamp\n");
    tw_rng rng;
    tw_rng_seed(&rng, 3);
    for (int i = 0; i < FILMS; i++)
        deck[i] = i;
    for (int u = 0; u < PEOPLE; u++) {
        for (int i = 0; i < LENGTH; i++) { /* distinct ones */
            const int at = i + (int) tw_rng_below(&rng, (uint64_t) (FILMS - i));
            const int64_t film = deck[at];
            deck[at] = deck[i];
            deck[i] = film;
            first[i] = u == 0 ? (int) film : first[i];
            n += (size_t) snprintf(csv + n, sizeof csv - n, "u%d,f%d,%d\n", u, (int) film,
                                   100 + 10 * i);
        }
    }
    return tw_test_file("random.csv", csv);
}

/* Learns the train parts by heart: all weights are those of the last epoch. */
static const char *const BY_HEART =
    "{\"user_dim\": 8, \"item_dim\": 24, \"heads\": 1, \"max_len\": 12, \"blocks\": 1, \"batch\": "
    "16, "
    "\"epochs\": 60, \"eval_every\": 60, \"threads\": 2, \"lr\": 0.005, \"average\": 0, "
    "\"dropout\": 0, \"sse_user\": 0, \"sse_item_input\": 0, \"sse_item_target\": 0, "
    "\"unknown_user\": 0, \"window\": 0}";

static tw_engine *learnt_by_heart(const char *name)
{
    static char csv[FILMS * 24];
    tw_engine *e = toy_engine(name, false);
    tw_ingest_report r;
    char *report = NULL;
    size_t n = (size_t) snprintf(csv, sizeof csv, "id,title\n");
    for (int i = 0; i < FILMS; i++)
        n += (size_t) snprintf(csv + n, sizeof csv - n, "f%d,Film %d\n", i, i);
    assert_ok(tw_engine_ingest(e, tw_test_file("films.csv", csv), NULL, &r, err));
    assert_ok(tw_engine_events(e, random_log(), NULL, &r, err));
    assert_ok(tw_engine_train_seq(e,
                                  &(tw_train_options){.config_json = BY_HEART,
                                                      .activate = TW_ACTIVATE_ALWAYS,
                                                      .skip_eval = true},
                                  &report, err));
    tw_free(report);
    return e;
}

static json_t *measured(tw_engine *e, const char *split)
{
    char *report = NULL;
    assert_ok(tw_engine_eval_seq(e, &(tw_eval_options){.split = split}, &report, err));
    json_t *r = json_loads(report, 0, NULL);
    assert_non_null(r);
    tw_free(report);
    return r;
}

static int64_t users(const json_t *r)
{
    return json_integer_value(json_object_get(json_object_get(r, "seq"), "users"));
}

static int64_t cut(const json_t *r, const char *key)
{
    return json_integer_value(json_object_get(json_object_get(r, "cut"), key));
}

/* By chance 10 of some 190 films. */
static void assert_by_chance(const json_t *r)
{
    const double hr = json_number_value(json_object_get(json_object_get(r, "seq"), "hr_at_10"));
    if (hr > 0.12)
        fail_msg("HR@10 %.3f", hr);
}

static void delete_film(tw_engine *e, int film)
{
    char id[16];
    (void) snprintf(id, sizeof id, "f%d", film);
    assert_ok(tw_engine_delete(e, id, err));
}

static void items_that_went_do_not_make_targets_of_what_was_learnt(void **state)
{
    (void) state;
    tw_engine *e = learnt_by_heart("went");
    for (int valid = 0; valid < 2; valid++) {
        json_t *r = measured(e, valid == 1 ? "valid" : NULL);
        assert_int_equal(users(r), PEOPLE);
        assert_int_equal(cut(r, "left_out") + cut(r, "later"), 0);
        assert_by_chance(r);
        json_decref(r);
    }
    for (int i = 0; i < FILMS; i += 3)
        delete_film(e, i);
    for (int i = 0; i < LENGTH; i++) /* of u0 nothing at all is left */
        if (first[i] % 3 != 0)
            delete_film(e, first[i]);
    for (int valid = 0; valid < 2; valid++) {
        json_t *r = measured(e, valid == 1 ? "valid" : NULL);
        const json_t *names = json_object_get(json_object_get(r, "cut"), "examples");
        assert_int_equal(users(r) + cut(r, "left_out"), PEOPLE);
        assert_true(cut(r, "left_out") > PEOPLE / 5 && cut(r, "left_out") < PEOPLE / 2);
        assert_int_equal(json_array_size(names), 3);
        assert_int_equal(json_string_value(json_array_get(names, 0))[0], 'u');
        assert_int_equal(cut(r, "later"), 0);
        assert_by_chance(r);
        json_decref(r);
    }
    /* Put again, everything is as it was. */
    for (int i = 0; i < FILMS; i++) {
        char id[16];
        (void) snprintf(id, sizeof id, "f%d", i);
        const tw_item item = {.id = id, .title = "again"};
        tw_put_kind kind;
        assert_ok(tw_engine_put(e, &item, &kind, err));
    }
    json_t *r = measured(e, NULL);
    assert_int_equal(users(r), PEOPLE);
    assert_int_equal(cut(r, "left_out"), 0);
    json_decref(r);
    tw_engine_close(e);
}

/* Reads the same file as the training wrote, after other towers took the model over, too. */
static void new_events_are_targets_and_late_ones_are_history(void **state)
{
    (void) state;
    tw_engine *e = learnt_by_heart("came");
    char *report = NULL;
    bool added;
    /* Two later ones of u0; one of u1 that came late, in the middle of what was learnt; one of u2
     * between its two held-out ones; a newcomer's. */
    const struct {
        const char *user, *item;
        int64_t time;
    } events[] = {{"u0", "f1", 1000}, {"u0", "f2", 1010}, {"u1", "f1", 125}, {"u2", "f2", 205},
                  {"new", "f3", 1},   {"new", "f4", 2},   {"new", "f5", 3}};
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        assert_ok(tw_engine_record(e, events[i].user, events[i].item, (double) events[i].time,
                                   &added, err));
        assert_true(added);
    }
    assert_ok(tw_engine_train_towers(e,
                                     &(tw_train_options){.config_json = TOY_TOWERS,
                                                         .source = TW_PAIRS_SELF,
                                                         .skip_eval = true,
                                                         .activate = TW_ACTIVATE_ALWAYS},
                                     &report, err));
    tw_free(report);
    json_t *r = measured(e, NULL);
    assert_int_equal(users(r), PEOPLE);
    assert_int_equal(cut(r, "left_out"), 0);
    assert_int_equal(cut(r, "later"), 1); /* u0's last */
    assert_by_chance(r);
    json_decref(r);
    r = measured(e, "valid"); /* what chose the weights, as then */
    assert_int_equal(users(r), PEOPLE);
    assert_int_equal(cut(r, "later"), 0);
    assert_by_chance(r);
    json_decref(r);
    tw_engine_close(e);
}

static void names_the_cut(void *ctx, const char *what)
{
    (void) ctx;
    if (strstr(what, "seq.cut.safetensors") == NULL)
        fail_msg("%s", what);
}

static void a_model_without_its_record_says_so(void **state)
{
    (void) state;
    tw_engine *e = learnt_by_heart("old");
    char path[512];
    tw_error why = {0};
    char *report = NULL;
    (void) snprintf(path, sizeof path, "%s/models/0001/seq.cut.safetensors", tw_test_path("old"));
    json_t *r = measured(e, NULL);
    assert_true(json_is_true(json_object_get(json_object_get(r, "cut"), "kept")));
    json_decref(r);
    assert_ok(tw_file_replace(path, "what?", 5, err));
    assert_int_equal(tw_engine_eval_seq(e, NULL, &report, &why), TW_ECORRUPT);
    assert_non_null(strstr(why.msg, "seq.cut"));
    assert_int_equal(tw_engine_check(tw_test_path("old"), names_the_cut, NULL, &why), TW_ECORRUPT);
    assert_int_equal(remove(path), 0);
    assert_ok(tw_engine_check(tw_test_path("old"), names_the_cut, NULL, err));
    r = measured(e, NULL);
    assert_false(json_is_true(json_object_get(json_object_get(r, "cut"), "kept")));
    assert_non_null(strstr(json_string_value(json_object_get(json_object_get(r, "cut"), "warning")),
                           "train anew"));
    assert_int_equal(users(r), PEOPLE);
    json_decref(r);
    tw_engine_close(e);
}

static void no_user_left_is_reported(void **state)
{
    (void) state;
    tw_engine *e = toy_engine("nobody", true);
    tw_error why = {0};
    char *report = NULL;
    toy_train(e);
    for (int u = 0; u < TOY_USERS; u++) { /* the last two films of everybody */
        for (int i = 6; i < 8; i++) {
            char id[16];
            (void) snprintf(id, sizeof id, "f%d",
                            1 + u % TOY_GENRES * TOY_PER_GENRE +
                                (u / TOY_GENRES + i) % TOY_PER_GENRE);
            (void) !tw_engine_delete(e, id, NULL);
        }
    }
    assert_int_equal(tw_engine_eval_seq(e, NULL, &report, &why), TW_ENOTFOUND);
    assert_non_null(strstr(why.msg, "the training did not see"));
    tw_engine_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_that_went_do_not_make_targets_of_what_was_learnt),
        cmocka_unit_test(new_events_are_targets_and_late_ones_are_history),
        cmocka_unit_test(a_model_without_its_record_says_so),
        cmocka_unit_test(no_user_left_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
