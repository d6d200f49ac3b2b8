/* engine/eval/eval_seq.h — the sequential model beside its baselines, as JSON. Internal to engine/.
 */
#ifndef TW_ENGINE_EVAL_EVAL_SEQ_H
#define TW_ENGINE_EVAL_EVAL_SEQ_H

#include "base/error.h"
#include "seqmodel/seqmodel.h"

struct json_t;

/* The model to known and to unknown users, and popularity: {"name", "seq", "as_unknown_user",
 * "popularity"}. */
TW_NODISCARD tw_status twi_eval_seq(const tw_seq_model *m, const tw_seq_data *data,
                                    const tw_seq_eval_config *cfg, struct json_t **out,
                                    tw_error *err);
/* What the literature calls this member of the family: "SSE-PT". Static. */
const char *twi_seq_name(const tw_seq_config *cfg);
TW_NODISCARD tw_status twi_metrics_json(const tw_seq_metrics *m, struct json_t **out,
                                        tw_error *err);

#endif
