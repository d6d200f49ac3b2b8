#include "base/room.h"

#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"

/* Threads then share one heap: each of their own would take 64 MiB of address space. */
static void share_heap(void)
{
#ifdef __GLIBC__
    (void) mallopt(M_ARENA_MAX, 1); /* NOLINT(concurrency-mt-unsafe): glibc's takes its lock */
#endif
}

static size_t limit(void)
{
    struct rlimit lim;
    if (getrlimit(RLIMIT_AS, &lim) != 0 || lim.rlim_cur == RLIM_INFINITY)
        return SIZE_MAX;
    return (size_t) lim.rlim_cur;
}

/* The whole address space of the process, in bytes; 0: unknown. */
static size_t taken(void)
{
    unsigned long pages = 0;
    FILE *f = NULL;
    if (tw_file_open_stream(&f, "/proc/self/statm", NULL) != TW_OK)
        return 0;
    const int got = fscanf(f, "%lu", &pages); /* NOLINT(cert-err34-c): the kernel's own number */
    (void) fclose(f);
    return got == 1 ? (size_t) pages * (size_t) sysconf(_SC_PAGESIZE) : 0;
}

size_t tw_room_left(void)
{
    const size_t all = limit();
    if (all == SIZE_MAX)
        return SIZE_MAX;
    const size_t now = taken();
    return now < all ? all - now : 0;
}

tw_status tw_room_check(size_t bytes, const char *what, tw_error *err)
{
    const size_t all = limit();
    if (all == SIZE_MAX)
        return TW_OK;
    share_heap();
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        return tw_fail(err, TW_ENOMEM,
                       "%s takes %zu MiB of memory, and the limit of %zu MiB leaves less; raise it "
                       "(ulimit -v)",
                       what, bytes >> 20, all >> 20);
    }
    (void) munmap(p, bytes);
    return TW_OK;
}

tw_status tw_room_check_threads(int n, const char *what, tw_error *err)
{
    size_t stack = 8u << 20, guard = 4096;
    pthread_attr_t attr;
    if (limit() == SIZE_MAX)
        return TW_OK;
    if (pthread_getattr_default_np(&attr) == 0) {
        (void) pthread_attr_getstacksize(&attr, &stack);
        (void) pthread_attr_getguardsize(&attr, &guard);
        (void) pthread_attr_destroy(&attr);
    }
    return tw_room_check((size_t) n * (stack + guard), what, err);
}
