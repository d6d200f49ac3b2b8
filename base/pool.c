#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>

#include "base/alloc.h"

typedef struct ws {
    tw_pool *pool;
    pthread_t thread;
    int worker;
} ws;

struct tw_pool {
    pthread_mutex_t lock; /* guards round, left, quit, fn, ctx */
    pthread_cond_t go, idle;
    unsigned long round; /* one more for every run */
    int left;            /* workers still inside fn */
    bool quit;
    void (*fn)(void *ctx, int worker, int workers);
    void *ctx;
    int workers;
    int started; /* threads that exist: workers 1..started */
    ws workspaces[TW_POOL_MAX];
};

static void *work(void *arg)
{
    ws *s = arg;
    tw_pool *p = s->pool;
    unsigned long seen = 0;

    (void) pthread_mutex_lock(&p->lock);
    for (;;) {
        while (p->round == seen && !p->quit)
            (void) pthread_cond_wait(&p->go, &p->lock);
        if (p->quit)
            break;
        seen = p->round;
        void (*fn)(void *, int, int) = p->fn;
        void *ctx = p->ctx;
        (void) pthread_mutex_unlock(&p->lock);
        fn(ctx, s->worker, p->workers);
        (void) pthread_mutex_lock(&p->lock);
        if (--p->left == 0)
            (void) pthread_cond_signal(&p->idle);
    }
    (void) pthread_mutex_unlock(&p->lock);
    return NULL;
}

static int usable_cores(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return n < 1 ? 1 : n > TW_POOL_MAX ? TW_POOL_MAX : n;
}

tw_status tw_pool_create(tw_pool **out, int workers, tw_error *err)
{
    *out = NULL;
    if (workers < 0 || workers > TW_POOL_MAX)
        return tw_fail(err, TW_EINVAL, "%d threads is outside 0..%d", workers, TW_POOL_MAX);
    tw_pool *p = tw_alloc(1, sizeof *p);
    if (p == NULL)
        return tw_fail(err, TW_ENOMEM, "thread pool");
    p->workers = workers == 0 ? usable_cores() : workers;
    (void) pthread_mutex_init(&p->lock, NULL);
    (void) pthread_cond_init(&p->go, NULL);
    (void) pthread_cond_init(&p->idle, NULL);
    for (int i = 1; i < p->workers; i++) {
        p->workspaces[i] = (ws){.pool = p, .worker = i};
        if (pthread_create(&p->workspaces[i].thread, NULL, work, &p->workspaces[i]) != 0) {
            const int wanted = p->workers;
            tw_pool_destroy(p);
            return tw_fail(err, TW_ENOMEM, "thread %d of %d cannot start", i + 1, wanted);
        }
        p->started = i;
    }
    *out = p;
    return TW_OK;
}

void tw_pool_destroy(tw_pool *p)
{
    if (p == NULL)
        return;
    (void) pthread_mutex_lock(&p->lock);
    p->quit = true;
    (void) pthread_cond_broadcast(&p->go);
    (void) pthread_mutex_unlock(&p->lock);
    for (int i = 1; i <= p->started; i++)
        (void) pthread_join(p->workspaces[i].thread, NULL);
    (void) pthread_cond_destroy(&p->go);
    (void) pthread_cond_destroy(&p->idle);
    (void) pthread_mutex_destroy(&p->lock);
    tw_free(p);
}

int tw_pool_size(const tw_pool *p) { return p->workers; }

void tw_pool_run(tw_pool *p, void (*fn)(void *ctx, int worker, int workers), void *ctx)
{
    if (p->workers == 1) {
        fn(ctx, 0, 1);
        return;
    }
    (void) pthread_mutex_lock(&p->lock);
    p->fn = fn;
    p->ctx = ctx;
    p->left = p->workers - 1;
    p->round++;
    (void) pthread_cond_broadcast(&p->go);
    (void) pthread_mutex_unlock(&p->lock);

    fn(ctx, 0, p->workers);

    (void) pthread_mutex_lock(&p->lock);
    while (p->left > 0)
        (void) pthread_cond_wait(&p->idle, &p->lock);
    (void) pthread_mutex_unlock(&p->lock);
}

void tw_pool_share(int64_t n, int worker, int workers, int64_t *begin, int64_t *end)
{
    int64_t each = n / workers, more = n % workers;
    *begin = each * worker + (worker < more ? worker : more);
    *end = *begin + each + (worker < more ? 1 : 0);
}
