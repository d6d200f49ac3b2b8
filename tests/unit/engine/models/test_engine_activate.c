/* What a training made serves only if it gained something. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "engine/engine.h"
#include "engine/training.h"
#include "tests/support/test.h"
#include "tests/support/toy.h"

#define TOWERS(epochs, lr)                                                                         \
    "{\"bits\": 10, \"embed_dim\": 16, \"dim\": 16, \"batch\": 32, \"threads\": 1, "               \
    "\"min_count\": 2, \"epochs\": " epochs ", \"lr\": " lr "}"
#define SEQ(lr)                                                                                    \
    "{\"user_dim\": 4, \"item_dim\": 12, \"heads\": 1, \"max_len\": 8, \"blocks\": 1, "            \
    "\"batch\": 16, \"epochs\": 20, \"eval_every\": 4, \"threads\": 1, \"lr\": " lr "}"

typedef tw_status (*train_fn)(tw_engine *, const tw_train_options *, char **, tw_error *);

/* Trains, and says which model the report is of, whether it serves, and perhaps why not. */
static int trained(tw_engine *e, train_fn fn, const char *config, tw_activate when, bool serves,
                   const char *says)
{
    char *report = NULL;
    assert_ok(fn(e, &(tw_train_options){.config_json = config, .activate = when, .skip_eval = true},
                 &report, err));
    json_t *r = json_loads(report, 0, NULL);
    const char *reason = json_string_value(json_object_get(r, "reason"));
    const int model = (int) json_integer_value(json_object_get(r, "model"));
    if (json_is_true(json_object_get(r, "activated")) != serves)
        fail_msg("model %d is %sactivated", model, serves ? "not " : "");
    if (says == NULL)
        assert_null(reason);
    else if (reason == NULL || strstr(reason, says) == NULL)
        fail_msg("'%s' does not say '%s'", reason != NULL ? reason : "", says);
    json_decref(r);
    tw_free(report);
    return model;
}

static bool is_published(const char *engine, int model)
{
    char path[512];
    (void) snprintf(path, sizeof path, "%s/models/%04d/model.json", tw_test_path(engine), model);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return false;
    (void) fclose(f);
    return true;
}

static void towers_that_gained_nothing_do_not_serve(void **state)
{
    (void) state;
    tw_engine *e = toy_engine("towers", true);
    const char *still = TOWERS("1", "1e-8"); /* the weights hardly move */

    assert_int_equal(
        trained(e, tw_engine_train_towers, still, TW_ACTIVATE_BETTER, false, "untrained towers"),
        1);
    assert_int_equal(toy_stats(e).model, 0);
    assert_true(is_published("towers", 1));
    assert_int_equal(
        trained(e, tw_engine_train_towers, TOWERS("6", "0.01"), TW_ACTIVATE_BETTER, true, NULL), 2);
    assert_int_equal(toy_stats(e).model, 2);
    assert_int_equal(
        trained(e, tw_engine_train_towers, still, TW_ACTIVATE_BETTER, false, "validation"), 3);
    assert_int_equal(toy_stats(e).model, 2);
    assert_true(is_published("towers", 3));
    tw_engine_close(e);
    /* Still so from the disk. */
    assert_ok(tw_engine_open(&e, tw_test_path("towers"),
                             &(tw_engine_options){.mode = TW_ENGINE_WRITE}, err));
    assert_int_equal(toy_stats(e).model, 2);
    assert_int_equal(
        trained(e, tw_engine_train_towers, still, TW_ACTIVATE_ALWAYS, true, "validation"), 4);
    assert_int_equal(toy_stats(e).model, 4);
    tw_engine_close(e);
}

static void never_and_no_epochs_are_what_was_asked_for(void **state)
{
    (void) state;
    tw_engine *e = toy_engine("asked", true);
    assert_int_equal(
        trained(e, tw_engine_train_towers, TOWERS("0", "0.01"), TW_ACTIVATE_BETTER, true, NULL), 1);
    assert_int_equal(
        trained(e, tw_engine_train_towers, TOWERS("6", "0.01"), TW_ACTIVATE_NEVER, false, "asked"),
        2);
    assert_int_equal(toy_stats(e).model, 1);
    tw_error why = {0};
    char *report = NULL;
    assert_int_equal(
        tw_engine_train_towers(e, &(tw_train_options){.activate = (tw_activate) 7}, &report, &why),
        TW_EINVAL);
    assert_non_null(strstr(why.msg, "7"));
    tw_engine_close(e);
}

/* Two crowds walk through films of their own from the first on, some further than others: of what
 * somebody did not meet, popularity knows the next film in the larger crowd alone, a model in both.
 */
static const char *crowded_log(void)
{
    static char csv[32768];
    size_t n = (size_t) snprintf(csv, sizeof csv, "user,item,timestamp\n");
    for (int u = 0; u < 80; u++)
        for (int i = 0; i < 4 + u % 7; i++)
            n += (size_t) snprintf(csv + n, sizeof csv - n, "u%d,f%d,%d\n", u,
                                   u % 5 < 3 ? 1 + i : 15 + i, i);
    return tw_test_file("crowded.csv", csv);
}

static void a_model_that_popularity_beats_does_not_serve(void **state)
{
    (void) state;
    tw_engine *e = toy_engine("seq", false);
    tw_ingest_report r;
    assert_ok(tw_engine_ingest(e, toy_catalogue(), NULL, &r, err));
    assert_ok(tw_engine_events(e, crowded_log(), NULL, &r, err));
    assert_int_equal(trained(e, tw_engine_train_seq, SEQ("1e-6"), TW_ACTIVATE_BETTER, false,
                             "popularity was better"),
                     1);
    assert_int_equal(toy_stats(e).model, 0);
    assert_true(is_published("seq", 1));
    assert_int_equal(trained(e, tw_engine_train_seq, SEQ("0.01"), TW_ACTIVATE_BETTER, true, NULL),
                     2);
    assert_int_equal(toy_stats(e).model, 2);
    assert_int_equal(trained(e, tw_engine_train_seq, SEQ("1e-6"), TW_ACTIVATE_BETTER, false,
                             "popularity was better"),
                     3);
    assert_int_equal(toy_stats(e).model, 2);
    assert_int_equal(
        trained(e, tw_engine_train_seq, SEQ("1e-6"), TW_ACTIVATE_ALWAYS, true, "popularity"), 4);
    assert_int_equal(toy_stats(e).model, 4);
    tw_engine_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(towers_that_gained_nothing_do_not_serve),
        cmocka_unit_test(never_and_no_epochs_are_what_was_asked_for),
        cmocka_unit_test(a_model_that_popularity_beats_does_not_serve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
