/* Titles in a map of attention are where such maps have been wrong: the model numbers its items
 * anew, and a number looked up among the store's rows gives a title, only not the right one. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "engine/engine.h"
#include "engine/inspection.h"
#include "tests/support/test.h"
#include "tests/support/toy.h"

static tw_engine *shared;
static tw_attention_map map;

/* Items that nobody consumed come first, so no item's row in the store is its number in the model.
 */
static int open_shared(void **state)
{
    (void) state;
    tw_put_kind kind;
    tw_ingest_report r;
    shared = toy_engine("inspected", false);
    for (int i = 0; i < 7; i++) {
        char id[32];
        (void) snprintf(id, sizeof id, "unseen%d", i);
        assert_ok(tw_engine_put(shared, &(tw_item){.id = id, .title = "Nobody's"}, &kind, err));
    }
    assert_ok(tw_engine_ingest(shared, toy_catalogue(), NULL, &r, err));
    assert_ok(tw_engine_events(shared, toy_log(), NULL, &r, err));
    toy_train(shared);
    tw_attention_map_init(&map);
    return 0;
}

static int close_shared(void **state)
{
    (void) state;
    tw_attention_map_fini(&map);
    tw_engine_close(shared);
    return 0;
}

static void the_titles_are_those_of_the_store(void **state)
{
    (void) state;
    bool added;
    assert_ok(tw_engine_record(shared, "u4", "f30", 2000, &added, err));
    assert_ok(tw_engine_attention(shared, &(tw_attention_query){.user = "u4"}, &map, err));
    assert_int_equal(map.n, 9);
    assert_int_equal(map.items.n, 9);
    assert_string_equal(map.items.basis, "user");
    for (int i = 0; i < 9; i++) {
        char id[32]; /* as toy_log has it for person 3: films 2 to 9 of the first genre */
        tw_item item;
        (void) snprintf(id, sizeof id, "f%d", i < 8 ? i + 2 : 30);
        assert_string_equal(map.items.rows[i].id, id);
        assert_ok(tw_engine_get(shared, id, &item, err));
        assert_string_equal(map.items.rows[i].title, item.title);
        tw_item_fini(&item);
    }
    assert_string_equal(map.items.rows[8].title, "Robot Story 6");
}

static void each_row_is_a_distribution_over_the_past(void **state)
{
    (void) state;
    const char *const history[] = {"f1", "f2", "f3", "f20", "f4"};
    const tw_attention_query q = {.history = history, .n_history = 5};
    assert_ok(tw_engine_attention(shared, &q, &map, err));
    assert_int_equal(map.n, 5);
    assert_int_equal(map.block, map.blocks);
    assert_int_equal(map.head, 0);
    for (int i = 0; i < 5; i++) {
        double sum = 0;
        for (int j = 0; j < 5; j++) {
            sum += (double) map.weights[i * 5 + j];
            assert_true(j <= i || map.weights[i * 5 + j] == 0);
        }
        assert_near(sum, 1, 1e-5);
        assert_true(map.items.rows[i].score == map.weights[4 * 5 + i]);
    }
}

/* The toy model reads 12 items. What it does not know and what is too long ago is left out, and ids
 * stay beside their own weights. */
static void what_the_model_does_not_read_is_not_shown(void **state)
{
    (void) state;
    const char *const gaps[] = {"f1", "unseen3", "f2", "unseen0"}, *const plain[] = {"f1", "f2"};
    float weights[4];
    assert_ok(tw_engine_attention(shared, &(tw_attention_query){.history = plain, .n_history = 2},
                                  &map, err));
    memcpy(weights, map.weights, sizeof weights);
    assert_ok(tw_engine_attention(shared, &(tw_attention_query){.history = gaps, .n_history = 4},
                                  &map, err));
    assert_int_equal(map.n, 2);
    assert_string_equal(map.items.rows[1].id, "f2");
    assert_memory_equal(map.weights, weights, sizeof weights);

    char ids[20][16];
    const char *history[20];
    for (int i = 0; i < 20; i++) {
        (void) snprintf(ids[i], sizeof ids[i], "f%d", i + 1);
        history[i] = ids[i];
    }
    assert_ok(tw_engine_attention(
        shared, &(tw_attention_query){.history = history, .n_history = 20}, &map, err));
    assert_int_equal(map.n, 12);
    assert_string_equal(map.items.rows[0].id, "f9");
    assert_string_equal(map.items.rows[11].id, "f20");
}

