/* Items that enter by what they are, and not only by which they are. */
#include <math.h>
#include <string.h>

#include "seqmodel/seq_model.h"
#include "tests/unit/seqmodel/seq_toy.h"

/* Items 1..6 follow each other in a ring; 7 is like 3 and has no events. */
enum { USERS = 30, RING = 6, ITEMS = 7, LEN = 14, C = 6 };

static tw_seq_config features_config(void)
{
    tw_seq_config c = toy_config();
    c.user_dim = 0;
    c.item_dim = 8;
    c.item_features_dim = C;
    c.loss = TW_SEQ_CE;
    c.norm = TW_SEQ_PRE;
    c.temperature = 1;
    c.lr = 0.02;
    c.epochs = 40;
    c.patience = 0;
    c.max_len = 8;
    c.id_dropout = 0.5;
    return c;
}

static tw_seq_data *ring(void)
{
    int32_t users[USERS * LEN], items[USERS * LEN];
    tw_seq_data *d = NULL;
    for (int i = 0; i < USERS * LEN; i++) {
        users[i] = 1 + i / LEN;
        items[i] = 1 + (i / LEN + i % LEN) % RING;
    }
    assert_ok(tw_seq_data_create(&d, USERS, ITEMS, users, items, NULL, USERS * LEN, err));
    return d;
}

/* (ITEMS+1, C) one feature each; 7 has that of 3 */
static void fill_features(tw_real *features)
{
    memset(features, 0, (ITEMS + 1) * C * sizeof *features);
    for (int i = 1; i <= RING; i++)
        features[i * C + i - 1] = 1;
    features[7 * C + 2] = 1;
}

static tw_seq_model *trained(tw_seq_config c)
{
    tw_real features[(ITEMS + 1) * C];
    tw_seq_data *d = ring();
    tw_seq_model *m = toy_model(&c, USERS, ITEMS);
    fill_features(features);
    assert_ok(tw_seq_model_set_item_features(m, features, err));
    assert_ok(tw_seq_train(m, d, NULL, NULL, err));
    tw_seq_data_destroy(d);
    return m;
}

static double score(const tw_seq_model *m, const tw_real *query, int32_t item)
{
    int64_t rows;
    int dim;
    const tw_real *v = tw_seq_item_vectors(m, &rows, &dim);
    double sum = 0;
    for (int j = 0; j < dim; j++)
        sum += (double) query[j] * (double) v[item * dim + j];
    return sum;
}

static void an_item_without_events_is_recommended_and_understood(void **state)
{
    (void) state;
    tw_seq_model *m = trained(features_config());
    tw_seq_session *s = NULL;
    tw_real q[8], cold[8];
    const int32_t before_three[] = {6, 1, 2}, after_seven[] = {1, 2, 7};

    assert_ok(tw_seq_session_create(&s, m, err));
    assert_ok(tw_seq_query(s, 0, before_three, 3, q, err));
    for (int32_t other = 1; other <= RING; other++)
        assert_true(other == 3 || score(m, q, 7) > score(m, q, other));

    assert_ok(tw_seq_query(s, 0, after_seven, 3, q, err));
    for (int32_t other = 1; other <= RING; other++)
        assert_true(other == 4 || score(m, q, 4) > score(m, q, other));

    /* The same item without an index, from its features alone. */
    tw_real features[(ITEMS + 1) * C];
    fill_features(features);
    const int32_t no_index[] = {1, 2, 0};
    const tw_real *own[] = {NULL, NULL, features + 7 * C};
    tw_real q2[8];
    assert_ok(tw_seq_query_item_features(s, 0, no_index, own, 3, q2, err));
    assert_memory_equal(q, q2, sizeof q);
    tw_seq_item_vector(m, 0, features + 7 * C, cold);
    int64_t rows;
    int dim;
    const tw_real *v = tw_seq_item_vectors(m, &rows, &dim);
    for (int j = 0; j < dim; j++)
        assert_near(cold[j], v[7 * dim + j], 1e-6);
    tw_seq_session_destroy(s);
    tw_seq_model_destroy(m);
}

