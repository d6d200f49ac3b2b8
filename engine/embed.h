/* engine/embed.h — the vectors of a catalogue that towers have not embedded yet. Internal to
 * engine/.
 */
#ifndef TW_ENGINE_EMBED_H
#define TW_ENGINE_EMBED_H

#include "base/error.h"
#include "base/types.h"
#include "engine/engine.h"
#include "towers/towers.h"

/* Embeds the items of which the store has no vector of this version of the towers, or one of an
 * older state of the item, in transactions of a thousand; the same call after a kill goes on.
 *
 *   progress  may be NULL; it may stop it: TW_ECANCELLED
 *
 * TW_ENOMEM, and what the store returns. */
TW_NODISCARD tw_status twi_embed_pending(tw_engine *e, int towers_version, const tw_tower *tower,
                                         tw_progress_fn progress, void *ctx, tw_error *err);

#endif
