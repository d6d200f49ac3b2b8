/* Built with TW_REAL_DOUBLE: see base/real.h. Losses over a matrix of relations: by hand, against
 * slow versions, and every gradient against central differences. */
#include "tests/support/test.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "towers/loss/loss.h"
#include "towers/train/tower_batch.h"

enum { R = 8, CELLS = R * R };

/* ---- relations ------------------------------------------------------------------------------- */

static void pairs_are_on_the_diagonal(void **state)
{
    static const unsigned char mask[6] = {0, 1, 0, 0, 0, 1};
    static const float label[2] = {1, 0};
    static const unsigned char given[6] = {1, 2, 2, 2, 0, 2}, batch[6] = {1, 2, 0, 0, 0, 2},
                               positives[6] = {1, 0, 0, 0, 1, 0};
    unsigned char rel[6];
    (void) state;
    twi_relate_pairs(rel, mask, label, false, 2, 3);
    assert_memory_equal(rel, given, 6);
    twi_relate_pairs(rel, mask, label, true, 2, 3);
    assert_memory_equal(rel, batch, 6);
    twi_relate_pairs(rel, NULL, NULL, true, 2, 3);
    assert_memory_equal(rel, positives, 6);
}

/* Rows 0, 1, 2 are of class 7, row 2 is the item of row 0 again, row 4 has no class. */
static void classes_ignore_the_item_itself_and_what_has_no_class(void **state)
{
    static const int32_t cls[5] = {7, 7, 7, 3, -1}, item[5] = {10, 11, 10, 13, 14};
    static const unsigned char want[25] = {2, 1,      2,      0, 2, /**/ 1, 2,      1, 0,
                                           2, /**/ 2, 1,      2, 0, 2,      /**/ 0, 0, 0,
                                           2, 2,      /**/ 2, 2, 2, 2,      2};
    unsigned char rel[25];
    (void) state;
    twi_relate_classes(rel, cls, item, 5);
    assert_memory_equal(rel, want, 25);
    twi_relate_classes(rel, cls, NULL, 5);
    assert_int_equal(rel[2], TWI_POSITIVE);
}

/* ---- by hand --------------------------------------------------------------------------------- */

/* Logits 10 s - 5: 4 (similar), -2 (not); -ln sigmoid(4) and -ln sigmoid(2), mean of two rows. */
static void sigmoid_is_that_by_hand(void **state)
{
    static const tw_real s[4] = {0.9, 0, 0, 0.3};
    static const float label[2] = {1, 0};
    unsigned char rel[4];
    tw_real ds[4];
    double dbias;
    twi_loss_stats stats;
    (void) state;
    twi_relate_pairs(rel, NULL, label, false, 2, 2);
    assert_near(twi_loss_sigmoid(ds, &dbias, &stats, s, rel, 10, -5, 2, 2),
                (log1p(exp(-4)) + log1p(exp(-2))) / 2, 1e-12);
    assert_near(ds[0], -10 / (1 + exp(4)) / 2, 1e-12);
    assert_near(ds[3], 10 / (1 + exp(2)) / 2, 1e-12);
    assert_near(dbias, (1 / (1 + exp(2)) - 1 / (1 + exp(4))) / 2, 1e-12);
    assert_near(stats.active, 0, 0);
    /* All four cells, still divided by the two rows. */
    twi_relate_pairs(rel, NULL, NULL, true, 2, 2);
    assert_near(twi_loss_sigmoid(ds, NULL, &stats, s, rel, 10, -5, 2, 2),
                (log1p(exp(-4)) + 2 * log1p(exp(-5)) + log1p(exp(2))) / 2, 1e-12);
    assert_near(stats.active, 0.25, 0);
    assert_near(stats.pos_cosine, 0.6, 1e-12);
}

/* Positives at d 0.1, 0.4; negatives at d 0.3 (0.2 inside), 0.9 (outside). */
static void contrastive_is_that_by_hand(void **state)
{
    static const tw_real s[4] = {0.9, 0.6, 0.7, 0.1};
    static const unsigned char rel[4] = {1, 1, 0, 0};
    tw_real ds[4];
    twi_loss_stats stats;
    (void) state;
    assert_near(twi_loss_contrastive(ds, &stats, s, rel, false, 0.5, 2, 2), 0.17 / 4 + 0.04 / 2,
                1e-12);
    assert_near(ds[1], -0.2, 1e-12);
    assert_near(ds[2], 0.2, 1e-12);
    assert_near(ds[3], 0, 0);
    assert_near(stats.active, 0.5, 0);
}

