#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

/* The level is set once at start; atomic only so that a late change is not a race. */
static atomic_int least_level = TW_LOG_WARN;

void tw_log_set_level(tw_log_level least) { atomic_store(&least_level, (int) least); }

void tw_log(tw_log_level level, const char *id, const char *fmt, ...)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    if ((int) level < atomic_load(&least_level))
        return;

    char line[1024], when[32];
    int n = snprintf(line, sizeof line, "%s %s %s ",
                     tw_clock_iso8601(when, sizeof when, tw_clock_unix()), names[level], id);
    size_t len = n > 0 ? (size_t) n : 0;

    va_list ap;
    va_start(ap, fmt);
    n = vsnprintf(line + len, sizeof line - len - 1, fmt, ap);
    va_end(ap);
    if (n > 0)
        len += (size_t) n < sizeof line - len - 1 ? (size_t) n : sizeof line - len - 2;
    for (size_t i = 0; i < len; i++)
        if (line[i] == '\n' || line[i] == '\r')
            line[i] = ' '; /* a peer's text must not forge a second line */
    line[len++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, len);
    (void) written; /* nobody is left to tell */
}

int tw_log_allowed(tw_log_gate *state, int per_second, int *dropped)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards every gate's fields */
    int allowed = 0;
    long now = (long) tw_clock_monotonic();

    (void) pthread_mutex_lock(&lock);
    if (state->second != now) {
        state->second = now;
        state->used = 0;
    }
    *dropped = state->dropped;
    if (state->used < per_second) {
        state->used++;
        state->dropped = 0;
        allowed = 1;
    } else {
        state->dropped++;
    }
    (void) pthread_mutex_unlock(&lock);
    return allowed;
}
