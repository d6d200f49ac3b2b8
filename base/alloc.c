#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

#include "base/size.h"

#define LARGE_PAGE ((size_t) 1 << 21)

#ifdef TW_TORTURE
#include <stdatomic.h>

/* Atomics, not a mutex: only counters, and order between threads does not matter. */
static atomic_long made, countdown;
static atomic_bool fired;

void tw_torture_arm(long nth)
{
    atomic_store(&fired, false);
    atomic_store(&countdown, nth);
}

bool tw_torture_fired(void) { return atomic_load(&fired); }
long tw_alloc_count(void) { return atomic_load(&made); }

static bool refused(void)
{
    atomic_fetch_add(&made, 1);
    if (atomic_load(&countdown) <= 0 || atomic_fetch_sub(&countdown, 1) != 1)
        return false;
    atomic_store(&fired, true);
    return true;
}
#else
static bool refused(void) { return false; }
#endif

void *tw_alloc(size_t n, size_t size)
{
    size_t bytes;
    if (refused() || !tw_size_mul(n, size, &bytes))
        return NULL;
    return calloc(n > 0 ? n : 1, size > 0 ? size : 1);
}

/* Advice only: a system that has no large pages says so, which does no harm. */
void tw_prefer_large_pages(void *p, size_t bytes)
{
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    const size_t skip = (LARGE_PAGE - (uintptr_t) p % LARGE_PAGE) % LARGE_PAGE;
    if (bytes < skip + LARGE_PAGE)
        return;
    (void) madvise((unsigned char *) p + skip, (bytes - skip) / LARGE_PAGE * LARGE_PAGE,
                   MADV_HUGEPAGE);
#else
    (void) p;
    (void) bytes;
#endif
}

void *tw_alloc_aligned(size_t n, size_t size)
{
    const size_t align = 64;
    size_t bytes;
    if (refused() || !tw_size_mul(n, size, &bytes) || !tw_size_add(bytes, align - 1, &bytes))
        return NULL;
    bytes = bytes / align * align;
    if (bytes == 0)
        bytes = align;
    void *p = aligned_alloc(align, bytes);
    if (p == NULL)
        return NULL;
    tw_prefer_large_pages(p, bytes);
    memset(p, 0, bytes);
    return p;
}

void *tw_realloc(void *p, size_t n, size_t size)
{
    size_t bytes;
    if (refused() || !tw_size_mul(n, size, &bytes))
        return NULL;
    return realloc(p, bytes > 0 ? bytes : 1);
}

char *tw_strndup(const char *s, size_t len)
{
    char *copy = tw_alloc(len + 1, 1);
    if (copy != NULL)
        memcpy(copy, s, len);
    return copy;
}

char *tw_strdup(const char *s) { return tw_strndup(s, strlen(s)); }

void tw_free(void *p) { free(p); }
