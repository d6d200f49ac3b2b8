#include <math.h>

#include "seqmodel/seq_baseline.h"
#include "tests/unit/seqmodel/seq_toy.h"

static twi_baseline *learn(tw_seq_baseline kind, const twi_baseline_config *cfg,
                           const tw_seq_data *d, int threads)
{
    twi_baseline *b = NULL;
    tw_pool *pool = NULL;
    assert_ok(tw_pool_create(&pool, threads, err));
    assert_ok(twi_baseline_create(&b, kind, cfg, d, pool, err));
    tw_pool_destroy(pool);
    return b;
}

/* Train parts 1 2 3 | 1 2 | 1 4 | 2 (the first user's last two events are held back). */
static tw_seq_data *four(void)
{
    const int32_t users[] = {1, 1, 1, 1, 1, 2, 2, 3, 3, 4};
    const int32_t items[] = {1, 2, 3, 5, 6, 1, 2, 1, 4, 2};
    tw_seq_data *d = NULL;
    assert_ok(tw_seq_data_create(&d, 4, 6, users, items, NULL, 10, err));
    return d;
}

static void neighbours_vote_by_shrunk_cosine(void **state)
{
    (void) state;
    tw_seq_data *d = four();
    twi_baseline_config c = twi_baseline_default();
    tw_real scratch[7];
    const int32_t input[] = {9, 3, 1};

    c.shrink = 2;
    c.decay = 0.25;
    c.latest = 2; /* 9, which would be out of range, is not read */
    twi_baseline *b = learn(TW_SEQ_ITEM_KNN, &c, d, 2);
    const tw_real *s = twi_baseline_scores(b, scratch, input, 3);
    /* Users of 1: 1 2 3; of 2: 1 2 4; of 3: 1; of 4: 3. Input 1 votes in full, 3 by a quarter. */
    assert_near(s[1], 0.25 * 1 / (sqrt(3) + 2), 1e-6);
    assert_near(s[2], 2 / (sqrt(9) + 2) + 0.25 * 1 / (sqrt(3) + 2), 1e-6);
    assert_near(s[3], 1 / (sqrt(3) + 2), 1e-6);
    assert_near(s[4], 1 / (sqrt(3) + 2), 1e-6);
    assert_true(s[5] < 0 && s[5] == s[6]); /* no vote and no events */
    twi_baseline_destroy(b);

    c.latest = 1;
    c.neighbours = 1; /* of 1 that is 2 */
    b = learn(TW_SEQ_ITEM_KNN, &c, d, 1);
    s = twi_baseline_scores(b, scratch, input, 3);
    assert_true(s[2] > 0 && s[3] < 0 && s[4] < 0);
    assert_true(s[1] > s[3] && s[3] == s[4] && s[4] > s[5]); /* without votes: by popularity */
    twi_baseline_destroy(b);
    tw_seq_data_destroy(d);
}

static void transitions_are_counted_and_backed_off(void **state)
{
    (void) state;
    tw_seq_data *d = four();
    twi_baseline_config c = twi_baseline_default();
    tw_real scratch[7];
    const int32_t input[] = {3, 1};

    c.backoff = 4;
    twi_baseline *b = learn(TW_SEQ_MARKOV, &c, d, 1);
    const tw_real *s = twi_baseline_scores(b, scratch, input, 2);
    /* 1 was followed by 2 2 4; events are 1:3 2:3 3:1 4:1 of 8. */
    const double want[] = {0, 4 * 3 / 8.0, 2 + 4 * 3 / 8.0, 4 / 8.0, 1 + 4 / 8.0, 0, 0};
    for (int i = 1; i <= 6; i++)
        assert_near(s[i], want[i], 1e-6);
    s = twi_baseline_scores(b, scratch, input, 1); /* after 3 nothing came: popularity is left */
    assert_true(s[1] == s[2] && s[2] > s[3] && s[3] == s[4] && s[4] > s[5]);
    twi_baseline_destroy(b);
    tw_seq_data_destroy(d);
}

static void popularity_asks_no_history(void **state)
{
    (void) state;
    tw_seq_data *d = four();
    const twi_baseline_config c = twi_baseline_default();
    const int32_t input[] = {4};
    twi_baseline *b = learn(TW_SEQ_POPULARITY, &c, d, 1);
    const tw_real want[7] = {0, 3, 3, 1, 1, 0, 0};
    assert_memory_equal(twi_baseline_scores(b, NULL, input, 1), want, sizeof want);
    twi_baseline_destroy(b);
    tw_seq_data_destroy(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_vote_by_shrunk_cosine),
        cmocka_unit_test(transitions_are_counted_and_backed_off),
        cmocka_unit_test(popularity_asks_no_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
