/* base/size.h — arithmetic on sizes that come from files, peers or users.
 *
 * Each returns false, leaving *out alone, where the result does not fit.
 */
#ifndef TW_BASE_SIZE_H
#define TW_BASE_SIZE_H

#include <stdbool.h>
#include <stddef.h>

static inline bool tw_size_mul(size_t a, size_t b, size_t *out)
{
    size_t r;
    if (__builtin_mul_overflow(a, b, &r))
        return false;
    *out = r;
    return true;
}

static inline bool tw_size_add(size_t a, size_t b, size_t *out)
{
    size_t r;
    if (__builtin_add_overflow(a, b, &r))
        return false;
    *out = r;
    return true;
}

#endif
