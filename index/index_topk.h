/* index/index_topk.h — the best k, in the caller's buffer. Internal to index/.
 */
#ifndef TW_INDEX_INDEX_TOPK_H
#define TW_INDEX_INDEX_TOPK_H

#include <stdbool.h>
#include <stdint.h>

#include "index/index.h"

/* A heap with the worst hit at its root. (score, id) orders hits totally, so the result does not
 * depend on the order of pushing. */
typedef struct twi_topk {
    tw_hit *hits;
    int k, n;
} twi_topk;

bool twi_topk_wants(const twi_topk *t, int64_t id, float score);
void twi_topk_push(twi_topk *t, int64_t id, float score); /* only what it wants */
void twi_topk_sort(twi_topk *t);                          /* best first; ends the heap */

#endif
