/* engine/json_text.h — JSON values and text. Internal to engine/.
 */
#ifndef TW_ENGINE_JSON_TEXT_H
#define TW_ENGINE_JSON_TEXT_H

#include "base/error.h"
#include "towers/towers.h"

struct json_t;

/* The value as text; tw_free it. TW_ENOMEM. */
TW_NODISCARD tw_status twi_json_dump(const struct json_t *value, char **out, tw_error *err);

/* The recipe as JSON: a new reference, NULL without memory. */
struct json_t *twi_recipe_json(const tw_tower_recipe *recipe);

#endif
