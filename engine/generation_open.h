/* engine/generation_open.h — from a version's files to a generation. Internal to engine/.
 */
#ifndef TW_ENGINE_GENERATION_OPEN_H
#define TW_ENGINE_GENERATION_OPEN_H

#include <stdint.h>

#include "base/error.h"
#include "base/types.h"
#include "engine/generation.h"

/* Opens models/NNNN and its indexes, from snapshots where they are good. A part whose file cannot
 * be used is left out and reported in the log and in *_problem. A writer embeds the items that the
 * towers have no vector of. *since: the sequence number up to which the indexes certainly are. */
TW_NODISCARD tw_status twi_generation_load(tw_engine *e, int version, twi_model_parts parts,
                                           tw_progress_fn progress, void *ctx, twi_generation **out,
                                           int64_t *since, tw_error *err);

#endif
