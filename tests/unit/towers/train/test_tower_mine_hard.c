/* Hard negatives: which neighbours stay, by hand and on random vectors against a slow version. */
#include "tests/support/test.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "metrics/partners.h"
#include "tests/oom/torture.h"
#include "towers/train/tower_mine_hard.h"

/* An exact search over rows of unit vectors; the anchor itself is among what it finds. */
typedef struct catalogue {
    const float *vecs;
    int n, dim;
    int calls, largest;
    int32_t lie; /* >= 0: what is found first, whatever is nearest */
} catalogue;

static double cosine(const catalogue *c, int a, int b)
{
    double sum = 0;
    for (int j = 0; j < c->dim; j++)
        sum += (double) c->vecs[a * c->dim + j] * (double) c->vecs[b * c->dim + j];
    return sum;
}

static tw_status search(void *ctx, const int32_t *anchors, int n, int k, int32_t *items,
                        float *cosines, tw_error *err)
{
    catalogue *c = ctx;
    (void) err;
    c->calls++;
    c->largest = n > c->largest ? n : c->largest;
    for (int i = 0; i < n; i++) {
        unsigned char used[700] = {0};
        for (int r = 0; r < k; r++) {
            int best = -1;
            for (int x = 0; x < c->n; x++)
                if (!used[x] &&
                    (best < 0 || cosine(c, anchors[i], x) > cosine(c, anchors[i], best)))
                    best = x;
            items[i * k + r] = best;
            cosines[i * k + r] = best >= 0 ? (float) cosine(c, anchors[i], best) : 0;
            if (best >= 0)
                used[best] = 1;
        }
        if (c->lie >= 0)
            items[i * k] = c->lie;
    }
    return TW_OK;
}

/* Vectors on a circle, by their cosine with item 0. */
static void circle(float *out, const double *cosines, int n)
{
    for (int i = 0; i < n; i++) {
        out[2 * i] = (float) cosines[i];
        out[2 * i + 1] = (float) sqrt(1 - cosines[i] * cosines[i]);
    }
}

/* Anchor 0 and its positive 1 at 0.8; others at 0.99, 0.79, 0.75, 0.7, 0.2. With a relative margin
 * of 0.05 the limit is 0.76. */
static void the_margin_keeps_what_is_clearly_farther(void **state)
{
    static const double at[] = {1, 0.8, 0.99, 0.79, 0.75, 0.7, 0.2};
    static const tw_item_pair known[] = {{0, 1, 1, 1}};
    twi_hard_config cfg = TWI_HARD_DEFAULT;
    float vecs[14];
    catalogue c = {.vecs = vecs, .n = 7, .dim = 2, .lie = -1};
    tw_partners partners;
    tw_item_triplet *got;
    int64_t n;
    (void) state;
    circle(vecs, at, 7);
    assert_ok(tw_partners_build(&partners, 7, known, 1, err));
    cfg.k = 7;
    cfg.per_pair = 2;
    assert_ok(twi_mine_hard(&got, &n, vecs, 7, 2, &partners, NULL, &cfg, search, &c, err));
    assert_int_equal(got[0].anchor, 0);
    assert_int_equal(got[0].positive, 1);
    assert_int_equal(got[0].negative, 4);
    assert_int_equal(got[1].negative, 5);
    assert_true(n > 2 && got[2].anchor == 1); /* the other direction */
    tw_free(got);
    /* The nearest two candidates, 2 and 3, are passed over anyway; skipping three leaves 5 first.
     */
    cfg.skip = 3;
    assert_ok(twi_mine_hard(&got, &n, vecs, 7, 2, &partners, NULL, &cfg, search, &c, err));
    assert_int_equal(got[0].negative, 5);
    tw_free(got);
    /* Without margin 3 fits, at 0.79 of 0.8; 2 never, being nearer than the positive. */
    cfg.skip = 0;
    cfg.relative_margin = 0;
    assert_ok(twi_mine_hard(&got, &n, vecs, 7, 2, &partners, NULL, &cfg, search, &c, err));
    assert_int_equal(got[0].negative, 3);
    tw_free(got);
    /* Candidates above 0.745 are duplicates; 4 is of the anchor's class, 5 of another. */
    cfg.most_cosine = 0.76;
    static const int32_t cls[7] = {3, 3, 0, 0, 3, 1, -1};
    assert_ok(twi_mine_hard(&got, &n, vecs, 7, 2, &partners, cls, &cfg, search, &c, err));
    assert_int_equal(got[0].negative, 5);
    tw_free(got);
    tw_partners_fini(&partners);
}

