/* One step's users among workers: each once, and nearly equal numbers of rows. */
#include "seqmodel/seq_step.h"
#include "tests/unit/seqmodel/seq_toy.h"

enum { USERS = 7, ITEMS = 40 };

static const int lengths[USERS] = {12, 4, 30, 9, 21, 5, 16};

static void users_are_divided_longest_first(void **state)
{
    (void) state;
    static const int32_t order[USERS] = {4, 3, 1, 7, 2, 6, 5};
    tw_seq_config c = toy_config();
    c.max_len = 100;
    tw_seq_model *m = toy_model(&c, USERS, ITEMS);
    tw_seq_data *d = toy_data(USERS, ITEMS, lengths, 3);
    twi_seq_step s;

    assert_ok(twi_seq_step_init(&s, m, d, USERS, 2, err));
    twi_seq_step_assign(&s, order, 1, USERS);
    /* Two of each history are held out, and its first item is no target. */
    const int rows_of[USERS + 1] = {0, 9, 1, 27, 6, 18, 2, 13};
    int seen[USERS + 1] = {0}, rows[2] = {0}, all = 0;
    for (int w = 0; w < 2; w++) {
        for (int i = 0; i < s.slices[w].n; i++) {
            const int32_t user = s.slices[w].users[i];
            seen[user]++;
            rows[w] += rows_of[user];
            assert_true(i == 0 || rows_of[user] <= rows_of[s.slices[w].users[i - 1]]);
        }
        all += rows[w];
    }
    for (int32_t u = 1; u <= USERS; u++)
        assert_int_equal(seen[u], u != order[0]);
    assert_int_equal(s.targets, all);
    assert_int_equal(rows[0] > rows[1] ? rows[0] : rows[1], 36); /* 27 9 | 18 13 2 1 */
    assert_int_equal(s.at, 1);
    twi_seq_step_fini(&s);
    tw_seq_data_destroy(d);
    tw_seq_model_destroy(m);
}

/* Marks of an epoch before would be taken for this one's: its stamps begin again. */
static void an_epoch_begins_with_clear_marks(void **state)
{
    (void) state;
    tw_seq_config c = toy_config();
    c.loss = TW_SEQ_BCE;
    c.negatives = 2;
    tw_seq_model *m = toy_model(&c, USERS, ITEMS);
    tw_seq_data *d = toy_data(USERS, ITEMS, lengths, 3);
    twi_seq_step s;

    assert_ok(twi_seq_step_init(&s, m, d, USERS, 1, err));
    s.slices[0].stamp = 5;
    s.slices[0].mark[3] = s.slices[0].mark[ITEMS] = 5;
    twi_seq_step_epoch(&s, 2);
    assert_true(s.epoch == 2 && s.slices[0].stamp == 0);
    assert_true(s.slices[0].mark[3] == 0 && s.slices[0].mark[ITEMS] == 0);
    twi_seq_step_fini(&s);
    tw_seq_data_destroy(d);
    tw_seq_model_destroy(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users_are_divided_longest_first),
        cmocka_unit_test(an_epoch_begins_with_clear_marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
