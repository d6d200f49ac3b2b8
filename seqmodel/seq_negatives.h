/* seqmodel/seq_negatives.h — candidates that all rows of a step share: sampled softmax, gBCE, and
 * the full softmax over gathered items.
 *
 * Internal to seqmodel/.
 */
#ifndef TW_SEQMODEL_SEQ_NEGATIVES_H
#define TW_SEQMODEL_SEQ_NEGATIVES_H

#include "base/rng.h"
#include "seqmodel/seq_batch.h"

/* What candidates are drawn from. */
typedef struct twi_proposal {
    int32_t n_items;
    double *upto; /* (n_items+1) share of the draws that fall on items 1..i; NULL: uniform */
} twi_proposal;

/* By count^cfg->negative_power over the train parts. TW_ENOMEM. */
TW_NODISCARD tw_status twi_proposal_init(twi_proposal *p, const tw_seq_config *cfg,
                                         const tw_seq_data *data, tw_error *err);
void twi_proposal_fini(twi_proposal *p);

/* True where the loss reads b->unique. */
bool twi_has_candidates(const tw_seq_config *cfg);

/* Fills unique, candidates, log_weight from rng, and turns targets from items into rows of unique.
 *
 *   place (n_items+1)  scratch, all zero before and after */
void twi_batch_collect(twi_batch *b, const tw_seq_config *cfg, const twi_proposal *p, tw_rng *rng,
                       int32_t *place);

#endif
