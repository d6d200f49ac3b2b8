/* seqmodel/seq_session.h — what a session holds between queries.
 *
 * Internal to seqmodel/.
 */
#ifndef TW_SEQMODEL_SEQ_SESSION_H
#define TW_SEQMODEL_SEQ_SESSION_H

#include "seqmodel/seq_batch.h"
#include "seqmodel/seq_model.h"

struct tw_seq_session {
    const tw_seq_model *m;    /* borrowed */
    tw_tape *tape;            /* inference only */
    twi_batch batch;          /* of one sequence */
    int32_t *known;           /* (max_len) the history without unknown items, filled from its end; 0
                                 where the item has features alone */
    const tw_real **features; /* (max_len) that features, borrowed for one query; NULL elsewhere */
};

#endif
