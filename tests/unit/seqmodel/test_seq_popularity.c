/* Popularity as part of the score: one more column, whose product is w * log(1 + events). */
#include <math.h>

#include "seqmodel/seq_model.h"
#include "tests/unit/seqmodel/seq_toy.h"

enum { USERS = 12, ITEMS = 9, W = 5 };

static tw_seq_data *histories(void)
{
    static const int lengths[USERS] = {3, 4, 5, 6, 7, 8, 9, 3, 4, 5, 6, 7};
    return toy_data(USERS, ITEMS, lengths, tw_test_seed());
}

static tw_seq_config config(double popularity)
{
    tw_seq_config c = toy_config();
    c.loss = TW_SEQ_SAMPLED_CE;
    c.negatives = 4;
    c.normalize = 1;
    c.popularity = popularity;
    return c;
}

static tw_seq_model *trained(const tw_seq_config *c, const tw_seq_data *data)
{
    tw_seq_model *m = toy_model(c, USERS, ITEMS);
    assert_ok(tw_seq_train(m, data, NULL, NULL, err));
    return m;
}

/* The slow way: walk all train parts for one item. */
static double events_of(const tw_seq_data *data, int32_t item)
{
    int n = 0;
    for (int32_t u = 1; u <= USERS; u++)
        for (int64_t i = 0; i < tw_seq_data_train_length(data, u); i++)
            n += tw_seq_data_items(data, u)[i] == item;
    return n;
}

static void ask(const tw_seq_model *m, tw_real *query)
{
    const int32_t history[] = {2, 5, 1};
    tw_seq_session *s = NULL;
    assert_ok(tw_seq_session_create(&s, m, err));
    assert_ok(tw_seq_query(s, 3, history, 3, query, err));
    tw_seq_session_destroy(s);
}

/* Training without validations that choose: only then both models end with the same weights. */
static void the_score_gains_what_the_item_is_consumed_and_nothing_else_changes(void **state)
{
    (void) state;
    tw_seq_config with = config(W), without = config(0);
    with.epochs = without.epochs = 1;
    tw_seq_data *data = histories();
    tw_seq_model *a = trained(&with, data), *b = trained(&without, data);
    tw_real qa[8], qb[8];
    int64_t rows;
    int wide, narrow;
    const tw_real *va = tw_seq_item_vectors(a, &rows, &wide);
    const tw_real *vb = tw_seq_item_vectors(b, &rows, &narrow);

    assert_int_equal(narrow, 4);
    assert_int_equal(wide, 5);
    ask(a, qa);
    ask(b, qb);
    for (int j = 0; j < narrow; j++)
        assert_near(qa[j], qb[j], 0);
    for (int32_t i = 1; i <= ITEMS; i++) {
        double sa = 0, sb = 0;
        for (int j = 0; j < wide; j++)
            sa += (double) (qa[j] * va[i * wide + j]);
        for (int j = 0; j < narrow; j++)
            sb += (double) (qb[j] * vb[i * narrow + j]);
        assert_near(sa - sb, W * log(1 + events_of(data, i)), 1e-5);
    }
    for (int j = 0; j < wide; j++)
        assert_near(va[j], 0, 0);                                 /* row 0 belongs to no item */
    assert_int_equal(tw_seq_model_size(a), tw_seq_model_size(b)); /* counts are not trained */
    tw_seq_model_destroy(a);
    tw_seq_model_destroy(b);
    tw_seq_data_destroy(data);
}

/* So heavy a weight leaves nothing of the model: its ranks are those of counting. */
static void an_evaluation_ranks_with_it(void **state)
{
    (void) state;
    tw_seq_config c = config(10);
    tw_seq_data *data = histories();
    tw_seq_model *m = toy_model(&c, USERS, ITEMS);
    const tw_seq_eval_config how = {.split = TW_SEQ_TEST, .protocol = TW_SEQ_FULL};
    tw_seq_metrics got, want;

    assert_ok(tw_seq_train(m, data, NULL, NULL, err));
    memset(m->items->value, 0, (size_t) m->items->rows * (size_t) m->items->cols * sizeof(tw_real));
    twi_refresh_outputs(m);
    assert_ok(tw_seq_eval(m, data, &how, &got, err));
    assert_ok(tw_seq_eval_baseline(TW_SEQ_POPULARITY, data, &how, &want, err));
    assert_near(got.auc, want.auc, 1e-12);
    for (int k = 0; k < TW_SEQ_CUTS; k++)
        assert_near(got.ndcg[k], want.ndcg[k], 1e-12);
    tw_seq_model_destroy(m);
    tw_seq_data_destroy(data);
}

static void a_saved_model_keeps_it(void **state)
{
    (void) state;
    tw_seq_config c = config(W);
    tw_seq_data *data = histories();
    tw_seq_model *m = trained(&c, data), *back = NULL;
    const char *path = tw_test_path("popular.safetensors");
    int64_t rows;
    int dim, dim_back;

    assert_ok(tw_seq_model_save(m, path, err));
    assert_ok(tw_seq_model_load(&back, path, err));
    const tw_real *v = tw_seq_item_vectors(m, &rows, &dim);
    assert_memory_equal(v, tw_seq_item_vectors(back, &rows, &dim_back),
                        (size_t) rows * (size_t) dim * sizeof *v);
    assert_int_equal(dim, dim_back);
    tw_seq_model_destroy(m);
    tw_seq_model_destroy(back);
    tw_seq_data_destroy(data);
}

static void it_needs_room_for_its_column(void **state)
{
    (void) state;
    tw_seq_config c = config(W);
    c.user_dim = 2;
    c.item_dim = TW_SEQ_MAX_DIM - 2;
    assert_status(tw_seq_config_check(&c, err), TW_EINVAL);
    c.item_dim--;
    assert_ok(tw_seq_config_check(&c, err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_score_gains_what_the_item_is_consumed_and_nothing_else_changes),
        cmocka_unit_test(an_evaluation_ranks_with_it),
        cmocka_unit_test(a_saved_model_keeps_it),
        cmocka_unit_test(it_needs_room_for_its_column),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
