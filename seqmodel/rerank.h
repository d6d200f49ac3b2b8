/* seqmodel/rerank.h — diverse lists: the best k of a pool of candidates, less alike and less
 * popular.
 *
 * A list of what fits best is often five of a kind, and what everybody knows. Given more candidates
 * than are wanted, this picks among them. Pure, without allocation: serving and evaluation share
 * it.
 */
#ifndef TW_SEQMODEL_RERANK_H
#define TW_SEQMODEL_RERANK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/decls.h"
#include "base/error.h"
#include "base/real.h"

TW_BEGIN_DECLS

#define TW_SEQ_MAX_DISCOUNT 10

typedef struct tw_seq_rerank_config {
    double diversity;           /* w in 0..1: weight of unlikeness to what was picked before */
    double popularity_discount; /* p in 0..TW_SEQ_MAX_DISCOUNT: logit - p * log(1 + count) */
} tw_seq_rerank_config;

/* Candidates of one list. */
typedef struct tw_seq_pool {
    int n;
    const tw_real *scores; /* (n) inner products with the query, finite */
    const int64_t *counts; /* (n) events of each; NULL where there is no discount */
    const tw_real *const
        *vectors; /* (n) of dim numbers each, as in tw_seq_item_vectors(); NULL,
                     all or one: like nothing. Unread where there is no diversity */
    int dim;
    double temperature; /* > 0: score / temperature is a logit */
} tw_seq_pool;

/* TW_EINVAL: "diversity 1.5 is outside 0..1". */
TW_NODISCARD tw_status tw_seq_rerank_check(const tw_seq_rerank_config *cfg, tw_error *err);
bool tw_seq_rerank_active(const tw_seq_rerank_config *cfg); /* false: it would change nothing */

#define TW_SEQ_RERANK_SCRATCH 3 /* doubles a candidate */

/* Picks the list, best first, and returns how many: the less of k and pool->n.
 *
 *   order (k)        positions in the pool; filled
 *   scratch (3 * n)  working memory
 *
 * With w = p = 0 this is the order of scores, ties in the order given. A shorter list is the head
 * of a longer one from the same pool. O(k * n * dim). Any thread. Sources: Carbonell and Goldstein
 * 1998 (MMR); Menon et al. 2021 (the discount's form). */
int tw_seq_rerank(int *order, const tw_seq_rerank_config *cfg, const tw_seq_pool *pool, int k,
                  double *scratch);

TW_END_DECLS

#endif
