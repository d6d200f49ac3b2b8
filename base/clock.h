/* base/clock.h — time. The only way to the system's clocks. */
#ifndef TW_BASE_CLOCK_H
#define TW_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Seconds from an arbitrary start; never goes back. For durations and deadlines. */
double tw_clock_monotonic(void);

/* Seconds since 1970-01-01 UTC. For event times; may jump. */
int64_t tw_clock_unix(void);
/* The same in microseconds. */
int64_t tw_clock_micros(void);

/* "2026-05-01T12:00:00Z" into buf (at least 24 bytes); returns buf. */
char *tw_clock_iso8601(char *buf, size_t size, int64_t unix_seconds);

#endif
