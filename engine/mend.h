/* engine/mend.h — vectors that the active towers should have given and did not, or that are not
 * what they gave: they are derived, so a writer makes them anew, and a reader does without.
 * Internal to engine/.
 */
#ifndef TW_ENGINE_MEND_H
#define TW_ENGINE_MEND_H

#include "base/error.h"
#include "base/types.h"
#include "engine/generation.h"

/* Embeds what the towers have no vector of, when writing. */
TW_NODISCARD tw_status twi_mend_pending(tw_engine *e, twi_generation *g, tw_progress_fn progress,
                                        void *ctx, tw_error *err);
/* Embeds the items that g->invalid names, when writing, and logs how many there were. */
TW_NODISCARD tw_status twi_mend_invalid(tw_engine *e, twi_generation *g, tw_error *err);

#endif
