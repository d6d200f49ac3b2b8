/* Text as a JSON string. */
#include "ingest/internal.h"

tw_status twi_json_escape(tw_text *out, const char *s, size_t len, tw_error *err)
{
    tw_status st = tw_text_add(out, "\"", 1, err);
    size_t from = 0;
    for (size_t i = 0; i < len && st == TW_OK; i++) {
        const unsigned char c = (unsigned char) s[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        st = tw_text_add(out, s + from, i - from, err);
        from = i + 1;
        if (st != TW_OK)
            break;
        st = c == '"' || c == '\\' ? tw_text_addf(out, err, "\\%c", c)
             : c == '\n'           ? tw_text_adds(out, "\\n", err)
             : c == '\t'           ? tw_text_adds(out, "\\t", err)
                                   : tw_text_addf(out, err, "\\u%04x", (unsigned) c);
    }
    if (st == TW_OK)
        st = tw_text_add(out, s + from, len - from, err);
    return st == TW_OK ? tw_text_add(out, "\"", 1, err) : st;
}
