/* engine/data/seq_histories.h — the log as the histories of a sequential model. Internal to
 * engine/.
 */
#ifndef TW_ENGINE_DATA_SEQ_HISTORIES_H
#define TW_ENGINE_DATA_SEQ_HISTORIES_H

#include "base/error.h"
#include "engine/data/dataset.h"
#include "seqmodel/seqmodel.h"

/* Events of users and items that the model does not know are left out. tw_seq_data_destroy it.
 * TW_ENOMEM. */
TW_NODISCARD tw_status twi_seq_data(const tw_seq_model *m, const twi_events *log, tw_seq_data **out,
                                    tw_error *err);

#endif
