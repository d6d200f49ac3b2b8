/* engine/json_text.h — JSON values and text. Internal to engine/.
 */
#ifndef TW_ENGINE_JSON_TEXT_H
#define TW_ENGINE_JSON_TEXT_H

#include "base/error.h"

struct json_t;

/* The value as text; tw_free it. TW_ENOMEM. */
TW_NODISCARD tw_status twi_json_dump(const struct json_t *value, char **out, tw_error *err);

#endif
