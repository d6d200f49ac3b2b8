#include "base/crash.h"

#ifdef TW_TORTURE
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

static atomic_long countdown;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void from_environment(void)
{
    const char *s = getenv("TW_CRASH_AT"); /* NOLINT(concurrency-mt-unsafe): no thread sets it */
    if (s != NULL)
        atomic_store(&countdown, strtol(s, NULL, 10));
}

void tw_crash_arm(long nth)
{
    (void) pthread_once(&once, from_environment); /* so that it cannot overwrite nth later */
    atomic_store(&countdown, nth);
}

void tw_crash_point(void)
{
    (void) pthread_once(&once, from_environment);
    if (atomic_load(&countdown) > 0 && atomic_fetch_sub(&countdown, 1) == 1)
        _exit(TW_CRASH_STATUS);
}
#else
typedef int tw_crash_not_built; /* ISO C forbids an empty file */
#endif
