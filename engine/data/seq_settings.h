/* engine/data/seq_settings.h — a sequential model's settings, once its data is known. Internal to
 * engine/. */
#ifndef TW_ENGINE_DATA_SEQ_SETTINGS_H
#define TW_ENGINE_DATA_SEQ_SETTINGS_H

#include "base/types.h"
#include "seqmodel/seqmodel.h"

/* tw_seq_config_choose for this data; logs what was chosen as SEQ-SETTINGS, and shows it. */
TW_NODISCARD tw_status twi_seq_settings(tw_seq_config *cfg, const char **preset, const char *json,
                                        const tw_seq_extent *n, tw_progress_fn show, void *ctx,
                                        tw_error *err);

#endif
