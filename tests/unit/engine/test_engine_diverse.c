/* Lists that differ among themselves and from what everybody knows: what next makes of its pool. */
#include "engine/engine.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "engine/training.h"
#include "tests/support/test.h"
#include "tests/support/toy.h"

static tw_engine *shared; /* loaded and trained once */
static tw_answer answer;

static int open_shared(void **state)
{
    (void) state;
    tw_answer_init(&answer);
    shared = toy_engine("diverse", true);
    toy_train(shared);
    return 0;
}

static int close_shared(void **state)
{
    (void) state;
    tw_answer_fini(&answer);
    tw_engine_close(shared);
    return 0;
}

/* A person of the first genre: others of it fit best, so a list without diversity is nearly all
 * Westerns. */
static void a_diverse_list_leaves_the_genre_and_its_pool_is_one_for_all_k(void **state)
{
    (void) state;
    char ids[2][TOY_ITEMS][8];
    tw_next_query q = {.user = "u1", .k = 4};
    assert_ok(tw_engine_next(shared, &q, &answer, err));
    int alike = toy_of_genre(&answer, "Western");
    assert_in_range(alike, 3, 4);
    q.diversity = 0.6;
    assert_ok(tw_engine_next(shared, &q, &answer, err));
    assert_int_equal(answer.n, 4);
    assert_in_range(toy_of_genre(&answer, "Western"), 1, alike - 1);
    assert_string_equal(answer.basis, "user");
    for (int i = 0; i < 4; i++)
        (void) snprintf(ids[0][i], sizeof ids[0][i], "%s", answer.rows[i].id);

    q.k = TOY_ITEMS; /* what was seen stays away, and a longer list begins with the shorter */
    assert_ok(tw_engine_next(shared, &q, &answer, err));
    assert_int_equal(answer.n, TOY_ITEMS - 8);
    for (int i = 0; i < 4; i++)
        assert_string_equal(answer.rows[i].id, ids[0][i]);
}

static void a_discount_takes_popularity_off(void **state)
{
    (void) state;
    double counts[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        const tw_next_query q = {.user = "nobody", .k = TOY_ITEMS, .popularity_discount = i * 3.0};
        assert_ok(tw_engine_next(shared, &q, &answer, err));
        assert_string_equal(answer.basis, "popular"); /* to be popular is all these are there for */
        for (int r = 0; r < 5; r++)
            counts[i] += (double) answer.rows[r].score;
    }
    assert_true(counts[0] == counts[1]);

    tw_engine *e = toy_engine("famous", true);
    char *report = NULL, name[16];
    bool added;
    for (int u = 0; u < 300; u++) { /* a Western that everybody has seen */
        (void) snprintf(name, sizeof name, "fan%d", u);
        assert_ok(tw_engine_record(e, name, "f12", 900, &added, err));
    }
    assert_ok(tw_engine_train_seq(e, &(tw_train_options){.config_json = TOY_SEQ, .skip_eval = true},
                                  &report, err));
    tw_free(report);
    const char *const history[] = {"f1"};
    tw_next_query q = {.history = history, .n_history = 1, .k = TOY_ITEMS};
    int place[2] = {-1, -1};
    for (int i = 0; i < 2; i++, q.popularity_discount = 4) {
        assert_ok(tw_engine_next(e, &q, &answer, err));
        for (int r = 0; r < answer.n; r++)
            if (strcmp(answer.rows[r].id, "f12") == 0)
                place[i] = r;
    }
    assert_true(place[0] >= 0 && place[1] > place[0]);
    tw_engine_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_diverse_list_leaves_the_genre_and_its_pool_is_one_for_all_k),
        cmocka_unit_test(a_discount_takes_popularity_off),
    };
    return cmocka_run_group_tests(tests, open_shared, close_shared);
}
