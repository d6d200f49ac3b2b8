/* What a training learns from: the loss that fits the data, data that fits none, classes. */
#include "tests/support/test.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/unit/towers/train/train_toy.h"
#include "towers/loss/tower_proxies.h"
#include "towers/train/tower_examples.h"

static const tw_item_pair labelled[] = {{0, 1, 1, 1}, {3, 4, 1, 1}, {0, 4, 0, 1}, {1, 3, 0, 1}};
static const tw_item_pair scored[] = {{0, 1, 0.9F, 1}, {3, 4, 0.8F, 1}, {0, 4, 0.1F, 1}};
static const tw_item_triplet triplets[] = {{0, 1, 4}, {3, 4, 1}};

static void the_data_chooses_the_loss(void **state)
{
    const struct {
        tw_tower_data data;
        tw_tower_loss given, used;
        int64_t examples;
    } rows[] = {
        {DATA(PAIRS(positives)), TW_LOSS_AUTO, TW_LOSS_INFONCE,
         4}, /* less the empty and the self */
        {DATA(PAIRS(labelled)), TW_LOSS_AUTO, TW_LOSS_CONTRASTIVE, 4},
        {DATA(PAIRS(scored)), TW_LOSS_AUTO, TW_LOSS_COSINE, 3},
        {DATA(.triplets = triplets, .n_triplets = 2), TW_LOSS_AUTO, TW_LOSS_TRIPLET, 2},
        {DATA(PAIRS(labelled)), TW_LOSS_INFONCE, TW_LOSS_INFONCE, 2},
        {DATA(PAIRS(labelled)), TW_LOSS_TRIPLET, TW_LOSS_TRIPLET, 2},
        {DATA(PAIRS(positives)), TW_LOSS_CONTRASTIVE, TW_LOSS_CONTRASTIVE, 4},
        {DATA(.triplets = triplets, .n_triplets = 2), TW_LOSS_CONTRASTIVE, TW_LOSS_CONTRASTIVE, 4},
        {DATA(.triplets = triplets, .n_triplets = 2), TW_LOSS_INFONCE, TW_LOSS_INFONCE, 2},
    };
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tw_tower *t = fitted();
        tw_tower_train_config cfg = quick();
        tw_tower_report rep;
        cfg.loss = rows[i].given;
        assert_ok(tw_tower_train(t, &rows[i].data, &cfg, NULL, &rep, err));
        assert_int_equal(rep.loss, rows[i].used);
        assert_int_equal(rep.examples, rows[i].examples);
        assert_int_equal(rep.epochs, 3);
        assert_int_equal(rep.best_epoch, 3);
        tw_tower_destroy(t);
    }
}

static void data_that_cannot_be_learnt_from_is_refused(void **state)
{
    static const tw_item_pair outside[] = {{0, N, 1, 1}}, negative[] = {{0, 1, 0, 1}},
                              unlabelled[] = {{0, 1, NAN, 1}}, empty[] = {{6, 7, 1, 1}};
    static const tw_item_pair flat[] = {{0, 1, 0.7F, 1}, {1, 2, 0.7F, 1}};
    static const tw_item_pair apart[] = {{0, 1, 0, 1}, {1, 2, 0, 1}, {2, 3, 0.5F, 1}};
    static const tw_item_triplet bad[] = {{0, 1, -1}}, same[] = {{0, 1, 1}, {2, 2, 3}, {4, 5, 4}};
    const struct {
        tw_tower_data data;
        tw_tower_loss loss;
        const char *says;
    } rows[] = {
        {DATA(.pairs = NULL), TW_LOSS_AUTO, "no pairs"},
        {DATA(PAIRS(positives), .triplets = triplets, .n_triplets = 2), TW_LOSS_AUTO, "one kind"},
        {DATA(PAIRS(outside)), TW_LOSS_AUTO, "item 8"},
        {DATA(PAIRS(unlabelled)), TW_LOSS_AUTO, "label nan"},
        {DATA(PAIRS(negative)), TW_LOSS_INFONCE, "none of the 1 pairs"},
        {DATA(PAIRS(negative)), TW_LOSS_AUTO, "none of the 1 pairs"},
        {DATA(PAIRS(apart)), TW_LOSS_CONTRASTIVE, "none of the 3 pairs to learn from is similar"},
        {DATA(PAIRS(flat)), TW_LOSS_AUTO, "all 2 pairs to learn from have the label 0.7"},
        {DATA(PAIRS(flat)), TW_LOSS_COSENT, "the cosent loss needs labels that differ"},
        {DATA(.triplets = same, .n_triplets = 3), TW_LOSS_AUTO, "no example"},
        {DATA(PAIRS(positives)), TW_LOSS_SUPCON, "the supcon loss needs items of known classes"},
        {DATA(PAIRS(positives)), TW_LOSS_PROXY, "the proxy loss needs items of known classes"},
        {DATA(PAIRS(empty)), TW_LOSS_AUTO, "no example"},
        {DATA(.triplets = bad, .n_triplets = 1), TW_LOSS_AUTO, "item -1"},
        {DATA(.triplets = triplets, .n_triplets = 2), TW_LOSS_COSINE, "scores"},
        {DATA(PAIRS(positives), .valid = outside, .n_valid = 1), TW_LOSS_AUTO, "validation pair"},
    };
    tw_tower *t = fitted(), *u = NULL;
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tw_tower_train_config cfg = quick();
        tw_error err = {0};
        cfg.loss = rows[i].loss;
        assert_int_equal(tw_tower_train(t, &rows[i].data, &cfg, NULL, NULL, &err), TW_EINVAL);
        if (strstr(err.msg, rows[i].says) == NULL)
            fail_msg("row %zu: '%s' does not say '%s'", i, err.msg, rows[i].says);
    }
    assert_ok(tw_tower_untrained(&u, t, err));
    assert_memory_equal(bag_of(t)->table->value, bag_of(u)->table->value,
                        1024 * 8 * sizeof(tw_real));
    tw_tower_destroy(t);
    tw_tower_destroy(u);
}

