/* seqmodel/seq_lists.h — a user's list of the best items, and what many such lists are like.
 *
 * Internal to seqmodel/.
 */
#ifndef TW_SEQMODEL_SEQ_LISTS_H
#define TW_SEQMODEL_SEQ_LISTS_H

#include "base/pool.h"
#include "base/real.h"
#include "seqmodel/seqmodel.h"

typedef struct twi_hit {
    tw_real score;
    int32_t item;
} twi_hit;

/* Keeps the k best of what is added, best first; among equals the smaller item is the better one. A
 * score that is not a number is never kept. *n is how many there are. */
void twi_hit_add(twi_hit *best, int *n, int k, tw_real score, int32_t item);

/* A user's list: the k best items by scores (n_items+1) that are not marked. Fills top (k), best
 * first, with 0 behind the last. A re-ranking of lists belongs between this and its caller. */
int twi_top_hits(twi_hit *best, int k, const tw_real *scores, int32_t n_items, const int32_t *mark,
                 int32_t stamp); /* best first; returns how many */
void twi_top_list(int32_t *top, int k, const tw_real *scores, int32_t n_items, const int32_t *mark,
                  int32_t stamp);

/* Measures lists (n, TW_SEQ_TOP), each with 0 behind its last item. TW_ENOMEM. */
TW_NODISCARD tw_status twi_measure_lists(tw_seq_list_metrics *out, const int32_t *lists, int64_t n,
                                         const tw_seq_data *train, tw_pool *pool, tw_error *err);

#endif
