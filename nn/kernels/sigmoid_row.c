#include "nn/kernels/sigmoid_row.h"

#include <math.h>

#include "nn/kernels/exp.h"
#include "nn/kernels/simd.h"

enum { CHUNK = 32 }; /* factors of at most 2, so that their product stays finite in float */

/* -log(1 - sigmoid(r)) = max(r, 0) + log(1 + e^-|r|); the logarithms of a chunk are taken as one,
 * of a product. */
TW_BODY void negatives_body(double *restrict loss, tw_real *restrict s, tw_real bias, int n)
{
    double total = 0;
    for (int c = 0; c < n; c += CHUNK) {
        int w = n - c < CHUNK ? n - c : CHUNK;
        tw_real product[CHUNK], linear = 0;
        double all = 1;
        for (int j = 0; j < w; j++) {
            tw_real r = s[c + j] + bias;
            tw_real y = tw_exp_lane(r < 0 ? r : -r);
            linear += r > 0 ? r : 0;
            product[j] = 1 + y;
            s[c + j] = (r < 0 ? y : 1) / (1 + y);
        }
        for (int j = 0; j < w; j++)
            all *= (double) product[j];
        // cppcheck-suppress invalidFunctionArg ; every factor is at least 1
        total += (double) linear + log(all);
    }
    *loss += total;
}
TW_DISPATCH_STATIC(negatives, negatives_body, (double *loss, tw_real *s, tw_real bias, int n),
                   (loss, s, bias, n))

void tw_sigmoid_row(double *loss, tw_real *s, double bias, double power, int n)
{
    double r = (double) s[0] + bias;
    *loss += power * ((r > 0 ? 0 : -r) + log1p(exp(-fabs(r))));
    s[0] = (tw_real) (-power / (1 + exp(r))); /* e^r may be infinite: then 0, as it should */
    negatives(loss, s + 1, (tw_real) bias, n - 1);
}
