/* Built with TW_REAL_DOUBLE: see base/real.h. Matryoshka, against differences; the fast
 * InfoNCE, against the plain one.
 */
#include "tests/support/test.h"

#include <math.h>

#include "base/rng.h"
#include "towers/loss/loss.h"

enum { N = 6, D = 5 };

/* SupCon over vectors: s = z z', dz = (ds + ds') z. */
static double vector_loss(void *ctx, tw_real *dz, const tw_real *z, int n, int width)
{
    tw_real s[N * N] = {0}, ds[N * N];
    twi_loss_stats stats;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            for (int k = 0; k < width; k++)
                s[i * n + j] += z[i * width + k] * z[j * width + k];
        }
    const double loss = twi_loss_supcon(ds, &stats, s, ctx, 0.5, n, n);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < width; k++) {
            dz[i * width + k] = 0;
            for (int j = 0; j < n; j++)
                dz[i * width + k] += (ds[i * n + j] + ds[j * n + i]) * z[j * width + k];
        }
    return loss;
}

static void prefixes_sum_their_losses_and_gradients(void **state)
{
    static const twi_prefixes how = {3, {2, 3, 5}, {1, 0.5, 2}};
    static const int32_t cls[N] = {0, 0, 1, 1, 2, 2};
    const double h = 1e-6;
    unsigned char rel[N * N];
    tw_real z[N * D], dz[N * D], ignored[N * D], cut[N * D], dcut[N * D];
    tw_rng rng;
    (void) state;
    tw_rng_seed(&rng, tw_test_seed());
    twi_relate_classes(rel, cls, NULL, N);
    for (int k = 0; k < N * D; k++)
        z[k] = tw_rng_normal(&rng); /* of any length: the cut to 5 normalises too */
    (void) twi_loss_prefixes(dz, cut, dcut, z, N, D, &how, vector_loss, rel);
    for (int k = 0; k < N * D; k++) {
        const tw_real keep = z[k];
        z[k] = keep + h;
        const double up = twi_loss_prefixes(ignored, cut, dcut, z, N, D, &how, vector_loss, rel);
        z[k] = keep - h;
        const double down = twi_loss_prefixes(ignored, cut, dcut, z, N, D, &how, vector_loss, rel);
        z[k] = keep;
        assert_near(dz[k], (up - down) / (2 * h), 1e-7);
        assert_true(dz[k] != 0);
    }
}

/* An item with nothing in it stays at 0 and takes no gradient. */
static void a_zero_prefix_gets_no_gradient(void **state)
{
    static const twi_prefixes how = {1, {2}, {1}};
    static const int32_t cls[N] = {0, 0, 1, 1, 2, 2};
    unsigned char rel[N * N];
    tw_real z[N * D], dz[N * D], cut[N * D], dcut[N * D];
    (void) state;
    twi_relate_classes(rel, cls, NULL, N);
    for (int k = 0; k < N * D; k++)
        z[k] = k < D ? (k == 3) : 0.1 + k % 3;
    assert_true(isfinite(twi_loss_prefixes(dz, cut, dcut, z, N, D, &how, vector_loss, rel)));
    for (int k = 0; k < D; k++)
        assert_near(dz[k], 0, 0);
    assert_true(dz[D] != 0);
}

/* ---- InfoNCE --------------------------------------------------------------------------------- */

enum { B = 7 };

static void the_fast_infonce_is_the_plain_one(void **state)
{
    static const double temperatures[] = {1, 0.3, 0.026, 0.002};
    tw_real s[B * 2 * B], have[B * 2 * B], want[B * 2 * B], qa[B], qc[2 * B];
    unsigned char mask[B * 2 * B], rel[B * 2 * B];
    double scratch[3 * B];
    tw_rng rng;
    (void) state;
    tw_rng_seed(&rng, tw_test_seed());
    for (int round = 0; round < 64; round++) {
        const int C = round % 2 == 0 ? B : 2 * B;
        const double t = temperatures[round / 2 % 4];
        const bool logq = round % 3 == 0;
        twi_loss_stats a, b;
        for (int k = 0; k < B * C; k++) {
            s[k] = 2 * tw_rng_uniform(&rng) - 1;
            mask[k] = tw_rng_uniform(&rng) < (round < 60 ? 0.2 : 2); /* the last: all masked */
        }
        twi_relate_pairs(rel, mask, NULL, true, B, C);
        for (int k = 0; k < 2 * B; k++) {
            qc[k] = -9 * tw_rng_uniform(&rng);
            qa[k / 2] = qc[k];
        }
        const double loss =
            twi_loss_infonce_plain(want, &a, s, rel, logq ? qa : NULL, logq ? qc : NULL, t, B, C);
        assert_close(twi_loss_infonce(have, &b, scratch, s, rel, logq ? qa : NULL, logq ? qc : NULL,
                                      t, B, C),
                     loss, 1e-10);
        for (int k = 0; k < B * C; k++)
            assert_near(have[k], want[k], 1e-10);
        assert_near(a.active, b.active, 0);
        assert_near(a.pos_cosine, b.pos_cosine, 1e-12);
        assert_near(a.neg_cosine, b.neg_cosine, 1e-12);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefixes_sum_their_losses_and_gradients),
        cmocka_unit_test(a_zero_prefix_gets_no_gradient),
        cmocka_unit_test(the_fast_infonce_is_the_plain_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
