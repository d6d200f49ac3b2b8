/* tests/unit/nn/gradcheck.h — is a backward pass the derivative of its forward?
 *
 * The scalar that is differentiated is sum of w * y with random w, so that no
 * symmetry of the output can hide an error. Double build only.
 */
#ifndef TW_TESTS_UNIT_NN_GRADCHECK_H
#define TW_TESTS_UNIT_NN_GRADCHECK_H

#include "base/real.h"
#include "base/rng.h"
#include "tests/support/test.h"

_Static_assert(sizeof(tw_real) == 8, "gradient checks need the double build");

#define GRAD_H   1e-5
#define GRAD_TOL 1e-8

/* x (n) uniform in [-1, 1). */
static inline void fill_random(tw_rng *rng, tw_real *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = 2 * tw_rng_uniform(rng) - 1;
}

static inline tw_real weighted_sum(const tw_real *w, const tw_real *y, size_t n)
{
    tw_real sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += w[i] * y[i];
    return sum;
}

/* dx (n) against the central difference of loss(ctx) in each x[i], which is put back. */
static inline void check_gradient(tw_real *x, const tw_real *dx, size_t n,
                                  double (*loss)(void *ctx), void *ctx)
{
    for (size_t i = 0; i < n; i++) {
        tw_real keep = x[i];
        x[i] = keep + GRAD_H;
        double up = loss(ctx);
        x[i] = keep - GRAD_H;
        double down = loss(ctx);
        x[i] = keep;
        assert_near(dx[i], (up - down) / (2 * GRAD_H), GRAD_TOL);
    }
}

#endif