static void what_cannot_be_shown_says_why(void **state)
{
    (void) state;
    tw_error why = {0};
    const char *const unseen[] = {"unseen1"}, *const one[] = {"f1"};
    assert_int_equal(tw_engine_attention(shared,
                                         &(tw_attention_query){.history = unseen, .n_history = 1},
                                         &map, &why),
                     TW_ENOTFOUND);
    assert_string_equal(why.msg, "the model knows no item of this history");
    assert_status(tw_engine_attention(shared, &(tw_attention_query){.user = "nobody"}, &map, err),
                  TW_ENOTFOUND);
    assert_int_equal(
        tw_engine_attention(
            shared, &(tw_attention_query){.history = one, .n_history = 1, .block = 2}, &map, &why),
        TW_EINVAL);
    assert_string_equal(why.msg, "block 2 is outside 1..1");
    assert_int_equal(
        tw_engine_attention(
            shared, &(tw_attention_query){.history = one, .n_history = 1, .head = 9}, &map, &why),
        TW_EINVAL);
    assert_non_null(strstr(why.msg, "head 9 is outside 1.."));
    assert_status(tw_engine_attention(shared, &(tw_attention_query){0}, &map, err), TW_EINVAL);
    assert_int_equal(map.n, 0);
    assert_null(map.weights);
}

static void the_log_of_a_training_is_there_afterwards(void **state)
{
    (void) state;
    char *text;
    size_t len;
    int model = 0;
    assert_ok(tw_engine_training_log(shared, false, &model, &text, &len, err));
    assert_int_equal(model, 2);
    assert_non_null(strstr(text, "{\"epoch\": 1, \"loss\""));
    assert_non_null(strstr(text, "\"ndcg_at_10\""));
    assert_int_equal(strlen(text), len);
    tw_free(text);
    assert_ok(
        tw_engine_training_log(shared, true, &model, &text, &len, err)); /* kept from model 1 */
    assert_non_null(strstr(text, "\"pos_cosine\""));
    tw_free(text);

    tw_engine *bare = toy_engine("untrained", false);
    model = 0;
    assert_status(tw_engine_training_log(bare, false, &model, &text, &len, err), TW_ESTATE);
    assert_null(text);
    assert_status(tw_engine_attention(bare, &(tw_attention_query){.user = "u1"}, &map, err),
                  TW_ESTATE);
    tw_engine_close(bare);
}

/* Every allocation fails once, in turn; nothing is left half done. */
static void without_memory_it_says_so(void **state)
{
    (void) state;
    const char *const history[] = {"f1", "f2", "f3"};
    const tw_attention_query q = {.history = history, .n_history = 3};
    long nth = 0;
    bool fired;
    do {
        tw_attention_map one;
        tw_attention_map_init(&one);
        tw_torture_arm(++nth);
        tw_status st = tw_engine_attention(shared, &q, &one, NULL);
        fired = tw_torture_fired();
        tw_torture_arm(0);
        assert_int_equal(st, fired ? TW_ENOMEM : TW_OK);
        assert_true(fired || one.items.n == 3);
        tw_attention_map_fini(&one);
    } while (fired);
    assert_true(nth > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_titles_are_those_of_the_store),
        cmocka_unit_test(each_row_is_a_distribution_over_the_past),
        cmocka_unit_test(what_the_model_does_not_read_is_not_shown),
        cmocka_unit_test(what_cannot_be_shown_says_why),
        cmocka_unit_test(the_log_of_a_training_is_there_afterwards),
        cmocka_unit_test(without_memory_it_says_so),
    };
    return cmocka_run_group_tests(tests, open_shared, close_shared);
}
