/* engine/directory.h — the files of a data directory: its store, its lock, its folders. Internal to
 * engine/.
 */
#ifndef TW_ENGINE_DIRECTORY_H
#define TW_ENGINE_DIRECTORY_H

#include "base/error.h"
#include "engine/engine.h"
#include "store/store.h"

/* Opens the folder e->dir, so that it stays the same one whatever its name means later. */
TW_NODISCARD tw_status twi_directory_open(tw_engine *e, tw_error *err);

/* Opens DIR/twindex.db. Statuses as of tw_store_open; the sentence names the way out. */
TW_NODISCARD tw_status twi_store_open(tw_store **out, const char *dir, tw_store_mode mode,
                                      tw_error *err);

/* TW_EBUSY: another process writes the directory; the message names its process id. */
TW_NODISCARD tw_status twi_directory_lock(tw_engine *e, tw_error *err);

/* Makes the derived folders that are missing. */
TW_NODISCARD tw_status twi_directory_folders(const tw_engine *e, tw_error *err);

#endif