/* Positives at d 0.1, 0.4; negatives at d 0.3, 0.9. Kept: the positive beyond 0.3 and the negative
 * within 0.4: (0.4^2 + (0.5 - 0.3)^2) / 2. */
static void online_keeps_what_overlaps(void **state)
{
    static const tw_real s[4] = {0.9, 0.6, 0.7, 0.1};
    static const unsigned char rel[4] = {1, 1, 0, 0};
    tw_real ds[4];
    twi_loss_stats stats;
    (void) state;
    assert_near(twi_loss_online(ds, &stats, s, rel, 0.5, 2, 2), (0.16 + 0.04) / 2, 1e-12);
    assert_near(ds[0], 0, 0);
    assert_near(ds[1], -0.4, 1e-12);
    assert_near(ds[2], 0.2, 1e-12);
    assert_near(ds[3], 0, 0);
    assert_near(stats.active, 0.5, 0);
}

/* One negative only, so positives are held against their own mean distance 0.25. */
static void online_with_one_negative_uses_the_mean(void **state)
{
    static const tw_real s[3] = {0.9, 0.6, 0.95};
    static const unsigned char rel[3] = {1, 1, 0};
    tw_real ds[3];
    twi_loss_stats stats;
    (void) state;
    (void) twi_loss_online(ds, &stats, s, rel, 0.5, 1, 3);
    assert_near(ds[0], 0, 0);
    assert_true(ds[1] < 0 && ds[2] > 0);
}

/* The sum as the paper writes it. */
static double slow_cosent(const tw_real *s, const float *label, double scale, int B)
{
    double sum = 1;
    for (int i = 0; i < B; i++)
        for (int j = 0; j < B; j++)
            if (label[i] > label[j])
                sum += exp(scale * (s[j * (B + 1)] - s[i * (B + 1)]));
    return log(sum);
}

static void cosent_is_the_double_sum(void **state)
{
    tw_rng rng;
    tw_real s[CELLS], ds[CELLS];
    float label[R];
    twi_scored scratch[R];
    twi_loss_stats stats;
    (void) state;
    tw_rng_seed(&rng, tw_test_seed());
    for (int again = 0; again < 50; again++) {
        for (int k = 0; k < CELLS; k++)
            s[k] = 2 * tw_rng_uniform(&rng) - 1;
        for (int i = 0; i < R; i++)
            label[i] = (float) tw_rng_below(&rng, 4) / 3; /* ties */
        assert_near(twi_loss_cosent(ds, &stats, s, label, scratch, 20, R, R),
                    slow_cosent(s, label, 20, R), 1e-9);
    }
}

/* The worst order at the largest scale stays a number: 300 * 2 and a bit. */
static void cosent_does_not_overflow(void **state)
{
    static const tw_real s[4] = {-1, 0, 0, 1};
    static const float label[2] = {1, 0};
    tw_real ds[4];
    twi_scored scratch[2];
    twi_loss_stats stats;
    (void) state;
    assert_near(twi_loss_cosent(ds, &stats, s, label, scratch, TWI_COSENT_MAX, 2, 2), 600, 1e-9);
    assert_near(ds[0], -300, 1e-9);
    assert_near(ds[3], 300, 1e-9);
    assert_near(stats.active, 1, 1e-12);
}

/* Labels that are not numbers leave the loss and its gradient finite. */
static void cosent_is_finite_with_nan_labels(void **state)
{
    static const tw_real s[4] = {0.5, 0, 0, 0.2};
    static const float label[2] = {NAN, NAN};
    tw_real ds[4];
    twi_scored scratch[2];
    twi_loss_stats stats;
    (void) state;
    assert_true(isfinite(twi_loss_cosent(ds, &stats, s, label, scratch, 20, 2, 2)));
    for (int i = 0; i < 4; i++)
        assert_true(isfinite((double) ds[i]));
    assert_true(stats.active >= 0 && stats.active <= 1);
}

/* Row: positives 0.6, 0.2, negatives 0.5, -0.4. Hinges 2 (n - p) + 0.4: 0.2, -1.6; 1.0, -0.8. */
static void batch_all_is_that_by_hand(void **state)
{
    static const tw_real s[4] = {0.6, 0.2, 0.5, -0.4};
    static const unsigned char rel[4] = {1, 1, 0, 0};
    tw_real ds[4];
    twi_loss_stats stats;
    (void) state;
    assert_near(twi_loss_batch_all(ds, &stats, s, rel, 0.4, 1, 4), 0.6, 1e-12);
    assert_near(ds[0], -1, 1e-12);
    assert_near(ds[1], -1, 1e-12);
    assert_near(ds[2], 2, 1e-12);
    assert_near(ds[3], 0, 0);
    assert_near(stats.active, 0.5, 0);
    assert_near(stats.pos_cosine, 0.4, 1e-12);
    assert_near(stats.neg_cosine, 0.5, 1e-12);
}

