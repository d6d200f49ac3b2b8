/* index/index_scan.h — exact search over a view, and the choice between graph and scan. Internal to
 * index/.
 */
#ifndef TW_INDEX_INDEX_SCAN_H
#define TW_INDEX_INDEX_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "index/index_rules.h"
#include "index/index_state.h"
#include "index/index_topk.h"

/* Offers the rows behind a node, which all have this score, and returns whether any of them passes
 * the rules. Costs what passes and is wanted, and the rows before that which do not pass. */
bool twi_offer_node(twi_view v, const twi_rules *r, int64_t node, float score, twi_topk *top);
/* Every row of main, or of delta, that the view and the rules let pass, for n queries (n, dim). */
void twi_scan_main(const tw_index *ix, twi_view v, const twi_rules *r, const float *q, int n,
                   twi_topk *tops);
void twi_scan_delta(const tw_index *ix, twi_view v, const twi_rules *r, const float *q, int n,
                    twi_topk *tops);
/* The same over main and delta at once, by walking the allow bitmap. */
void twi_scan_allowed(const tw_index *ix, twi_view v, const twi_rules *r, const float *q, int n,
                      twi_topk *tops);
/* Whichever of the above is due. */
void twi_scan_all(const tw_index *ix, twi_view v, const twi_rules *r, const float *q, int n,
                  twi_topk *tops);

/* tw_index_search_batch on a view, which need not be of ix's own state. */
TW_NODISCARD tw_status twi_search_view(const tw_index *ix, twi_view v, const float *queries, int n,
                                       int k, const tw_index_options *opt, tw_hit *hits,
                                       int *n_hits, tw_error *err);

#endif
