/* Built with TW_REAL_DOUBLE: see base/real.h. Every loss by hand, then against central differences.
 */
#include "tests/support/test.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "towers/loss/loss.h"
#include "towers/recipe.h"

static const unsigned char no_mask[64] = {0};
static double scratch[64];

/* The relations of a batch of pairs. */
static const unsigned char *related(const unsigned char *mask, const float *label, int B, int C)
{
    static unsigned char rel[64];
    twi_relate_pairs(rel, mask, label, label == NULL, B, C);
    return rel;
}

/* s = [[0.9, 0.1], [0.3, 0.5]] at t = 0.5: logits [[1.8, 0.2], [0.6, 1.0]]. */
static void infonce_is_that_by_hand(void **state)
{
    static const tw_real s[4] = {0.9, 0.1, 0.3, 0.5};
    tw_real ds[4];
    twi_loss_stats stats;
    (void) state;
    const double rows = log1p(exp(-1.6)) + log1p(exp(-0.4));
    const double columns = log1p(exp(-1.2)) + log1p(exp(-0.8));
    assert_near(twi_loss_infonce(ds, &stats, scratch, s, related(no_mask, NULL, 2, 2), NULL, NULL,
                                 0.5, 2, 2),
                (rows + columns) / 4, 1e-12);
    /* d/ds[0,1]: a negative of row 0 and of column 1; each term weighs 1/4. */
    const double p_row = exp(-1.6) / (1 + exp(-1.6)), p_column = exp(-0.8) / (1 + exp(-0.8));
    assert_near(ds[1], (p_row + p_column) / 0.5 / 4, 1e-12);
    assert_near(stats.active, 0, 0);
    assert_near(stats.pos_cosine, 0.7, 1e-12);
    assert_near(stats.neg_cosine, 0.2, 1e-12);
}

static void infonce_counts_rows_that_are_not_first(void **state)
{
    static const tw_real s[4] = {0.2, 0.6, 0.1, 0.5};
    tw_real ds[4];
    twi_loss_stats stats;
    (void) state;
    (void) twi_loss_infonce(ds, &stats, scratch, s, related(no_mask, NULL, 2, 2), NULL, NULL, 1, 2,
                            2);
    assert_near(stats.active, 0.5, 0); /* row 0 and column 1 */
}

/* A masked cell is no negative and gets no gradient; with all masked nothing is left to learn. */
static void masked_cells_do_not_push(void **state)
{
    static const tw_real s[4] = {0.9, 0.8, 0.3, 0.5};
    static const unsigned char one[4] = {0, 1, 0, 0}, all[4] = {1, 1, 1, 1};
    tw_real ds[4];
    twi_loss_stats stats;
    (void) state;
    assert_near(
        twi_loss_infonce(ds, &stats, scratch, s, related(one, NULL, 2, 2), NULL, NULL, 0.5, 2, 2),
        (log1p(exp(-0.4)) + log1p(exp(-1.2))) / 4, 1e-12);
    assert_near(ds[1], 0, 0);
    assert_near(stats.neg_cosine, 0.3, 1e-12);
    assert_near(
        twi_loss_infonce(ds, &stats, scratch, s, related(all, NULL, 2, 2), NULL, NULL, 0.5, 2, 2),
        0, 1e-12);
    assert_near(twi_loss_triplet(ds, &stats, s, related(all, NULL, 2, 2), 0.2, 2, 2), 0, 0);
    (void) twi_loss_contrastive(ds, &stats, s, related(all, NULL, 2, 2), false, 0.5, 2, 2);
    assert_near(ds[1], 0, 0);
    assert_near(ds[2], 0, 0);
}

/* logq is taken off the logits: with q = (3/4, 1/4), row 0's odds for column 1 rise threefold. */
static void logq_lifts_what_is_rarely_drawn(void **state)
{
    static const tw_real s[4] = {0.5, 0.5, 0.5, 0.5};
    tw_real ds[4];
    twi_loss_stats stats;
    (void) state;
    const tw_real q[2] = {log(0.75), log(0.25)};
    const double first = log1p(3), second = log1p(1.0 / 3);
    assert_near(
        twi_loss_infonce(ds, &stats, scratch, s, related(no_mask, NULL, 2, 2), q, q, 1, 2, 2),
        (2 * first + 2 * second) / 4, 1e-12);
}

/* Positive 0.6; negatives 0.7 (nearer), 0.55 (semi-hard), 0.1 (easy): 2 (0.55 - 0.6) + 0.2 = 0.1.
 */