/* A positive at -0.2: the limit is -0.21, not -0.19. */
static void a_positive_behind_the_anchor_moves_the_limit_down(void **state)
{
    static const double at[] = {1, -0.2, -0.195, -0.205, -0.4};
    static const tw_item_pair known[] = {{0, 1, 1, 1}};
    twi_hard_config cfg = TWI_HARD_DEFAULT;
    float vecs[10];
    catalogue c = {.vecs = vecs, .n = 5, .dim = 2, .lie = -1};
    tw_partners partners;
    tw_item_triplet *got;
    int64_t n;
    (void) state;
    circle(vecs, at, 5);
    assert_ok(tw_partners_build(&partners, 5, known, 1, err));
    assert_ok(twi_mine_hard(&got, &n, vecs, 5, 2, &partners, NULL, &cfg, search, &c, err));
    assert_int_equal(got[0].anchor, 0);
    assert_int_equal(got[0].negative, 4);
    assert_true(n == 1 || got[1].anchor == 1);
    tw_free(got);
    tw_partners_fini(&partners);
}

enum { N = 600, D = 8 };

/* Many anchors, several positives each: every triplet keeps the law, in order, and none is missed.
 */
static void random_catalogues_keep_the_law(void **state)
{
    static float vecs[N * D];
    static tw_item_pair known[500];
    twi_hard_config cfg = {.k = 120, .per_pair = 4, .relative_margin = 0.1, .most_cosine = 0.9};
    catalogue c = {.vecs = vecs, .n = N, .dim = D, .lie = -1};
    tw_partners partners;
    tw_item_triplet *got, *drawn;
    int64_t n, n_drawn;
    tw_rng rng;
    (void) state;
    tw_rng_seed(&rng, tw_test_seed());
    for (int i = 0; i < N; i++) {
        double sq = 0, x[D];
        for (int j = 0; j < D; j++) {
            x[j] = tw_rng_normal(&rng) + (i >= N / 2 ? 3 * (double) vecs[(i - N / 2) * D + j] : 0);
            sq += x[j] * x[j];
        }
        for (int j = 0; j < D; j++)
            vecs[i * D + j] = (float) (x[j] / sqrt(sq));
    }
    for (int k = 0; k < 500; k++)
        known[k] =
            (tw_item_pair){(int32_t) tw_rng_below(&rng, N), (int32_t) tw_rng_below(&rng, N), 1, 1};
    assert_ok(tw_partners_build(&partners, N, known, 500, err));
    assert_ok(twi_mine_hard(&got, &n, vecs, N, D, &partners, NULL, &cfg, search, &c, err));
    assert_true(n > 100);
    assert_true(c.calls == 2 && c.largest == 256); /* 500 anchors in blocks */
    for (int64_t k = 0; k < n; k++) {
        const tw_item_triplet t = got[k];
        const double own = cosine(&c, t.anchor, t.positive);
        const double far = cosine(&c, t.anchor, t.negative);
        assert_true(far <= own - 0.1 * fabs(own) + 1e-6 && far <= 0.9 + 1e-6);
        assert_true(t.negative != t.anchor);
        for (int64_t p = partners.offsets[t.anchor]; p < partners.offsets[t.anchor + 1]; p++)
            assert_true(partners.items[p] != t.negative);
        assert_true(k == 0 || got[k - 1].anchor <= t.anchor);
        if (k > 0 && got[k - 1].anchor == t.anchor && got[k - 1].positive == t.positive)
            assert_true(cosine(&c, t.anchor, got[k - 1].negative) >= far - 1e-6);
    }
    cfg.at_random = true;
    cfg.seed = 5;
    assert_ok(twi_mine_hard(&drawn, &n_drawn, vecs, N, D, &partners, NULL, &cfg, search, &c, err));
    assert_int_equal(n_drawn, n); /* as many fit, others are drawn */
    int same = 0;
    for (int64_t k = 0; k < n; k++) {
        same += drawn[k].negative == got[k].negative;
        for (int64_t j = k; j-- > 0 && drawn[j].anchor == drawn[k].anchor;)
            assert_true(drawn[j].positive != drawn[k].positive ||
                        drawn[j].negative != drawn[k].negative); /* without putting back */
    }
    assert_true(same < n);
    tw_free(drawn);
    tw_free(got);
    tw_partners_fini(&partners);
}

