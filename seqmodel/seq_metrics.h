/* seqmodel/seq_metrics.h — ranks into figures.
 *
 * Internal to seqmodel/.
 */
#ifndef TW_SEQMODEL_SEQ_METRICS_H
#define TW_SEQMODEL_SEQ_METRICS_H

#include "seqmodel/seqmodel.h"

/* What one user's target met. */
typedef struct twi_rank {
    int64_t above;       /* competitors whose score is not below the target's */
    int64_t competitors; /* the target not counted */
    bool repeat;         /* the target was met before */
    bool missed;         /* and can therefore not be given: a miss at any cut */
} twi_rank;

/* Means over n >= 1 users, summed in the order given. Lists are left unmeasured. */
void twi_metrics(tw_seq_metrics *out, const twi_rank *ranks, int64_t n);

#endif