static void triplet_takes_the_semi_hard_negative(void **state)
{
    static const tw_real s[16] = {0.6, 0.7, 0.55, 0.1, 0.7, 0.9, 0, 0, //
                                  0.2, 0,   0.9,  0,   0.1, 0,   0, 0.9};
    tw_real ds[16];
    twi_loss_stats stats;
    (void) state;
    /* Column 0: positive 0.6, candidates 0.7, 0.2, 0.1: semi-hard 0.2, whose hinge is negative. Row
     * 1: positive 0.9, nearest 0.7: 2 (0.7 - 0.9) + 0.2 < 0. All others are easy. */
    assert_near(twi_loss_triplet(ds, &stats, s, related(no_mask, NULL, 4, 4), 0.2, 4, 4), 0.1,
                1e-12);
    assert_near(stats.active, 1.0 / 8, 1e-12);
    assert_near(ds[2], 2, 1e-12);
    assert_near(ds[0], -2, 1e-12);
    assert_near(ds[1], 0, 0);
}

/* All negatives nearer than the positive: the farthest of them. */
static void triplet_falls_back_to_the_farthest(void **state)
{
    static const tw_real s[9] = {0.1, 0.8, 0.5, 0, 1, 0, 0, 0, 1};
    tw_real ds[9];
    twi_loss_stats stats;
    (void) state;
    assert_near(twi_loss_triplet(ds, &stats, s, related(no_mask, NULL, 3, 3), 0.2, 3, 3),
                2 * (0.5 - 0.1) + 0.2, 1e-12);
    assert_near(ds[2], 2, 1e-12);
}

/* Two pairs, each with its given negative in columns 2 and 3. Row 0's own is 0.3 against 0.5; the
 * in-batch choice for row 0 falls on it too (nearest below... all above: farthest). */
static void given_negatives_are_held_against_their_row(void **state)
{
    static const tw_real s[8] = {0.9, 0, 0.85, 0, 0, 0.9, 0, -1};
    tw_real ds[8];
    twi_loss_stats stats;
    (void) state;
    /* Row 0: semi-hard is the given one, 2 (0.85 - 0.9) + 0.2 = 0.1, and it counts again as given.
     */
    assert_near(twi_loss_triplet(ds, &stats, s, related(no_mask, NULL, 2, 4), 0.2, 2, 4), 0.1,
                1e-12);
    assert_near(ds[2], 2, 1e-12);
    assert_near(stats.active, 2.0 / 6, 1e-12);
}

/* Labels 1, 0, 0 at cosines 0.8, 0.7, 0.1, margin 0.5: 0.2^2/2, (0.5 - 0.3)^2/2, 0; mean over 3. */
static void contrastive_is_that_by_hand(void **state)
{
    static const tw_real s[9] = {0.8, 0, 0, 0, 0.7, 0, 0, 0, 0.1};
    static const float label[3] = {1, 0, 0};
    tw_real ds[9];
    twi_loss_stats stats;
    (void) state;
    assert_near(twi_loss_contrastive(ds, &stats, s, related(no_mask, label, 3, 3), true, 0.5, 3, 3),
                0.04 / 3, 1e-12);
    assert_near(ds[0], -0.2 / 3, 1e-12);
    assert_near(ds[4], 0.2 / 3, 1e-12);
    assert_near(ds[8], 0, 0);
    assert_near(stats.active, 0.5, 0);
    assert_near(stats.pos_cosine, 0.8, 1e-12);
}

/* Positives 0.9 and 0.8: (0.1^2 + 0.2^2)/2 / 2. Negatives 0.7 (0.2 inside) and 0.1 (outside). */
static void contrastive_without_labels_takes_the_batch(void **state)
{
    static const tw_real s[4] = {0.9, 0.7, 0.1, 0.8};
    tw_real ds[4];
    twi_loss_stats stats;
    (void) state;
    assert_near(twi_loss_contrastive(ds, &stats, s, related(no_mask, NULL, 2, 2), false, 0.5, 2, 2),
                0.05 / 4 + 0.04 / 2, 1e-12);
    assert_near(ds[1], 0.2, 1e-12);
    assert_near(stats.active, 0.5, 0);
}

