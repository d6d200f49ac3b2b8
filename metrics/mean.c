#include "metrics/mean.h"

#include <math.h>

tw_mean tw_mean_of(const double *x, int64_t n)
{
    tw_mean m = {.mean = (double) NAN, .se = (double) NAN, .n = n};
    double sum = 0, squares = 0;

    for (int64_t i = 0; i < n; i++)
        sum += x[i];
    if (n > 0)
        m.mean = sum / (double) n;
    for (int64_t i = 0; i < n; i++)
        squares += (x[i] - m.mean) * (x[i] - m.mean);
    if (n > 1)
        m.se = sqrt(squares / (double) (n - 1) / (double) n);
    return m;
}

double tw_standard_error(double sum, double squares, int64_t n)
{
    if (n < 2)
        return 0;
    double mean = sum / (double) n;
    double variance = (squares - sum * mean) / (double) (n - 1);
    return variance > 0 ? sqrt(variance / (double) n) : 0;
}
