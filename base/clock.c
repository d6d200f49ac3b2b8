#include "base/clock.h"

#include <time.h>

double tw_clock_monotonic(void)
{
    struct timespec t;
    (void) clock_gettime(CLOCK_MONOTONIC, &t);
    return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

int64_t tw_clock_unix(void)
{
    struct timespec t;
    (void) clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t) t.tv_sec;
}

int64_t tw_clock_micros(void)
{
    struct timespec t;
    (void) clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t) t.tv_sec * 1000000 + (int64_t) t.tv_nsec / 1000;
}

char *tw_clock_iso8601(char *buf, size_t size, int64_t unix_seconds)
{
    struct tm tm;
    time_t t = (time_t) unix_seconds;
    buf[0] = '\0';
    if (gmtime_r(&t, &tm) != NULL)
        (void) strftime(buf, size, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return buf;
}