/* Farthest positive d = sqrt(1.6), nearest negative d = 1. */
static void batch_hard_is_that_by_hand(void **state)
{
    static const tw_real s[4] = {0.6, 0.2, 0.5, -0.4};
    static const unsigned char rel[4] = {1, 1, 0, 0};
    tw_real ds[4];
    twi_loss_stats stats;
    const double gap = sqrt(1.6) - 1;
    (void) state;
    assert_near(twi_loss_batch_hard(ds, &stats, s, rel, &(twi_hard_how){.margin = 0.3}, 1, 4),
                gap + 0.3, 1e-12);
    assert_near(ds[1], -1 / sqrt(1.6), 1e-12);
    assert_near(ds[2], 1, 1e-12);
    assert_near(ds[0], 0, 0);
    assert_near(
        twi_loss_batch_hard(ds, &stats, s, rel, &(twi_hard_how){.margin = 1, .soft = true}, 1, 4),
        log1p(exp(gap)), 1e-12);
    assert_near(twi_loss_batch_hard(ds, &stats, s, rel,
                                    &(twi_hard_how){.margin = 0.2, .squared = true}, 1, 4),
                0.6 + 0.2, 1e-12);
    assert_near(stats.active, 1, 0);
}

/* Vectors on one point: a finite loss and finite gradients. */
static void a_collapsed_batch_has_finite_gradients(void **state)
{
    static const tw_real s[4] = {1, 1, 1, 1.0000001};
    static const unsigned char rel[4] = {1, 1, 0, 0};
    tw_real ds[4];
    twi_loss_stats stats;
    (void) state;
    assert_near(twi_loss_batch_hard(ds, &stats, s, rel, &(twi_hard_how){.margin = 0.3}, 1, 4), 0.3,
                1e-9);
    for (int k = 0; k < 4; k++)
        assert_true(isfinite(ds[k]));
}

/* Row: positives 0.6, 0.2; negatives 0.5, -0.4. For 0.6: 0.5; for 0.2: -0.4. */
static void semi_hard_is_farther_than_the_positive(void **state)
{
    static const tw_real s[4] = {0.6, 0.2, 0.5, -0.4};
    static const unsigned char rel[4] = {1, 1, 0, 0};
    tw_real ds[4];
    twi_loss_stats stats;
    (void) state;
    assert_near(twi_loss_semi_hard(ds, &stats, s, rel, 0.4, 1, 4), 0.2, 1e-12);
    assert_near(stats.active, 0.5, 0);
    assert_near(ds[2], 2, 1e-12);
    assert_near(ds[3], 0, 0);
}

/* Logits 2, 1, 0 with two positives (2 and 0): ln(e^2 + e + 1) - 1. */
static void supcon_is_that_by_hand(void **state)
{
    static const tw_real s[4] = {1, 0.5, 0, 0.9};
    static const unsigned char rel[4] = {1, 0, 1, 2};
    tw_real ds[4];
    twi_loss_stats stats;
    const double sum = exp(2) + exp(1) + 1;
    (void) state;
    assert_near(twi_loss_supcon(ds, &stats, s, rel, 0.5, 1, 4), log(sum) - 1, 1e-12);
    assert_near(ds[0], (exp(2) / sum - 0.5) / 0.5, 1e-12);
    assert_near(ds[1], exp(1) / sum / 0.5, 1e-12);
    assert_near(ds[3], 0, 0);
    assert_near(stats.active, 0, 0);
}

/* ---- nothing to learn, and gradients --------------------------------------------------------- */

typedef enum form {
    SIGMOID,
    CONTRASTIVE,
    ONLINE,
    COSENT,
    ALL,
    HARD,
    SOFT,
    SQUARED,
    SEMI,
    SUPCON,
    FORMS
} form;

typedef struct trial {
    form form;
    unsigned char rel[CELLS];
    float label[R];
    double scale, bias, dbias;
} trial;

