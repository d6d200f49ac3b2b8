/* Characters as BERT's tokenizer reads them: cleaned, folded, and classified. */
#include "base/utf8.h"
#include "towers/text/text_unicode_tables.h"
#include "towers/text/text_wordpiece.h"

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

/* What a table makes of cp. The runs are in order and do not overlap, so only the last that begins
 * at or before cp can hold it. */
static uint32_t fold(const tw_fold_run *table, size_t n, uint32_t cp)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (table[mid].first <= cp)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == 0)
        return cp;
    const tw_fold_run *r = &table[low - 1];
    uint32_t k = (cp - r->first) / r->step;
    return k < r->count && r->first + k * r->step == cp ? r->to + k * r->to_step : cp;
}

/* cp in lower case with its accents, into out; returns how many. */
static int to_lower(uint32_t cp, uint32_t out[TWI_LETTERS_MAX])
{
    const uint32_t capital_i_with_dot = 0x130, dot_above = 0x307;
    out[0] = cp < 0x80 && cp >= 'A' && cp <= 'Z' ? cp + 0x20 : fold(LOWERS, COUNT(LOWERS), cp);
    if (cp != capital_i_with_dot)
        return 1;
    out[0] = 'i';
    out[1] = dot_above;
    return 2;
}

/* cp in lower case without accents, into out; returns how many. Hangul syllables become their
 * letters by the rule of the Unicode standard, section 3.12. */
static int simplify(uint32_t cp, uint32_t out[TWI_LETTERS_MAX])
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
    out[0] = fold(FOLDS, COUNT(FOLDS), cp);
    return 1;
}

int twi_words_read(const twi_words *w, size_t at, size_t *used, uint32_t out[TWI_LETTERS_MAX])
{
    const uint32_t cp = tw_utf8_next(w->text + at, w->len - at, used);
    out[0] = is_space(cp) ? ' ' : cp;
    if (is_control(cp))
        return 0; /* as if it were not there: the word goes on */
    if (!w->cut.lower || is_han(cp) || is_space(cp))
        return 1;
    return w->cut.accents ? to_lower(cp, out) : simplify(cp, out);
}

bool twi_words_stands_alone(const twi_words *w, uint32_t cp)
{
    return is_punctuation(cp) || (!w->cut.han_joined && is_han(cp));
}
