#include "rpc/socket.h"

#include <nng/supplemental/util/platform.h>
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"

#define CLOSE_MS 2000

bool twi_url_known(const char *url)
{
    static const char *const schemes[] = {"tcp://", "tcp4://", "tcp6://", "ipc://"};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        if (strncmp(url, schemes[i], strlen(schemes[i])) == 0)
            return true;
    return false;
}

typedef struct closer {
    nng_socket sock;
    nng_mtx *lock; /* guards closed */
    nng_cv *changed;
    bool closed;
} closer;

static void *close_it(void *arg)
{
    closer *c = arg;
    (void) nng_close(c->sock);
    nng_mtx_lock(c->lock);
    c->closed = true;
    nng_cv_wake(c->changed);
    nng_mtx_unlock(c->lock);
    return NULL;
}

static void release(closer *c)
{
    if (c == NULL)
        return;
    if (c->changed != NULL)
        nng_cv_free(c->changed);
    if (c->lock != NULL)
        nng_mtx_free(c->lock);
    tw_free(c);
}

bool twi_socket_close(nng_socket sock)
{
    pthread_t thread;
    closer *c = tw_alloc(1, sizeof *c);
    if (c == NULL || nng_mtx_alloc(&c->lock) != 0 || nng_cv_alloc(&c->changed, c->lock) != 0 ||
        (c->sock = sock, pthread_create(&thread, NULL, close_it, c)) != 0) {
        release(c);
        (void) nng_close(sock);
        return true;
    }
    nng_time until = nng_clock() + CLOSE_MS;
    nng_mtx_lock(c->lock);
    while (!c->closed && nng_cv_until(c->changed, until) == 0) {
    }
    bool closed = c->closed;
    nng_mtx_unlock(c->lock);
    if (closed) {
        (void) pthread_join(thread, NULL);
        release(c);
    } else {
        (void) pthread_detach(thread); /* c stays with it */
        tw_log(TW_LOG_WARN, "NNG-STUCK", "nng=%s waited_ms=%d", nng_version(), CLOSE_MS);
    }
    return closed;
}
