/* base/unicode.h — one way to write each text: canonical composition, and a fold to compare by.
 *
 * The same title can come as different bytes: a file name from macOS has its accents apart, a
 * Japanese export full-width letters, a German one "STRASSE" for "Straße". A text is stored as
 * it was given; what compares, looks up or counts texts passes them through here first.
 *
 *     tw_text key;
 *     tw_text_init(&key, KEY_MAX);
 *     TW_TRY(tw_unicode_fold(&key, title, strlen(title), err));
 *
 * Both append to `out`, whose cap bounds what a hostile text can grow to: by composition a text
 * grows to at most 3 times its bytes, by folding to at most 11 times (one Arabic ligature
 * stands for 18 letters). Every malformed byte becomes U+FFFD, as tw_utf8_next reads it, so any
 * bytes do, and NUL is a character like others. The time is linear, whatever marks are piled up.
 *
 * Source: Unicode Standard Annex 15 (normalisation forms) and section 3.13 of the standard
 * (toNFKC_Casefold), by libutf8proc. For characters that Unicode has assigned the results are the
 * same in all its versions; a letter of a future version stays as it is.
 */
#ifndef TW_BASE_UNICODE_H
#define TW_BASE_UNICODE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

/* Appends s in canonical composition (NFC): "e" and a combining acute become "é", the letters of a
 * Hangul syllable the syllable. Looks the same, is the same text.
 *
 * TW_EINVAL: over the cap of out. TW_ENOMEM. On failure out is as it was. Thread-safe. */
TW_NODISCARD tw_status tw_unicode_nfc(tw_text *out, const char *s, size_t len, tw_error *err);

/* Appends what s is compared by (NFKC_Casefold): composed, compatible forms made one (full-width
 * letters are ASCII, "①" is "1", "ﬁ" is "fi"), full case folding ("Straße", "STRASSE" and "strasse"
 * are one, final sigma is a sigma), and without what no reader sees (soft hyphens, joiners,
 * variation selectors). Accents stay: "resume" and "résumé" differ. No language is assumed, so a
 * Turkish dotted capital I is an i with a dot above. Folding twice changes nothing more. A text of
 * nothing but invisible characters becomes empty.
 *
 * TW_EINVAL: over the cap of out. TW_ENOMEM. On failure out is as it was. Thread-safe. */
TW_NODISCARD tw_status tw_unicode_fold(tw_text *out, const char *s, size_t len, tw_error *err);

/* What a character is where a text is cut into words. */
typedef enum tw_unicode_kind {
    TW_UNICODE_OTHER = 0,  /* blanks, punctuation, controls, what is not to be seen */
    TW_UNICODE_LETTER = 1, /* letters and digits; also what is private or not assigned yet */
    TW_UNICODE_MARK = 2,   /* belongs to the character before: accents, vowel signs */
    TW_UNICODE_FRAME = 3,  /* a mark drawn around the character before, as in keycaps */
    TW_UNICODE_SIGN = 4,   /* symbols and emoji */
} tw_unicode_kind;

/* cp: any code point. Those that a later Unicode assigns change from letters to what they are. */
tw_unicode_kind tw_unicode_kind_of(uint32_t cp);

#endif
