/* Between JSON values and text. */
#include "engine/json_text.h"

#include <jansson.h>

#include "base/alloc.h"

tw_status twi_json_dump(const json_t *value, char **out, tw_error *err)
{
    const size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(9) | JSON_ENCODE_ANY;
    size_t len = value == NULL ? 0 : json_dumpb(value, NULL, 0, flags);
    *out = len == 0 ? NULL : tw_alloc(len + 1, 1);
    if (*out != NULL && json_dumpb(value, *out, len, flags) == len)
        return TW_OK;
    (void) tw_fail(err, TW_ENOMEM, "JSON text");
    return TW_ENOMEM; /* literally, so that the analyser knows *out was set on TW_OK */
}
