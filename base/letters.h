/* base/letters.h — letters one by one: which characters stand inside words, and their lower case.
 *
 * The older and simpler of the two case folds. It maps one character to one, so it can be applied
 * while a text is read, and it needs no memory; tw_unicode_fold (base/unicode.h) is the full one
 * and the one to take for anything new. This one stays because towers trained by rules 1 of
 * base/pieces.h have its results in their files: it is part of a stored format and fixed for ever.
 * BERT's tokenizer (towers/text/text_words.c) folds by a third table, which is part of every
 * pretrained vocabulary.
 *
 * Source: Unicode CaseFolding.txt, statuses C and S, of the blocks named below. Thread-safe.
 */
#ifndef TW_BASE_LETTERS_H
#define TW_BASE_LETTERS_H

#include <stdbool.h>
#include <stdint.h>

/* Lower case of ASCII, Latin-1, Latin Extended-A, Greek and Cyrillic; every other code point is
 * itself. One to one: "SS" and sharp s stay different. */
uint32_t tw_letter_fold(uint32_t cp);

/* True for code points that stand inside words: all but ASCII and Latin-1 signs, general and CJK
 * punctuation, and spaces. */
bool tw_letter_is(uint32_t cp);

#endif