static void bad_settings_and_bad_neighbours_are_refused(void **state)
{
    static const tw_item_pair known[] = {{0, 1, 1, 1}};
    static const twi_hard_config bad[] = {
        {.k = 0, .per_pair = 1},
        {.k = 5, .per_pair = 6},
        {.k = 5, .per_pair = 1, .skip = 5},
        {.k = 5, .per_pair = 1, .relative_margin = (double) NAN},
    };
    static const double at[] = {1, 0.5};
    float vecs[4];
    catalogue c = {.vecs = vecs, .n = 2, .dim = 2, .lie = 2};
    tw_partners partners;
    tw_item_triplet *got;
    int64_t n;
    (void) state;
    circle(vecs, at, 2);
    assert_ok(tw_partners_build(&partners, 2, known, 1, err));
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++)
        assert_status(
            twi_mine_hard(&got, &n, vecs, 2, 2, &partners, NULL, &bad[k], search, &c, err),
            TW_EINVAL);
    assert_status(
        twi_mine_hard(&got, &n, vecs, 2, 2, &partners, NULL, &TWI_HARD_DEFAULT, search, &c, err),
        TW_EINVAL);
    assert_null(got);
    c.lie = -1; /* these two alone: nothing to mine */
    assert_ok(
        twi_mine_hard(&got, &n, vecs, 2, 2, &partners, NULL, &TWI_HARD_DEFAULT, search, &c, err));
    assert_int_equal(n, 0);
    tw_free(got);
    tw_partners_fini(&partners);
}

static tw_status mine_once(void *ctx)
{
    catalogue *c = ctx;
    static const tw_item_pair known[] = {{0, 1, 1, 1}};
    tw_partners partners;
    tw_item_triplet *got = NULL;
    int64_t n;
    tw_status st = tw_partners_build(&partners, 4, known, 1, NULL);
    if (st == TW_OK)
        st = twi_mine_hard(&got, &n, c->vecs, 4, 2, &partners, NULL, &TWI_HARD_DEFAULT, search, c,
                           NULL);
    assert_true((got == NULL) == (st != TW_OK));
    tw_free(got);
    tw_partners_fini(&partners);
    return st;
}

static void mining_survives_every_failed_allocation(void **state)
{
    static const double at[] = {1, 0.9, 0.5, 0.1};
    float vecs[8];
    catalogue c = {.vecs = vecs, .n = 4, .dim = 2, .lie = -1};
    (void) state;
    circle(vecs, at, 4);
    torture(mine_once, &c, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_margin_keeps_what_is_clearly_farther),
        cmocka_unit_test(a_positive_behind_the_anchor_moves_the_limit_down),
        cmocka_unit_test(random_catalogues_keep_the_law),
        cmocka_unit_test(bad_settings_and_bad_neighbours_are_refused),
        cmocka_unit_test(mining_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
