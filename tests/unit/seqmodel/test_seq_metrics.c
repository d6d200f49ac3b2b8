#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "seqmodel/seq_metrics.h"
#include "tests/unit/seqmodel/seq_toy.h"

static void figures_match_a_hand_calculation(void **state)
{
    (void) state;
    /* Ranks 1, 3, 11, 21, 6 of 1 + competitors. */
    const twi_rank ranks[] = {{.above = 0, .competitors = 20},
                              {.above = 2, .competitors = 20},
                              {.above = 10, .competitors = 20},
                              {.above = 20, .competitors = 20},
                              {.above = 5, .competitors = 10}};
    tw_seq_metrics x;

    twi_metrics(&x, ranks, 5);
    assert_int_equal(x.users, 5);
    assert_near(x.hr[0], 1 / 5.0, 1e-12);
    assert_near(x.hr[1], 2 / 5.0, 1e-12);
    assert_near(x.hr[2], 3 / 5.0, 1e-12);
    assert_near(x.hr[3], 4 / 5.0, 1e-12);
    /* 1/log2(2) = 1, 1/log2(4) = 0.5, 1/log2(7) = 0.35620719, 1/log2(12) = 0.27894295 */
    assert_near(x.ndcg[0], 1 / 5.0, 1e-12);
    assert_near(x.ndcg[1], 1.5 / 5, 1e-12);
    assert_near(x.ndcg[2], (1.5 + 0.35620719) / 5, 1e-8);
    assert_near(x.ndcg[3], (1.5 + 0.35620719 + 0.27894295) / 5, 1e-8);
    assert_near(x.mrr[0], 1 / 5.0, 1e-12);
    assert_near(x.mrr[1], (1 + 1 / 3.0) / 5, 1e-12);
    assert_near(x.mrr[2], (1 + 1 / 3.0 + 1 / 6.0) / 5, 1e-12);
    assert_near(x.mrr[3], (1 + 1 / 3.0 + 1 / 6.0 + 1 / 11.0) / 5, 1e-12);
    assert_near(x.auc, (1 + 0.9 + 0.5 + 0 + 0.5) / 5, 1e-12);
    /* Hits at 10 are 1 1 0 0 1: variance 0.3, error sqrt(0.3 / 5). */
    assert_near(x.hr10_se, sqrt(0.06), 1e-12);
    /* Gains 1 0.5 0.35620719 0 0: mean 0.37124144, variance 0.17194563. */
    assert_near(x.ndcg10_se, sqrt(0.17194563 / 5), 1e-6);
}

static void one_user_without_competitor_is_a_hit_without_error(void **state)
{
    (void) state;
    const twi_rank rank = {0};
    tw_seq_metrics x;
    twi_metrics(&x, &rank, 1);
    assert_true(x.hr[0] == 1 && x.ndcg[0] == 1 && x.auc == 1);
    assert_true(x.hr10_se == 0 && x.ndcg10_se == 0);
}

/* Of three users one has a repeat that is above everybody, which helps only where it can be given.
 */
static void a_repeat_that_cannot_be_given_is_a_miss(void **state)
{
    (void) state;
    twi_rank ranks[] = {{.above = 0, .competitors = 4},
                        {.above = 0, .competitors = 4, .repeat = true, .missed = true},
                        {.above = 4, .competitors = 4}};
    tw_seq_metrics x;
    twi_metrics(&x, ranks, 3);
    assert_int_equal(x.users, 3);
    assert_int_equal(x.repeats, 1);
    assert_near(x.hr[0], 1 / 3.0, 1e-12);
    assert_near(x.hr[3], 2 / 3.0, 1e-12); /* with five items everybody else is within twenty */
    assert_near(x.ndcg[0], 1 / 3.0, 1e-12);
    assert_near(x.mrr[3], (1 + 0.2) / 3, 1e-12);
    assert_near(x.auc, 1 / 3.0, 1e-12);
    ranks[1].missed = false;
    twi_metrics(&x, ranks, 3);
    assert_int_equal(x.repeats, 1);
    assert_near(x.hr[0], 2 / 3.0, 1e-12);
    assert_near(x.auc, 2 / 3.0, 1e-12);
}

static char *text_of(const tw_seq_metrics *x)
{
    json_t *json = tw_seq_metrics_json(x);
    char *text = json_dumps(json, JSON_REAL_PRECISION(9));
    json_decref(json);
    assert_non_null(text);
    return text;
}

static void json_names_every_figure(void **state)
{
    (void) state;
    const twi_rank rank = {.above = 2, .competitors = 4};
    const char *base =
        "{\"users\": 1, \"repeats\": 0, \"repeat_share\": 0.0, \"hr_at_1\": 0.0, \"ndcg_at_1\": "
        "0.0, "
        "\"mrr_at_1\": 0.0, \"recall_at_1\": 0.0, \"precision_at_1\": 0.0, \"hr_at_5\": 1.0, "
        "\"ndcg_at_5\": 0.5, \"mrr_at_5\": 0.333333, \"recall_at_5\": 1.0, \"precision_at_5\": "
        "0.2, "
        "\"hr_at_10\": 1.0, \"ndcg_at_10\": 0.5, \"mrr_at_10\": 0.333333, \"recall_at_10\": 1.0, "
        "\"precision_at_10\": 0.1, \"hr_at_20\": 1.0, \"ndcg_at_20\": 0.5, \"mrr_at_20\": "
        "0.333333, "
        "\"recall_at_20\": 1.0, \"precision_at_20\": 0.05, \"auc\": 0.5, \"hr_at_10_se\": 0.0, "
        "\"ndcg_at_10_se\": 0.0";
    const size_t len = strlen(base);
    tw_seq_metrics x;

    twi_metrics(&x, &rank, 1);
    char *text = text_of(&x);
    assert_memory_equal(text, base, len);
    assert_string_equal(text + len, "}"); /* neither lists nor their hash: not there */
    free(text);

    x.lists_hash = 0x2a;
    x.top = (tw_seq_list_metrics){1, 0.5, 0.25, 0.125, 3, 0.75};
    text = text_of(&x);
    assert_memory_equal(text, base, len);
    assert_string_equal(text + len,
                        ", \"lists_hash\": \"000000000000002a\", \"coverage_at_10\": 0.5, "
                        "\"gini_at_10\": 0.25, \"popularity_at_10\": 0.125, "
                        "\"novelty_at_10\": 3.0, \"diversity_at_10\": 0.75}");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_match_a_hand_calculation),
        cmocka_unit_test(one_user_without_competitor_is_a_hit_without_error),
        cmocka_unit_test(a_repeat_that_cannot_be_given_is_a_miss),
        cmocka_unit_test(json_names_every_figure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
