/* What a vector that towers gave can be. */
#include "engine/vectors.h"

#include <math.h>

/* Towers give unit vectors, or zeros where they read nothing. */
#define LONGEST_SQUARE 2.0

bool twi_vector_valid(const float *vec, int dim)
{
    double square = 0;
    for (int i = 0; i < dim; i++)
        square += (double) vec[i] * (double) vec[i];
    return isfinite(square) && square < LONGEST_SQUARE;
}

bool twi_vector_is_zero(const float *vec, int dim)
{
    for (int i = 0; i < dim; i++)
        if (vec[i] != 0)
            return false;
    return true;
}