static double value(trial *t, tw_real *ds, const tw_real *s)
{
    twi_scored scratch[R];
    twi_loss_stats stats = {0};
    const twi_hard_how hard = {.margin = 0.6}, soft = {.margin = 0.4, .soft = true},
                       squared = {.margin = 0.6, .squared = true};
    double loss = 0;
    switch (t->form) {
    case SIGMOID:
        loss = twi_loss_sigmoid(ds, &t->dbias, &stats, s, t->rel, t->scale, t->bias, R, R);
        break;
    case CONTRASTIVE: loss = twi_loss_contrastive(ds, &stats, s, t->rel, false, 0.7, R, R); break;
    case ONLINE: loss = twi_loss_online(ds, &stats, s, t->rel, 0.7, R, R); break;
    case COSENT: loss = twi_loss_cosent(ds, &stats, s, t->label, scratch, t->scale, R, R); break;
    case ALL: loss = twi_loss_batch_all(ds, &stats, s, t->rel, 0.5, R, R); break;
    case HARD: loss = twi_loss_batch_hard(ds, &stats, s, t->rel, &hard, R, R); break;
    case SOFT: loss = twi_loss_batch_hard(ds, &stats, s, t->rel, &soft, R, R); break;
    case SQUARED: loss = twi_loss_batch_hard(ds, &stats, s, t->rel, &squared, R, R); break;
    case SEMI: loss = twi_loss_semi_hard(ds, &stats, s, t->rel, 0.5, R, R); break;
    case SUPCON: loss = twi_loss_supcon(ds, &stats, s, t->rel, 1 / t->scale, R, R); break;
    case FORMS: break;
    }
    assert_true(isfinite(loss) && isfinite(stats.active));
    return loss;
}

static void check_form(trial *t, tw_rng *rng)
{
    const tw_real h = 1e-6;
    tw_real s[CELLS], ds[CELLS], ignored[CELLS];
    int32_t cls[R];
    int moved = 0;

    t->scale = 3 + tw_rng_uniform(rng);
    t->bias = -tw_rng_uniform(rng);
    for (int i = 0; i < R; i++) {
        cls[i] = (int32_t) tw_rng_below(rng, 4) - 1;
        t->label[i] = (float) tw_rng_below(rng, 4) / 3;
    }
    cls[0] = cls[1] = 0;
    cls[2] = cls[3] = 1;
    twi_relate_classes(t->rel, cls, NULL, R);
    for (int k = 0; k < CELLS; k++)
        s[k] = 1.9 * tw_rng_uniform(rng) - 0.95;
    (void) value(t, ds, s);
    if (t->form != COSENT)
        for (int k = 0; k < CELLS; k++)
            assert_true(t->rel[k] != TWI_IGNORED || ds[k] == 0);
    for (int k = 0; k < CELLS; k++) {
        const tw_real keep = s[k];
        s[k] = keep + h;
        const double up = value(t, ignored, s);
        s[k] = keep - h;
        const double down = value(t, ignored, s);
        s[k] = keep;
        if (fabs(ds[k] - (up - down) / (2 * h)) > 1e-7)
            fail_msg("form %d: ds[%d] is %.9g, difference %.9g", (int) t->form, k, ds[k],
                     (up - down) / (2 * h));
        moved += ds[k] != 0;
    }
    assert_true(moved > 0);
}

/* A threshold of the online form that moves changes nothing until a term comes or goes, so that
 * form is differentiable here too. */
static void every_gradient_is_the_central_difference(void **state)
{
    tw_rng rng;
    (void) state;
    tw_rng_seed(&rng, tw_test_seed());
    for (form f = 0; f < FORMS; f++)
        for (int again = 0; again < 10; again++) {
            trial t = {.form = f};
            check_form(&t, &rng);
        }
}

static void no_term_gives_zero_and_no_nan(void **state)
{
    static const unsigned char fills[] = {TWI_IGNORED, TWI_NEGATIVE, TWI_POSITIVE};
    tw_real s[CELLS], ds[CELLS];
    (void) state;
    for (int k = 0; k < CELLS; k++)
        s[k] = 0.1;
    for (form f = 0; f < FORMS; f++)
        for (size_t fill = 0; fill < 3; fill++) {
            trial t = {.form = f, .scale = 3};
            memset(t.rel, fills[fill], CELLS);
            memset(ds, 0x7f, sizeof ds);
            const double loss = value(&t, ds, s);
            for (int k = 0; k < CELLS; k++)
                assert_true(isfinite(ds[k]));
            if (fills[fill] == TWI_IGNORED)
                assert_near(loss, 0, 0);
            if (f >= ALL) /* these need both sides; SupCon with positives alone pulls them */
                assert_true(loss == 0 || (f == SUPCON && fills[fill] == TWI_POSITIVE));
        }
}

