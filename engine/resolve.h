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
 * all. err NULL saves the search for near names. */
TW_NODISCARD tw_status twi_resolve(tw_engine *e, const char *name, int64_t *row, char *also,
                                   tw_error *err);

/* Appends a name as a JSON string to a list (TW_ALSO_MAX), a long one cut; where it does not fit,
 * the list stays as it is. */
void twi_list_name(char list[TW_ALSO_MAX], const char *name);

#endif