static void classes_are_numbered_in_their_order(void **state)
{
    int32_t cls[] = {5, -1, 2, 5, 0, 6, -7, 2};
    static const int32_t want[] = {2, -1, 1, 2, 0, 3, -7, 1};
    (void) state;
    assert_int_equal(twi_number_classes(cls, 8), 4);
    assert_memory_equal(cls, want, sizeof want);
}

/* Items of classes 5 and 2 alone, so the vectors' numbers are not the classes'. */
static void proxies_draw_their_classes_together(void **state)
{
    static const int32_t classes[N] = {5, 5, 5, 2, 2, 2, -1, -1};
    const tw_tower_data data = DATA(.classes = classes);
    tw_tower *t = fitted();
    tw_tower_train_config cfg = quick();
    tw_tower_report rep;
    float v[N * 6];
    (void) state;
    cfg.loss = TW_LOSS_PROXY;
    cfg.batch = 4;
    cfg.epochs = 60;
    cfg.dropout = 0;
    cfg.lr = 0.05;
    assert_ok(tw_tower_train(t, &data, &cfg, NULL, &rep, err));
    assert_int_equal(rep.loss, TW_LOSS_PROXY);
    assert_ok(tw_tower_embed_texts(t, NULL, texts, NULL, N, v, NULL, NULL, err));
    for (int i = 0; i < 6; i++) {
        for (int j = 0; j < 6; j++) {
            double s = 0;
            for (int k = 0; k < 6; k++)
                s += (double) v[6 * i + k] * (double) v[6 * j + k];
            if (classes[i] == classes[j])
                assert_true(s > 0.8);
            else
                assert_true(s < 0.2);
        }
    }
    tw_tower_destroy(t);
}

static void more_classes_than_a_batch_can_meet_are_refused(void **state)
{
    enum { MANY = (1 << 14) + 1 };
    const char **names = tw_alloc(MANY, sizeof *names);
    int32_t *classes = tw_alloc(MANY, sizeof *classes);
    const tw_tower_data data = {.texts = names, .n_items = MANY, .classes = classes};
    tw_tower *t = fitted();
    tw_tower_train_config cfg = quick();
    tw_error why = {0};
    (void) state;
    for (int i = 0; i < MANY; i++) {
        names[i] = "same";
        classes[i] = i;
    }
    cfg.loss = TW_LOSS_PROXY;
    cfg.batch = TW_TOWER_MAX_BATCH;
    assert_int_equal(tw_tower_train(t, &data, &cfg, NULL, NULL, &why), TW_EINVAL);
    assert_non_null(strstr(why.msg, "16385 classes in batches of 8192"));
    tw_tower_destroy(t);
    tw_free(classes);
    tw_free(names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_data_chooses_the_loss),
        cmocka_unit_test(data_that_cannot_be_learnt_from_is_refused),
        cmocka_unit_test(classes_are_numbered_in_their_order),
        cmocka_unit_test(proxies_draw_their_classes_together),
        cmocka_unit_test(more_classes_than_a_batch_can_meet_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