/* d/d(ln scale) is the dot product, and the bias has its own. */
static void temperature_and_bias_have_their_gradients(void **state)
{
    const double h = 1e-6;
    tw_rng rng;
    tw_real s[CELLS], ds[CELLS], ignored[CELLS];
    (void) state;
    tw_rng_seed(&rng, tw_test_seed());
    for (int round = 0; round < 2; round++) {
        trial t = {.form = round == 0 ? SIGMOID : SUPCON, .scale = 5, .bias = -2};
        for (int k = 0; k < CELLS; k++) {
            s[k] = 2 * tw_rng_uniform(&rng) - 1;
            t.rel[k] = (unsigned char) tw_rng_below(&rng, 3);
        }
        (void) value(&t, ds, s);
        const double dscale = twi_loss_dscale(ds, s, R, R), dbias = t.dbias;
        t.scale = 5 * exp(h);
        const double up = value(&t, ignored, s);
        t.scale = 5 * exp(-h);
        const double down = value(&t, ignored, s);
        assert_near(dscale, (up - down) / (2 * h), 1e-7);
        t.scale = 5;
        t.bias = -2 + h;
        const double high = value(&t, ignored, s);
        t.bias = -2 - h;
        const double low = value(&t, ignored, s);
        assert_near(dbias, (high - low) / (2 * h), 1e-7);
    }
}

/* A step of Adam moves by lr against the gradient, whatever its size; the scale stays in 1 .. 100.
 */
static void the_scale_is_learnt_between_1_and_100(void **state)
{
    tw_tower_train_config cfg = TW_TOWER_TRAIN_DEFAULT;
    (void) state;
    cfg.temperature = 0.1;
    twi_scalars x = twi_scalars_of(TW_LOSS_INFONCE, false, &cfg);
    assert_near(twi_scalar_scale(&x), 10, 1e-12);
    twi_scalars_update(&x, 5, 5, 0.5);
    assert_near(twi_scalar_scale(&x), 10, 1e-12); /* not asked to learn */
    assert_near(twi_scalar_scale(&(twi_scalars){.log_scale = log(20)}), 20, 1e-12);
    x = twi_scalars_of(TW_LOSS_COSENT, false, &cfg);
    assert_near(twi_scalar_scale(&x), 20, 1e-12);
    x = twi_scalars_of(TW_LOSS_BCE, true, &cfg);
    assert_near(x.bias, -5, 1e-12);
    x = twi_scalars_of(TW_LOSS_BCE, false, &cfg);
    assert_near(x.bias, -10, 1e-12);
    twi_scalars_update(&x, 1e-3, -7, 0.5);
    assert_near(x.log_scale, log(10) - 0.5, 1e-4);
    assert_near(x.bias, -9.5, 1e-6);
    for (int k = 0; k < 20; k++)
        twi_scalars_update(&x, 1, 0, 0.5);
    assert_near(twi_scalar_scale(&x), 1, 0);
    for (int k = 0; k < 60; k++)
        twi_scalars_update(&x, -1, 0, 0.5);
    assert_near(twi_scalar_scale(&x), 100, 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_on_the_diagonal),
        cmocka_unit_test(classes_ignore_the_item_itself_and_what_has_no_class),
        cmocka_unit_test(sigmoid_is_that_by_hand),
        cmocka_unit_test(contrastive_is_that_by_hand),
        cmocka_unit_test(online_keeps_what_overlaps),
        cmocka_unit_test(online_with_one_negative_uses_the_mean),
        cmocka_unit_test(cosent_is_the_double_sum),
        cmocka_unit_test(cosent_does_not_overflow),
        cmocka_unit_test(cosent_is_finite_with_nan_labels),
        cmocka_unit_test(batch_all_is_that_by_hand),
        cmocka_unit_test(batch_hard_is_that_by_hand),
        cmocka_unit_test(a_collapsed_batch_has_finite_gradients),
        cmocka_unit_test(semi_hard_is_farther_than_the_positive),
        cmocka_unit_test(supcon_is_that_by_hand),
        cmocka_unit_test(every_gradient_is_the_central_difference),
        cmocka_unit_test(no_term_gives_zero_and_no_nan),
        cmocka_unit_test(temperature_and_bias_have_their_gradients),
        cmocka_unit_test(the_scale_is_learnt_between_1_and_100),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
