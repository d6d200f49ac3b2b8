/* Values of a file, made fit for a sentence. */
#include <string.h>

#include "base/utf8.h"
#include "ingest/internal.h"

const char *twi_quote(char out[TWI_QUOTE_MAX], const char *s, size_t len)
{
    const size_t most = TWI_QUOTE_MAX - 6; /* two quotes, three dots, NUL */
    size_t n = 0;
    out[n++] = '\'';
    for (size_t i = 0; i < len;) {
        size_t used;
        uint32_t cp = tw_utf8_next(s + i, len - i, &used);
        bool good = cp >= 0x20 && cp != 0x7f && !(cp == 0xfffd && used == 1);
        if (n + used > most) {
            memcpy(out + n, "...", 3);
            n += 3;
            break;
        }
        if (good)
            memcpy(out + n, s + i, used);
        else
            out[n] = cp == '\t' ? ' ' : '?';
        n += good ? used : 1;
        i += used;
    }
    out[n++] = '\'';
    out[n] = '\0';
    return out;
}
