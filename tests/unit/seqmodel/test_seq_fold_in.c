/* Unseen users and items: those that the training never met. */
#include <math.h>
#include <string.h>

#include "seqmodel/seq_batch.h"
#include "seqmodel/seq_forward.h"
#include "seqmodel/seq_model.h"
#include "tests/unit/seqmodel/seq_toy.h"

enum { USERS = 40, ITEMS = 12, LEN = 10, D = 6 };

/* Two kinds of people: the odd ones walk up the first six items, the even ones down. So what comes
 * next item follows neither from the last item alone nor from position, but from the user. */
static tw_seq_data *walkers(void)
{
    int32_t users[USERS * LEN], items[USERS * LEN];
    tw_seq_data *d = NULL;
    for (int i = 0; i < USERS * LEN; i++) {
        int u = i / LEN, step = i % LEN;
        users[i] = 1 + u;
        items[i] = 1 + (u % 2 ? u + step : 10 * ITEMS + u - step) % ITEMS;
    }
    assert_ok(tw_seq_data_create(&d, USERS, ITEMS, users, items, NULL, USERS * LEN, err));
    return d;
}

static tw_seq_config config(tw_seq_loss loss)
{
    tw_seq_config c = toy_config();
    c.user_dim = D;
    c.item_dim = 10;
    c.loss = loss;
    c.norm = TW_SEQ_PRE;
    c.negatives = 4;
    c.max_len = 2;
    c.unknown_user = 0.1;
    c.temperature = 1;
    c.lr = 0.02;
    c.epochs = 30;
    c.patience = 0;
    return c;
}

static double loss_of(const tw_seq_model *m, const int32_t *items, int n, const tw_real *user)
{
    /* Through a copy whose unknown user is `user`. */
    tw_tape *tape = NULL;
    twi_batch b;
    tw_real keep[D];
    tw_param *users = m->users;
    memcpy(keep, users->value, sizeof keep);
    memcpy(users->value, user, sizeof keep);
    assert_ok(tw_tape_create(&tape, NULL, err));
    assert_ok(twi_seq_batch_init(&b, 1, m->cfg.max_len, true, 0, err));
    (void) twi_batch_add(&b, m->cfg.max_len, 0, items, n - 1);
    for (int i = 0; i < b.tokens; i++)
        b.targets[i] = items[n - b.tokens + i] - 1;
    tw_tape_reset(tape, 0, 0, 0);
    double loss = twi_forward_loss(m, tape, &b, 1);
    twi_seq_batch_fini(&b);
    tw_tape_destroy(tape);
    memcpy(users->value, keep, sizeof keep);
    return loss;
}

static void fold_in_lowers_the_loss_of_the_own_history_and_touches_nothing(void **state)
{
    (void) state;
    tw_seq_data *d = walkers();
    tw_seq_config c = config(TW_SEQ_CE);
    tw_seq_model *m = toy_model(&c, USERS, ITEMS);
    tw_seq_folder *f = NULL;
    tw_seq_session *s = NULL;
    const int32_t walk[] = {9, 2, 7}; /* as no user walked: there is something to learn */
    tw_real before[D], user[D], again[D], q[10], q2[10], unknown[10];

    assert_ok(tw_seq_train(m, d, NULL, NULL, err));
    memcpy(before, m->users->value, sizeof before);
    const tw_seq_fold_config fold = {.steps = 30, .lr = 0.05};
    assert_ok(tw_seq_folder_create(&f, m, &fold, err));
    assert_ok(tw_seq_fold_in(f, walk, 3, q, user, err));
    assert_true(loss_of(m, walk, 3, user) < loss_of(m, walk, 3, before) - 0.1);
    assert_memory_equal(before, m->users->value, sizeof before);

    const int32_t other[] = {3, 4, 5};
    assert_ok(tw_seq_fold_in(f, other, 3, q2, NULL, err));
    assert_memory_not_equal(q, q2, sizeof q);
    assert_ok(tw_seq_fold_in(f, walk, 3, q2, again, err)); /* nothing is left of the other */
    assert_memory_equal(q, q2, sizeof q);
    assert_memory_equal(user, again, sizeof user);

    /* One item has nothing to fit: the unknown user answers. */
    assert_ok(tw_seq_session_create(&s, m, err));
    assert_ok(tw_seq_fold_in(f, walk, 1, q, NULL, err));
    assert_ok(tw_seq_query(s, 0, walk, 1, unknown, err));
    assert_memory_equal(q, unknown, sizeof q);
    tw_seq_session_destroy(s);
    tw_seq_folder_destroy(f);
    tw_seq_model_destroy(m);
    tw_seq_data_destroy(d);
}

static void every_loss_folds_in(void **state)
{
    (void) state;
    tw_seq_data *d = walkers();
    const tw_seq_loss losses[] = {TW_SEQ_BCE, TW_SEQ_SAMPLED_CE, TW_SEQ_GBCE, TW_SEQ_SAMPLED_CE};
    for (int i = 0; i < 4; i++) {
        tw_seq_config c = config(losses[i]);
        c.exclude_seen = i == 3;
        const int32_t walk[] = {3, 4, 5};
        tw_real q[10], user[D];
        tw_seq_folder *f = NULL;
        c.epochs = 2;
        tw_seq_model *m = toy_model(&c, USERS, ITEMS);
        assert_ok(tw_seq_train(m, d, NULL, NULL, err));
        assert_ok(tw_seq_folder_create(&f, m, &TW_SEQ_FOLD_DEFAULT, err));
        assert_ok(tw_seq_fold_in(f, walk, 3, q, user, err));
        assert_memory_not_equal(user, m->users->value, sizeof user);
        for (int j = 0; j < 10; j++)
            assert_true(isfinite(q[j]));
        tw_seq_folder_destroy(f);
        tw_seq_model_destroy(m);
    }
    tw_seq_data_destroy(d);
}

