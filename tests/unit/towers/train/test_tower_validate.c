/* The figure that chooses the epoch: what it is by the labels, and what does not count. */
#include "tests/support/test.h"

#include <math.h>
#include <string.h>

#include "tests/unit/towers/train/train_toy.h"
#include "towers/train/tower_validate.h"

static const tw_item_pair scored[] = {{0, 1, 0.9F, 1}, {3, 4, 0.8F, 1}, {0, 4, 0.1F, 1}};

/* No order of such pairs is wrong; but that they are similar says something. */
static void validation_labels_that_are_all_one_ask_for_a_ranking(void **state)
{
    static const tw_item_pair flat[] = {{0, 2, 0.75F, 1}, {1, 3, 0.75F, 1}};
    static const tw_item_pair far[] = {{0, 2, 0.25F, 1}, {1, 3, 0.25F, 1}};
    tw_tower_data data = DATA(PAIRS(scored), .valid = flat, .n_valid = 2);
    const tw_tower_train_config cfg = quick();
    tw_tower_report rep;
    tw_tower *t = fitted();
    (void) state;
    assert_ok(tw_tower_train(t, &data, &cfg, NULL, &rep, err));
    assert_int_equal(rep.loss, TW_LOSS_COSINE);
    assert_true(rep.best_valid > 0 && rep.best_valid <= 1);
    data.valid = far;
    assert_ok(tw_tower_train(t, &data, &cfg, NULL, &rep, err));
    assert_true(isnan(rep.best_valid));
    tw_tower_destroy(t);
}

static void the_labels_choose_the_figure(void **state)
{
    static const tw_item_pair similar[] = {{0, 1, 1, 1}, {2, 3, 0.9F, 1}, {0, 1, 0.9F, 1}},
                              mixed[] = {{0, 1, 1, 1}, {2, 3, 0, 1}}, apart[] = {{0, 1, 0, 1}};
    static const int32_t classes[] = {1, -1, 0};
    static const unsigned char one[] = {1, 0, 0}, unknown[] = {0, 1, 0};
    const struct {
        tw_tower_data data;
        tw_tower_loss loss;
        bool classes;
        twi_valid_by want;
    } rows[] = {
        {{.valid = NULL}, TW_LOSS_INFONCE, false, TWI_VALID_NONE},
        {{.valid = similar, .n_valid = 3}, TW_LOSS_INFONCE, false, TWI_VALID_NDCG},
        {{.valid = mixed, .n_valid = 2}, TW_LOSS_CONTRASTIVE, false, TWI_VALID_F1},
        {{.valid = apart, .n_valid = 1}, TW_LOSS_CONTRASTIVE, false, TWI_VALID_NONE},
        {{.valid = similar, .n_valid = 3}, TW_LOSS_COSINE, false, TWI_VALID_SPEARMAN},
        {{.valid = mixed, .n_valid = 2}, TW_LOSS_COSENT, false, TWI_VALID_SPEARMAN},
        {{.valid = similar, .n_valid = 1}, TW_LOSS_COSINE, false, TWI_VALID_NDCG},
        {{.classes = classes, .held = one, .n_items = 3}, TW_LOSS_SUPCON, true, TWI_VALID_CLASS},
        {{.classes = classes, .held = unknown, .n_items = 3}, TW_LOSS_SUPCON, true, TWI_VALID_NONE},
        {{.classes = classes, .n_items = 3}, TW_LOSS_SUPCON, true, TWI_VALID_NONE},
    };
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const twi_examples x = {.loss = rows[i].loss, .classes = rows[i].classes};
        const twi_valid_by by = twi_valid_choose(&rows[i].data, &x);
        if (by != rows[i].want)
            fail_msg("row %zu: %d, want %d", i, (int) by, (int) rows[i].want);
    }
}

/* Cosines to item 0: 1, 0.8, 0.6, -1. Scores 0.9 0.2 0.2 0: ranks 4 3 2 1 and 4 2.5 2.5 1, that is
 * 4.5 / sqrt(5 * 4.5). Labels 1 0 1 of the last three: calling all of them similar finds two with
 * three calls, F1 4/5; the first alone 2/3. */
static void pairs_validate_by_what_their_labels_say(void **state)
{
    static const float v[] = {1, 0, 0.8F, 0.6F, 0.6F, 0.8F, -1, 0};
    static const tw_item_pair scores[] = {
        {0, 0, 0.9F, 1}, {0, 1, 0.2F, 1}, {0, 2, 0.2F, 1}, {0, 3, 0, 1}};
    static const tw_item_pair labels[] = {{0, 1, 1, 1}, {0, 2, 0, 1}, {0, 3, 1, 1}};
    const tw_tower_data by_score = {.n_items = 4, .valid = scores, .n_valid = 4},
                        by_label = {.n_items = 4, .valid = labels, .n_valid = 3};
    double out;
    (void) state;
    assert_ok(twi_validate(&out, TWI_VALID_SPEARMAN, &by_score, NULL, v, 2, NULL, err));
    assert_near(out, 4.5 / sqrt(5 * 4.5), 1e-12);
    assert_ok(twi_validate(&out, TWI_VALID_F1, &by_label, NULL, v, 2, NULL, err));
    assert_near(out, 0.8, 1e-12);
}

/* Text 6 is empty: a validation pair, or a held item, of its says nothing of a tower. */
static void items_without_anything_do_not_validate(void **state)
{
    static const tw_item_pair some[] = {{0, 1, 1, 1}, {2, 3, 1, 1}, {6, 0, 1, 1}, {3, 6, 1, 1}};
    static const int32_t classes[N] = {5, 5, 5, 2, 2, 2, 5, 2};
    static const unsigned char held[N] = {1, 0, 0, 1, 0, 0, 1, 0},
                               read[N] = {1, 0, 0, 1, 0, 0, 0, 0};
    const struct {
        tw_tower_data all, readable;
    } rows[] = {
        {DATA(PAIRS(positives), .valid = some, .n_valid = 4),
         DATA(PAIRS(positives), .valid = some, .n_valid = 2)},
        {DATA(.classes = classes, .held = held), DATA(.classes = classes, .held = read)},
    };
    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tw_tower_report rep[2];
        for (int k = 0; k < 2; k++) {
            tw_tower *t = fitted();
            tw_tower_train_config cfg = quick();
            cfg.batch = 4;
            assert_ok(tw_tower_train(t, k == 0 ? &rows[i].all : &rows[i].readable, &cfg, NULL,
                                     &rep[k], err));
            tw_tower_destroy(t);
        }
        assert_true(isfinite(rep[0].best_valid));
        assert_near(rep[0].best_valid, rep[1].best_valid, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_labels_choose_the_figure),
        cmocka_unit_test(validation_labels_that_are_all_one_ask_for_a_ranking),
        cmocka_unit_test(pairs_validate_by_what_their_labels_say),
        cmocka_unit_test(items_without_anything_do_not_validate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
