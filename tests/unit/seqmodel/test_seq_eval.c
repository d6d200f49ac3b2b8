/* Where targets rank among the whole catalogue: by hand, by a plain loop, and for which users. */
#include <math.h>
#include <string.h>

#include "seqmodel/seq_baseline.h"
#include "seqmodel/seq_metrics.h"
#include "seqmodel/seq_model.h"
#include "tests/unit/seqmodel/eval_toy.h"

static void popularity_counts_the_train_parts(void **state)
{
    (void) state;
    tw_seq_data *d = small();
    tw_real scores[7];
    const tw_real want[7] = {0, 3, 2, 1, 0, 0, 0};
    twi_popularity(scores, d);
    for (int i = 0; i < 7; i++)
        assert_near(scores[i], want[i], 0);
    tw_seq_data_destroy(d);
}

static void full_ranking_leaves_out_seen_items_and_counts_ties_against_us(void **state)
{
    (void) state;
    tw_seq_data *d = small();
    tw_seq_metrics x;
    tw_seq_eval_config c = {.split = TW_SEQ_VALID, .threads = 1};

    /* User 1: seen 1 2, target 3 (count 1) against 4 5 6 (0): rank 1 of 3 competitors.
     * User 2: seen 1 3, target 4 (0) against 2 (2), 5, 6 (ties): rank 4 of 3 competitors. */
    assert_ok(tw_seq_eval_baseline(TW_SEQ_POPULARITY, d, &c, &x, err));
    assert_int_equal(x.users, 2);
    assert_near(x.hr[0], 0.5, 1e-12);
    assert_near(x.mrr[1], (1 + 0.25) / 2, 1e-12);
    assert_near(x.ndcg[1], (1 + 1 / log2(5)) / 2, 1e-12);
    assert_near(x.auc, (1 + 0) / 2.0, 1e-12);

    /* User 1: seen 1 2 3, target 4 (0) ties with 5 6: rank 3. User 2: seen 1 3 4, target 2: rank 1.
     */
    c.split = TW_SEQ_TEST;
    assert_ok(tw_seq_eval_baseline(TW_SEQ_POPULARITY, d, &c, &x, err));
    assert_near(x.mrr[1], (1 / 3.0 + 1) / 2, 1e-12);
    tw_seq_data_destroy(d);
}

/* `next` leaves out what was met, so it can never give item 1 again: whatever its score, and even
 * where the catalogue is so small that the last place is within the cut. */
static void an_item_met_again_is_a_miss_unless_what_was_met_is_ranked(void **state)
{
    (void) state;
    const int32_t users[] = {1, 1, 1, 1, 2, 2, 2}, items[] = {1, 2, 3, 1, 1, 2, 3};
    tw_seq_data *d = NULL;
    assert_ok(tw_seq_data_create(&d, 2, 4, users, items, NULL, 7, err));
    for (int protocol = 0; protocol < 3; protocol++) {
        for (int kind = 0; kind < 3; kind++) {
            tw_seq_metrics x;
            tw_seq_eval_config c = {
                .split = TW_SEQ_TEST, .protocol = (tw_seq_protocol) protocol, .threads = 1};
            assert_ok(tw_seq_eval_baseline((tw_seq_baseline) kind, d, &c, &x, err));
            assert_int_equal(x.users, 2);
            assert_int_equal(x.repeats, 1);
            assert_true(x.hr[3] <= 0.5 && x.auc <= 0.5);
            c.seen = true;
            assert_ok(tw_seq_eval_baseline((tw_seq_baseline) kind, d, &c, &x, err));
            assert_int_equal(x.repeats, 1);
            if (protocol == TW_SEQ_FULL) /* of four items all are within the cut */
                assert_true(x.hr[3] == 1);
        }
    }
    tw_seq_metrics x;
    const bool first[] = {false, true, false};
    tw_seq_eval_config c = {.split = TW_SEQ_TEST, .threads = 1, .only_users = first, .seen = true};
    /* Counts 2 1 0 0 in the train parts: 1 is above the three others, its own past among them. */
    assert_ok(tw_seq_eval_baseline(TW_SEQ_POPULARITY, d, &c, &x, err));
    assert_true(x.hr[0] == 1 && x.auc == 1);
    c.seen = false;
    assert_ok(tw_seq_eval_baseline(TW_SEQ_POPULARITY, d, &c, &x, err));
    assert_true(x.hr[3] == 0 && x.ndcg[3] == 0 && x.mrr[3] == 0 && x.auc == 0 && x.repeats == 1);
    tw_seq_data_destroy(d);
}

