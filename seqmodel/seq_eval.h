/* seqmodel/seq_eval.h — evaluation inside a training, and of a baseline with constants of one's
 * own.
 *
 * Internal to seqmodel/.
 */
#ifndef TW_SEQMODEL_SEQ_EVAL_H
#define TW_SEQMODEL_SEQ_EVAL_H

#include "base/pool.h"
#include "seqmodel/seq_baseline.h"
#include "seqmodel/seqmodel.h"

/* TW_EINVAL: settings that do not go together, or with the data. m NULL: of a baseline. */
TW_NODISCARD tw_status twi_eval_check(const tw_seq_model *m, const tw_seq_data *data,
                                      const tw_seq_eval_config *cfg, tw_error *err);

/* tw_seq_eval on a pool that exists. */
TW_NODISCARD tw_status twi_eval(const tw_seq_model *m, const tw_seq_data *data,
                                const tw_seq_eval_config *cfg, tw_pool *pool, tw_seq_metrics *out,
                                tw_error *err);

/* tw_seq_eval_baseline with other constants than the default. */
TW_NODISCARD tw_status twi_eval_baseline(tw_seq_baseline kind, const twi_baseline_config *constants,
                                         const tw_seq_data *data, const tw_seq_eval_config *cfg,
                                         tw_seq_metrics *out, tw_error *err);

#endif
