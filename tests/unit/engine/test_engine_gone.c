/* Items that go while they are asked for: the answer has min(k, live) rows all the same. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "engine/engine_state.h"
#include "tests/support/test.h"
#include "tests/support/toy.h"

static tw_answer answer;
static tw_engine *engine;

static int set_up(void **state)
{
    (void) state;
    tw_answer_init(&answer);
    engine = toy_engine("gone", true);
    toy_train(engine);
    return 0;
}

static int tear_down(void **state)
{
    (void) state;
    tw_engine_close(engine);
    tw_answer_fini(&answer);
    return 0;
}

/* Deletes the answer's rows from `from` to before `to` in the store alone: as it is between a
 * delete's commit and the moment the index is told. */
static void vanish(int from, int to)
{
    char ids[TOY_ITEMS][TW_STORE_MAX_ID + 1];
    for (int i = from; i < to; i++)
        (void) snprintf(ids[i], sizeof ids[i], "%s", answer.rows[i].id);
    for (int i = from; i < to; i++)
        assert_ok(tw_store_delete_item(engine->store, ids[i], NULL, err));
}

static void bring_back(void)
{
    tw_ingest_report r;
    assert_ok(tw_engine_ingest(engine, toy_catalogue(), NULL, &r, err));
}

/* The answer has `want` rows, all live, best first. */
static void holds(int want)
{
    assert_int_equal(answer.n, want);
    for (int i = 0; i < answer.n; i++) {
        tw_item item;
        assert_ok(tw_store_item_by_id(engine->store, answer.rows[i].id, &item, err));
        assert_true(item.live);
        tw_item_fini(&item);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(answer.rows[i].id, answer.rows[j].id);
    }
}

static void similar(int k, bool exact)
{
    const tw_similar_query q = {.item = "f1", .k = k, .exact = exact};
    assert_ok(tw_engine_similar(engine, &q, &answer, err));
    for (int i = 1; i < answer.n; i++)
        assert_true(answer.rows[i].score <= answer.rows[i - 1].score);
    assert_string_equal(answer.query_id, "f1");
}

static void others_take_the_place_of_what_is_gone(void **state)
{
    (void) state;
    for (int exact = 0; exact < 2; exact++) {
        similar(10, exact);
        holds(10);
        char second[TW_STORE_MAX_ID + 1];
        (void) snprintf(second, sizeof second, "%s", answer.rows[1].id);
        vanish(2, 8);
        similar(10, exact);
        holds(10);
        assert_string_equal(answer.rows[1].id, second); /* the others are where they were */
        similar(TOY_ITEMS, exact);
        holds(TOY_ITEMS - 7); /* all that live but itself */
        bring_back();
    }
}

static void next_finds_others_too(void **state)
{
    (void) state;
    const char *history[] = {"f1", "f2"};
    const tw_next_query queries[] = {
        {.history = history, .n_history = 2, .k = 8},
        {.history = history, .n_history = 2, .k = 8, .diversity = 0.5F},
        {.history = history, .n_history = 2, .k = 8, .include_seen = true},
        {.user = "nobody knows me", .k = 8},
    };
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        assert_ok(tw_engine_next(engine, &queries[i], &answer, err));
        holds(8);
        const char *basis = answer.basis;
        int from = 0;
        while (strcmp(answer.rows[from].id, "f1") == 0 || strcmp(answer.rows[from].id, "f2") == 0)
            from++; /* or the history could not be asked for */
        vanish(from, from + 1);
        assert_ok(tw_engine_next(engine, &queries[i], &answer, err));
        holds(8);
        assert_string_equal(answer.basis, basis);
        bring_back();
    }
}

typedef struct deleter {
    pthread_t thread;
    bool stop; /* atomic */
} deleter;

/* Deletes all of a genre and brings it back, for ever. */
static void *keep_deleting(void *arg)
{
    const deleter *d = arg;
    while (!__atomic_load_n(&d->stop, __ATOMIC_RELAXED)) {
        char id[16];
        for (int i = 2; i <= TOY_PER_GENRE; i++) {
            (void) snprintf(id, sizeof id, "f%d", i);
            (void) !tw_engine_delete(engine, id, NULL);
        }
        bring_back();
    }
    return NULL;
}

static void an_answer_is_full_while_items_are_deleted(void **state)
{
    (void) state;
    enum { ALWAYS = TOY_ITEMS - TOY_PER_GENRE };
    deleter d = {0};
    const double end = tw_clock_monotonic() + 1;
    assert_int_equal(pthread_create(&d.thread, NULL, keep_deleting, &d), 0);
    int asked = 0, shortest = ALWAYS;
    do { /* counted, not asserted: the thread must be joined */
        const tw_similar_query q = {.item = "f1", .k = ALWAYS};
        if (tw_engine_similar(engine, &q, &answer, NULL) != TW_OK)
            answer.n = -1;
        shortest = answer.n < shortest ? answer.n : shortest;
        asked++;
    } while (tw_clock_monotonic() < end);
    __atomic_store_n(&d.stop, true, __ATOMIC_RELAXED);
    assert_int_equal(pthread_join(d.thread, NULL), 0);
    assert_true(asked > 10);
    assert_int_equal(shortest, ALWAYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(others_take_the_place_of_what_is_gone),
        cmocka_unit_test(next_finds_others_too),
        cmocka_unit_test(an_answer_is_full_while_items_are_deleted),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
