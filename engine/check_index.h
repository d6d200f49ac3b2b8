/* engine/check_index.h — whether stored vectors and index snapshots are what they should be.
 * Internal to engine/.
 */
#ifndef TW_ENGINE_CHECK_INDEX_H
#define TW_ENGINE_CHECK_INDEX_H

#include "base/error.h"
#include "engine/findings.h"
#include "engine/generation.h"

/* Compares the stored vectors of the towers of g, and the snapshots on disk, with each other. g has
 * the models that could be opened, and no index.
 * TW_ENOMEM, and what the store returns; damage is a finding. */
TW_NODISCARD tw_status twi_check_indexes(tw_engine *e, twi_generation *g, twi_findings *f,
                                         tw_error *err);

#endif
