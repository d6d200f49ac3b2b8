/* Does training learn? Histories walk round a hidden cycle of items, with a jump now and then. The
 * next item is then known nine times in ten, and nothing but the last item tells it. The same
 * events in shuffled order hold nothing to learn, and must not be learnt. */
#include "base/rng.h"
#include "seqmodel/seqmodel.h"
#include "tests/support/test.h"

enum { USERS = 150, ITEMS = 100, LEN = 14, AT_10 = 2 };

static tw_seq_data *walks(bool shuffled)
{
    static int32_t users[USERS * LEN], items[USERS * LEN], cycle[ITEMS], all[USERS * LEN];
    tw_seq_data *d = NULL;
    tw_rng rng;
    int n = 0;

    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 0; i < ITEMS; i++)
        cycle[i] = i + 1;
    tw_rng_shuffle(&rng, cycle, ITEMS);
    for (int u = 1; u <= USERS; u++) {
        uint64_t at = tw_rng_below(&rng, ITEMS);
        for (int i = 0; i < LEN; i++, n++) {
            users[n] = u;
            all[n] = cycle[at % ITEMS];
            at += tw_rng_uniform(&rng) < 0.9 ? 1 : tw_rng_below(&rng, ITEMS);
        }
    }
    for (int i = 0; i < n; i++)
        items[i] = all[i];
    if (shuffled)
        tw_rng_shuffle(&rng, items, n);
    assert_ok(tw_seq_data_create(&d, USERS, ITEMS, users, items, NULL, n, err));
    return d;
}

static tw_seq_config small(tw_seq_loss loss)
{
    tw_seq_config c = tw_seq_config_default();
    c.user_dim = 4;
    c.item_dim = 20;
    c.max_len = 12;
    c.blocks = 1;
    c.heads = 1;
    c.loss = loss;
    c.negatives = 8;
    c.dropout = 0.1;
    c.sse_user = 0.8;
    c.sse_item_input = c.sse_item_target = 0.02;
    c.unknown_user = 0.1;
    c.lr = 0.01;
    c.batch = 25;
    c.epochs = 40;
    c.eval_every = 5;
    c.patience = 0;
    c.threads = 2;
    return c;
}

/* NDCG@10 on the test items; of unseen users where as_unknown. */
static double learn(const tw_seq_config *c, bool shuffled, bool as_unknown)
{
    tw_seq_data *d = walks(shuffled);
    tw_seq_model *m = NULL;
    tw_seq_metrics x;
    const tw_seq_eval_config e = {
        .split = TW_SEQ_TEST, .as = as_unknown ? TW_SEQ_AS_UNKNOWN : TW_SEQ_AS_KNOWN, .threads = 2};

    assert_ok(tw_seq_model_create(&m, c, USERS, ITEMS, err));
    assert_ok(tw_seq_train(m, d, NULL, NULL, err));
    assert_ok(tw_seq_eval(m, d, &e, &x, err));
    tw_seq_model_destroy(m);
    tw_seq_data_destroy(d);
    print_message("loss %d shuffled %d unknown %d: ndcg@10 %.3f\n", c->loss, shuffled, as_unknown,
                  x.ndcg[AT_10]);
    return x.ndcg[AT_10];
}

static void sse_pt_learns_a_planted_chain_with_softmax(void **state)
{
    (void) state;
    tw_seq_config c = small(TW_SEQ_CE);
    assert_true(learn(&c, false, false) > 0.7);
}

static void sse_pt_learns_a_planted_chain_with_bce(void **state)
{
    (void) state;
    tw_seq_config c = small(TW_SEQ_BCE);
    assert_true(learn(&c, false, false) > 0.6);
}

static void what_it_learnt_serves_unseen_users_too(void **state)
{
    (void) state;
    tw_seq_config c = small(TW_SEQ_CE);
    assert_true(learn(&c, false, true) > 0.7);
}

static void shuffled_histories_are_not_learnt(void **state)
{
    (void) state;
    tw_seq_config c = small(TW_SEQ_CE);
    assert_true(learn(&c, true, false) < 0.15);
}

static void sasrec_is_the_case_without_users(void **state)
{
    (void) state;
    tw_seq_config c = small(TW_SEQ_CE);
    c.user_dim = 0;
    assert_true(learn(&c, false, false) > 0.7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sse_pt_learns_a_planted_chain_with_softmax),
        cmocka_unit_test(sse_pt_learns_a_planted_chain_with_bce),
        cmocka_unit_test(what_it_learnt_serves_unseen_users_too),
        cmocka_unit_test(shuffled_histories_are_not_learnt),
        cmocka_unit_test(sasrec_is_the_case_without_users),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