/* Of two items, one was met and the other came: without the met one there is nothing to beat, so
 * nothing to learn. */
static void what_the_unknown_user_met_does_not_compete(void **state)
{
    (void) state;
    const int32_t walk[] = {1, 2};
    for (int exclude = 0; exclude <= 1; exclude++) {
        tw_seq_config c = config(TW_SEQ_CE);
        tw_real q[10], user[D];
        tw_seq_folder *f = NULL;
        c.exclude_seen = exclude;
        tw_seq_model *m = toy_model(&c, 1, 2);
        toy_scramble(m, 0.5);
        assert_ok(tw_seq_folder_create(&f, m, &TW_SEQ_FOLD_DEFAULT, err));
        assert_ok(tw_seq_fold_in(f, walk, 2, q, user, err));
        bool moved = false;
        for (int j = 0; j < D; j++)
            moved = moved || user[j] != m->users->value[j];
        assert_int_equal(moved, !exclude);
        tw_seq_folder_destroy(f);
        tw_seq_model_destroy(m);
    }
}

static void what_cannot_be_folded_says_why(void **state)
{
    (void) state;
    tw_error why = {0};
    tw_seq_folder *f = NULL;
    tw_seq_config c = config(TW_SEQ_CE);
    tw_real q[10];
    const int32_t nothing[] = {0, -3};
    tw_seq_model *m = toy_model(&c, USERS, ITEMS);
    const tw_seq_fold_config bad = {.steps = -1, .lr = 1};
    assert_int_equal(tw_seq_folder_create(&f, m, &bad, &why), TW_EINVAL);
    assert_null(f);
    assert_ok(tw_seq_folder_create(&f, m, &TW_SEQ_FOLD_DEFAULT, err));
    assert_int_equal(tw_seq_fold_in(f, nothing, 2, q, NULL, &why), TW_ENOTFOUND);
    tw_seq_folder_destroy(f);
    tw_seq_model_destroy(m);

    c.user_dim = 0;
    m = toy_model(&c, USERS, ITEMS);
    assert_int_equal(tw_seq_folder_create(&f, m, &TW_SEQ_FOLD_DEFAULT, &why), TW_EINVAL);
    assert_string_equal(why.msg, "the model has no user vectors (user_dim 0)");
    tw_seq_model_destroy(m);
}

static void held_out_users_and_items_are_gone_and_the_rest_is_as_it_was(void **state)
{
    (void) state;
    tw_seq_data *d = walkers(), *kept = NULL;
    bool users[USERS + 1], items[ITEMS + 1];
    int held_users = 0, held_items = 0;
    tw_error why = {0};

    assert_ok(tw_seq_data_hold_out(&kept, d, 0.3, 0.3, 5, users, items, err));
    for (int32_t u = 1; u <= USERS; u++) {
        const int32_t *was = tw_seq_data_items(d, u), *is = tw_seq_data_items(kept, u);
        int64_t at = 0;
        held_users += users[u];
        for (int64_t i = 0; i < tw_seq_data_length(d, u); i++)
            if (!users[u] && !items[was[i]])
                assert_int_equal(is[at++], was[i]);
        assert_int_equal(tw_seq_data_length(kept, u), at);
    }
    for (int32_t i = 1; i <= ITEMS; i++)
        held_items += items[i];
    assert_true(held_users > 3 && held_users < 25 && held_items > 0 && held_items < 9);
    tw_seq_data_destroy(kept);

    assert_int_equal(tw_seq_data_hold_out(&kept, d, 1, 0, 5, users, items, &why), TW_EINVAL);
    assert_null(kept);
    tw_seq_data_destroy(d);
}

static void ties_survive_only_where_no_time_passed(void **state)
{
    (void) state;
    /* times 1 1 1 2 2 3; item 2 and item 4 may go */
    const int32_t users[] = {1, 1, 1, 1, 1, 1}, items[] = {1, 2, 3, 4, 5, 6};
    const int64_t times[] = {1, 1, 1, 2, 2, 3};
    tw_seq_data *d = NULL, *kept = NULL;
    bool held_users[2], held[7];
    int seen = 0;
    assert_ok(tw_seq_data_create(&d, 1, 6, users, items, times, 6, err));
    for (int64_t seed = 1; seed < 60; seed++) {
        assert_ok(tw_seq_data_hold_out(&kept, d, 0, 0.4, seed, held_users, held, err));
        int64_t n = tw_seq_data_length(kept, 1), before = -1;
        for (int64_t i = 0; i < n; i++) {
            int64_t time = times[tw_seq_data_items(kept, 1)[i] - 1];
            assert_int_equal(kept->tied[i], time == before);
            before = time;
        }
        seen += held[2] && !held[1] && !held[3];
        tw_seq_data_destroy(kept);
    }
    assert_true(seen > 0);
    tw_seq_data_destroy(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fold_in_lowers_the_loss_of_the_own_history_and_touches_nothing),
        cmocka_unit_test(every_loss_folds_in),
        cmocka_unit_test(what_the_unknown_user_met_does_not_compete),
        cmocka_unit_test(what_cannot_be_folded_says_why),
        cmocka_unit_test(held_out_users_and_items_are_gone_and_the_rest_is_as_it_was),
        cmocka_unit_test(ties_survive_only_where_no_time_passed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