/* 3 is now what 5 is: by its features it stands nearer to 5, and its id is still its own. */
static void an_item_whose_features_changed_is_met_as_it_is_now(void **state)
{
    (void) state;
    tw_seq_model *m = trained(features_config());
    tw_seq_session *s = NULL;
    tw_real features[(ITEMS + 1) * C], now[8], q[8], was[8];
    int64_t rows;
    int dim;
    const tw_real *v = tw_seq_item_vectors(m, &rows, &dim);

    fill_features(features);
    tw_seq_item_vector(m, 3, features + 3 * C, now);
    assert_memory_equal(now, v + 3 * (size_t) dim, sizeof now);
    tw_seq_item_vector(m, 3, features + 5 * C, now);
    for (int j = 0; j < dim; j++) {
        double projected = 0;
        for (int i = 0; i < C; i++)
            projected += (double) m->project->value[j * C + i] * (double) features[5 * C + i];
        assert_near(now[j], (double) m->items->value[3 * dim + j] + projected, 1e-5);
    }

    const int32_t history[] = {1, 2, 3};
    const tw_real *same[] = {NULL, NULL, features + 3 * C},
                  *other[] = {NULL, NULL, features + 5 * C};
    assert_ok(tw_seq_session_create(&s, m, err));
    assert_ok(tw_seq_query(s, 0, history, 3, was, err));
    assert_ok(tw_seq_query_item_features(s, 0, history, same, 3, q, err));
    assert_memory_equal(q, was, sizeof q);
    assert_ok(tw_seq_query_item_features(s, 0, history, other, 3, q, err));
    assert_memory_not_equal(q, was, sizeof q);
    tw_seq_session_destroy(s);
    tw_seq_model_destroy(m);
}

static void without_ids_items_of_one_features_are_one(void **state)
{
    (void) state;
    tw_seq_config c = features_config();
    c.id_dropout = 1;
    c.epochs = 3;
    tw_seq_model *m = trained(c);
    int64_t rows;
    int dim;
    const tw_real *v = tw_seq_item_vectors(m, &rows, &dim);
    assert_memory_equal(v + 3 * (size_t) dim, v + 7 * (size_t) dim, (size_t) dim * sizeof *v);
    for (int64_t j = 0; j < m->items->rows * m->items->cols; j++)
        assert_true(m->items->value[j] == 0);
    tw_seq_model_destroy(m);
}

static void a_saved_model_keeps_its_features(void **state)
{
    (void) state;
    tw_seq_config c = features_config();
    c.epochs = 2;
    c.normalize = 1;
    tw_seq_model *m = trained(c), *back = NULL;
    const char *path = tw_test_path("seq.safetensors");
    int64_t rows;
    int dim;

    assert_ok(tw_seq_model_save(m, path, err));
    assert_ok(tw_seq_model_load(&back, path, err));
    const tw_real *was = tw_seq_item_vectors(m, &rows, &dim);
    const tw_real *is = tw_seq_item_vectors(back, &rows, &dim);
    assert_memory_equal(was, is, (size_t) rows * (size_t) dim * sizeof *was);
    assert_memory_equal(m->known, back->known, (ITEMS + 1) * sizeof *m->known);
    assert_false(back->known[7]);
    for (int i = 1; i <= ITEMS; i++) {
        double sum = 0;
        for (int j = 0; j < dim; j++)
            sum += (double) is[i * dim + j] * (double) is[i * dim + j];
        assert_near(sum, 1, 1e-5); /* normalize: cosines */
    }
    tw_seq_model_destroy(back);
    tw_seq_model_destroy(m);
}

static void content_needs_a_place_and_finite_numbers(void **state)
{
    (void) state;
    tw_real features[(ITEMS + 1) * C];
    tw_error why = {0};
    tw_seq_config c = features_config();
    tw_seq_model *m = toy_model(&c, USERS, ITEMS);
    fill_features(features);
    features[5 * C + 1] = (tw_real) NAN;
    assert_int_equal(tw_seq_model_set_item_features(m, features, &why), TW_EINVAL);
    assert_string_equal(why.msg, "the item features of item 5 is not finite");
    tw_seq_model_destroy(m);

    c.item_features_dim = 0;
    m = toy_model(&c, USERS, ITEMS);
    assert_int_equal(tw_seq_model_set_item_features(m, features, &why), TW_ESTATE);
    tw_seq_model_destroy(m);

    c = features_config();
    c.loss = TW_SEQ_BCE;
    assert_int_equal(tw_seq_config_check(&c, &why), TW_EINVAL);
    assert_string_equal(why.msg,
                        "item_features_dim above 0 needs the loss ce, sampled-ce or gbce, not bce");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_item_without_events_is_recommended_and_understood),
        cmocka_unit_test(an_item_whose_features_changed_is_met_as_it_is_now),
        cmocka_unit_test(without_ids_items_of_one_features_are_one),
        cmocka_unit_test(a_saved_model_keeps_its_features),
        cmocka_unit_test(content_needs_a_place_and_finite_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
