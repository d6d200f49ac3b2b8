/* Rules instead of a table of 1,400 rows: the blocks below hold nearly all letters with two cases
 * that a catalogue in a European language has. */
#include "base/letters.h"

/* In most of Latin Extended-A and Cyrillic upper and lower case alternate. */
static uint32_t pair_from_even(uint32_t cp) { return cp | 1; }
static uint32_t pair_from_odd(uint32_t cp) { return cp + (cp & 1); }

static uint32_t fold_latin_a(uint32_t cp)
{
    if (cp == 0x130)
        return 'i'; /* I with dot: the language is not known, so as in English */
    if (cp == 0x131 || cp == 0x138 || cp == 0x149)
        return cp; /* lower case without a partner here */
    if (cp == 0x178)
        return 0xff;
    if (cp == 0x17f)
        return 's'; /* long s */
    if ((cp >= 0x139 && cp <= 0x148) || cp >= 0x179)
        return pair_from_odd(cp);
    return pair_from_even(cp);
}

static uint32_t fold_greek(uint32_t cp)
{
    if (cp >= 0x391 && cp <= 0x3ab && cp != 0x3a2)
        return cp + 0x20;
    if (cp == 0x386)
        return 0x3ac;
    if (cp >= 0x388 && cp <= 0x38a)
        return cp + 0x25;
    if (cp == 0x38c)
        return 0x3cc;
    if (cp == 0x38e || cp == 0x38f)
        return cp + 0x3f;
    return cp == 0x3c2 ? 0x3c3 : cp; /* final sigma */
}

static uint32_t fold_cyrillic(uint32_t cp)
{
    if (cp <= 0x40f)
        return cp + 0x50;
    if (cp <= 0x42f)
        return cp + 0x20;
    if (cp <= 0x45f || (cp >= 0x482 && cp <= 0x489))
        return cp;
    if (cp == 0x4c0)
        return 0x4cf;
    if (cp >= 0x4c1 && cp <= 0x4ce)
        return pair_from_odd(cp);
    return cp == 0x4cf ? cp : pair_from_even(cp);
}

uint32_t tw_letter_fold(uint32_t cp)
{
    if (cp < 0x80)
        return cp >= 'A' && cp <= 'Z' ? cp + 0x20 : cp;
    if (cp < 0x100)
        return cp >= 0xc0 && cp <= 0xde && cp != 0xd7 ? cp + 0x20 : cp == 0xb5 ? 0x3bc : cp;
    if (cp < 0x180)
        return fold_latin_a(cp);
    if (cp >= 0x370 && cp < 0x400)
        return fold_greek(cp);
    if (cp >= 0x400 && cp < 0x530)
        return fold_cyrillic(cp);
    return cp;
}

bool tw_letter_is(uint32_t cp)
{
    if (cp < 0x80)
        return (cp >= '0' && cp <= '9') || (cp >= 'A' && cp <= 'Z') || (cp >= 'a' && cp <= 'z');
    if (cp < 0xc0)
        return cp == 0xaa || cp == 0xb5 || cp == 0xba;
    if (cp == 0xd7 || cp == 0xf7)
        return false;
    return !(cp == 0x1680 || (cp >= 0x2000 && cp <= 0x206f) || (cp >= 0x3000 && cp <= 0x3003) ||
             (cp >= 0x3008 && cp <= 0x3020) || cp == 0x3030 || (cp >= 0xff01 && cp <= 0xff0f) ||
             (cp >= 0xff1a && cp <= 0xff20) || cp == 0xfeff);
}
