/* base/pool.h — the one owner of parallelism in training: a fixed set of
 * worker threads that all run the same function on their own slice.
 *
 *     tw_pool_run(pool, embed_slice, &job);   // embed_slice(&job, 0..n-1, n)
 *
 * Worker 0 is the calling thread. With one worker no thread is started.
 */
#ifndef TW_BASE_POOL_H
#define TW_BASE_POOL_H

#include <stdint.h>

#include "base/decls.h"
#include "base/error.h"

TW_BEGIN_DECLS

#define TW_POOL_MAX 64

typedef struct tw_pool tw_pool;

/* workers: 1..TW_POOL_MAX, or 0 for one per usable core. */
TW_NODISCARD tw_status tw_pool_create(tw_pool **out, int workers, tw_error *err);
void tw_pool_destroy(tw_pool *p); /* accepts NULL; no run may be going on */

int tw_pool_size(const tw_pool *p);

/* Calls fn(ctx, worker, workers) once on every worker and returns when all have returned. One run
 * at a time per pool. */
void tw_pool_run(tw_pool *p, void (*fn)(void *ctx, int worker, int workers), void *ctx);

/* The half-open share of [0, n) that belongs to `worker`: shares differ in size by at most 1. */
void tw_pool_share(int64_t n, int worker, int workers, int64_t *begin, int64_t *end);

TW_END_DECLS

#endif
