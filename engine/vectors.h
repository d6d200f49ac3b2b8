/* engine/vectors.h — what a vector that towers gave can be. Internal to engine/.
 */
#ifndef TW_ENGINE_VECTORS_H
#define TW_ENGINE_VECTORS_H

#include <stdbool.h>

/* Whether towers can have given it: a unit vector, or zeros where they read nothing. */
bool twi_vector_valid(const float *vec, int dim);

/* Whether it is that of an item of which the towers read nothing. */
bool twi_vector_is_zero(const float *vec, int dim);

#endif
