/* seqmodel/seq_diverse.h — re-ranked lists of an evaluation.
 *
 * Internal to seqmodel/.
 */
#ifndef TW_SEQMODEL_SEQ_DIVERSE_H
#define TW_SEQMODEL_SEQ_DIVERSE_H

#include "seqmodel/rerank.h"
#include "seqmodel/seqmodel.h"

/* Re-ranked lists of an evaluation, with one worker's working memory; tw_free it. */
typedef struct twi_diverse twi_diverse;
enum { TWI_DIVERSE_LIST = 20 };
/* popularity (n_items+1) as of twi_popularity, borrowed. TW_ENOMEM. */
TW_NODISCARD tw_status twi_diverse_create(twi_diverse **out, const tw_seq_model *m,
                                          const tw_seq_rerank_config *cfg,
                                          const tw_real *popularity, tw_error *err);
/* Of the items that are not marked; zeros where fewer are left. */
void twi_diverse_list(twi_diverse *d, int32_t list[TWI_DIVERSE_LIST], const tw_real *scores,
                      const int32_t *mark, int32_t stamp);

#endif
