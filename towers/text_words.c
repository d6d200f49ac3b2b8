/* A text cut into words as BERT's tokenizer does it: cleaned, folded, split. */
#include <string.h>

#include "base/text.h"
#include "towers/text_unicode_tables.h"
#include "towers/text_wordpiece.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool within(const tw_range *table, size_t n, uint32_t cp)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (cp > table[mid].last)
            low = mid + 1;
        else
            high = mid;
    }
    return low < n && cp >= table[low].first;
}

static bool is_space(uint32_t cp)
{
    return cp == ' ' || cp == '\t' || cp == '\n' || cp == '\r' || cp == 0xa0 || cp == 0x1680 ||
           (cp >= 0x2000 && cp <= 0x200a) || cp == 0x2028 || cp == 0x2029 || cp == 0x202f ||
           cp == 0x205f || cp == 0x3000;
}

static bool is_control(uint32_t cp)
{
    if (cp < 0x7f)
        return cp < 0x20 && cp != '\t' && cp != '\n' && cp != '\r';
    return within(CONTROLS, COUNT(CONTROLS), cp);
}

static bool is_punctuation(uint32_t cp)
{
    if (cp < 0x80)
        return (cp >= 33 && cp <= 47) || (cp >= 58 && cp <= 64) || (cp >= 91 && cp <= 96) ||
               (cp >= 123 && cp <= 126);
    return within(PUNCTUATION, COUNT(PUNCTUATION), cp);
}

/* The blocks that BERT's tokenizer lists; kana and Hangul are words like Latin ones. */
static bool is_han(uint32_t cp)
{
    return (cp >= 0x4e00 && cp <= 0x9fff) || (cp >= 0x3400 && cp <= 0x4dbf) ||
           (cp >= 0x20000 && cp <= 0x2a6df) || (cp >= 0x2a700 && cp <= 0x2b73f) ||
           (cp >= 0x2b740 && cp <= 0x2b81f) || (cp >= 0x2b920 && cp <= 0x2ceaf) ||
           (cp >= 0xf900 && cp <= 0xfaff) || (cp >= 0x2f800 && cp <= 0x2fa1f);
}

/* The base letter in lower case. The runs are in order and do not overlap, so only the last that
 * begins at or before cp can hold it. */
static uint32_t fold(uint32_t cp)
{
    size_t low = 0, high = COUNT(FOLDS);
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (FOLDS[mid].first <= cp)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == 0)
        return cp;
    const tw_fold_run *r = &FOLDS[low - 1];
    uint32_t k = (cp - r->first) / r->step;
    return k < r->count && r->first + k * r->step == cp ? r->to + k * r->to_step : cp;
}

/* cp in lower case without accents, into out (3); returns how many. Hangul syllables become their
 * letters by the rule of the Unicode standard, section 3.12. */
static int simplify(uint32_t cp, uint32_t out[3])
{
    out[0] = cp;
    if (cp < 0x80) {
        out[0] = cp >= 'A' && cp <= 'Z' ? cp + 0x20 : cp;
        return 1;
    }
    if (cp >= 0xac00 && cp <= 0xd7a3) {
        uint32_t s = cp - 0xac00;
        out[0] = 0x1100 + s / 588;
        out[1] = 0x1161 + s % 588 / 28;
        out[2] = 0x11a7 + s % 28;
        return s % 28 == 0 ? 2 : 3;
    }
    if (within(MARKS, COUNT(MARKS), cp))
        return 0;
    out[0] = fold(cp);
    return 1;
}

static void append(twi_words *w, uint32_t cp)
{
    if (w->chars++ < TWI_WORD_CHARS_MAX)
        w->n += tw_utf8_put(w->word + w->n, cp);
}

bool twi_words_next(twi_words *w)
{
    w->n = 0;
    w->chars = 0;
    while (w->at < w->len) {
        size_t used;
        uint32_t out[3], cp = tw_utf8_next(w->text + w->at, w->len - w->at, &used);

        if (is_control(cp)) {
            w->at += used; /* as if it were not there: the word goes on */
            continue;
        }
        bool alone = is_han(cp);
        int n = 1;
        out[0] = cp;
        if (w->lower && !alone && !is_space(cp))
            n = simplify(cp, out);
        alone = alone || (n == 1 && is_punctuation(out[0]));
        if (w->chars > 0 && (alone || is_space(cp))) {
            w->at += is_space(cp) ? used : 0; /* a character that stands alone is the next word */
            return true;
        }
        w->at += used;
        if (is_space(cp))
            continue;
        for (int k = 0; k < n; k++)
            append(w, out[k]);
        if (alone)
            return true;
    }
    return w->chars > 0;
}
