/* engine/resolve.h — what a user's word for an item means. Internal to engine/.
 */
#ifndef TW_ENGINE_RESOLVE_H
#define TW_ENGINE_RESOLVE_H

#include <stdint.h>

#include "base/error.h"
#include "engine/engine.h"

/* The row of the item that `name` means: an id, else a title. TW_ENOTFOUND names near ones. Where
 * several items have the title, the first is meant and `also` (TW_ALSO_MAX) gets the ids of the
 * others, else "". also NULL, where an answer has no place for them: then TW_EINVAL, which names
 * all. */
TW_NODISCARD tw_status twi_resolve(tw_engine *e, const char *name, int64_t *row, char *also,
                                   tw_error *err);

#endif
