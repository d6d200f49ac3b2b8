/* tests/support/rank.h — the figures of vectors in one call. */
#ifndef TW_TESTS_SUPPORT_RANK_H
#define TW_TESTS_SUPPORT_RANK_H

#include "metrics/ranking.h"
#include "tests/support/test.h"

/* Of unit rows vecs (n, dim), at the first k, on pool (NULL: this thread). */
static inline tw_ranking rank_vectors(const float *vecs, int64_t n, int dim, int k,
                                      const tw_retrieval_task *task, tw_pool *pool)
{
    tw_ranking r;
    tw_ranked lists;
    tw_dense *dense;
    assert_ok(tw_dense_create(&dense, vecs, vecs, n, dim, TW_NEAR_INNER,
                              pool != NULL ? tw_pool_size(pool) : 1, err));
    assert_ok(tw_rank_pairs(&lists, n, k, task, tw_dense_score, dense, pool, err));
    assert_ok(tw_ranking_measure(&r, &lists, k, err));
    tw_ranked_fini(&lists);
    tw_dense_destroy(dense);
    return r;
}

#endif