/* As small(), after a training that had read all of user 1's four events but the last, and of user
 * 2's three, with 4 as its target, before the last came. */
static void with_cuts_what_was_trained_on_is_no_target(void **state)
{
    (void) state;
    tw_seq_data *d = small();
    tw_seq_metrics x;
    tw_real scores[7];
    const tw_real want[7] = {0, 3, 2, 2, 0, 0, 0};
    const tw_seq_cut cuts[] = {{0}, {3, -1, 3}, {2, 2, -1}, {2, -1, -1}};
    tw_seq_eval_config c = {.split = TW_SEQ_TEST, .threads = 1};

    assert_int_equal(tw_seq_data_target(d, TW_SEQ_TEST, 2), 3);
    assert_int_equal(tw_seq_data_target(d, TW_SEQ_VALID, 2), 2);
    assert_int_equal(tw_seq_data_target(d, TW_SEQ_TEST, 3), -1);
    assert_ok(tw_seq_data_set_cuts(d, cuts, err));
    assert_int_equal(tw_seq_data_target(d, TW_SEQ_TEST, 2), -1);
    assert_int_equal(tw_seq_data_target(d, TW_SEQ_VALID, 2), 2);
    assert_int_equal(tw_seq_data_train_length(d, 1), 3);
    twi_popularity(scores, d);
    for (int i = 0; i < 7; i++)
        assert_near(scores[i], want[i], 0);
    /* User 1: seen 1 2 3, target 4 (0) ties with 5 6. */
    assert_ok(tw_seq_eval_baseline(TW_SEQ_POPULARITY, d, &c, &x, err));
    assert_int_equal(x.users, 1);
    assert_near(x.mrr[1], 1 / 3.0, 1e-12);
    /* User 2: seen 1 3, target 4 (0) behind 2 and ties with 5 6. */
    c.split = TW_SEQ_VALID;
    assert_ok(tw_seq_eval_baseline(TW_SEQ_POPULARITY, d, &c, &x, err));
    assert_int_equal(x.users, 1);
    assert_near(x.mrr[1], 1 / 4.0, 1e-12);

    const tw_seq_cut none[] = {{0}, {4, -1, -1}, {4, -1, -1}, {2, -1, -1}};
    tw_error why = {0};
    assert_ok(tw_seq_data_set_cuts(d, none, err));
    assert_int_equal(tw_seq_eval_baseline(TW_SEQ_POPULARITY, d, &c, &x, &why), TW_ENOTFOUND);
    assert_non_null(strstr(why.msg, "the training did not see"));
    const tw_seq_cut wrong[][4] = {{{0}, {3, 2, -1}, {0, -1, -1}, {0, -1, -1}},
                                   {{0}, {0, -1, 4}, {0, -1, -1}, {0, -1, -1}},
                                   {{0}, {5, -1, -1}, {0, -1, -1}, {0, -1, -1}},
                                   {{0}, {0, 0, -1}, {0, -1, -1}, {0, -1, -1}}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_status(tw_seq_data_set_cuts(d, wrong[i], err), TW_EINVAL);
    assert_int_equal(tw_seq_data_train_length(d, 1), 4); /* as before */
    tw_seq_data_destroy(d);
}

static void figures_do_not_depend_on_threads(void **state)
{
    (void) state;
    tw_seq_data *d = larger();
    tw_seq_model *m = model();
    for (int protocol = 0; protocol < 3; protocol++) {
        tw_seq_metrics one, three;
        tw_seq_eval_config c = {.protocol = (tw_seq_protocol) protocol, .threads = 1, .seed = 3};
        assert_ok(tw_seq_eval(m, d, &c, &one, err));
        c.threads = 3;
        assert_ok(tw_seq_eval(m, d, &c, &three, err));
        assert_memory_equal(&one, &three, sizeof one);
    }
    tw_seq_model_destroy(m);
    tw_seq_data_destroy(d);
}

/* Ranks by plain loops over queries, to support_set packing, chunks and matrix products. */
static void full_ranking_matches_the_obvious_loop(void **state)
{
    (void) state;
    tw_seq_data *d = larger();
    tw_seq_model *m = model();
    twi_rank ranks[USERS], whole[USERS];
    tw_seq_metrics got, want;
    tw_seq_session *s = NULL;
    int n = 0;
    tw_seq_eval_config c = {.split = TW_SEQ_TEST, .threads = 1};

    assert_ok(tw_seq_session_create(&s, m, err));
    for (int32_t u = 1; u <= USERS; u++) {
        int64_t len = tw_seq_data_length(d, u);
        const int32_t *items = tw_seq_data_items(d, u);
        tw_real q[4];
        double score[ITEMS + 1];
        if (len < 3)
            continue;
        assert_ok(tw_seq_query(s, u, items, len - 1, q, err));
        for (int i = 1; i <= ITEMS; i++) {
            score[i] = 0;
            for (int j = 0; j < 4; j++)
                score[i] += (double) q[j] * (double) m->items->value[i * 4 + j];
        }
        ranks[n] = (twi_rank){0};
        whole[n] = (twi_rank){.competitors = ITEMS - 1};
        for (int i = 1; i <= ITEMS; i++) {
            bool seen = i == items[len - 1];
            for (int64_t k = 0; k < len - 1; k++)
                seen = seen || items[k] == i;
            ranks[n].competitors += !seen;
            ranks[n].above += !seen && score[i] >= score[items[len - 1]];
            whole[n].above += i != items[len - 1] && score[i] >= score[items[len - 1]];
        }
        n++;
    }
    twi_metrics(&want, ranks, n);
    assert_ok(tw_seq_eval(m, d, &c, &got, err));
    assert_int_equal(got.users, want.users);
    assert_near(got.mrr[3], want.mrr[3], 1e-9);
    assert_near(got.auc, want.auc, 1e-3); /* float sums may order near-ties otherwise */
    c.seen = true;
    twi_metrics(&want, whole, n);
    assert_ok(tw_seq_eval(m, d, &c, &got, err));
    assert_near(got.mrr[3], want.mrr[3], 1e-9);
    assert_near(got.auc, want.auc, 1e-3);
    tw_seq_session_destroy(s);
    tw_seq_model_destroy(m);
    tw_seq_data_destroy(d);
}

static void as_unknown_presents_user_zero(void **state)
{
    (void) state;
    tw_seq_data *d = larger();
    tw_seq_model *m = model();
    tw_seq_metrics known, unknown, same;
    tw_seq_eval_config c = {.threads = 1};

    assert_ok(tw_seq_eval(m, d, &c, &known, err));
    c.as = TW_SEQ_AS_UNKNOWN;
    assert_ok(tw_seq_eval(m, d, &c, &unknown, err));
    assert_memory_not_equal(&known, &unknown, sizeof known);
    for (int32_t u = 1; u <= USERS; u++)
        memcpy(m->users->value + u * 2, m->users->value, 2 * sizeof(tw_real));
    c.as = TW_SEQ_AS_KNOWN;
    assert_ok(tw_seq_eval(m, d, &c, &same, err));
    assert_memory_equal(&same, &unknown, sizeof same);
    tw_seq_model_destroy(m);
    tw_seq_data_destroy(d);
}

/* Unseen users as their mean and as folded in: by other calls, the same vectors. */
static void the_mean_user_and_the_folded_one_are_who_they_say(void **state)
{
    (void) state;
    tw_seq_data *d = larger();
    tw_seq_model *m = model();
    tw_seq_metrics mean, folded, by_hand;
    tw_seq_eval_config c = {.threads = 2, .as = TW_SEQ_AS_MEAN};
    tw_error why = {0};

    assert_ok(tw_seq_eval(m, d, &c, &mean, err));
    c.as = TW_SEQ_AS_FOLDED;
    assert_ok(tw_seq_eval(m, d, &c, &folded, err));
    assert_memory_not_equal(&mean, &folded, sizeof mean);
    for (int j = 0; j < m->users->cols; j++) {
        double sum = 0;
        for (int32_t u = 1; u <= USERS; u++)
            sum += (double) m->users->value[u * m->users->cols + j];
        m->users->value[j] = (tw_real) (sum / USERS);
    }
    c.as = TW_SEQ_AS_UNKNOWN;
    assert_ok(tw_seq_eval(m, d, &c, &by_hand, err));
    assert_memory_equal(&mean, &by_hand, sizeof mean);
    tw_seq_model_destroy(m);

    tw_seq_config without = toy_config();
    without.user_dim = 0;
    m = toy_model(&without, USERS, ITEMS);
    c.as = TW_SEQ_AS_FOLDED;
    assert_int_equal(tw_seq_eval(m, d, &c, &folded, &why), TW_EINVAL);
    assert_string_equal(why.msg, "the model has no user vectors (user_dim 0)");
    tw_seq_model_destroy(m);
    tw_seq_data_destroy(d);
}

static void reranked_lists_are_what_is_measured(void **state)
{
    (void) state;
    tw_seq_data *d = larger();
    tw_seq_model *m = model();
    tw_seq_metrics plain, diverse, discounted;
    tw_error why = {0};
    tw_seq_eval_config c = {.threads = 2, .lists = true};

    assert_ok(tw_seq_eval(m, d, &c, &plain, err));
    c.rerank.diversity = 1;
    assert_ok(tw_seq_eval(m, d, &c, &diverse, err));
    assert_memory_not_equal(&plain.top, &diverse.top, sizeof plain.top);
    assert_true(diverse.hr[0] == plain.hr[0]); /* the first is picked by relevance alone */
    c.rerank = (tw_seq_rerank_config){.popularity_discount = 10};
    assert_ok(tw_seq_eval(m, d, &c, &discounted, err));
    assert_true(discounted.top.popularity < plain.top.popularity);
    assert_true(discounted.top.novelty > plain.top.novelty);

    c.protocol = TW_SEQ_SAMPLED100;
    assert_int_equal(tw_seq_eval(m, d, &c, &diverse, &why), TW_EINVAL);
    c.protocol = TW_SEQ_FULL;
    c.rerank.diversity = 2;
    assert_int_equal(tw_seq_eval(m, d, &c, &diverse, &why), TW_EINVAL);
    assert_string_equal(why.msg, "diversity 2 is outside 0..1");
    tw_seq_model_destroy(m);
    tw_seq_data_destroy(d);
}

static void scores_that_are_not_numbers_lose(void **state)
{
    (void) state;
    tw_seq_data *d = larger();
    tw_seq_model *m = model();
    tw_seq_metrics x;
    const tw_seq_eval_config c = {.threads = 1};
    tw_param_fill(m->gain, (tw_real) NAN);
    assert_ok(tw_seq_eval(m, d, &c, &x, err));
    assert_true(x.hr[3] == 0 && x.auc == 0);
    tw_seq_model_destroy(m);
    tw_seq_data_destroy(d);
}

/* Users 1 and 2 can be ranked, with test targets 4 and 2; user 3 cannot. */
static void only_the_marked_users_and_targets_are_ranked(void **state)
{
    (void) state;
    tw_seq_data *d = small();
    tw_seq_metrics x;
    const bool second[4] = {[2] = true}, third[4] = {[3] = true};
    const bool four[7] = {[4] = true}, five[7] = {[5] = true};
    tw_seq_eval_config c = {.split = TW_SEQ_TEST, .threads = 1, .only_users = second};

    assert_ok(tw_seq_eval_baseline(TW_SEQ_POPULARITY, d, &c, &x, err));
    assert_true(x.users == 1 && x.hr[0] == 1); /* user 2's target is first, see above */
    c.only_targets = four;
    assert_status(tw_seq_eval_baseline(TW_SEQ_POPULARITY, d, &c, &x, err), TW_ENOTFOUND);
    c.only_users = NULL;
    assert_ok(tw_seq_eval_baseline(TW_SEQ_POPULARITY, d, &c, &x, err));
    assert_true(x.users == 1 && x.hr[0] == 0);
    assert_near(x.mrr[1], 1 / 3.0, 1e-12); /* user 1's */
    c.split = TW_SEQ_VALID;                /* where 4 is user 2's target, rank 4 */
    assert_ok(tw_seq_eval_baseline(TW_SEQ_POPULARITY, d, &c, &x, err));
    assert_near(x.mrr[1], 1 / 4.0, 1e-12);
    c.only_targets = five;
    assert_status(tw_seq_eval_baseline(TW_SEQ_POPULARITY, d, &c, &x, err), TW_ENOTFOUND);
    c.only_targets = NULL;
    c.only_users = third;
    assert_status(tw_seq_eval_baseline(TW_SEQ_POPULARITY, d, &c, &x, err), TW_ENOTFOUND);
    tw_seq_data_destroy(d);
}

/* A user who met only item 5 makes it the most popular: user 1's target 4 falls behind it, but so
 * it did by the tie; user 2's target 2 loses its first place. */
static void baselines_learn_from_the_data_they_are_given(void **state)
{
    (void) state;
    const int32_t users[] = {3, 3}, items[] = {5, 5};
    tw_seq_data *d = small(), *train = NULL, *other = NULL;
    tw_seq_metrics x;
    tw_seq_eval_config c = {.split = TW_SEQ_TEST, .threads = 1, .lists = true};

    assert_ok(tw_seq_data_create(&train, 3, 6, users, items, NULL, 2, err));
    assert_ok(tw_seq_data_create(&other, 3, 5, users, items, NULL, 2, err));
    c.learn_from = train;
    assert_ok(tw_seq_eval_baseline(TW_SEQ_POPULARITY, d, &c, &x, err));
    assert_near(x.mrr[1], (1 / 3.0 + 1 / 3.0) / 2, 1e-12); /* 5 above, a tie with 6 */
    /* Of the six listed items (4 5 6 | 2 5 6) only 5 has a user, and there is but one user. */
    assert_near(x.top.popularity, 2 / 6.0, 1e-12);
    assert_near(x.top.novelty, 0, 1e-12);
    c.learn_from = other;
    assert_status(tw_seq_eval_baseline(TW_SEQ_POPULARITY, d, &c, &x, err), TW_EINVAL);
    tw_seq_data_destroy(d);
    tw_seq_data_destroy(train);
    tw_seq_data_destroy(other);
}

static void what_cannot_be_evaluated_says_why(void **state)
{
    (void) state;
    const int lengths[USERS] = {2};
    tw_seq_data *d = toy_data(USERS, ITEMS, lengths, 1), *other = small();
    tw_seq_model *m = model();
    tw_seq_metrics x;
    tw_seq_eval_config c = {.threads = 1};

    assert_status(tw_seq_eval_baseline(TW_SEQ_POPULARITY, d, &c, &x, err), TW_ENOTFOUND);
    assert_status(tw_seq_eval(m, other, &c, &x, err), TW_EINVAL);
    c.protocol = (tw_seq_protocol) 3;
    assert_status(tw_seq_eval_baseline(TW_SEQ_POPULARITY, other, &c, &x, err), TW_EINVAL);
    c = (tw_seq_eval_config){.split = (tw_seq_split) 2};
    assert_status(
        tw_seq_eval_baseline((tw_seq_baseline) 3, other, &(tw_seq_eval_config){0}, &x, err),
        TW_EINVAL);
    assert_status(tw_seq_eval_baseline(TW_SEQ_POPULARITY, other, &c, &x, err), TW_EINVAL);
    tw_seq_model_destroy(m);
    tw_seq_data_destroy(other);
    tw_seq_data_destroy(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(popularity_counts_the_train_parts),
        cmocka_unit_test(full_ranking_leaves_out_seen_items_and_counts_ties_against_us),
        cmocka_unit_test(with_cuts_what_was_trained_on_is_no_target),
        cmocka_unit_test(an_item_met_again_is_a_miss_unless_what_was_met_is_ranked),
        cmocka_unit_test(figures_do_not_depend_on_threads),
        cmocka_unit_test(full_ranking_matches_the_obvious_loop),
        cmocka_unit_test(as_unknown_presents_user_zero),
        cmocka_unit_test(the_mean_user_and_the_folded_one_are_who_they_say),
        cmocka_unit_test(reranked_lists_are_what_is_measured),
        cmocka_unit_test(scores_that_are_not_numbers_lose),
        cmocka_unit_test(only_the_marked_users_and_targets_are_ranked),
        cmocka_unit_test(baselines_learn_from_the_data_they_are_given),
        cmocka_unit_test(what_cannot_be_evaluated_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
