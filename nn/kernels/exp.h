/* nn/kernels/exp.h — e^x inside a vectorised loop.
 *
 * For kernel files only (nn/kernels/simd.h). In float: x = n ln 2 + r, |r| <= ln 2 / 2,
 * the Taylor polynomial of e^r to the seventh power (next term 5e-9), times 2^n
 * by its bits. At most 2 units in the last place from libm where the result is
 * a normal number; below e^-87 it stays at e^-87 (1.6e-38), above e^88 at e^88.
 * NaN gives NaN. In the double build it is libm's exp.
 */
#ifndef TW_NN_KERNELS_EXP_H
#define TW_NN_KERNELS_EXP_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/real.h"
#include "nn/kernels/simd.h"

#define TW_EXP_MIN (-87.0f)
#define TW_EXP_MAX 88.0f

#ifdef TW_REAL_DOUBLE
TW_BODY double tw_exp_lane(double x) { return exp(x); }
#else
TW_BODY float tw_exp_lane(float x)
{
    float c = x > TW_EXP_MIN ? x : TW_EXP_MIN; /* takes NaN out too: it may not become an int */
    c = c < TW_EXP_MAX ? c : TW_EXP_MAX;
    float n = rintf(c * 1.44269504f);
    /* ln 2 in two parts, the first exact in few bits, so that r keeps its digits. */
    float r = c - n * 0.693359375f;
    r = r + n * 2.12194440e-4f;

    float p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1;
    p = p * r + 1;

    int32_t bits = ((int32_t) n + 127) * (1 << 23);
    float two_n;
    memcpy(&two_n, &bits, sizeof two_n);
    float y = p * two_n;
    return x != x ? x : y;
}
#endif

#endif
