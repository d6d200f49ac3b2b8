/* base/json.h — JSON values as text, with numbers as short as they were written.
 *
 * jansson writes a real with seventeen digits, so that 4.8 comes back as 4.7999999999999998. Here a
 * number has the fewest digits that read back as the same double.
 */
#ifndef TW_BASE_JSON_H
#define TW_BASE_JSON_H

#include "base/error.h"
#include "base/text.h"

struct json_t;

/* Appends the value without spaces. Numbers deeper than a list in an object have jansson's digits.
 * TW_ENOMEM; TW_EINVAL: over the text's cap, and part of it may be there. */
TW_NODISCARD tw_status tw_text_add_json(tw_text *t, struct json_t *value, tw_error *err);

#endif
