/* A text cut into words as BERT's tokenizer does it. */
#include "base/utf8.h"
#include "towers/text/text_added.h"
#include "towers/text/text_wordpiece.h"

static void append(twi_words *w, uint32_t cp)
{
    if (w->chars++ < TWI_WORD_CHARS_MAX)
        w->n += tw_utf8_put(w->word + w->n, cp);
}

bool twi_words_next(twi_words *w)
{
    w->n = 0;
    w->chars = 0;
    w->token = -1;
    while (w->at < w->len) {
        size_t used;
        uint32_t out[TWI_LETTERS_MAX];
        const int32_t token = w->added != NULL ? twi_added_match(w->added, w, &used) : -1;
        if (token >= 0 && w->chars > 0)
            return true; /* it is the next one */
        if (token >= 0) {
            w->at += used;
            w->token = token;
            return true;
        }
        const int n = twi_words_read(w, w->at, &used, out);
        const bool space = n == 1 && out[0] == ' ';
        const bool alone = n == 1 && twi_words_stands_alone(w, out[0]);
        if (w->chars > 0 && (alone || space)) {
            w->at += space ? used : 0; /* a character that stands alone is the next word */
            return true;
        }
        w->at += used;
        for (int k = 0; k < n && !space; k++)
            append(w, out[k]);
        if (alone)
            return true;
    }
    return w->chars > 0;
}
