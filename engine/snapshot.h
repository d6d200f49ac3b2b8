/* engine/snapshot.h — index snapshots on disk. Internal to engine/.
 */
#ifndef TW_ENGINE_SNAPSHOT_H
#define TW_ENGINE_SNAPSHOT_H

#include "base/error.h"
#include "base/file.h"
#include "engine/generation.h"
#include "index/index.h"

#define TWI_OF_OTHER_MODELS "of other models"

TW_NODISCARD tw_status twi_index_path(tw_engine *e, const char *kind, int version,
                                      char out[TW_PATH_MAX], tw_error *err);

/* *why: NULL where a snapshot with this tag is of these models, and one that the store has seen
 * written: not one of a later state than that of a store which was put back from a copy, nor of
 * another store. Otherwise in a few words; static. */
TW_NODISCARD tw_status twi_snapshot_unfit(tw_engine *e, const twi_generation *g, const char *kind,
                                          int version, const char *tag, const char **why,
                                          tw_error *err);

/* Saves what is newer than its snapshot. A failure is logged, too. */
TW_NODISCARD tw_status twi_snapshot(tw_engine *e, tw_error *err);

#endif
