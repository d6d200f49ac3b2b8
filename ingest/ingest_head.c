/* The lines of a file's head, which detection looks at. */
#include <string.h>

#include "ingest/internal.h"

bool twi_head_next(const twi_source *s, size_t *at, twi_head_line *out)
{
    while (s->start + *at < s->end) {
        const char *from = s->buf + s->start + *at;
        size_t left = s->end - s->start - *at;
        const char *nl = memchr(from, s->line_end, left);
        size_t len = nl != NULL ? (size_t) (nl - from) : left;
        *at += len + (nl != NULL);
        if (len > 0 && from[len - 1] == '\r')
            len--;
        *out = (twi_head_line){from, len};
        for (size_t i = 0; i < len; i++) {
            if (from[i] != ' ' && from[i] != '\t')
                return true;
        }
    }
    return false;
}

int twi_words(twi_head_line l, bool *numbers)
{
    int n = 0;
    *numbers = true;
    for (size_t i = 0; i < l.len; i++) {
        const bool space = l.s[i] == ' ' || l.s[i] == '\t';
        n += !space && (i == 0 || l.s[i - 1] == ' ' || l.s[i - 1] == '\t');
        *numbers = *numbers && (space || (l.s[i] >= '0' && l.s[i] <= '9'));
    }
    return n;
}
