/* base/real.h — the number type of weights and activations.
 *
 * float in the product; double where the same sources are built with
 * TW_REAL_DOUBLE for gradient checks. Never link both into one program.
 */
#ifndef TW_BASE_REAL_H
#define TW_BASE_REAL_H

#ifdef TW_REAL_DOUBLE
typedef double tw_real;
#else
typedef float tw_real;
#endif

#endif
