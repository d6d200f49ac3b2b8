/* Every loss of towers/loss/ against PyTorch's autograd, in double. losses_golden.py made
 * losses_golden.json. Built with TW_REAL_DOUBLE. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "tests/support/test.h"
#include "towers/loss/loss.h"

enum { B = 6, WIDE = 2 * B }; /* wide: with a given negative for each pair */
#define TOL 1e-12

static json_t *golden;
static const int32_t classes[B] = {0, 0, 1, 1, 2, 0};
static const float labels[B] = {1, 0, 1, 1, 0, 0};
static const float scores[B] = {0.9F, 0.1F, 0.4F, 0.4F, 0.7F, -0.2F};
static tw_real s[B * B], wide[B * WIDE], ds[B * WIDE], logq[B];
static unsigned char by_class[B * B], by_pair[B * B], by_label[B * B];
static unsigned char masked[B * B], masked_wide[B * WIDE];
static twi_loss_stats stats;

/* n numbers in [-0.5, 0.5), as layers_golden_numbers.py makes them. */
static void numbers(tw_real *out, uint32_t seed, int n)
{
    uint32_t x = seed * 2654435761u + 12345u;
    for (int i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        out[i] = (tw_real) ((x >> 8) % 4096) / 4096 - 0.5;
    }
}

/* Some cells are ignored: the same as losses_golden.py leaves out. */
static void relate_masked(unsigned char *rel, int C)
{
    unsigned char mask[B * WIDE];
    for (int k = 0; k < B * C; k++)
        mask[k] = (k / C + 2 * (k % C)) % 5 == 0;
    twi_relate_pairs(rel, mask, NULL, true, B, C);
}

static int setup(void **state)
{
    (void) state;
    char path[4096];
    json_error_t why;
    (void) snprintf(path, sizeof path, "%s/losses_golden.json", TW_GOLDEN_DIR);
    json_t *root = json_load_file(path, 0, &why);
    golden = json_incref(json_object_get(root, "cases"));
    json_decref(root);
    numbers(s, 1, B * B);
    numbers(wide, 3, B * WIDE);
    for (int k = 0; k < B * B; k++)
        s[k] *= 2;
    for (int k = 0; k < B * WIDE; k++)
        wide[k] *= 2;
    numbers(logq, 2, B);
    for (int k = 0; k < B; k++)
        logq[k] -= 2;
    twi_relate_classes(by_class, classes, NULL, B);
    twi_relate_pairs(by_pair, NULL, NULL, true, B, B);
    twi_relate_pairs(by_label, NULL, labels, false, B, B);
    relate_masked(masked, B);
    relate_masked(masked_wide, WIDE);
    return golden == NULL;
}

static int teardown(void **state)
{
    (void) state;
    json_decref(golden);
    return 0;
}

static void check_cells(const char *name, double loss, double tol, size_t cells)
{
    const json_t *want = json_object_get(golden, name), *by = json_object_get(want, "ds");
    assert_non_null(want);
    assert_near(loss, json_number_value(json_object_get(want, "loss")), tol);
    assert_int_equal(json_array_size(by), cells);
    for (size_t k = 0; k < cells; k++) {
        const double w = json_number_value(json_array_get(by, k));
        if (!(fabs((double) ds[k] - w) <= tol))
            fail_msg("%s: ds[%zu] is %.15g, PyTorch has %.15g", name, k, (double) ds[k], w);
    }
}

static void check(const char *name, double loss, double tol)
{
    check_cells(name, loss, tol, (size_t) B * B);
}

static void losses_over_pairs(void **state)
{
    double scratch[3 * B];
    twi_scored sorted[B];
    (void) state;
    check("infonce", twi_loss_infonce(ds, &stats, scratch, s, by_pair, NULL, NULL, 0.3, B, B), TOL);
    check("infonce", twi_loss_infonce_plain(ds, &stats, s, by_pair, NULL, NULL, 0.3, B, B), TOL);
    check("infonce_logq", twi_loss_infonce(ds, &stats, scratch, s, by_pair, logq, logq, 0.3, B, B),
          TOL);
    check("sigmoid", twi_loss_sigmoid(ds, NULL, &stats, s, by_pair, 4, -1, B, B), TOL);
    check("contrastive_labelled", twi_loss_contrastive(ds, &stats, s, by_label, true, 0.9, B, B),
          TOL);
    /* Scores are floats here. */
    check("cosent", twi_loss_cosent(ds, &stats, s, scores, sorted, 5, B, B), TOL);
    check("cosine", twi_loss_cosine(ds, &stats, s, by_label, scores, B, B), 1e-7);
}

static void losses_with_ignored_cells_and_given_negatives(void **state)
{
    double scratch[3 * B], loss;
    (void) state;
    check("triplet", twi_loss_triplet(ds, &stats, s, by_pair, 0.4, B, B), TOL);
    check("triplet_masked", twi_loss_triplet(ds, &stats, s, masked, 0.4, B, B), TOL);
    loss = twi_loss_triplet(ds, &stats, wide, masked_wide, 0.4, B, WIDE);
    check_cells("triplet_given", loss, TOL, (size_t) B * WIDE);
    loss = twi_loss_infonce(ds, &stats, scratch, wide, masked_wide, NULL, NULL, 0.3, B, WIDE);
    check_cells("infonce_given", loss, TOL, (size_t) B * WIDE);
    loss = twi_loss_infonce_plain(ds, &stats, wide, masked_wide, NULL, NULL, 0.3, B, WIDE);
    check_cells("infonce_given", loss, TOL, (size_t) B * WIDE);
}

static void losses_over_classes(void **state)
{
    const twi_hard_how hard = {.margin = 0.2};
    (void) state;
    check("supcon", twi_loss_supcon(ds, &stats, s, by_class, 0.5, B, B), TOL);
    check("contrastive", twi_loss_contrastive(ds, &stats, s, by_class, false, 0.9, B, B), TOL);
    check("batch_all", twi_loss_batch_all(ds, &stats, s, by_class, 0.4, B, B), TOL);
    check("semi_hard", twi_loss_semi_hard(ds, &stats, s, by_class, 0.4, B, B), TOL);
    check("batch_hard", twi_loss_batch_hard(ds, &stats, s, by_class, &hard, B, B), TOL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_over_pairs),
        cmocka_unit_test(losses_with_ignored_cells_and_given_negatives),
        cmocka_unit_test(losses_over_classes),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