static void cosine_is_that_by_hand(void **state)
{
    static const tw_real s[4] = {0.9, 0, 0, 0.2};
    static const float label[2] = {0.5F, 0.25F};
    tw_real ds[4];
    twi_loss_stats stats;
    (void) state;
    assert_near(twi_loss_cosine(ds, &stats, s, related(no_mask, label, 2, 2), label, 2, 2),
                (0.16 + 0.0025) / 2, 1e-12);
    assert_near(ds[0], 0.4, 1e-12);
    assert_near(ds[3], -0.05, 1e-12);
}

/* ---- gradients ------------------------------------------------------------------------------- */

enum { B = 5 };

typedef struct trial {
    tw_tower_loss loss;
    bool labelled, logq;
    int C;
    unsigned char mask[B * 2 * B];
    float label[B];
    tw_real qa[B], qc[2 * B];
} trial;

static double value(const trial *t, tw_real *ds, const tw_real *s)
{
    twi_loss_stats stats;
    const unsigned char *rel = related(t->mask, t->labelled ? t->label : NULL, B, t->C);
    switch (t->loss) {
    case TW_LOSS_TRIPLET: return twi_loss_triplet(ds, &stats, s, rel, 0.4, B, t->C);
    case TW_LOSS_CONTRASTIVE:
        return twi_loss_contrastive(ds, &stats, s, rel, t->labelled, 0.7, B, t->C);
    case TW_LOSS_COSINE: return twi_loss_cosine(ds, &stats, s, rel, t->label, B, t->C);
    default:
        return twi_loss_infonce(ds, &stats, scratch, s, rel, t->logq ? t->qa : NULL,
                                t->logq ? t->qc : NULL, 0.3, B, t->C);
    }
}

static void check_gradient(trial *t, tw_rng *rng)
{
    const tw_real h = 1e-5;
    tw_real s[B * 2 * B], ds[B * 2 * B], ignored[B * 2 * B];

    for (int k = 0; k < B * t->C; k++) {
        s[k] = 2 * tw_rng_uniform(rng) - 1;
        t->mask[k] = tw_rng_uniform(rng) < 0.15;
    }
    for (int k = 0; k < B; k++) {
        t->label[k] = t->loss == TW_LOSS_COSINE ? (float) tw_rng_uniform(rng) : (float) (k % 2);
        t->qa[k] = -5 * tw_rng_uniform(rng);
    }
    for (int k = 0; k < 2 * B; k++)
        t->qc[k] = -5 * tw_rng_uniform(rng);
    (void) value(t, ds, s);
    for (int k = 0; k < B * t->C; k++) {
        const tw_real keep = s[k];
        s[k] = keep + h;
        const double up = value(t, ignored, s);
        s[k] = keep - h;
        const double down = value(t, ignored, s);
        s[k] = keep;
        assert_near(ds[k], (up - down) / (2 * h), 1e-8);
    }
}

static void every_gradient_is_the_central_difference(void **state)
{
    static const struct {
        tw_tower_loss loss;
        bool labelled, logq;
        int C;
    } rows[] = {{TW_LOSS_INFONCE, 0, 0, B},     {TW_LOSS_INFONCE, 0, 1, B},
                {TW_LOSS_INFONCE, 0, 1, 2 * B}, {TW_LOSS_TRIPLET, 0, 0, B},
                {TW_LOSS_TRIPLET, 0, 0, 2 * B}, {TW_LOSS_CONTRASTIVE, 1, 0, B},
                {TW_LOSS_CONTRASTIVE, 0, 0, B}, {TW_LOSS_COSINE, 1, 0, B}};
    tw_rng rng;
    (void) state;
    tw_rng_seed(&rng, tw_test_seed());
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int again = 0; again < 10; again++) {
            trial t = {.loss = rows[i].loss,
                       .labelled = rows[i].labelled,
                       .logq = rows[i].logq,
                       .C = rows[i].C};
            check_gradient(&t, &rng);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(infonce_is_that_by_hand),
        cmocka_unit_test(infonce_counts_rows_that_are_not_first),
        cmocka_unit_test(masked_cells_do_not_push),
        cmocka_unit_test(logq_lifts_what_is_rarely_drawn),
        cmocka_unit_test(triplet_takes_the_semi_hard_negative),
        cmocka_unit_test(triplet_falls_back_to_the_farthest),
        cmocka_unit_test(given_negatives_are_held_against_their_row),
        cmocka_unit_test(contrastive_is_that_by_hand),
        cmocka_unit_test(contrastive_without_labels_takes_the_batch),
        cmocka_unit_test(cosine_is_that_by_hand),
        cmocka_unit_test(every_gradient_is_the_central_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
